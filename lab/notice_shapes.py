"""What a bank or a shop wrote to a person, as `/api/notices` tells it. Knows no flow."""

from __future__ import annotations

from dataclasses import dataclass

from lab.json_fields import Json, text, whole


@dataclass(frozen=True, slots=True)
class LetterRecord:
    """One message.

    Attributes:
        sender: "bank" or "shop".
        kind: `payment_made`, `receipt`, `card_stopped` …
        amount_minor: minor units of `currency`; 0 about a card.
        sent_at_us: lab time.
    """

    id: str
    sender: str
    sender_name: str
    kind: str
    sent_at_us: int
    last4: str
    payment_id: str
    amount_minor: int
    currency: str
    merchant_name: str
    reason: str

    @staticmethod
    def from_json(body: Json) -> LetterRecord:
        """Read one entry; raises ValueError when it is none."""
        return LetterRecord(
            id=text(body, "id"),
            sender=text(body, "sender"),
            sender_name=text(body, "senderName", ""),
            kind=text(body, "kind"),
            sent_at_us=whole(body, "sentAtUs"),
            last4=text(body, "last4", ""),
            payment_id=text(body, "paymentId", ""),
            amount_minor=whole(body, "amount", 0),
            currency=text(body, "currency", ""),
            merchant_name=text(body, "merchantName", ""),
            reason=text(body, "reason", ""),
        )
