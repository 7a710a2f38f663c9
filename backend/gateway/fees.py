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
        refund_fee: what goes back with a refund.
    """

    basis_points: int = 290
    fixed_major: Decimal = Decimal("0.30")
    refund_fee: RefundFee = RefundFee.PROPORTIONAL

    def of_capture(self, amount_minor: int, currency: str) -> int:
        """The fee for a captured amount, minor units; never more than the amount."""
        share = _rounded(Decimal(amount_minor * self.basis_points) / PERCENT_BASIS)
        fixed = _rounded(self.fixed_major.scaleb(exponent(currency)))
        return min(share + fixed, amount_minor)

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
