"""What a capture costs a merchant, and how much of it goes back with a refund.

Whole minor units in and out, one rounding (half to even) for each fee. A fee that is returned in
parts is rounded on the running total, so the parts of a full refund add up to the fee. Knows no
ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum

from backend.domain.money import exponent
from backend.ledger.sales import Parts

PERCENT_BASIS = 10_000


class RefundFee(Enum):
    """What happens to the fee when money goes back."""

    PROPORTIONAL = "proportional"  # the same share of the fee goes back
    KEEP = "keep"  # nothing goes back
    FULL = "full"  # all of it goes back with the first refund


@dataclass(frozen=True, slots=True)
class FeePlan:
    """A price list.

    Attributes:
        basis_points: share of the amount in 1/10,000: 290 is 2.9 %.
        fixed_major: per capture, in major units of the payment's currency; where the currency has
            fewer decimals than the price, it is rounded (0.30 is nothing in yen).
        refund_fee: what goes back with a refund; the fee for converting and the tax never do.
        international_basis_points: more, where the card is of another country.
        conversion_basis_points: more, where the card paid in another currency than settles.
    """

    basis_points: int = 290
    fixed_major: Decimal = Decimal("0.30")
    refund_fee: RefundFee = RefundFee.PROPORTIONAL
    international_basis_points: int = 100
    conversion_basis_points: int = 100

    def parts(
        self,
        gross_minor: int,
        currency: str,
        *,
        international: bool = False,
        converted: bool = False,
        tax_basis_points: int = 0,
    ) -> Parts:
        """What becomes of a captured amount, in the currency of settlement.

        The whole fee is rounded once; what is for converting is the whole less what is for
        processing, so the remainder of rounding is there and nowhere else.

        Args:
            gross_minor: the amount, in the currency of settlement.
            currency: of settlement.
            international: whether the card is of another country than the merchant.
            converted: whether the card paid in another currency.
            tax_basis_points: tax on the fee, in 1/10,000.
        """
        points = self.basis_points + self.international_basis_points * international
        fixed = _rounded(self.fixed_major.scaleb(exponent(currency)))
        processing = Decimal(gross_minor * points) / PERCENT_BASIS + fixed
        converting = Decimal(gross_minor * self.conversion_basis_points * converted)
        fee_minor = min(_rounded(processing + converting / PERCENT_BASIS), gross_minor)
        processing_minor = min(_rounded(processing), fee_minor)
        tax_minor = _rounded(Decimal(fee_minor * tax_basis_points) / PERCENT_BASIS)
        return Parts(
            currency,
            gross_minor,
            processing_minor,
            fee_minor - processing_minor,
            min(tax_minor, gross_minor - fee_minor),
        )

    def of_capture(self, amount_minor: int, currency: str) -> int:
        """The fee for a captured amount, minor units; never more than the amount."""
        return self.parts(amount_minor, currency).processing_minor

    def returned(self, *, fee_minor: int, captured_minor: int, refunded_minor: int) -> int:
        """How much of a fee has gone back once so much is refunded in all, minor units.

        Never more than was refunded, so that no refund is paid out of nothing.

        Args:
            fee_minor: what the capture cost.
            captured_minor: what was captured.
            refunded_minor: what has been refunded in all.
        """
        match self.refund_fee:
            case RefundFee.KEEP:
                back = 0
            case RefundFee.FULL:
                back = fee_minor if refunded_minor else 0
            case RefundFee.PROPORTIONAL:
                back = _rounded(Decimal(fee_minor * refunded_minor) / captured_minor)
        return min(back, refunded_minor)


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


STANDARD = FeePlan()
BASE_ONLY = FeePlan(international_basis_points=0, conversion_basis_points=0)
PERCENT_ONLY = FeePlan(
    fixed_major=Decimal(0), international_basis_points=0, conversion_basis_points=0
)
PLANS = {"standard": STANDARD, "base_only": BASE_ONLY, "percent_only": PERCENT_ONLY}
