"""What settlement posts: a day's money made payable, held back, paid out, and paid to us.

Pure values and functions in one currency each. Amounts come from whoever folds the journal; what
is owed when is not known here. A day on which a merchant owes us is the same transaction with its
columns exchanged.
"""

from __future__ import annotations

from backend.domain.money import Money, format_amount
from backend.ledger.accounts import (
    Account,
    cash,
    merchant_balance,
    merchant_pending,
    merchant_reserve,
    receivables,
    reserves,
)
from backend.ledger.journal import Direction, Posting, Purpose, Transaction

HOUSE = "house"
"""Chooses the shard of what belongs to no merchant."""


def settlement(
    batch_id: str,
    merchant_id: str,
    currency: str,
    amounts: tuple[int, int],
    at_us: int,
) -> Transaction | None:
    """A day's captures become the merchant's balance, less what is held back.

    Args:
        batch_id: of the day.
        merchant_id: whose day.
        currency: of the amounts.
        amounts: net without the reserve (negative when the merchant owes us), and the reserve.
        at_us: lab time of posting.

    Returns:
        None when the day comes to nothing.
    """
    net_minor, reserve_minor = amounts
    whole_minor = net_minor + reserve_minor
    shown = format_amount(net_minor, currency)
    lines = (
        *_line(
            merchant_pending(merchant_id),
            whole_minor,
            currency,
            f"{batch_id} settles {merchant_id}",
        ),
        *_line(merchant_balance(merchant_id), -net_minor, currency, f"{shown} are its balance"),
        *_reserve(merchant_id, reserve_minor, currency, "is held back"),
    )
    if not lines:
        return None
    return Transaction(
        f"{batch_id}:settlement:1", Purpose.SETTLEMENT, batch_id, merchant_id, at_us, lines
    )


def reserve_released(batch_id: str, merchant_id: str, money: Money, at_us: int) -> Transaction:
    """What was held back of a day becomes the merchant's balance."""
    lines = (
        *_reserve(merchant_id, -money.amount_minor, money.currency, "is no longer held back"),
        *_line(
            merchant_balance(merchant_id),
            -money.amount_minor,
            money.currency,
            f"{money} of the reserve are {merchant_id}'s balance",
        ),
    )
    return Transaction(
        f"{batch_id}:reserve_released:1",
        Purpose.RESERVE_RELEASED,
        batch_id,
        merchant_id,
        at_us,
        lines,
    )


def payout(payout_id: str, merchant_id: str, money: Money, at_us: int) -> Transaction:
    """Balance leaves for the merchant's bank."""
    lines = (
        *_line(
            merchant_balance(merchant_id),
            money.amount_minor,
            money.currency,
            f"{merchant_id} is paid {money}",
        ),
        *_line(cash(), -money.amount_minor, money.currency, f"{money} leave our bank"),
    )
    return Transaction(
        f"{payout_id}:payout:1", Purpose.PAYOUT, payout_id, merchant_id, at_us, lines
    )


def payout_back(
    payout_id: str, merchant_id: str, money: Money, at_us: int, *, purpose: Purpose
) -> Transaction:
    """A payout that was canceled or returned: its lines with their columns exchanged.

    Args:
        payout_id: which payout.
        merchant_id: whose.
        money: all of it.
        at_us: lab time of posting.
        purpose: PAYOUT_FAILED or PAYOUT_CANCELED.
    """
    assert purpose in (Purpose.PAYOUT_FAILED, Purpose.PAYOUT_CANCELED), "only these come back"
    lines = (
        *_line(cash(), money.amount_minor, money.currency, f"{money} are back at our bank"),
        *_line(
            merchant_balance(merchant_id),
            -money.amount_minor,
            money.currency,
            f"{merchant_id} was not paid {money} after all",
        ),
    )
    return Transaction(
        f"{payout_id}:{purpose.value}:1", purpose, payout_id, merchant_id, at_us, lines
    )


def clearing(
    clearing_id: str, network: str, currency: str, net_minor: int, at_us: int
) -> Transaction | None:
    """A network pays for a day (negative: we pay it); None for nothing."""
    shown = format_amount(net_minor, currency)
    lines = (
        *_line(cash(), net_minor, currency, f"{network} pays {shown} for its day"),
        *_line(receivables(network), -net_minor, currency, f"{shown} of what its issuers owe"),
    )
    if not lines:
        return None
    return Transaction(
        f"{clearing_id}:clearing:1", Purpose.CLEARING, clearing_id, HOUSE, at_us, lines
    )


def _reserve(merchant_id: str, amount_minor: int, currency: str, words: str) -> tuple[Posting, ...]:
    """Held back: owed to the merchant later, and set aside at our bank."""
    shown = format_amount(abs(amount_minor), currency)
    return (
        *_line(merchant_reserve(merchant_id), -amount_minor, currency, f"{shown} {words}"),
        *_line(reserves(), amount_minor, currency, f"{shown} {words} at our bank"),
        *_line(cash(), -amount_minor, currency, f"{shown} {words} at our bank"),
    )


def _line(account: Account, signed_minor: int, currency: str, sentence: str) -> tuple[Posting, ...]:
    """A posting of so much, debit positive; none of nothing."""
    if not signed_minor:
        return ()
    direction = Direction.DEBIT if signed_minor > 0 else Direction.CREDIT
    return (Posting(account.name, direction, Money(abs(signed_minor), currency), sentence),)
