"""Events and audit lines of the payment rules: `backend.outbox.ports.Outbox` over `event_rows`."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from backend.outbox.audit_chain import AuditLine
from backend.outbox.ports import AuditRecord
from backend.runtime.events import Event
from backend.storage import audit_rows, event_rows
from backend.storage.database import Transaction


class SqlOutbox:
    """Appends events and audit lines inside the caller's unit of work."""

    def add_events(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Append events."""
        event_rows.append(tx, events)

    def add_audit(self, tx: Transaction, record: AuditRecord) -> None:
        """Append one line to the audit trail."""
        metadata = orjson.dumps(dict(record.metadata)).decode()
        line = AuditLine(
            record.at_us,
            record.user_id,
            record.action,
            record.resource_type,
            record.resource_id,
            record.result,
            metadata,
            None,
        )
        audit_rows.add(tx, line)
