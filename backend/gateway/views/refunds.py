"""A refund as its object (C29: pending, then succeeded or failed)."""

from __future__ import annotations

from backend.gateway.objects import Kept
from backend.gateway.records import Refund
from backend.gateway.views.charges import charge_id, intent_id_of
from backend.gateway.views.moments import seconds
from backend.payments.records import Payment

REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def refund_view(
    refund: Refund, payment: Payment, note: Kept | None, balance_transaction: str | None = None
) -> dict[str, object]:
    """A refund; a till's own words for its reason are no word of the wire."""
    return {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount_minor,
        "balance_transaction": balance_transaction,
        "charge": charge_id(payment.id),
        "created": seconds(refund.created_at_us),
        "currency": payment.currency.lower(),
        "destination_details": {"type": "card", "card": {"type": "refund"}},
        "failure_reason": refund.failure,
        "metadata": note.metadata() if note else {},
        "payment_intent": intent_id_of(payment),
        "reason": refund.reason if refund.reason in REASONS else None,
        "receipt_number": None,
        "status": refund.state.value,
        "transfer_reversal": None,
    }
