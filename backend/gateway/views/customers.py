"""A customer as its object."""

from __future__ import annotations

from backend.gateway.objects import Kept
from backend.gateway.views.moments import seconds

DELETED = "deleted"


def customer_json(kept: Kept) -> dict[str, object]:
    """A customer; one that was deleted says only that."""
    if kept.state == DELETED:
        return {"id": kept.id, "object": "customer", "deleted": True}
    data = kept.data
    return {
        "id": kept.id,
        "object": "customer",
        "address": data.get("address"),
        "balance": 0,
        "created": seconds(kept.created_at_us),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": data.get("description"),
        "email": data.get("email"),
        "invoice_settings": {"default_payment_method": data.get("default_payment_method")},
        "livemode": False,
        "metadata": kept.metadata(),
        "name": data.get("name"),
        "phone": data.get("phone"),
        "shipping": data.get("shipping"),
    }
