"""Event numbers: never given twice, whatever the run before did; volatile events are stored too."""

import asyncio
from pathlib import Path

from backend.runtime.events import EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage import event_rows
from backend.storage.database import Database
from backend.storage.event_recorder import BLOCK, EventRecorder, reserve_numbers
from backend.storage.migrate import migrate_engine


def run(path: Path, kinds: list[str], *, killed: bool) -> list[int]:
    """One run of an engine that says these things; the numbers it gave."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    scheduler = VirtualScheduler(clock)
    database = Database(path, inline=True)

    async def main() -> list[int]:
        first = await reserve_numbers(database)
        events = EventLog(clock, source="engine", world="simulated", first_seq=first)
        recorder = EventRecorder(database, scheduler, events, first)
        for kind in kinds:
            events.emit(kind, actor="engine")
        await asyncio.sleep(1)
        if not killed:
            await recorder.close()
        return [event.seq for event in events.recent()]

    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()
        database.close()


def test_a_clean_stop_gives_unused_numbers_back(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    migrate_engine(path)
    assert run(path, ["hop.measured", "fault.fired"], killed=False) == [1, 2]
    assert run(path, ["hop.measured"], killed=False) == [3]


def test_a_killed_run_leaves_a_gap_and_no_number_twice(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    migrate_engine(path)
    assert run(path, ["hop.measured"] * 3, killed=True) == [1, 2, 3]
    assert run(path, ["breaker.changed"], killed=True) == [BLOCK + 1]
    database = Database(path, inline=True)
    stored = database.read(lambda tx: event_rows.after(tx, "engine", 0, 10))
    database.close()
    assert [(event.seq, event.kind) for event in stored] == [(BLOCK + 1, "breaker.changed")]
