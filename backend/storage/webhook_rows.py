"""Statements over deliveries and attempts: `backend.webhooks.ports.WebhookRows`.

Decides nothing. What is pending is found by partial indexes: a look at an idle endpoint reads no
row.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, Text, bindparam, func, insert, literal_column, select, update

from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.merchant_event_rows import SqlMerchantEventRows
from backend.storage.webhook_endpoint_rows import SqlEndpointRows
from backend.storage.webhook_tables import webhook_attempts as attempts
from backend.storage.webhook_tables import webhook_deliveries as deliveries
from backend.webhooks.records import Attempt, Delivery, DeliveryState

_NEW = (
    "endpoint_id", "event_number", "order_key", "state", "tries", "attempts", "due_at_us",
    "created_at_us", "ended_at_us", "last_status", "last_error",
)  # fmt: skip
_CHANGING = (
    "state", "tries", "attempts", "due_at_us", "ended_at_us", "last_status", "last_error",
)  # fmt: skip
_pending = deliveries.c.state == literal_column("'pending'")
_at_endpoint = deliveries.c.endpoint_id == bindparam("of_endpoint", type_=Text)
_of_object = (_at_endpoint, deliveries.c.order_key == bindparam("of_key", type_=Text), _pending)
_ADD = Statement(insert(deliveries).values(**{name: bindparam(name) for name in _NEW}))
_PUT = Statement(
    update(deliveries)
    .where(deliveries.c.id == bindparam("of_id", type_=Integer))
    .values(**{name: bindparam(f"new_{name}") for name in _CHANGING})
)
_FIND = Statement(select(deliveries).where(deliveries.c.id == bindparam("of_id", type_=Integer)))
_FIRST_PENDING = Statement(
    select(deliveries).where(*_of_object).order_by(deliveries.c.id).limit(literal_column("1"))
)
_DUE = Statement(
    select(deliveries)
    .where(_at_endpoint, _pending, deliveries.c.due_at_us <= bindparam("at_us", type_=Integer))
    .order_by(deliveries.c.due_at_us, deliveries.c.id)
    .limit(bindparam("row_count", type_=Integer))
)
_NEXT_DUE = Statement(
    select(func.min(deliveries.c.due_at_us).label("due_at_us")).where(
        _at_endpoint, _pending, deliveries.c.due_at_us > bindparam("after_us", type_=Integer)
    )
)
_FAIL_PENDING = Statement(
    update(deliveries)
    .where(_at_endpoint, _pending)
    .values(
        state=literal_column("'failed'"),
        ended_at_us=bindparam("at_us", type_=Integer),
        last_error=bindparam("new_error", type_=Text),
    )
)
_OF_EVENT = Statement(
    select(deliveries)
    .where(deliveries.c.event_number == bindparam("of_number", type_=Integer))
    .order_by(deliveries.c.id)
)
_ADD_ATTEMPT = Statement(
    insert(attempts).values(
        **{
            name: bindparam(name)
            for name in (
                "delivery_id", "number", "at_us", "duration_us", "signature", "status", "error",
                "answer",
            )
        }
    )
)  # fmt: skip
_ATTEMPTS_OF = Statement(
    select(attempts)
    .where(attempts.c.delivery_id == bindparam("of_delivery", type_=Integer))
    .order_by(attempts.c.number)
)
_PAGE = Statement(
    select(deliveries)
    .where(deliveries.c.id < bindparam("below", type_=Integer))
    .order_by(deliveries.c.id.desc())
    .limit(bindparam("row_count", type_=Integer))
)
_LAST_OUTCOMES = Statement(
    select(deliveries.c.state)
    .where(
        _at_endpoint,
        deliveries.c.attempts > literal_column("0"),
        deliveries.c.id > bindparam("above", type_=Integer),
    )
    .order_by(deliveries.c.id.desc())
    .limit(bindparam("row_count", type_=Integer))
)
_LAST_ID = Statement(select(func.max(deliveries.c.id).label("id")))
LOOK_BACK = 20_000
"""How many of the newest deliveries are looked through for an endpoint's last outcomes."""


