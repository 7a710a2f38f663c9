"""Events and audit lines as rows: implements `backend.outbox.ports.Outbox`.

Only appends. Reading the event stream back belongs to the event side of storage.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from sqlalchemy import bindparam, insert

from backend.outbox.ports import AuditRecord
from backend.runtime.events import Event
from backend.storage.database import Parameters, Statement, Transaction
from backend.storage.event_tables import audit_logs, events

_ADD_EVENT = Statement(insert(events))
_ADD_AUDIT = Statement(
    insert(audit_logs).values(
        {
            name: bindparam(name)
            for name in (
                "at_us", "user_id", "action", "resource_type", "resource_id", "result", "metadata",
            )
        }
    )
)  # fmt: skip


class SqlOutbox:
    """Appends events and audit lines inside the caller's unit of work."""

    def add_events(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Append events."""
        if len(events) == 1:
            tx.run(_ADD_EVENT, _columns(events[0]))
        else:
            tx.run_many(_ADD_EVENT, [_columns(event) for event in events])

    def add_audit(self, tx: Transaction, record: AuditRecord) -> None:
        """Append one line to the audit trail."""
        tx.run(
            _ADD_AUDIT,
            {
                "at_us": record.at_us,
                "user_id": record.user_id,
                "action": record.action,
                "resource_type": record.resource_type,
                "resource_id": record.resource_id,
                "result": record.result,
                "metadata": orjson.dumps(dict(record.metadata)).decode(),
            },
        )


def _columns(event: Event) -> Parameters:
    return {
        "source": event.source,
        "seq": event.seq,
        "lab_time_us": event.lab_time_us,
        "real_time_us": event.real_time_us,
        "actor": event.actor,
        "kind": event.kind,
        "payment_id": event.payment_id,
        "tap_id": event.tap_id,
        "cause_id": event.cause_id,
        "data": orjson.dumps(dict(event.data)).decode(),
    }
