"""Why a card was not charged, in the words of the merchants' wire.

From the reason that a payment carries, then from its response code (ISO 8583:1987, DE 39). What a
fraudster could learn from (a stolen card) is said as the issuer said it: a laboratory hides
nothing. Knows no HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.payments.machine import State
from backend.payments.records import Payment

CARD_DECLINED = "card_declined"


@dataclass(frozen=True, slots=True)
class Decline:
    """A refusal.

    Attributes:
        code: the error's code.
        decline_code: the issuer's reason; None where the card was not asked.
        message: for people.
    """

    code: str
    decline_code: str | None
    message: str

    def to_json(self) -> dict[str, object]:
        """The `last_payment_error` of an intent."""
        told = {"decline_code": self.decline_code} if self.decline_code else {}
        return {"type": "card_error", "code": self.code, **told, "message": self.message}


_GENERIC = Decline(CARD_DECLINED, "generic_decline", "Your card was declined.")
_NO_ANSWER = Decline(
    "processing_error", "processing_error", "The card's bank gave no answer; nothing is charged."
)
_OF_REASON = {
    "insufficient_funds": Decline(
        CARD_DECLINED, "insufficient_funds", "Your card has insufficient funds."
    ),
    "expired_card": Decline("expired_card", "expired_card", "Your card has expired."),
    "incorrect_cvc": Decline(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    "authentication_required": Decline(
        "authentication_required", "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
    "processing_error": Decline(
        "processing_error", "processing_error", "An error occurred while processing your card."
    ),
    "stolen_card": Decline(CARD_DECLINED, "stolen_card", "Your card was declined."),
    "lost_card": Decline(CARD_DECLINED, "lost_card", "Your card was declined."),
    "do_not_honor": Decline(CARD_DECLINED, "generic_decline", "Your card was declined."),
    "invalid_card_number": Decline(
        "incorrect_number", "incorrect_number", "Your card number is incorrect."
    ),
    "breaker_open": Decline(
        "processing_error", "issuer_not_available", "The card's network cannot be reached now."
    ),
    "network_unavailable": Decline(
        "processing_error", "issuer_not_available", "The card's network cannot be reached now."
    ),
}  # fmt: skip
_OF_CODE = {
    "14": _OF_REASON["invalid_card_number"],
    "41": _OF_REASON["lost_card"],
    "43": _OF_REASON["stolen_card"],
    "51": _OF_REASON["insufficient_funds"],
    "54": _OF_REASON["expired_card"],
    "61": Decline(
        CARD_DECLINED, "withdrawal_count_limit_exceeded", "Your card's limit is exceeded."
    ),
    "62": Decline(CARD_DECLINED, "restricted_card", "Your card was declined."),
    "65": _OF_REASON["authentication_required"],
    "82": _OF_REASON["incorrect_cvc"],
    "91": Decline(CARD_DECLINED, "issuer_not_available", "The card's bank cannot be reached."),
    "96": _OF_REASON["processing_error"],
}


def decline_of(payment: Payment) -> Decline | None:
    """Why a payment did not come about; None for one that did or still may."""
    if payment.voided_at_us is not None:
        return None
    match payment.state:
        case State.REVERSING | State.REVERSED:
            return _NO_ANSWER
        case State.DECLINED | State.NOT_SENT:
            by_reason = _OF_REASON.get(payment.reason or "")
            return by_reason or _OF_CODE.get(payment.response_code or "", _GENERIC)
        case _:
            return None
