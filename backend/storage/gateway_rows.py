"""The gateway's statements: refunds, advices, and what waits for its capture.

Implements `backend.gateway.ports.GatewayRows`; decides nothing.
"""

from __future__ import annotations

from sqlalchemy import Integer, Text, bindparam, exists, insert, literal_column, select, update

from backend.gateway.records import Advice, AdviceKind, Refund, RefundState
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.gateway_tables import advices, refunds
from backend.storage.payment_tables import payments
from backend.switch.answers import NetworkReference

_ADD_REFUND = Statement(insert(refunds))
_END_REFUND = Statement(
    update(refunds)
    .where(refunds.c.id == bindparam("of_id", type_=Text))
    .values(
        state=bindparam("new_state"),
        failure=bindparam("new_failure"),
        completed_at_us=bindparam("new_completed_at_us"),
    )
)
_FIND_REFUND = Statement(select(refunds).where(refunds.c.id == bindparam("id", type_=Text)))
_REFUNDS_OF = Statement(
    select(refunds)
    .where(refunds.c.payment_id == bindparam("payment_id", type_=Text))
    .order_by(refunds.c.id)
)
_APPROVED = Statement(
    select(payments.c.id)
    .where(
        payments.c.state == literal_column("'approved'"),
        payments.c.merchant_id == bindparam("merchant_id", type_=Text),
    )
    .order_by(payments.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)

_open = advices.c.done_at_us.is_(None)
_earlier = advices.alias("earlier")
_ADD_ADVICE = Statement(
    insert(advices).values(
        **{
            name: bindparam(name)
            for name in (
                "payment_id", "refund_id", "kind", "amount_minor", "rrn", "stan", "sent_at_us",
                "due_at_us", "tries",
            )
        }
    )
)  # fmt: skip
_DUE = Statement(
    select(advices)
    .where(
        _open,
        advices.c.due_at_us <= bindparam("at_us", type_=Integer),
        ~exists().where(
            _earlier.c.payment_id == advices.c.payment_id,
            _earlier.c.id < advices.c.id,
            _earlier.c.done_at_us.is_(None),
        ),
    )
    .order_by(advices.c.due_at_us, advices.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)
_NEXT = Statement(
    select(advices.c.due_at_us)
    .where(_open, advices.c.due_at_us > bindparam("after_us", type_=Integer))
    .order_by(advices.c.due_at_us)
    .limit(literal_column("1"))
)
_POSTPONE = Statement(
    update(advices)
    .where(advices.c.id == bindparam("of_id", type_=Integer), _open)
    .values(due_at_us=bindparam("new_due_at_us"), tries=bindparam("new_tries"))
)
_CLOSE = Statement(
    update(advices)
    .where(advices.c.id == bindparam("of_id", type_=Integer), _open)
    .values(done_at_us=bindparam("at_us"), response_code=bindparam("new_response_code"))
)


class SqlGatewayRows:
    """Refunds and advices in SQL."""

    def add_refund(self, tx: Transaction, refund: Refund) -> None:
        """Insert a refund."""
        tx.run(
            _ADD_REFUND,
            {
                "id": refund.id,
                "payment_id": refund.payment_id,
                "amount_minor": refund.amount_minor,
                "fee_returned_minor": refund.fee_returned_minor,
                "reason": refund.reason,
                "state": refund.state.value,
                "failure": refund.failure,
                "created_at_us": refund.created_at_us,
                "completed_at_us": refund.completed_at_us,
            },
        )

    def end_refund(self, tx: Transaction, refund: Refund) -> None:
        """Store how a refund ended."""
        tx.run(
            _END_REFUND,
            {
                "of_id": refund.id,
                "new_state": refund.state.value,
                "new_failure": refund.failure,
                "new_completed_at_us": refund.completed_at_us,
            },
        )

    def find_refund(self, tx: Transaction, refund_id: str) -> Refund | None:
        """One refund."""
        row = tx.one(_FIND_REFUND, {"id": refund_id})
        return None if row is None else refund_from_row(row)

    def refunds_of(self, tx: Transaction, payment_id: str) -> list[Refund]:
        """A payment's refunds, oldest first."""
        return [refund_from_row(row) for row in tx.all(_REFUNDS_OF, {"payment_id": payment_id})]

    def approved_payments(self, tx: Transaction, merchant_id: str, limit: int) -> list[str]:
        """Payments of a merchant that wait for their capture, oldest first."""
        found = tx.all(_APPROVED, {"merchant_id": merchant_id, "row_limit": limit})
        return [row["id"] for row in found]

    def add_advice(self, tx: Transaction, advice: Advice) -> None:
        """Have a network told."""
        tx.run(
            _ADD_ADVICE,
            {
                "payment_id": advice.payment_id,
                "refund_id": advice.refund_id,
                "kind": advice.kind.value,
                "amount_minor": advice.amount_minor,
                "rrn": advice.own.rrn,
                "stan": advice.own.stan,
                "sent_at_us": advice.own.sent_at_us,
                "due_at_us": advice.due_at_us,
                "tries": advice.tries,
            },
        )

    def due_advices(self, tx: Transaction, at_us: int, limit: int) -> list[Advice]:
        """Open advices due at or before `at_us` that no earlier one of their payment holds up."""
        return [_advice(row) for row in tx.all(_DUE, {"at_us": at_us, "row_limit": limit})]

    def next_advice_us(self, tx: Transaction, after_us: int) -> int | None:
        """When the first open advice after `after_us` is due."""
        row = tx.one(_NEXT, {"after_us": after_us})
        return None if row is None else int(row["due_at_us"])

    def postpone_advice(self, tx: Transaction, advice_id: int, due_at_us: int, tries: int) -> None:
        """Tell it again later."""
        tx.run(_POSTPONE, {"of_id": advice_id, "new_due_at_us": due_at_us, "new_tries": tries})

    def close_advice(self, tx: Transaction, advice_id: int, response_code: str, at_us: int) -> bool:
        """The network took note; False when that was known already."""
        values: dict[str, Value] = {
            "of_id": advice_id,
            "at_us": at_us,
            "new_response_code": response_code,
        }
        return tx.run(_CLOSE, values) == 1


def refund_from_row(row: Row) -> Refund:
    """A row of `refunds`."""
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount_minor=row["amount_minor"],
        fee_returned_minor=row["fee_returned_minor"],
        reason=row["reason"],
        state=RefundState(row["state"]),
        created_at_us=row["created_at_us"],
        completed_at_us=row["completed_at_us"],
        failure=row["failure"],
    )


def _advice(row: Row) -> Advice:
    return Advice(
        id=row["id"],
        payment_id=row["payment_id"],
        kind=AdviceKind(row["kind"]),
        refund_id=row["refund_id"],
        amount_minor=row["amount_minor"],
        own=NetworkReference(row["rrn"], row["stan"], row["sent_at_us"]),
        due_at_us=row["due_at_us"],
        tries=row["tries"],
    )
