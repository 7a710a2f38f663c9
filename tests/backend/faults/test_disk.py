"""A disk that is slow, breaks or is full: nothing half written, and well again afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, select

from backend.faults.board import FaultBoard
from backend.faults.disk import FaultyDisk
from backend.runtime.clock import LabClock
from backend.runtime.errors import StorageError
from backend.runtime.events import EventLog
from backend.storage.database import Database, Statement, Transaction, connect
from tests.backend.networks.bench import run_virtual

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text))
ADD = Statement(insert(notes).values(id=bindparam("id"), text=bindparam("text")))
ALL = Statement(select(notes).order_by(notes.c.id))
PAGE = 4_096
INLINE, IN_THREADS = "inline", "in threads"
ways = pytest.mark.parametrize("way", [INLINE, IN_THREADS])


class Disk:
    """A database on a disk, and the board that troubles it."""

    def __init__(self, path: Path, *, inline: bool) -> None:
        clock = LabClock()
        self.board = FaultBoard(clock=clock, emit=EventLog(clock, source="engine").emit, seed=4)
        disk = FaultyDisk()
        disk.heed(self.board)
        self.database = Database(path, inline=inline, disk=disk)

    def trouble(self, **fault: object) -> None:
        self.board.apply([{"link": "database", **fault}])

    async def add(self, number: int, text: str = "x") -> int:
        return await self.database.write(lambda tx: tx.run(ADD, {"id": number, "text": text}))

    def stored(self) -> list[int]:
        return self.database.read(lambda tx: [row["id"] for row in tx.all(ALL)])

    def fired(self) -> int:
        return self.board.view()["faults"][0]["fired"]


@asynccontextmanager
async def disk(folder: Path, *, inline: bool) -> AsyncIterator[Disk]:
    path = folder / "notes.db"
    connection = connect(path, "FULL")
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.close()
    at = Disk(path, inline=inline)
    yield at
    at.database.close()


def play(folder: Path, way: str, story: Callable[[Disk], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with disk(folder, inline=way == INLINE) as at:
            await story(at)

    run_virtual(main()) if way == INLINE else asyncio.run(main())


@ways
def test_a_commit_that_breaks_takes_everything_back(way: str, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        at.trouble(effect="reset_peer", when={"nth": 2})
        await at.add(1)
        with pytest.raises(StorageError, match=r"notes\.db: disk I/O error"):
            await at.add(2)
        assert await at.add(3) == 1
        assert (at.stored(), at.fired()) == ([1, 3], 1)

    play(tmp_path, way, story)


@ways
def test_a_full_disk_refuses_until_there_is_room_again(way: str, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        at.trouble(effect="limit_data", bytes=3 * PAGE)
        kept = []
        for number in range(6):
            try:
                await at.add(number)
                kept.append(number)
            except StorageError as error:
                assert str(error) == "notes.db: database or disk is full"  # noqa: PT017 - the words
        assert (kept, at.stored(), at.fired()) == ([0, 1, 2], [0, 1, 2], 3)
        at.board.reset()
        await at.add(9)
        assert at.stored() == [0, 1, 2, 9]

    play(tmp_path, way, story)


@ways
def test_what_grows_the_file_costs_what_it_takes(way: str, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        at.trouble(effect="limit_data", bytes=8 * PAGE)
        with pytest.raises(StorageError, match="full"):
            await at.add(1, "x" * 40_000)
        await at.add(2, "x")
        assert at.stored() == [2]

    play(tmp_path, way, story)


@ways
def test_a_new_plan_is_a_new_disk(way: str, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        for first in (0, 10):
            at.trouble(effect="limit_data", bytes=PAGE)
            await at.add(first)
            with pytest.raises(StorageError):
                await at.add(first + 1)
        assert at.stored() == [0, 10]

    play(tmp_path, way, story)


@ways
def test_a_slow_disk_keeps_the_order_and_loses_nothing(way: str, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        loop = asyncio.get_running_loop()
        at.trouble(effect="latency", ms=20)
        done: list[int] = []

        async def add(number: int) -> None:
            await at.add(number)
            done.append(number)

        begun_s = loop.time()
        first = asyncio.ensure_future(add(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert at.stored() == []
        await asyncio.gather(first, add(2), add(3))
        assert loop.time() - begun_s >= 0.039  # two commits at least
        assert done == [1, 2, 3]
        assert at.stored() == [1, 2, 3]

    play(tmp_path, way, story)


def test_a_database_that_closes_does_not_wait_for_its_disk(tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        at.trouble(effect="latency", ms=60_000)
        writing = asyncio.ensure_future(at.add(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert at.fired() == 1
        queued = asyncio.ensure_future(at.add(2))
        await asyncio.sleep(0)
        at.database.close()
        assert (await writing, await queued) == (1, 1)
        at.database = Database(tmp_path / "notes.db")
        assert at.stored() == [1, 2]

    play(tmp_path, IN_THREADS, story)


def test_a_caller_that_hangs_up_on_a_slow_disk_leaves_nothing_open(tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        at.trouble(effect="latency", ms=1_000)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await at.add(1)
        at.board.reset()
        await at.add(2)
        assert at.stored() == [2]

    play(tmp_path, INLINE, story)


@ways
def test_a_statement_that_finds_the_disk_full_is_the_databases_fault(
    way: str, tmp_path: Path
) -> None:
    def fail_in_between(tx: Transaction) -> None:
        tx.run(ADD, {"id": 5, "text": "half"})
        tx._connection.execute("SELECT * FROM nowhere")

    async def story(at: Disk) -> None:
        with pytest.raises(StorageError, match="nowhere"):
            await at.database.write(fail_in_between)
        await at.add(6)
        assert at.stored() == [6]

    play(tmp_path, way, story)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_breaks_the_same_commits(seed: int, tmp_path: Path) -> None:
    async def story(at: Disk) -> None:
        async def broken(first: int) -> list[int]:
            plan = [{"link": "database", "effect": "reset_peer", "probability": 0.3}]
            at.board.apply(plan, seed=seed)
            lost = []
            for number in range(30):
                try:
                    await at.add(first + number)
                except StorageError:
                    lost.append(number)
            return lost

        lost = await broken(0)
        assert lost == await broken(100)
        assert 0 < len(lost) < 30

    play(tmp_path, INLINE, story)
