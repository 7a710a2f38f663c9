"""What `verify` asks of webhooks: each entry selects the offenders, none is well.

Every stored event that merchants hear of, up to the reader's cursor, has its merchant's events if
that merchant had an endpoint then; each of these that was meant for endpoints has its deliveries;
what counts as delivered has an attempt that was answered with a 2xx. Scans whole tables.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal_column, or_, select

from backend.storage.event_recorder import ENGINE
from backend.storage.event_tables import events, outbox_cursors
from backend.storage.merchant_event_rows import CONSUMER
from backend.storage.webhook_tables import (
    merchant_events,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
)
from backend.webhooks.catalogue import ENDED_BEFORE, KINDS

_merchant = func.json_extract(events.c.data, literal_column("'$.merchant_id'"))
_reason = func.json_extract(events.c.data, literal_column("'$.reason'"))
_ended: list[ColumnElement[str]] = [
    literal_column(f"'{reason}'") for reason in sorted(ENDED_BEFORE)
]
_deliveries_of = (
    select(func.count())
    .where(webhook_deliveries.c.event_number == merchant_events.c.number)
    .scalar_subquery()
)

WEBHOOK_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "merchants who listen are told": select(events.c.seq.label("offender"))
    .select_from(events)
    .where(
        events.c.source == literal_column(f"'{ENGINE}'"),
        events.c.kind.in_([literal_column(f"'{kind}'") for kind in sorted(KINDS)]),
        or_(
            events.c.kind != literal_column("'payment.reversed'"),
            func.coalesce(_reason, literal_column("''")).not_in(_ended),
        ),
        events.c.seq
        <= select(outbox_cursors.c.seq)
        .where(outbox_cursors.c.consumer == literal_column(f"'{CONSUMER}'"))
        .scalar_subquery(),
        exists().where(
            webhook_endpoints.c.merchant_id == _merchant,
            webhook_endpoints.c.after_seq < events.c.seq,
        ),
        ~exists().where(merchant_events.c.source_seq == events.c.seq),
    ),
    "merchants' events are numbered without gaps": select(
        merchant_events.c.order_key.label("offender")
    )
    .group_by(merchant_events.c.order_key)
    .having(func.max(merchant_events.c.sequence) != func.count()),
    "each event goes to its endpoints": select(merchant_events.c.number.label("offender")).where(
        merchant_events.c.endpoints != _deliveries_of
    ),
    "what is delivered was accepted": select(webhook_deliveries.c.id.label("offender")).where(
        webhook_deliveries.c.state == literal_column("'delivered'"),
        ~exists().where(
            webhook_attempts.c.delivery_id == webhook_deliveries.c.id,
            webhook_attempts.c.status.between(literal_column("200"), literal_column("299")),
        ),
    ),
    "attempts are counted": select(webhook_deliveries.c.id.label("offender")).where(
        webhook_deliveries.c.attempts
        != select(func.count())
        .where(webhook_attempts.c.delivery_id == webhook_deliveries.c.id)
        .scalar_subquery()
    ),
    "endpoints that are closed wait for nothing": select(webhook_deliveries.c.id.label("offender"))
    .join_from(
        webhook_deliveries,
        webhook_endpoints,
        webhook_endpoints.c.id == webhook_deliveries.c.endpoint_id,
    )
    .where(
        and_(
            webhook_deliveries.c.state == literal_column("'pending'"),
            webhook_endpoints.c.state != literal_column("'enabled'"),
        )
    ),
}
