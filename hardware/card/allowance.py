"""What a card may approve without its issuer: limits from the issuer, counters of its own.

Card risk management in its plainest form (Book 3, 10.8; the card sides of Visa's and Mastercard's
specifications are not public: lab approximation). A payment in the allowance's currency is approved
while it stays under the limit of one payment, and amount and number of all of them under theirs;
else the card asks its issuer. New keys for the token set the counters back, as a wallet's refresh
does. Knows no storage and no APDU.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.emv.bitfields import CryptogramType
from hardware.emv.formats import decode_numeric
from hardware.runtime.errors import ProvisioningRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

_AMOUNT_MINOR_MAX = 999_999_999_999
_PAYMENTS_MAX = 255


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the issuer allows; amounts in minor units of the currency.

    Attributes:
        currency_numeric: ISO 4217 number; other currencies go online.
        single_minor: most that one payment may have.
        total_minor: most that all of them may have since the keys came.
        payments: how many there may be.
    """

    currency_numeric: int
    single_minor: int
    total_minor: int
    payments: int

    def to_json(self) -> dict[str, int]:
        """The object that `read_allowance` reads."""
        return {
            "currency": self.currency_numeric,
            "singleMinor": self.single_minor,
            "totalMinor": self.total_minor,
            "payments": self.payments,
        }


@dataclass(frozen=True, slots=True)
class Spent:
    """What a card has approved by itself since its keys came."""

    total_minor: int = 0
    payments: int = 0


def read_allowance(document: object) -> Allowance | None:
    """Check every field; None stays None, a card that asks for everything.

    Raises:
        ProvisioningRefused: one is missing or wrong; the message names it.
    """
    if document is None:
        return None
    if not isinstance(document, dict):
        raise ProvisioningRefused("field 'allowance' is no object")

    def whole(name: str, most: int) -> int:
        value = document.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise ProvisioningRefused(f"field 'allowance.{name}' is not 1 to {most}")
        return value

    return Allowance(
        currency_numeric=whole("currency", 999),
        single_minor=whole("singleMinor", _AMOUNT_MINOR_MAX),
        total_minor=whole("totalMinor", _AMOUNT_MINOR_MAX),
        payments=whole("payments", _PAYMENTS_MAX),
    )


def decide(
    allowance: Allowance | None, spent: Spent, values: Mapping[int, bytes]
) -> CryptogramType:
    """TC where the allowance covers this payment, else ARQC.

    Args:
        allowance: None asks the issuer of everything.
        spent: what was approved before.
        values: the terminal's objects; 9F02 and 5F2A are read.
    """
    if allowance is None or decode_numeric(values[0x5F2A]) != allowance.currency_numeric:
        return CryptogramType.ARQC
    amount_minor = decode_numeric(values[0x9F02])
    if amount_minor is None or amount_minor > allowance.single_minor:
        return CryptogramType.ARQC
    over = spent.total_minor + amount_minor > allowance.total_minor
    if over or spent.payments >= allowance.payments:
        return CryptogramType.ARQC
    return CryptogramType.TC


def after(spent: Spent, values: Mapping[int, bytes]) -> Spent:
    """The counters with this payment in them."""
    amount_minor = decode_numeric(values[0x9F02])
    assert amount_minor is not None, "only a payment with an amount is approved"
    return Spent(spent.total_minor + amount_minor, spent.payments + 1)
