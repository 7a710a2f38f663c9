"""What a merchant saw of an in-app payment: the token that it opened, as names and values.

Reads one event, `payment_token.opened`; knows no Qt. That the card's number is absent is said and
not left out: it is what the token is for.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.api import Event
from lab.amounts import format_amount
from lab.json_fields import Json, text_or_none, whole
from lab.words import tr

OPENED = "payment_token.opened"
LINES = (
    "device_account_number", "expires", "amount", "data_type", "cryptogram", "eci", "atc",
    "holder_name", "version", "object_id", "signed_at",
)  # fmt: skip


def merchant_view(events: Iterable[Event]) -> tuple[tuple[str, str], ...]:
    """Names and values; empty for a payment without a token, a tap for example."""
    opened = next((event.data for event in events if event.kind == OPENED), None)
    if opened is None:
        return ()
    number = text_or_none(opened, "card_number") or tr("merchant_view.card_number.none")
    told = ((tr(f"merchant_view.{name}"), _value(opened, name)) for name in LINES)
    return (
        (tr("merchant_view.card_number"), number),
        *((name, said) for name, said in told if said),
    )


def _value(opened: Json, name: str) -> str:
    match name:
        case "amount":
            return format_amount(
                whole(opened, "amount_minor"), text_or_none(opened, "currency") or ""
            )
        case "data_type":
            return tr(f"merchant_view.data_type.{opened['data_type']}")
        case "atc":
            return str(whole(opened, "atc"))
        case _:
            return text_or_none(opened, name) or ""
