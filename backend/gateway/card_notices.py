"""What banks and shops write to a cardholder about payments and cards, beside the wallet.

In the field these are texts of the bank's app and mails of the shop. Here they follow from what is
stored anyway: an event of a payment, and a change of a card that its device was told. So none is
lost, none is sent for what did not happen, and nothing is written on a payment's way. A till prints
its receipt; only a shop in an app mails one. Pure; knows no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from backend.runtime.clock import to_iso
from backend.runtime.events import Event


class Sender(Enum):
    """Who writes."""

    BANK = "bank"
    SHOP = "shop"


BANK_WRITES = {
    "payment.approved": "payment_made",
    "payment.declined": "payment_declined",
    "payment.reversed": "payment_taken_back",
    "refund.succeeded": "paid_back",
}
SHOP_MAILS = {"payment.approved": "receipt", "payment.refunded": "refund_announced"}
EVENT_KINDS = tuple(sorted({*BANK_WRITES, *SHOP_MAILS}))
CHANNELS_WITH_MAIL = frozenset({"in_app", "web"})
ENGINE = "engine"  # who ends a payment that no bank was asked about
STOPPED, WORKS_AGAIN = "card_stopped", "card_works_again"
ISSUER = "ISSUER"


@dataclass(frozen=True, slots=True)
class CardNotice:
    """One message.

    Attributes:
        id: of what it tells of, and who writes.
        kind: a word for a program: `payment_made`, `receipt`, `card_stopped` …
        sender_name: the shop's name; empty for the card's bank.
        amount_minor: minor units of `currency`; None about a card.
        reason: why a bank said no, its stable word.
    """

    id: str
    sender: Sender
    kind: str
    sent_at_us: int
    card_id: str | None
    last4: str
    sender_name: str = ""
    payment_id: str | None = None
    amount_minor: int | None = None
    currency: str = ""
    merchant_name: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, object]:
        """As `/api/notices` shows it."""
        return {
            "id": self.id,
            "sender": self.sender.value,
            "senderName": self.sender_name,
            "kind": self.kind,
            "sentAt": to_iso(self.sent_at_us),
            "sentAtUs": self.sent_at_us,
            "cardId": self.card_id,
            "last4": self.last4,
            "paymentId": self.payment_id,
            "amount": self.amount_minor,
            "currency": self.currency,
            "merchantName": self.merchant_name,
            "reason": self.reason,
        }


def about_payment(event: Event, card_id: str | None, channel: str) -> tuple[CardNotice, ...]:
    """What an event of a payment makes bank and shop write; often nothing.

    Args:
        event: of `EVENT_KINDS`.
        card_id: whose payment it is.
        channel: "nfc", "in_app" or "web".
    """
    written = []
    if event.kind in BANK_WRITES and event.actor != ENGINE:
        written.append((Sender.BANK, BANK_WRITES[event.kind]))
    if event.kind in SHOP_MAILS and channel in CHANNELS_WITH_MAIL:
        written.append((Sender.SHOP, SHOP_MAILS[event.kind]))
    return tuple(_about(event, card_id, sender, kind) for sender, kind in written)


def about_card(
    message_id: int, body: Mapping[str, object], sent_at_us: int
) -> tuple[CardNotice, ...]:
    """What a change of a card that its device was told makes its bank write.

    A person who stopped a card knows it; only what a bank did is news.

    Args:
        message_id: of the device's message.
        body: of a `token_status_change`.
        sent_at_us: lab time.
    """
    holders, status = body.get("suspendedBy"), body.get("status")
    by_bank = isinstance(holders, list) and ISSUER in holders
    kind = STOPPED if status == "suspended" and by_bank else None
    if status == "active":
        kind = WORKS_AGAIN
    if kind is None:
        return ()
    return (
        CardNotice(
            id=f"card:{message_id}",
            sender=Sender.BANK,
            kind=kind,
            sent_at_us=sent_at_us,
            card_id=str(body.get("cardId")),
            last4=str(body.get("last4", "")),
        ),
    )


def _about(event: Event, card_id: str | None, sender: Sender, kind: str) -> CardNotice:
    data = event.data
    amount = data.get("refund_minor", data.get("amount_minor"))
    shop = str(data.get("merchant_name") or "")
    return CardNotice(
        id=f"{event.id}:{sender.value}",
        sender=sender,
        kind=kind,
        sent_at_us=event.lab_time_us,
        card_id=card_id,
        last4=str(data.get("last4") or ""),
        sender_name=shop if sender is Sender.SHOP else "",
        payment_id=event.payment_id,
        amount_minor=amount if isinstance(amount, int) else None,
        currency=str(data.get("currency") or ""),
        merchant_name=shop,
        reason=str(data.get("reason") or "") if kind == BANK_WRITES["payment.declined"] else "",
    )
