"""What `verify` asks of webhooks: each entry selects or yields the offenders, none is well.

Every stored event that merchants hear of, up to the reader's cursor, has its merchant's events if
that merchant had an endpoint then; each of these that was meant for endpoints has its deliveries;
what counts as delivered has an attempt that was answered with a 2xx. Scans whole tables.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Select, and_, exists, func, literal_column, select

from backend.storage.database import Statement, Transaction
from backend.storage.merchant_event_rows import SqlSourceRows
from backend.storage.webhook_tables import (
    merchant_events,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
)
from backend.webhooks.catalogue import merchant_of, told_of

PAGE_ROWS = 2_000
_deliveries_of = (
    select(func.count())
    .where(webhook_deliveries.c.event_number == merchant_events.c.number)
    .scalar_subquery()
)

WEBHOOK_OFFENDERS: dict[str, Select[tuple[str]]] = {
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

_LISTENERS = Statement(
    select(
        webhook_endpoints.c.merchant_id, func.min(webhook_endpoints.c.after_seq).label("after_seq")
    ).group_by(webhook_endpoints.c.merchant_id)
)
_TOLD = Statement(
    select(merchant_events.c.source_seq, func.count().label("count")).group_by(
        merchant_events.c.source_seq
    )
)


def untold(tx: Transaction) -> list[str]:
    """Stored events, behind the reader, that their listening merchant did not hear of as due."""
    listeners = {row["merchant_id"]: row["after_seq"] for row in tx.all(_LISTENERS)}
    if not listeners:
        return []
    told = {row["source_seq"]: row["count"] for row in tx.all(_TOLD)}
    source, found = SqlSourceRows(), []
    seq, end = min(listeners.values()), source.cursor(tx)
    while page := source.after(tx, seq, PAGE_ROWS):
        for event in page:
            since = listeners.get(merchant_of(event))
            is_due = since is not None and since < event.seq <= end
            if is_due and told.get(event.seq, 0) != len(told_of(event)):
                found.append(event.id)
        seq = page[-1].seq
    return found


WEBHOOK_BREAKS: dict[str, Callable[[Transaction], list[str]]] = {
    "merchants who listen are told": untold,
}
