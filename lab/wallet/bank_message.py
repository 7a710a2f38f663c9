"""What a bank's message about a payment says on the device that paid. Knows no screen."""

from __future__ import annotations

from lab.amounts import format_amount
from lab.beliefs import Beliefs
from lab.engine_shapes import PaymentRecord
from lab.words import Message, message

BANK_TELLS = {
    "approved": "good",
    "declined": "bad",
    "not_sent": "bad",
    "reversed": "neutral",
    "refunded": "good",
}
"""What a bank sends a message about, and whether that is good news."""


def bank_message(record: PaymentRecord, amount_text: str, beliefs: Beliefs) -> Message | None:
    """The message about a payment; None where it is no news to who carries the device.

    Args:
        record: of a payment with one of the device's cards.
        amount_text: of it.
        beliefs: what the device has shown of it: what was wiped away does not come back.
    """
    if record.told not in BANK_TELLS:
        return None
    back_minor = record.refunded_minor
    fresh = beliefs.showed(
        record.told, tap_id=record.tap_id, payment_id=record.id, times=back_minor
    )
    if not fresh:
        return None
    return message(
        f"wallet.bank.{record.told}",
        BANK_TELLS[record.told],
        amount=amount_text,
        merchant=record.merchant_name,
        back=format_amount(back_minor, record.currency),
    )
