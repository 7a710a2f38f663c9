"""Whether lab time may go back to real time.

Identifiers, lists and due times all follow lab time, so going back is honest only while nothing
tells that the later time has been: no stored change lies after real time, and no outcome is open
(its next question to the network would wait until lab time comes there again). A jump that nobody
paid in can be taken back; one with history cannot, and a clean world is the way out. Knows no
clock.
"""

from __future__ import annotations

from backend.runtime.clock import to_iso
from backend.runtime.errors import Conflict
from backend.storage import audit_rows
from backend.storage.database import Database, Transaction
from backend.storage.payment_rows import SqlPaymentRows

BEYOND_EVERY_ID = 2**62
_rows = SqlPaymentRows()


def refuse_unless_history_allows(database: Database, real_us: int) -> None:
    """Let through when nothing stored lies after real time.

    Args:
        database: the engine's own.
        real_us: microseconds, the time to go back to.

    Raises:
        Conflict: `clock_history_ahead` or `clock_outcome_open`.
    """

    def look(tx: Transaction) -> tuple[int, bool]:
        newest = audit_rows.page(tx, BEYOND_EVERY_ID, 1)  # every change has a line there
        changed_at_us = newest[0]["at_us"] if newest else 0
        assert isinstance(changed_at_us, int), "a column of whole numbers"
        return changed_at_us, _rows.next_due_us(tx, 0) is not None

    changed_at_us, is_open = database.read(look)
    if changed_at_us > real_us:
        raise Conflict(
            "clock_history_ahead",
            f"something happened at {to_iso(changed_at_us)}: lab time cannot go back before it; "
            "start a clean world instead",
        )
    if is_open:
        raise Conflict(
            "clock_outcome_open",
            "a payment's outcome is still open: ask again when it is known",
        )
