"""Statements of exchange rates and of what was converted.

Implements `backend.settlement.fx.RateRows` and `backend.gateway.pricing.ConversionRows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal

from sqlalchemy import Integer, Text, bindparam, func, insert, literal_column, select, update

from backend.gateway.pricing import Conversion, RefundShare
from backend.settlement.fx import Rate
from backend.storage.database import Statement, Transaction
from backend.storage.settlement_tables import (
    exchange_rates,
    payment_conversions,
    refund_conversions,
)

_ADD = Statement(
    insert(exchange_rates).values(
        **{
            name: bindparam(name)
            for name in ("base", "quote", "rate", "valid_from_us", "valid_until_us")
        }
    )
)
_AT = Statement(
    select(exchange_rates)
    .where(
        exchange_rates.c.base == bindparam("base", type_=Text),
        exchange_rates.c.quote == bindparam("quote", type_=Text),
        exchange_rates.c.valid_from_us <= bindparam("at_us", type_=Integer),
        exchange_rates.c.valid_until_us > bindparam("at_us", type_=Integer),
    )
    .order_by(exchange_rates.c.valid_from_us.desc())
    .limit(literal_column("1"))
)
_NEWEST = Statement(
    select(exchange_rates.c.valid_from_us)
    .order_by(exchange_rates.c.rate_id.desc())
    .limit(literal_column("1"))
)
_VALID = Statement(
    select(exchange_rates)
    .where(
        exchange_rates.c.valid_from_us
        == select(func.max(exchange_rates.c.valid_from_us)).scalar_subquery()
    )
    .order_by(exchange_rates.c.base)
)
_ADD_CONVERSION = Statement(insert(payment_conversions))
_FIND_CONVERSION = Statement(
    select(payment_conversions).where(
        payment_conversions.c.payment_id == bindparam("payment_id", type_=Text)
    )
)
_SET_RETURNED = Statement(
    update(payment_conversions)
    .where(payment_conversions.c.payment_id == bindparam("of_id", type_=Text))
    .values(
        returned_minor=bindparam("new_returned_minor"),
        fee_returned_minor=bindparam("new_fee_returned_minor"),
    )
)
_ADD_SHARE = Statement(insert(refund_conversions))
_FIND_SHARE = Statement(
    select(refund_conversions).where(
        refund_conversions.c.refund_id == bindparam("refund_id", type_=Text)
    )
)


class SqlRateRows:
    """Exchange rates in SQL."""

    def add_rates(self, tx: Transaction, rates: Sequence[Rate]) -> None:
        """Insert rates."""
        tx.run_many(_ADD, [{**asdict(each), "rate": f"{each.rate:f}"} for each in rates])

    def rate_at(self, tx: Transaction, base: str, quote: str, at_us: int) -> Rate | None:
        """The newest rate of a pair that is valid at a time."""
        row = tx.one(_AT, {"base": base, "quote": quote, "at_us": at_us})
        if row is None:
            return None
        return Rate(base, quote, Decimal(row["rate"]), row["valid_from_us"], row["valid_until_us"])

    def newest_us(self, tx: Transaction) -> int | None:
        """From when the newest rates are valid."""
        row = tx.one(_NEWEST)
        return None if row is None else int(row["valid_from_us"])

    def newest(self, tx: Transaction) -> list[Rate]:
        """The newest rates of all pairs."""
        return [
            Rate(
                row["base"], row["quote"], Decimal(row["rate"]), row["valid_from_us"],
                row["valid_until_us"],
            )
            for row in tx.all(_VALID)
        ]  # fmt: skip


class SqlConversionRows:
    """What was converted, in SQL."""

    def add_conversion(self, tx: Transaction, conversion: Conversion) -> None:
        """Insert a payment's conversion."""
        tx.run(_ADD_CONVERSION, {**asdict(conversion), "rate": f"{conversion.rate:f}"})

    def find_conversion(self, tx: Transaction, payment_id: str) -> Conversion | None:
        """A payment's conversion; None when it settles in what was paid."""
        row = tx.one(_FIND_CONVERSION, {"payment_id": payment_id})
        return None if row is None else Conversion(**{**dict(row), "rate": Decimal(row["rate"])})

    def set_returned(self, tx: Transaction, conversion: Conversion) -> None:
        """Store how much of a conversion went back."""
        tx.run(
            _SET_RETURNED,
            {
                "of_id": conversion.payment_id,
                "new_returned_minor": conversion.returned_minor,
                "new_fee_returned_minor": conversion.fee_returned_minor,
            },
        )

    def add_share(self, tx: Transaction, part: RefundShare) -> None:
        """Insert a refund's part of a conversion."""
        tx.run(_ADD_SHARE, asdict(part))

    def find_share(self, tx: Transaction, refund_id: str) -> RefundShare | None:
        """A refund's part of a conversion."""
        row = tx.one(_FIND_SHARE, {"refund_id": refund_id})
        return None if row is None else RefundShare(**dict(row))
