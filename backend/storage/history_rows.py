"""A person's payments, newest first, read from the payments table; changes nothing.

Pages follow the primary key, which begins with a payment's time; a cursor is the last identifier
seen, so new payments never shift a page. Every question names its person: another's payment is not
there.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Integer, Text, bindparam, or_, select

from backend.runtime.clock import to_iso
from backend.storage.database import Row, Statement, Transaction
from backend.storage.payment_tables import payments

BEYOND_EVERY_ID = "~"
_COLUMNS = ("card_id", "state", "currency", "merchant_id", "network")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which payments a history shows; None asks for all.

    Attributes:
        from_us: made then or later, lab time.
        to_us: made before then.
    """

    card_id: str | None = None
    state: str | None = None
    currency: str | None = None
    merchant_id: str | None = None
    network: str | None = None
    from_us: int | None = None
    to_us: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether everything is shown."""
        return all(getattr(self, name) is None for name in self.__slots__)


def _is_or_any(name: str) -> ColumnElement[bool]:
    wanted = bindparam(f"of_{name}", type_=Text)
    return or_(wanted.is_(None), payments.c[name] == wanted)


_from, _to = bindparam("from_us", type_=Integer), bindparam("to_us", type_=Integer)
_PAGE = Statement(
    select(payments)
    .where(
        payments.c.user_id == bindparam("of_user"),
        payments.c.id < bindparam("before_id"),
        *(_is_or_any(name) for name in _COLUMNS),
        or_(_from.is_(None), payments.c.created_at_us >= _from),
        or_(_to.is_(None), payments.c.created_at_us < _to),
    )
    .order_by(payments.c.id.desc())
    .limit(bindparam("row_count"))
)
_ONE = Statement(
    select(payments).where(
        payments.c.user_id == bindparam("of_user"), payments.c.id == bindparam("of_id")
    )
)
_OWNER = Statement(select(payments.c.user_id).where(payments.c.id == bindparam("of_id")))


def page(
    tx: Transaction,
    user_id: str,
    *,
    before_id: str | None,
    limit: int,
    filters: Filters | None = None,
) -> list[dict[str, object]]:
    """One page of transactions as `/api` shows them."""
    which = filters or Filters()
    found = tx.all(
        _PAGE,
        {
            "of_user": user_id,
            "before_id": before_id or BEYOND_EVERY_ID,
            "row_count": limit,
            **{f"of_{name}": getattr(which, name) for name in _COLUMNS},
            "from_us": which.from_us,
            "to_us": which.to_us,
        },
    )
    return [_shown(row) for row in found]


def one(tx: Transaction, user_id: str, payment_id: str) -> dict[str, object] | None:
    """One transaction, if it is this person's."""
    row = tx.one(_ONE, {"of_user": user_id, "of_id": payment_id})
    return None if row is None else _shown(row)


def owner(tx: Transaction, payment_id: str) -> str | None:
    """Whose payment that is; None for nobody's, and where there is none."""
    row = tx.one(_OWNER, {"of_id": payment_id})
    return None if row is None else row["user_id"]


def _shown(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "cardId": row["card_id"],
        "network": row["network"],
        "last4": row["last4"],
        "amount": row["amount_minor"],
        "currency": row["currency"],
        "merchantId": row["merchant_id"],
        "merchantName": row["merchant_name"],
        "state": row["state"],
        "captured": row["captured_minor"],
        "refunded": row["refunded_minor"],
        "responseCode": row["response_code"],
        "authCode": row["auth_code"],
        "reason": row["reason"],
        "createdAt": to_iso(row["created_at_us"]),
        "updatedAt": to_iso(row["updated_at_us"]),
    }
