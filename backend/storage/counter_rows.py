"""The watermark of a token's transaction counters, looked up; `payment_rows` moves it.

Implements `payments.ports.CounterRows`.
"""

from __future__ import annotations

from sqlalchemy import Text, bindparam, select

from backend.storage.database import Statement, Transaction
from backend.storage.payment_tables import token_atc

_WATERMARK = Statement(
    select(token_atc.c.last_atc).where(token_atc.c.token_ref == bindparam("wanted", type_=Text))
)


class SqlCounterRows:
    """Looks watermarks up."""

    def watermark(self, tx: Transaction, token_ref: str) -> int:
        """The highest counter proven by the card; 0 before the first."""
        row = tx.one(_WATERMARK, {"wanted": token_ref})
        return 0 if row is None else int(row["last_atc"])
