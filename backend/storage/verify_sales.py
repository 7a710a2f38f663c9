"""What `verify` asks of captures and refunds: each entry selects the offenders, none is well.

A refund that is pending or succeeded counts; a failed one was booked back.
"""

from __future__ import annotations

from sqlalchemy import Select, and_, exists, func, literal_column, or_, select

from backend.storage.gateway_tables import advices, refunds
from backend.storage.payment_tables import payments

_standing = refunds.c.state != literal_column("'failed'")


def _sum_of_refunds(name: str) -> Select[tuple[int]]:
    return select(func.coalesce(func.sum(refunds.c[name]), literal_column("0"))).where(
        refunds.c.payment_id == payments.c.id, _standing
    )


SALES_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "captured within authorized": select(payments.c.id.label("offender")).where(
        or_(
            payments.c.captured_minor > payments.c.amount_minor,
            payments.c.fee_minor > payments.c.captured_minor,
            (payments.c.state == literal_column("'captured'"))
            != (payments.c.captured_minor > literal_column("0")),
        )
    ),
    "refunded within captured": select(payments.c.id.label("offender")).where(
        or_(
            payments.c.refunded_minor > payments.c.captured_minor,
            payments.c.refunded_minor != _sum_of_refunds("amount_minor").scalar_subquery(),
            payments.c.fee_returned_minor
            != _sum_of_refunds("fee_returned_minor").scalar_subquery(),
        )
    ),
    "networks are told of every capture": select(payments.c.id.label("offender")).where(
        payments.c.state == literal_column("'captured'"),
        ~exists().where(
            advices.c.payment_id == payments.c.id,
            advices.c.kind == literal_column("'completion'"),
            advices.c.amount_minor == payments.c.captured_minor,
        ),
    ),
    "networks are told of every refund": select(refunds.c.id.label("offender")).where(
        or_(
            ~exists().where(advices.c.refund_id == refunds.c.id),
            exists().where(
                advices.c.refund_id == refunds.c.id,
                or_(
                    and_(
                        advices.c.done_at_us.is_(None),
                        refunds.c.state != literal_column("'pending'"),
                    ),
                    and_(
                        advices.c.done_at_us.is_not(None),
                        refunds.c.state == literal_column("'pending'"),
                    ),
                ),
            ),
        )
    ),
}
