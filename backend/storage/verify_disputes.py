"""What `verify` asks of disputes: each entry selects the offenders, none is well.

While a dispute runs, the ledger holds its amount and its fee; once it is closed, nothing. What was
refunded and what was lost never exceed what was captured. Every change has its event.
"""

from __future__ import annotations

from sqlalchemy import ColumnClause, Select, and_, case, exists, func, literal_column, or_, select

from backend.storage.dispute_tables import disputes
from backend.storage.event_tables import events
from backend.storage.gateway_tables import advices
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.payment_tables import payments

_nothing: ColumnClause[int] = literal_column("0")
_is_running = disputes.c.closed_at_us.is_(None)
_of_merchant = disputes.c.liability == literal_column("'merchant'")
_held = (
    select(
        func.coalesce(
            func.sum(
                case(
                    (entries.c.direction == literal_column("'credit'"), entries.c.amount_minor),
                    else_=-entries.c.amount_minor,
                )
            ),
            _nothing,
        )
    )
    .where(
        entries.c.payment_id == disputes.c.payment_id,
        entries.c.account.startswith(literal_column("'liabilities:dispute-hold:'")),
    )
    .scalar_subquery()
)
_told = (
    select(func.count())
    .where(
        events.c.payment_id == disputes.c.payment_id,
        events.c.kind.startswith(literal_column("'dispute.'")),
    )
    .scalar_subquery()
)
lost_of_payment = (
    select(func.coalesce(func.sum(disputes.c.amount_minor), _nothing))
    .where(disputes.c.payment_id == payments.c.id, disputes.c.state == literal_column("'lost'"))
    .scalar_subquery()
)
"""What of a payment its cardholder got back through a dispute, minor units."""

DISPUTE_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "disputes hold what is in question": select(disputes.c.id.label("offender")).where(
        or_(
            and_(_is_running, _held != disputes.c.amount_minor + disputes.c.fee_minor),
            and_(~_is_running, _held != _nothing),
        )
    ),
    "disputed within captured": select(disputes.c.id.label("offender"))
    .select_from(disputes.outerjoin(payments, payments.c.id == disputes.c.payment_id))
    .where(
        or_(
            payments.c.id.is_(None),
            and_(
                _of_merchant,
                disputes.c.state != literal_column("'won'"),
                payments.c.refunded_minor + disputes.c.amount_minor > payments.c.captured_minor,
            ),
        )
    ),
    "networks are told of every lost dispute": select(disputes.c.id.label("offender")).where(
        disputes.c.state == literal_column("'lost'"),
        ~exists().where(
            advices.c.refund_id == disputes.c.id,
            advices.c.amount_minor == disputes.c.amount_minor,
        ),
    ),
    "dispute versions are their events": select(disputes.c.id.label("offender")).where(
        _told != disputes.c.version
    ),
}
