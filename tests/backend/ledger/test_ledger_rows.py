"""The journal on disk: read back as written, and closed to every change."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from sqlalchemy import create_engine

from backend.domain.money import Money
from backend.ledger.chain import Head, chained, first_break, shard_of
from backend.ledger.journal import Promise, authorization, balances, release
from backend.storage.database import Database
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.ledger_tables import APPEND_ONLY_TRIGGERS, ledger_entries


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "ledger.db"
    engine = create_engine(f"sqlite:///{path}")
    ledger_entries.create(engine)
    engine.dispose()
    opened = Database(path, inline=True)
    yield opened
    opened.close()


def promise(number: int, merchant_id: str = "mer_1") -> Promise:
    return Promise(
        f"pay_{number}", "tok_1", "Visa ·4242", merchant_id, "Shop", Money(number, "USD")
    )


def post(database: Database, transaction) -> list:
    rows = SqlLedgerRows()

    def work(tx):
        entries = chained(transaction, rows.head(tx, shard_of(transaction.merchant_id)))
        rows.append(tx, entries)
        return entries

    return asyncio.run(database.write(work))


def test_entries_come_back_as_they_were_written(database):
    rows = SqlLedgerRows()
    written = post(database, authorization(promise(1), 5)) + post(database, release(promise(1), 6))
    shard = written[0].shard
    assert database.read(lambda tx: list(rows.of_shard(tx, shard))) == written
    assert database.read(lambda tx: rows.of_payment(tx, "pay_1")) == written
    assert database.read(lambda tx: rows.head(tx, shard)) == Head(4, written[-1].hash)
    assert database.read(lambda tx: rows.head(tx, (shard + 1) % 64)) == Head()
    assert first_break(written) is None


def test_balances_are_the_fold_of_the_entries(database):
    rows = SqlLedgerRows()
    written = [
        *post(database, authorization(promise(1), 1)),
        *post(database, authorization(promise(2, "mer_2"), 2)),
        *post(database, release(promise(1), 3)),
    ]
    found = database.read(rows.balances)
    assert found == balances(entry.posting for entry in written)
    assert found["assets:customer-card:tok_1", "USD"] == 2


def test_each_shard_has_its_own_chain(database):
    rows = SqlLedgerRows()
    for number, merchant_id in enumerate(["mer_1", "mer_2", "mer_1", "mer_2"], start=1):
        post(database, authorization(promise(number, merchant_id), number))
    shards = database.read(rows.shards)
    assert shards == sorted({shard_of("mer_1"), shard_of("mer_2")})
    for shard in shards:
        entries = database.read(lambda tx, shard=shard: list(rows.of_shard(tx, shard)))
        assert [entry.seq for entry in entries] == [1, 2, 3, 4]
        assert first_break(entries) is None


@pytest.mark.inv(214)
@pytest.mark.parametrize(
    "statement", ["UPDATE ledger_entries SET sentence = ''", "DELETE FROM ledger_entries"]
)
def test_the_database_itself_refuses_changes(database, statement):
    post(database, authorization(promise(1), 5))
    with pytest.raises(sqlite3.IntegrityError, match="append-only: correct by reversing"):
        database._writer.execute(statement)
    assert database.read(lambda tx: SqlLedgerRows().shards(tx)) != []


def test_a_migration_can_make_the_same_triggers(tmp_path):
    connection = sqlite3.connect(tmp_path / "by_hand.db")
    connection.execute("CREATE TABLE ledger_entries (shard, seq)")
    connection.execute("INSERT INTO ledger_entries VALUES (1, 1)")
    for trigger in APPEND_ONLY_TRIGGERS:
        connection.execute(trigger)
    for statement in ("UPDATE ledger_entries SET seq = 2", "DELETE FROM ledger_entries"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
    connection.close()
