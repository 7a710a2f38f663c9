"""What the merchant's desk says under `/api`: refunds, captures and voids as JSON, and one refusal.

Knows no rule.
"""

from __future__ import annotations

import orjson

from backend.gateway.records import Refund
from backend.payments.idempotency import Reply
from backend.payments.records import Payment
from backend.runtime.errors import Conflict

STATUS_OK = 200


def refund_json(refund: Refund, payment: Payment) -> dict[str, object]:
    """A refund as `/api` shows it."""
    return {
        "refundId": refund.id,
        "transactionId": payment.id,
        "status": refund.state.value,
        "amount": refund.amount_minor,
        "currency": payment.currency,
        "reason": refund.reason,
        "failure": refund.failure,
        "amountRefunded": payment.refunded_minor,
        "amountCaptured": payment.captured_minor,
    }


def reply_of(payment: Payment, status: str) -> Reply:
    """What an order after the sale is answered."""
    body = {
        "transactionId": payment.id,
        "status": status,
        "amount": payment.captured_minor or payment.amount_minor,
        "currency": payment.currency,
        "fee": payment.fee_minor,
    }
    return Reply(STATUS_OK, orjson.dumps(body), replayed=False)


def not_approved(payment: Payment) -> Conflict:
    """The refusal for a payment that is not in the merchant's hands."""
    voided = payment.voided_at_us is not None
    return Conflict(
        "not_approved", f"this payment is {'voided' if voided else payment.state.value}"
    )
