"""One writer, many units a commit: a failing unit takes back itself and nobody else."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, select

from backend.runtime.errors import StorageError
from backend.storage.database import Database, Statement, connect

notes = Table("notes", MetaData(), Column("id", Integer, primary_key=True), Column("text", Text))
ADD = Statement(insert(notes).values(id=bindparam("id"), text=bindparam("text")))
ADD_CONSTANT = Statement(insert(notes).values(id=bindparam("id"), text="constant"))
ALL = Statement(select(notes).order_by(notes.c.id))


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "notes.db"
    connection = connect(target, "FULL")
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    connection.close()
    return target


def add(number, text="x"):
    return lambda tx: tx.run(ADD, {"id": number, "text": text})


def ids(database):
    return database.read(lambda tx: [row["id"] for row in tx.all(ALL)])


def test_many_units_share_few_commits_and_all_are_there(path):
    async def fill():
        database = Database(path)
        await asyncio.gather(*(database.write(add(number)) for number in range(300)))
        stored, commits, units = ids(database), database.commits, database.units
        database.close()
        return stored, commits, units

    stored, commits, units = asyncio.run(fill())
    assert stored == list(range(300))
    assert units == 300
    assert commits < 100


def test_a_unit_that_raises_takes_back_itself_and_nobody_else(path):
    async def collide():
        database = Database(path)

        def half_done(tx):
            tx.run(ADD, {"id": 500, "text": "must vanish"})
            tx.run(ADD, {"id": 7, "text": "again"})

        await database.write(add(7))
        outcomes = await asyncio.gather(
            database.write(add(1)),
            database.write(half_done),
            database.write(add(2)),
            return_exceptions=True,
        )
        stored = ids(database)
        database.close()
        return outcomes, stored

    outcomes, stored = asyncio.run(collide())
    assert isinstance(outcomes[1], sqlite3.IntegrityError)
    assert stored == [1, 2, 7]


@pytest.mark.parametrize("inline", [False, True])
def test_what_was_acknowledged_is_seen_by_another_process_of_the_file(path, inline):
    async def one():
        database = Database(path, inline=inline)
        await database.write(add(1))
        with closing(sqlite3.connect(path)) as outside:
            seen = outside.execute("SELECT count(*) FROM notes").fetchone()[0]
        database.close()
        return seen

    assert asyncio.run(one()) == 1


def test_an_inline_unit_that_raises_leaves_nothing(path):
    async def one():
        database = Database(path, inline=True)
        with pytest.raises(ZeroDivisionError):
            await database.write(lambda tx: (tx.run(ADD, {"id": 1, "text": ""}), 1 / 0))
        stored = ids(database)
        database.close()
        return stored

    assert asyncio.run(one()) == []


def test_constants_of_a_statement_are_bound_one_by_one_and_in_bulk(path):
    async def one():
        database = Database(path, inline=True)
        await database.write(lambda tx: tx.run(ADD_CONSTANT, {"id": 1}))
        await database.write(lambda tx: tx.run_many(ADD_CONSTANT, [{"id": 2}, {"id": 3}]))
        texts = database.read(lambda tx: {row["text"] for row in tx.all(ALL)})
        database.close()
        return texts

    assert asyncio.run(one()) == {"constant"}


def test_a_snapshot_is_whole(path, tmp_path):
    async def one():
        database = Database(path)
        await database.write(add(1, "kept"))
        database.snapshot(tmp_path / "copy.db")
        database.close()

    asyncio.run(one())
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT text FROM notes").fetchall() == [("kept",)]


def test_a_file_that_is_no_database_is_refused_with_its_name(tmp_path):
    target = tmp_path / "notes.db"
    target.write_bytes(b"this is not a database, it is a sentence" * 100)
    with pytest.raises(StorageError, match=r"notes\.db"):
        Database(target)


def test_a_disk_that_refuses_the_commit_fails_every_unit_and_recovers(path):
    async def full():
        database = Database(path)
        await database.write(add(1))
        database._writer.execute("PRAGMA max_page_count = 3")
        outcomes = await asyncio.gather(
            *(database.write(add(number, "x" * 4_000)) for number in range(10, 20)),
            return_exceptions=True,
        )
        database._writer.execute("PRAGMA max_page_count = 1000000")
        await database.write(add(99))
        stored = ids(database)
        database.close()
        return outcomes, stored

    outcomes, stored = asyncio.run(full())
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert refused
    assert all(isinstance(outcome, sqlite3.Error | StorageError) for outcome in refused)
    kept = [number for number, o in zip(range(10, 20), outcomes, strict=True) if o == 1]
    assert stored == [1, *kept, 99]
