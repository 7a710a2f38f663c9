"""What a rule asks of storage when it changes something: tell everyone, and note who did it.

Both go into the same unit of work as the change, so nothing is announced that did not happen and
nothing happens unannounced. Publishing (`EventLog.publish`) comes after the commit. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from backend.runtime.events import Event

Tx_contra = TypeVar("Tx_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """One line of the audit trail.

    Attributes:
        at_us: lab time.
        user_id: on whose behalf, where a person is known.
        action: "payment.authorize".
        resource_type: "payment".
        resource_id: which one.
        result: the outcome in one word.
        metadata: masked, JSON-ready facts.
    """

    at_us: int
    user_id: str | None
    action: str
    resource_type: str
    resource_id: str
    result: str
    metadata: Mapping[str, object] = field(default_factory=dict)


class Outbox(Protocol[Tx_contra]):
    """Where events and audit records are appended."""

    def add_events(self, tx: Tx_contra, events: Sequence[Event]) -> None:
        """Append events; they are published after the commit."""

    def add_audit(self, tx: Tx_contra, record: AuditRecord) -> None:
        """Append one line to the audit trail."""