class SqlDeliveryRows:
    """Deliveries and attempts in the caller's unit of work."""

    def add_deliveries(self, tx: Transaction, new: Sequence[Delivery]) -> None:
        """Store new ones, in order."""
        tx.run_many(_ADD, [_row(each, _NEW) for each in new])

    def is_held_up(self, tx: Transaction, endpoint_id: str, order_key: str) -> bool:
        """Whether anything of that order key is pending there."""
        return self.first_pending(tx, endpoint_id, order_key) is not None

    def first_pending(self, tx: Transaction, endpoint_id: str, order_key: str) -> Delivery | None:
        """The pending one that was there first."""
        row = tx.one(_FIRST_PENDING, {"of_endpoint": endpoint_id, "of_key": order_key})
        return None if row is None else _delivery(row)

    def due(self, tx: Transaction, endpoint_id: str, at_us: int, limit: int) -> list[Delivery]:
        """Pending ones that are due, the longest due first."""
        wanted: dict[str, Value] = {"of_endpoint": endpoint_id, "at_us": at_us, "row_count": limit}
        return [_delivery(row) for row in tx.all(_DUE, wanted)]

    def next_due_us(self, tx: Transaction, endpoint_id: str, after_us: int) -> int | None:
        """When the first pending one after `after_us` is due."""
        row = tx.one(_NEXT_DUE, {"of_endpoint": endpoint_id, "after_us": after_us})
        return None if row is None or row["due_at_us"] is None else int(row["due_at_us"])

    def find_delivery(self, tx: Transaction, delivery_id: int) -> Delivery | None:
        """One."""
        row = tx.one(_FIND, {"of_id": delivery_id})
        return None if row is None else _delivery(row)

    def put_delivery(self, tx: Transaction, delivery: Delivery) -> None:
        """Store all that may change of one."""
        changing = {f"new_{name}": value for name, value in _row(delivery, _CHANGING).items()}
        tx.run(_PUT, {"of_id": delivery.id, **changing})

    def fail_pending(self, tx: Transaction, endpoint_id: str, error: str, at_us: int) -> int:
        """End everything pending of an endpoint as failed; how many."""
        return tx.run(
            _FAIL_PENDING, {"of_endpoint": endpoint_id, "new_error": error, "at_us": at_us}
        )

    def deliveries_of_event(self, tx: Transaction, number: int) -> list[Delivery]:
        """To all endpoints."""
        return [_delivery(row) for row in tx.all(_OF_EVENT, {"of_number": number})]

    def deliveries_page(self, tx: Transaction, below: int, limit: int) -> list[Delivery]:
        """Everybody's, newest first, with lower identifiers."""
        return [_delivery(row) for row in tx.all(_PAGE, {"below": below, "row_count": limit})]

    def add_attempt(self, tx: Transaction, attempt: Attempt) -> None:
        """Store what came of a request."""
        tx.run(
            _ADD_ATTEMPT,
            {
                "delivery_id": attempt.delivery_id,
                "number": attempt.number,
                "at_us": attempt.at_us,
                "duration_us": attempt.duration_us,
                "signature": attempt.signature,
                "status": attempt.status,
                "error": attempt.error,
                "answer": attempt.answer,
            },
        )

    def attempts_of(self, tx: Transaction, delivery_id: int) -> list[Attempt]:
        """All of a delivery, oldest first."""
        return [_attempt(row) for row in tx.all(_ATTEMPTS_OF, {"of_delivery": delivery_id})]

    def last_outcomes(self, tx: Transaction, endpoint_id: str, limit: int) -> list[bool]:
        """Whether the last deliveries with an attempt had arrived, oldest first."""
        newest = tx.one(_LAST_ID)
        above = 0 if newest is None or newest["id"] is None else int(newest["id"]) - LOOK_BACK
        wanted: dict[str, Value] = {"of_endpoint": endpoint_id, "above": above, "row_count": limit}
        found = [row["state"] for row in tx.all(_LAST_OUTCOMES, wanted)]
        return [state == DeliveryState.DELIVERED.value for state in reversed(found)]


class SqlWebhookRows(SqlEndpointRows, SqlMerchantEventRows, SqlDeliveryRows):
    """All rows of webhooks."""


def _row(delivery: Delivery, names: Sequence[str]) -> dict[str, Value]:
    values: dict[str, Value] = {name: getattr(delivery, name) for name in names if name != "state"}
    return {**values, "state": delivery.state.value}


def _delivery(row: Row) -> Delivery:
    return Delivery(
        id=row["id"],
        endpoint_id=row["endpoint_id"],
        event_number=row["event_number"],
        order_key=row["order_key"],
        state=DeliveryState(row["state"]),
        tries=row["tries"],
        attempts=row["attempts"],
        due_at_us=row["due_at_us"],
        created_at_us=row["created_at_us"],
        ended_at_us=row["ended_at_us"],
        last_status=row["last_status"],
        last_error=row["last_error"],
    )


def _attempt(row: Row) -> Attempt:
    return Attempt(
        delivery_id=row["delivery_id"],
        number=row["number"],
        at_us=row["at_us"],
        duration_us=row["duration_us"],
        signature=row["signature"],
        status=row["status"],
        error=row["error"],
        answer=row["answer"],
    )
