"""The disk under the engine's own database, with what is armed on `database`.

A commit that takes longer, fails, or finds the disk full: what was written since the plan was
applied counts against the fault's `bytes`. The words are SQLite's own. Knows no row and no file.
"""

from __future__ import annotations

from backend.faults.armed import Facts
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point

LINK = "database"
FULL = "database or disk is full"  # SQLITE_FULL
BROKEN = "disk I/O error"  # SQLITE_IOERR
REFUSALS = {"limit_data": FULL, "reset_peer": BROKEN}


class FaultyDisk:
    """The storage's port `Disk`; in no trouble until it heeds a board."""

    def __init__(self) -> None:
        self._board: FaultBoard | None = None
        self._revision = 0
        self._written_bytes = 0

    def heed(self, board: FaultBoard) -> None:
        """Carry out what this board says from now on: it is built on the database it troubles."""
        self._board = board

    @property
    def is_troubled(self) -> bool:
        """Whether anything is armed on the database."""
        return self._board is not None and self._board.concern(LINK)

    def commit(self, written_bytes: int) -> tuple[int, str | None]:
        """Microseconds that a commit takes longer, and why it fails, or None."""
        assert self._board is not None, "asked only when there is trouble"
        if self._revision != self._board.revision:
            self._revision, self._written_bytes = self._board.revision, 0
        wanted_bytes = self._written_bytes + written_bytes
        strikes = self._board.strike(LINK, Point.REQUEST, Facts(written_bytes=wanted_bytes))
        refusals = [
            REFUSALS[each.fault.effect] for each in strikes if each.fault.effect in REFUSALS
        ]
        if not refusals:
            self._written_bytes = wanted_bytes
        return sum(strike.delay_us for strike in strikes), refusals[0] if refusals else None
