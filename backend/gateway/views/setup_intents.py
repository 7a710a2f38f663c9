"""A setup intent as its object."""

from __future__ import annotations

from backend.gateway.objects import Kept
from backend.gateway.views.moments import seconds


def setup_intent_json(kept: Kept) -> dict[str, object]:
    """A setup intent."""
    data = kept.data
    return {
        "id": kept.id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": data.get("cancellation_reason"),
        "client_secret": f"{kept.id}_secret_{data['secret']}",
        "created": seconds(kept.created_at_us),
        "customer": kept.customer_id,
        "description": data.get("description"),
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": kept.metadata(),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": data.get("payment_method"),
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": kept.state,
        "usage": data["usage"],
    }
