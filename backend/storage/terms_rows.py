"""Under which terms merchants are settled: their calendar beside what they are.

Implements `backend.settlement.ports.TermsBook`. What a merchant never
set stands at the defaults of `Terms`.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Text, bindparam, select
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.settlement.business_day import Calendar
from backend.settlement.records import Schedule, Terms
from backend.storage.database import Row, Statement, Transaction
from backend.storage.merchant_tables import merchant_settings
from backend.storage.payment_tables import merchants
from backend.storage.settlement_tables import settlement_terms

_selected = select(
    merchants.c.id.label("merchant_id"),
    settlement_terms.c.time_zone,
    settlement_terms.c.cut_off_minutes,
    settlement_terms.c.settled_after_days,
    settlement_terms.c.available_after_days,
    settlement_terms.c.reserve_days,
    merchant_settings.c.country,
    merchant_settings.c.payout_schedule,
    merchant_settings.c.reserve_basis_points,
).select_from(
    merchants.outerjoin(
        settlement_terms, settlement_terms.c.merchant_id == merchants.c.id
    ).outerjoin(merchant_settings, merchant_settings.c.merchant_id == merchants.c.id)
)
_ONE = Statement(_selected.where(merchants.c.id == bindparam("merchant_id", type_=Text)))
_ALL = Statement(_selected.order_by(merchants.c.id))
_put = upsert(settlement_terms)
_PUT = Statement(
    _put.on_conflict_do_update(
        index_elements=["merchant_id"],
        set_={
            name: _put.excluded[name]
            for name in (
                "time_zone", "cut_off_minutes", "settled_after_days", "available_after_days",
                "reserve_days",
            )
        },
    )
)  # fmt: skip


class SqlTermsBook:
    """Terms in SQL."""

    def terms(self, tx: Transaction, merchant_id: str) -> Terms | None:
        """One merchant's."""
        row = tx.one(_ONE, {"merchant_id": merchant_id})
        return None if row is None else _terms(row)

    def all_terms(self, tx: Transaction) -> list[Terms]:
        """Every merchant's, in the order of their identifiers."""
        return [_terms(row) for row in tx.all(_ALL)]

    def put_terms(self, tx: Transaction, terms: Terms) -> None:
        """Store a merchant's calendar."""
        tx.run(
            _PUT,
            {
                "merchant_id": terms.merchant_id,
                "time_zone": terms.calendar.time_zone,
                "cut_off_minutes": terms.calendar.cut_off_minutes,
                "settled_after_days": terms.settled_after_days,
                "available_after_days": terms.available_after_days,
                "reserve_days": terms.reserve_days,
            },
        )


def _terms(row: Row) -> Terms:
    terms = Terms(row["merchant_id"])
    if row["payout_schedule"] is not None:
        terms = replace(
            terms,
            country=row["country"],
            schedule=Schedule(row["payout_schedule"]),
            reserve_basis_points=row["reserve_basis_points"],
        )
    if row["time_zone"] is not None:
        terms = replace(
            terms,
            calendar=Calendar(row["time_zone"], row["cut_off_minutes"]),
            settled_after_days=row["settled_after_days"],
            available_after_days=row["available_after_days"],
            reserve_days=row["reserve_days"],
        )
    return terms
