"""What a shop asks of a phone, as the engine pushed it. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.amounts import format_amount
from lab.json_fields import Json, objects, section, text, texts, whole


@dataclass(frozen=True, slots=True)
class Asked:
    """What the shop asks, as it came."""

    session_id: str
    merchant_id: str
    merchant_name: str
    amount_minor: int
    currency: str
    lines: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    takes_chip_data: bool
    unpredictable_number: bytes = field(repr=False)
    expires_at_us: int

    @staticmethod
    def from_json(body: Json) -> Asked:
        """Read a push; raises ValueError when it is none."""
        currency = text(body, "currencyCode")
        return Asked(
            session_id=text(body, "id"),
            merchant_id=text(body, "merchantId"),
            merchant_name=text(body, "merchantName"),
            amount_minor=whole(section(body, "total"), "amount"),
            currency=currency,
            lines=tuple(
                (text(item, "label"), _signed(whole(item, "amount"), currency))
                for item in objects(body, "lineItems")
            ),
            networks=texts(body, "supportedNetworks"),
            takes_chip_data="supportsEMV" in texts(body, "merchantCapabilities"),
            unpredictable_number=bytes.fromhex(text(body, "unpredictableNumber")),
            expires_at_us=whole(body, "expiresAtUs"),
        )


def _signed(amount_minor: int, currency: str) -> str:
    """An amount of a line; a discount is below zero."""
    shown = format_amount(abs(amount_minor), currency)
    return f"\N{MINUS SIGN}{shown}" if amount_minor < 0 else shown
