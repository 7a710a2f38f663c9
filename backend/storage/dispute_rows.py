"""Statements of disputes. Implements `gateway.dispute_ports.DisputeRows`; decides nothing."""

from __future__ import annotations

from types import MappingProxyType

import orjson
from sqlalchemy import Integer, Text, bindparam, func, insert, literal_column, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.domain.identifiers import first_identifier_at
from backend.gateway.dispute_machine import DisputeState
from backend.gateway.dispute_records import ClosedWhy, Dispute, Liability
from backend.gateway.pages import Page
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.dispute_tables import disputes, liability_shifts
from backend.storage.event_tables import events
from backend.storage.merchant_tables import merchant_notices
from backend.storage.payment_tables import payments

NEWEST = "dp_~"  # sorts after every identifier
OLDEST = "dp_"
_CHANGEABLE = (
    "fee_returned", "state", "evidence", "metadata", "submitted_at_us", "closed_at_us",
    "closed_why", "due_at_us", "tries", "version", "updated_at_us",
)  # fmt: skip
_ADD = Statement(insert(disputes))
_UPDATE = Statement(
    update(disputes)
    .where(
        disputes.c.id == bindparam("of_id", type_=Text),
        disputes.c.version == bindparam("was_version", type_=Integer),
    )
    .values(**{name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_POSTPONE = Statement(
    update(disputes)
    .where(
        disputes.c.id == bindparam("of_id", type_=Text),
        disputes.c.version == bindparam("was_version", type_=Integer),
        disputes.c.due_at_us.is_not(None),
    )
    .values(due_at_us=bindparam("new_due_at_us"), tries=bindparam("new_tries"))
)
_FIND = Statement(select(disputes).where(disputes.c.id == bindparam("of_id", type_=Text)))
_OF_PAYMENT = Statement(
    select(disputes).where(disputes.c.payment_id == bindparam("of_payment", type_=Text))
)
_wanted_merchant = bindparam("of_merchant", type_=Text)
_wanted_payment = bindparam("of_payment", type_=Text)
_page = (
    select(disputes)
    .where(
        disputes.c.id > bindparam("after_id", type_=Text),
        disputes.c.id < bindparam("before_id", type_=Text),
        or_(_wanted_merchant.is_(None), disputes.c.merchant_id == _wanted_merchant),
        or_(_wanted_payment.is_(None), disputes.c.payment_id == _wanted_payment),
    )
    .limit(bindparam("row_count", type_=Integer))
)
_PAGE = Statement(_page.order_by(disputes.c.id.desc()))
_PAGE_BACKWARDS = Statement(_page.order_by(disputes.c.id))
_DUE = Statement(
    select(disputes)
    .where(disputes.c.due_at_us <= bindparam("at_us", type_=Integer))
    .order_by(disputes.c.due_at_us, disputes.c.id)
    .limit(bindparam("row_count", type_=Integer))
)
_NEXT = Statement(
    select(disputes.c.due_at_us)
    .where(disputes.c.due_at_us > bindparam("after_us", type_=Integer))
    .order_by(disputes.c.due_at_us)
    .limit(literal_column("1"))
)
_ANNOUNCED = Statement(
    select(events.c.data)
    .where(
        events.c.payment_id == bindparam("of_payment", type_=Text),
        events.c.kind == literal_column("'payment.approved'"),
    )
    .limit(literal_column("1"))
)
_SHIFT = Statement(upsert(liability_shifts).on_conflict_do_nothing())
_SHIFTED = Statement(
    select(liability_shifts.c.at_us).where(
        liability_shifts.c.payment_id == bindparam("of_payment", type_=Text)
    )
)
_DISPUTES_SINCE = Statement(
    select(func.count().label("found")).where(
        disputes.c.merchant_id == bindparam("of_merchant", type_=Text),
        disputes.c.id >= bindparam("from_id", type_=Text),
    )
)
_some_captures = (
    select(literal_column("1"))
    .select_from(payments)
    .where(
        payments.c.merchant_id == bindparam("of_merchant", type_=Text),
        payments.c.id >= bindparam("from_id", type_=Text),
        payments.c.captured_minor > literal_column("0"),
    )
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_CAPTURES_SINCE = Statement(select(func.count().label("found")).select_from(_some_captures))
_WARNED = Statement(
    select(merchant_notices.c.id)
    .where(
        merchant_notices.c.merchant_id == bindparam("of_merchant", type_=Text),
        merchant_notices.c.kind == bindparam("of_kind", type_=Text),
        merchant_notices.c.sent_at_us >= bindparam("since_us", type_=Integer),
    )
    .limit(literal_column("1"))
)


class SqlDisputeRows:
    """Disputes in SQL."""

    def add_dispute(self, tx: Transaction, dispute: Dispute) -> None:
        """Insert a dispute."""
        tx.run(_ADD, _values(dispute))

    def update_dispute(self, tx: Transaction, dispute: Dispute, *, was_version: int) -> bool:
        """Store what changed; False when somebody else changed it meanwhile."""
        values = _values(dispute)
        changed = {f"new_{name}": values[name] for name in _CHANGEABLE}
        return tx.run(_UPDATE, {**changed, "of_id": dispute.id, "was_version": was_version}) == 1

    def find_dispute(self, tx: Transaction, dispute_id: str) -> Dispute | None:
        """One dispute."""
        row = tx.one(_FIND, {"of_id": dispute_id})
        return None if row is None else _dispute(row)

    def dispute_of_payment(self, tx: Transaction, payment_id: str) -> Dispute | None:
        """The dispute over a payment, whatever became of it."""
        row = tx.one(_OF_PAYMENT, {"of_payment": payment_id})
        return None if row is None else _dispute(row)

    def disputes(
        self, tx: Transaction, merchant_id: str | None, page: Page, payment_id: str | None = None
    ) -> list[Dispute]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""
        oldest, newest = page.after_id or OLDEST, page.before_id or NEWEST
        if page.from_us is not None:
            oldest = max(oldest, first_identifier_at("dp", page.from_us))
        if page.to_us is not None:
            newest = min(newest, first_identifier_at("dp", page.to_us))
        values: dict[str, Value] = {
            "of_merchant": merchant_id,
            "of_payment": payment_id,
            "after_id": oldest,
            "before_id": newest,
            "row_count": page.rows,
        }
        statement = _PAGE_BACKWARDS if page.is_backwards else _PAGE
        return [_dispute(row) for row in tx.all(statement, values)]

    def due_disputes(self, tx: Transaction, at_us: int, limit: int) -> list[Dispute]:
        """Disputes with something to be done at or before `at_us`."""
        return [_dispute(row) for row in tx.all(_DUE, {"at_us": at_us, "row_count": limit})]

    def next_dispute_us(self, tx: Transaction, after_us: int) -> int | None:
        """When the first one after `after_us` is due."""
        row = tx.one(_NEXT, {"after_us": after_us})
        return None if row is None else int(row["due_at_us"])

    def postpone_dispute(
        self, tx: Transaction, dispute_id: str, was_version: int, due_at_us: int, tries: int
    ) -> None:
        """Look at it again later."""
        values: dict[str, Value] = {
            "of_id": dispute_id,
            "was_version": was_version,
            "new_due_at_us": due_at_us,
            "new_tries": tries,
        }
        tx.run(_POSTPONE, values)

    def announced_reason(self, tx: Transaction, payment_id: str) -> str | None:
        """The reason for which the network said, approving, that this will be disputed."""
        row = tx.one(_ANNOUNCED, {"of_payment": payment_id})
        reason = None if row is None else orjson.loads(row["data"]).get("disputes_later")
        return reason if isinstance(reason, str) else None

    def shift_liability(self, tx: Transaction, payment_id: str, at_us: int) -> None:
        """The issuer bears fraud disputes over this payment: its cardholder was authenticated."""
        tx.run(_SHIFT, {"payment_id": payment_id, "at_us": at_us})

    def is_liability_shifted(self, tx: Transaction, payment_id: str) -> bool:
        """Whether it does."""
        return tx.one(_SHIFTED, {"of_payment": payment_id}) is not None

    def disputes_since(self, tx: Transaction, merchant_id: str, since_us: int) -> int:
        """How many disputes a merchant has had."""
        since = first_identifier_at("dp", max(0, since_us))
        row = tx.one(_DISPUTES_SINCE, {"of_merchant": merchant_id, "from_id": since})
        return 0 if row is None else int(row["found"])

    def captures_since(self, tx: Transaction, merchant_id: str, since_us: int, most: int) -> int:
        """How many captured payments a merchant has had; counts no further than `most`."""
        since = first_identifier_at("pay", max(0, since_us))
        values: dict[str, Value] = {"of_merchant": merchant_id, "from_id": since, "most": most}
        row = tx.one(_CAPTURES_SINCE, values)
        return 0 if row is None else int(row["found"])

    def was_warned_since(self, tx: Transaction, merchant_id: str, kind: str, since_us: int) -> bool:
        """Whether a notice of that kind was written to a merchant."""
        values: dict[str, Value] = {
            "of_merchant": merchant_id,
            "of_kind": kind,
            "since_us": since_us,
        }
        return tx.one(_WARNED, values) is not None


def _values(dispute: Dispute) -> dict[str, Value]:
    return {
        "id": dispute.id,
        "case_id": dispute.case_id,
        "payment_id": dispute.payment_id,
        "merchant_id": dispute.merchant_id,
        "network": dispute.network,
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
        "fee_minor": dispute.fee_minor,
        "fee_returned": int(dispute.fee_returned),
        "reason": dispute.reason,
        "state": dispute.state.value,
        "liability": dispute.liability.value,
        "evidence": orjson.dumps(dict(dispute.evidence)).decode(),
        "metadata": orjson.dumps(dict(dispute.metadata)).decode(),
        "evidence_due_at_us": dispute.evidence_due_at_us,
        "submitted_at_us": dispute.submitted_at_us,
        "closed_at_us": dispute.closed_at_us,
        "closed_why": None if dispute.closed_why is None else dispute.closed_why.value,
        "due_at_us": dispute.due_at_us,
        "tries": dispute.tries,
        "version": dispute.version,
        "created_at_us": dispute.created_at_us,
        "updated_at_us": dispute.updated_at_us,
    }


def _dispute(row: Row) -> Dispute:
    values = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates its values
    why = values["closed_why"]
    return Dispute(
        **{
            **values,
            "fee_returned": bool(values["fee_returned"]),
            "state": DisputeState(values["state"]),
            "liability": Liability(values["liability"]),
            "evidence": MappingProxyType(orjson.loads(values["evidence"])),
            "metadata": MappingProxyType(orjson.loads(values["metadata"])),
            "closed_why": None if why is None else ClosedWhy(why),
        }
    )
