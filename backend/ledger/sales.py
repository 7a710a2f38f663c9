"""What a capture and a refund post, within one currency or from one into another.

Where a merchant is settled in another currency than the card paid, a transaction has two balanced
halves that meet in the FX position: what came in, and what the merchant gets. What converting
earns, the remainder of rounding included, is the FX spread. Pure values; amounts come from
`gateway.pricing`.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.money import Money
from backend.ledger.accounts import (
    Account,
    customer_card,
    fx_position,
    fx_spread,
    merchant_pending,
    pending_settlement,
    processing_fees,
    tax,
)
from backend.ledger.journal import Direction, Posting, Promise, Purpose, Transaction


@dataclass(frozen=True, slots=True)
class Parts:
    """What becomes of a captured amount, in the currency of settlement, minor units.

    Attributes:
        gross_minor: all of it.
        processing_minor: our fee for processing.
        spread_minor: our fee for converting, with the remainder of rounding.
        tax_minor: tax on our fees.
    """

    currency: str
    gross_minor: int
    processing_minor: int
    spread_minor: int = 0
    tax_minor: int = 0

    @property
    def net_minor(self) -> int:
        """The merchant's."""
        return self.gross_minor - self.processing_minor - self.spread_minor - self.tax_minor


def capture(promise: Promise, parts: Parts, at_us: int, *, version: int) -> Transaction:
    """The promise is taken up, converted where the merchant settles in another currency.

    Args:
        promise: with the captured amount.
        parts: what becomes of it.
        at_us: lab time of posting.
        version: of the payment.
    """
    card, merchant, paid = promise.card, promise.merchant_name, promise.money
    gross = Money(parts.gross_minor, parts.currency)
    net = Money(parts.net_minor, parts.currency)
    lines = [
        Posting(
            pending_settlement(promise.merchant_id).name,
            Direction.DEBIT,
            paid,
            f"{merchant} takes the {paid} that {card} promised",
        ),
        *_converted(paid, gross, Direction.CREDIT),
        Posting(
            merchant_pending(promise.merchant_id).name,
            Direction.CREDIT,
            net,
            f"{merchant} is to be paid {net}",
        ),
        *_share(processing_fees(), parts.processing_minor, parts.currency, "The fee is {}"),
        *_share(fx_spread(), parts.spread_minor, parts.currency, "Converting costs {}"),
        *_share(tax(), parts.tax_minor, parts.currency, "The tax on the fee is {}"),
    ]
    return _of(promise, Purpose.CAPTURE, at_us, version, lines)


def refund(
    promise: Promise, settled: Money, fee_back_minor: int, at_us: int, *, version: int
) -> Transaction:
    """Money goes back to the card, at the rate at which it came.

    Args:
        promise: with the refunded amount, in the currency that was paid.
        settled: the same in the currency of settlement.
        fee_back_minor: how much of the fee goes back with it.
        at_us: lab time of posting.
        version: of the payment.
    """
    card, merchant = promise.card, promise.merchant_name
    sentences = (
        f"{merchant} gives {{}} back",
        f"{{}} of the fee go back to {merchant}",
        f"{card} gets {promise.money} back from {merchant}",
    )
    lines = _returned(promise, settled, fee_back_minor, Direction.DEBIT, sentences)
    return _of(promise, Purpose.REFUND, at_us, version, lines)


def refund_failed(
    promise: Promise, settled: Money, fee_back_minor: int, at_us: int, *, version: int
) -> Transaction:
    """A refund that the network refused: its lines with their columns exchanged."""
    card, merchant = promise.card, promise.merchant_name
    sentences = (
        f"{merchant} keeps the {{}} after all",
        "{} of the fee stay with us after all",
        f"{card} does not get {promise.money} back: the network refused the refund",
    )
    lines = _returned(promise, settled, fee_back_minor, Direction.CREDIT, sentences)
    return _of(promise, Purpose.REFUND_FAILED, at_us, version, lines)


def _returned(
    promise: Promise,
    settled: Money,
    fee_back_minor: int,
    side: Direction,
    sentences: tuple[str, str, str],
) -> list[Posting]:
    assert 0 <= fee_back_minor <= settled.amount_minor, "a fee is a part of the amount"
    net = Money(settled.amount_minor - fee_back_minor, settled.currency)
    merchant, house, card = sentences
    return [
        Posting(merchant_pending(promise.merchant_id).name, side, net, merchant.format(net)),
        *_share(processing_fees(), fee_back_minor, settled.currency, house, side),
        *_converted(promise.money, settled, side),
        Posting(customer_card(promise.token_ref).name, side.opposite, promise.money, card),
    ]


def _converted(paid: Money, settled: Money, paid_side: Direction) -> list[Posting]:
    """Both sides of the FX position; none within one currency."""
    if paid.currency == settled.currency:
        return []
    sentence = f"{paid} are {settled}"
    account = fx_position().name
    return [
        Posting(account, paid_side, paid, sentence),
        Posting(account, paid_side.opposite, settled, sentence),
    ]


def _share(
    account: Account,
    amount_minor: int,
    currency: str,
    words: str,
    side: Direction = Direction.CREDIT,
) -> list[Posting]:
    if not amount_minor:
        return []
    money = Money(amount_minor, currency)
    return [Posting(account.name, side, money, words.format(money))]


def _of(
    promise: Promise, purpose: Purpose, at_us: int, version: int, lines: list[Posting]
) -> Transaction:
    return Transaction(
        id=f"{promise.payment_id}:{purpose.value}:{version}",
        purpose=purpose,
        payment_id=promise.payment_id,
        merchant_id=promise.merchant_id,
        at_us=at_us,
        postings=tuple(lines),
    )
