"""The chart of accounts.

An account is a kind and whom it belongs to; its name is a path that plain-text accounting
programs read as it stands (`assets:customer-card:tok_…`). Knows no amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Side(Enum):
    """Which half of the balance sheet or income statement an account is on."""

    ASSET = "assets"
    LIABILITY = "liabilities"
    REVENUE = "revenue"


class Kind(Enum):
    """Every kind of account that the laboratory keeps: (side, name)."""

    CASH = (Side.ASSET, "cash")
    RECEIVABLES = (Side.ASSET, "receivables")
    RESERVES = (Side.ASSET, "reserves")
    CUSTOMER_CARD = (Side.ASSET, "customer-card")  # what a card's issuer owes us
    FX_POSITION = (Side.ASSET, "fx-position")  # taken in one currency, owed in another
    CUSTOMER_BALANCE = (Side.LIABILITY, "customer-balance")
    MERCHANT_PENDING = (Side.LIABILITY, "merchant-pending")  # captured, not yet settled
    MERCHANT_BALANCE = (Side.LIABILITY, "merchant-balance")  # settled, not yet paid out
    MERCHANT_RESERVE = (Side.LIABILITY, "merchant-reserve")  # settled, held back for a time
    PENDING_SETTLEMENT = (Side.LIABILITY, "pending-settlement")  # promised, not yet captured
    DISPUTE_HOLD = (Side.LIABILITY, "dispute-hold")  # disputed, not yet decided
    PROCESSING_FEES = (Side.REVENUE, "processing-fees")
    DISPUTE_FEES = (Side.REVENUE, "dispute-fees")
    SUBSCRIPTION_FEES = (Side.REVENUE, "subscription-fees")
    FX_SPREAD = (Side.REVENUE, "fx-spread")
    TAX = (Side.LIABILITY, "tax")  # on our fees, owed to the state

    @property
    def side(self) -> Side:
        """Asset, liability or revenue."""
        return self.value[0]


@dataclass(frozen=True, slots=True)
class Account:
    """One account.

    Attributes:
        kind: what it is for.
        owner: token reference, merchant or user it belongs to; empty for the house's own.
    """

    kind: Kind
    owner: str = ""

    @property
    def name(self) -> str:
        """`liabilities:pending-settlement:mer_corner_market`."""
        side, word = self.kind.value
        return f"{side.value}:{word}:{self.owner}" if self.owner else f"{side.value}:{word}"


def customer_card(token_ref: str) -> Account:
    """What the issuer of this card has promised to pay."""
    return Account(Kind.CUSTOMER_CARD, token_ref)


def pending_settlement(merchant_id: str) -> Account:
    """What is promised to this merchant and not yet captured."""
    return Account(Kind.PENDING_SETTLEMENT, merchant_id)


def merchant_pending(merchant_id: str) -> Account:
    """What is captured for this merchant and not yet settled."""
    return Account(Kind.MERCHANT_PENDING, merchant_id)


def processing_fees() -> Account:
    """What we earn from captures."""
    return Account(Kind.PROCESSING_FEES)


def merchant_balance(merchant_id: str) -> Account:
    """What is settled for this merchant and not yet paid out."""
    return Account(Kind.MERCHANT_BALANCE, merchant_id)


def merchant_reserve(merchant_id: str) -> Account:
    """What is held back of this merchant's settled money."""
    return Account(Kind.MERCHANT_RESERVE, merchant_id)


def cash() -> Account:
    """Our money at the bank."""
    return Account(Kind.CASH)


def reserves() -> Account:
    """Our money at the bank that is set aside for merchants' reserves."""
    return Account(Kind.RESERVES)


def receivables(network: str) -> Account:
    """What a network has paid of what its issuers owe: the contra of the cards' accounts."""
    return Account(Kind.RECEIVABLES, network)


def fx_position() -> Account:
    """What we hold in one currency against what we owe in another."""
    return Account(Kind.FX_POSITION)


def fx_spread() -> Account:
    """What we earn from converting, remainders of rounding included."""
    return Account(Kind.FX_SPREAD)


def tax() -> Account:
    """Tax on our fees."""
    return Account(Kind.TAX)


def dispute_hold(merchant_id: str) -> Account:
    """What this merchant's cardholders dispute, with the fees, until it is decided."""
    return Account(Kind.DISPUTE_HOLD, merchant_id)


def dispute_fees() -> Account:
    """What we earn from disputes."""
    return Account(Kind.DISPUTE_FEES)
