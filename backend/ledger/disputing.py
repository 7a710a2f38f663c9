"""What a dispute books: amount and fee are held while it runs, and each hold ends once.

Opening takes both from what the merchant is to be paid. A won dispute gives the amount back (and
the fee, where the merchant's terms say so), a lost one hands the amount to the cardholder's issuer;
a fee that is not given back is earned. So the hold of a closed dispute is zero. Pure; knows no
dispute's states.
"""

from __future__ import annotations

from backend.domain.money import Money
from backend.ledger.accounts import customer_card, dispute_fees, dispute_hold, merchant_pending
from backend.ledger.journal import Direction, Posting, Promise, Purpose, Transaction


def dispute_opened(promise: Promise, dispute_id: str, fee_minor: int, at_us: int) -> Transaction:
    """The disputed amount and the fee are taken from the merchant and held.

    Args:
        promise: with the disputed amount.
        dispute_id: "dp_…".
        fee_minor: what the dispute costs.
        at_us: lab time of posting.
    """
    card, merchant, money = promise.card, promise.merchant_name, promise.money
    fee = Money(fee_minor, money.currency)
    pending, hold = merchant_pending(promise.merchant_id), dispute_hold(promise.merchant_id)
    lines = (
        Posting(
            pending.name, Direction.DEBIT, money, f"{card} disputes {money} paid to {merchant}"
        ),
        Posting(pending.name, Direction.DEBIT, fee, f"The dispute costs {merchant} {fee}"),
        Posting(hold.name, Direction.CREDIT, money, f"{money} are held until it is decided"),
        Posting(hold.name, Direction.CREDIT, fee, f"The fee of {fee} is held with it"),
    )
    return _of_dispute(promise, dispute_id, Purpose.DISPUTE, at_us, lines)


def dispute_won(
    promise: Promise, dispute_id: str, fee_minor: int, at_us: int, *, fee_back: bool
) -> Transaction:
    """The amount is the merchant's again; the fee too, or it is earned."""
    merchant, money = promise.merchant_name, promise.money
    pending = merchant_pending(promise.merchant_id)
    fee = Money(fee_minor, money.currency)
    end_of_fee = (
        Posting(pending.name, Direction.CREDIT, fee, f"{merchant} gets the fee of {fee} back")
        if fee_back
        else Posting(dispute_fees().name, Direction.CREDIT, fee, f"The dispute's fee is {fee}")
    )
    lines = (
        *_released(promise, fee, f"{merchant} has won the dispute over {money}"),
        Posting(pending.name, Direction.CREDIT, money, f"{merchant} gets {money} back"),
        end_of_fee,
    )
    return _of_dispute(promise, dispute_id, Purpose.DISPUTE_WON, at_us, lines)


def dispute_lost(promise: Promise, dispute_id: str, fee_minor: int, at_us: int) -> Transaction:
    """The amount goes back to the card; the fee is earned."""
    card, merchant, money = promise.card, promise.merchant_name, promise.money
    fee = Money(fee_minor, money.currency)
    lines = (
        *_released(promise, fee, f"{merchant} has lost the dispute over {money}"),
        Posting(
            customer_card(promise.token_ref).name,
            Direction.CREDIT,
            money,
            f"{card} gets {money} back from {merchant}",
        ),
        Posting(dispute_fees().name, Direction.CREDIT, fee, f"The dispute's fee is {fee}"),
    )
    return _of_dispute(promise, dispute_id, Purpose.DISPUTE_LOST, at_us, lines)


def _released(promise: Promise, fee: Money, sentence: str) -> tuple[Posting, ...]:
    hold = dispute_hold(promise.merchant_id)
    return (
        Posting(hold.name, Direction.DEBIT, promise.money, sentence),
        Posting(hold.name, Direction.DEBIT, fee, f"The fee of {fee} is held no longer"),
    )


def _of_dispute(
    promise: Promise,
    dispute_id: str,
    purpose: Purpose,
    at_us: int,
    lines: tuple[Posting, ...],
) -> Transaction:
    return Transaction(
        id=f"{dispute_id}:{purpose.value}",
        purpose=purpose,
        payment_id=promise.payment_id,
        merchant_id=promise.merchant_id,
        at_us=at_us,
        postings=tuple(line for line in lines if line.money.amount_minor),
    )
