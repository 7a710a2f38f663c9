"""A person's payments, newest first, read from the payments table; changes nothing.

Pages follow the primary key, which begins with a payment's time; a cursor is the last identifier
seen, so new payments never shift a page.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from backend.runtime.clock import to_iso
from backend.storage.database import Row, Statement, Transaction
from backend.storage.payment_tables import payments

BEYOND_EVERY_ID = "~"

_PAGE = Statement(
    select(payments)
    .where(payments.c.user_id == bindparam("of_user"), payments.c.id < bindparam("before_id"))
    .order_by(payments.c.id.desc())
    .limit(bindparam("row_count"))
)
_ONE = Statement(
    select(payments).where(
        payments.c.user_id == bindparam("of_user"), payments.c.id == bindparam("of_id")
    )
)


def page(
    tx: Transaction, user_id: str, *, before_id: str | None, limit: int
) -> list[dict[str, object]]:
    """One page of transactions as `/api` shows them."""
    found = tx.all(
        _PAGE,
        {"of_user": user_id, "before_id": before_id or BEYOND_EVERY_ID, "row_count": limit},
    )
    return [_shown(row) for row in found]


def one(tx: Transaction, user_id: str, payment_id: str) -> dict[str, object] | None:
    """One transaction, if it is this person's."""
    row = tx.one(_ONE, {"of_user": user_id, "of_id": payment_id})
    return None if row is None else _shown(row)


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
