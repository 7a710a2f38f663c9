"""A merchant as a value: who it is, and the settings under which it is paid.

One that was never set stands at the defaults. Judges nothing (`merchant_settings` does) and knows
no SQL. Source: ISO 18245 (category), ISO 3166-1 (country), ISO 4217 (currency).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from enum import Enum

from backend.domain.money import exponent
from backend.gateway.fees import FeePlan
from backend.payments.records import MODE, Merchant

STATEMENT_LENGTH = (5, 22)  # what fits on a card statement beside place and country


class PayoutSchedule(Enum):
    """When what is available is paid out."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class MerchantAccount:
    """A merchant with its settings.

    Attributes:
        name: as the cardholder reads it.
        category: merchant category code, ISO 18245.
        terminal_id: its first till.
        country: ISO 3166-1 letters.
        settlement_currency: ISO 4217 letters; what it is paid in.
        tier: which limits its calls have, 1 to 3.
        statement_name: what stands on a cardholder's statement.
        reserve_basis_points: how much of its revenue is held back, in 1/10,000.
        dispute_fee_major: what a dispute costs it, in major units of the payment's currency.
        dispute_fee_back_if_won: whether that fee comes back with a won dispute.
        evidence_days: how long it has to answer a dispute.
        mode: whose money; "test" in a laboratory.
    """

    id: str
    name: str
    category: str
    terminal_id: str
    country: str = "US"
    settlement_currency: str = "USD"
    payout_schedule: PayoutSchedule = PayoutSchedule.DAILY
    fee_plan: FeePlan = field(default_factory=FeePlan)
    tier: int = 1
    statement_name: str = ""
    reserve_basis_points: int = 0
    dispute_fee_major: Decimal = Decimal("15.00")
    dispute_fee_back_if_won: bool = False
    evidence_days: int = 14
    mode: str = MODE

    def merchant(self) -> Merchant:
        """Who is paid, as payments carry it."""
        return Merchant(self.id, self.name, self.category, self.terminal_id)

    def statement(self) -> str:
        """What stands on a statement; the name where nothing was chosen."""
        return self.statement_name or self.name[: STATEMENT_LENGTH[1]]

    def dispute_fee_minor(self, currency: str) -> int:
        """What a dispute costs, minor units; rounded up where the currency has fewer decimals."""
        return int(-(-self.dispute_fee_major.scaleb(exponent(currency)) // 1))

    def to_json(self) -> dict[str, object]:
        """As `/lab` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "category": self.category,
            "terminal_id": self.terminal_id,
            "country": self.country,
            "settlement_currency": self.settlement_currency,
            "payout_schedule": self.payout_schedule.value,
            "fee_plan": fee_plan_to_json(self.fee_plan),
            "tier": self.tier,
            "statement_name": self.statement(),
            "reserve_basis_points": self.reserve_basis_points,
            "dispute_fee": str(self.dispute_fee_major),
            "dispute_fee_back_if_won": self.dispute_fee_back_if_won,
            "evidence_days": self.evidence_days,
            "mode": self.mode,
        }


def fee_plan_to_json(plan: FeePlan) -> dict[str, object]:
    """A fee plan as it is stored and shown: whatever fields the plan has."""
    return {each.name: _plain(getattr(plan, each.name)) for each in fields(plan)}


def _plain(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case Decimal():
            return str(value)
        case _:
            return value
