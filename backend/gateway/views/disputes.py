"""A dispute as its object on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from backend.gateway.balance_transactions import BalanceTransaction
from backend.gateway.dispute_machine import DisputeState
from backend.gateway.dispute_records import Dispute
from backend.gateway.views.balances import balance_transaction_json
from backend.gateway.views.charges import charge_id, intent_id_of
from backend.gateway.views.moments import seconds
from backend.payments.records import Payment

WIRE_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
"""What the wire's clients know; the evidence of a dispute always names all of it."""


def dispute_json(
    dispute: Dispute, payment: Payment, lines: Sequence[BalanceTransaction], now_us: int
) -> dict[str, object]:
    """A dispute.

    Args:
        dispute: to be shown.
        payment: what it is about.
        lines: what it took from the merchant's balance, and gave back.
        now_us: lab time, for whether the deadline has passed.
    """
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount_minor,
        "balance_transactions": [balance_transaction_json(line) for line in lines],
        "charge": charge_id(payment.id),
        "created": seconds(dispute.created_at_us),
        "currency": dispute.currency.lower(),
        "evidence": {name: dispute.evidence.get(name) for name in WIRE_EVIDENCE},
        "evidence_details": {
            "due_by": seconds(dispute.evidence_due_at_us),
            "has_evidence": bool(dispute.evidence),
            "past_due": dispute.submitted_at_us is None and now_us >= dispute.evidence_due_at_us,
            "submission_count": 0 if dispute.submitted_at_us is None else 1,
        },
        "is_charge_refundable": dispute.state is DisputeState.WON,
        "livemode": False,
        "metadata": dict(dispute.metadata),
        "network_reason_code": None,
        "payment_intent": intent_id_of(payment),
        "payment_method_details": {
            "type": "card",
            "card": {"brand": payment.network, "network_reason_code": None},
        },
        "reason": dispute.reason,
        "status": dispute.state.value,
    }
