"""Payments and refunds as a merchant lists them, and approvals that wait for their capture.

Implements `gateway.charges.MerchantPayments` and `gateway.lapse.WaitingRows`. A page is a
range of identifiers of one merchant. Decides nothing.
"""

from __future__ import annotations

from sqlalchemy import Integer, Select, Text, bindparam, func, literal_column, or_, select

from backend.gateway.lapse import Waiting
from backend.gateway.pages import Page
from backend.gateway.records import Refund
from backend.payments.records import Payment
from backend.storage.database import Statement, Transaction, Value
from backend.storage.gateway_rows import refund_from_row
from backend.storage.gateway_tables import refunds
from backend.storage.payment_rows import payment_from_row
from backend.storage.payment_tables import payments
from backend.storage.wire_tables import gateway_objects

_AFTER_ALL = "~"  # sorts after every identifier
_intent = func.substr(
    payments.c.terminal_reference,
    literal_column("1"),
    func.instr(payments.c.terminal_reference, literal_column("'/'")) - literal_column("1"),
)


def _payments() -> Select[tuple[object, ...]]:
    customer, intent = bindparam("customer_id", type_=Text), bindparam("intent_id", type_=Text)
    of_customer = select(gateway_objects.c.id).where(gateway_objects.c.customer_id == customer)
    till_only = bindparam("till_only", type_=Integer)
    return (
        select(payments)
        .where(
            payments.c.merchant_id == bindparam("merchant_id", type_=Text),
            payments.c.id < bindparam("before_id", type_=Text),
            payments.c.id > bindparam("after_id", type_=Text),
            payments.c.created_at_us >= bindparam("from_us", type_=Integer),
            payments.c.created_at_us < bindparam("to_us", type_=Integer),
            or_(till_only.is_(None), payments.c.transaction_type != literal_column("'web'")),
            or_(customer.is_(None), _intent.in_(of_customer)),
            or_(intent.is_(None), _intent == intent),
        )
        .limit(bindparam("row_limit", type_=Integer))
    )


def _refunds() -> Select[tuple[object, ...]]:
    payment = bindparam("payment_id", type_=Text)
    return (
        select(refunds)
        .join(payments, payments.c.id == refunds.c.payment_id)
        .where(
            payments.c.merchant_id == bindparam("merchant_id", type_=Text),
            refunds.c.id < bindparam("before_id", type_=Text),
            refunds.c.id > bindparam("after_id", type_=Text),
            refunds.c.created_at_us >= bindparam("from_us", type_=Integer),
            refunds.c.created_at_us < bindparam("to_us", type_=Integer),
            or_(payment.is_(None), refunds.c.payment_id == payment),
        )
        .limit(bindparam("row_limit", type_=Integer))
    )


_PAYMENTS = Statement(_payments().order_by(payments.c.id.desc()))
_PAYMENTS_BACKWARDS = Statement(_payments().order_by(payments.c.id))
_REFUNDS = Statement(_refunds().order_by(refunds.c.id.desc()))
_REFUNDS_BACKWARDS = Statement(_refunds().order_by(refunds.c.id))
_WAITING = Statement(
    select(payments.c.id, payments.c.merchant_id, payments.c.created_at_us)
    .where(
        payments.c.state == literal_column("'approved'"),
        payments.c.id < bindparam("before_id", type_=Text),
    )
    .order_by(payments.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)
_TIME_MAX_US = 2**62


class SqlMerchantPayments:
    """A merchant's payments and refunds in SQL."""

    def payments(
        self,
        tx: Transaction,
        merchant_id: str,
        page: Page,
        *,
        customer_id: str | None = None,
        intent_id: str | None = None,
        till_only: bool = False,
    ) -> list[Payment]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""
        values: dict[str, Value] = {
            **_range(merchant_id, page, "pay"),
            "customer_id": customer_id,
            "intent_id": intent_id,
            "till_only": 1 if till_only else None,
        }
        found = tx.all(_PAYMENTS_BACKWARDS if page.is_backwards else _PAYMENTS, values)
        return [payment_from_row(row) for row in found]

    def refunds(
        self, tx: Transaction, merchant_id: str, page: Page, payment_id: str | None = None
    ) -> list[Refund]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""
        values: dict[str, Value] = {**_range(merchant_id, page, "re"), "payment_id": payment_id}
        found = tx.all(_REFUNDS_BACKWARDS if page.is_backwards else _REFUNDS, values)
        return [refund_from_row(row) for row in found]

    def waiting(self, tx: Transaction, before_id: str, limit: int) -> list[Waiting]:
        """Approvals whose identifiers sort before this one, oldest first."""
        found = tx.all(_WAITING, {"before_id": before_id, "row_limit": limit})
        return [Waiting(row["id"], row["merchant_id"], row["created_at_us"]) for row in found]


def _range(merchant_id: str, page: Page, prefix: str) -> dict[str, Value]:
    def own(identifier: str | None, otherwise: str) -> str:
        return otherwise if identifier is None else f"{prefix}_{identifier.partition('_')[2]}"

    return {
        "merchant_id": merchant_id,
        "before_id": own(page.before_id, _AFTER_ALL),
        "after_id": own(page.after_id, ""),
        "from_us": page.from_us or 0,
        "to_us": _TIME_MAX_US if page.to_us is None else page.to_us,
        "row_limit": page.rows,
    }
