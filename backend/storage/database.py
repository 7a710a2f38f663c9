"""SQLite with one writer, group commit and precompiled statements.

Theory of operation. A unit of work is an ordinary function of a `Transaction`. It cannot await, so
nothing that is on a wire can ever be inside an open transaction: the rule "commit, then call, then
commit" is kept by the shape of the code. In the live world a writer thread takes all units that
are waiting, runs each in a savepoint of one transaction, commits once (`synchronous=FULL`: one
flush of the disk for the whole batch) and only then answers. While the disk is busy the next batch
fills, so the batch grows with the load and one lone request never waits. A unit that raises takes
back its own savepoint and nobody else's.

Reads run on a second connection in the caller's thread: in WAL mode they block nobody, and a point
read (about 20 µs) is cheaper than a thread hop. In a simulated world writes run inline too.

Knows nothing of payments. Statements come from SQLAlchemy tables, are compiled once, and run on
the driver's own cursor (measured: Core statement by statement costs half of the throughput).
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from backend.runtime.errors import StorageError

T = TypeVar("T")
Value = str | int | float | bytes | None
Parameters = Mapping[str, Value]
Row = sqlite3.Row

BATCH_UNITS_MAX = 512
CHECKPOINT_PAGES = 4_000
BUSY_TIMEOUT_MS = 5_000

_DIALECT = sqlite.dialect(paramstyle="named")


class Statement:
    """A Core statement, compiled once to the driver's SQL."""

    __slots__ = ("defaults", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = clause.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self.defaults: dict[str, Value] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def bind(self, parameters: Parameters) -> Parameters:
        """The parameters with the statement's own constants filled in."""
        return {**self.defaults, **parameters} if self.defaults else parameters


class Transaction:
    """What a unit of work may do to the database."""

    __slots__ = ("_connection",)

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, statement: Statement, parameters: Parameters | None = None) -> int:
        """Run once; the number of rows changed.

        Raises:
            sqlite3.IntegrityError: a constraint refused it (duplicate key, append-only trigger).
        """
        return self._connection.execute(statement.sql, statement.bind(parameters or {})).rowcount

    def run_many(self, statement: Statement, rows: Sequence[Parameters]) -> None:
        """Run for every row in one go."""
        if statement.defaults:
            rows = [statement.bind(row) for row in rows]
        self._connection.executemany(statement.sql, rows)

    def one(self, statement: Statement, parameters: Parameters | None = None) -> Row | None:
        """The first row, or None."""
        row: Row | None = self._connection.execute(
            statement.sql, statement.bind(parameters or {})
        ).fetchone()
        return row

    def all(self, statement: Statement, parameters: Parameters | None = None) -> list[Row]:
        """Every row."""
        return self._connection.execute(statement.sql, statement.bind(parameters or {})).fetchall()


Work = Callable[[Transaction], T]


class Store(Protocol):
    """The port through which the rules reach rows."""

    async def write(self, work: Work[T]) -> T:
        """Run a unit of work; durable when this returns.

        Raises:
            StorageError: the database broke; nothing of the unit is stored.
            Exception: whatever the unit raised; nothing of the unit is stored.
        """

    def read(self, work: Work[T]) -> T:
        """Run a short read (point look-ups, pages of a list) on the last committed state."""


@dataclass(slots=True)
class _Unit(Generic[T]):
    work: Work[T]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[T]


class Database:
    """One SQLite file: a writer with group commit, and a reading connection."""

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
        inline: bool = False,
    ) -> None:
        """Open or create the file.

        Args:
            path: the database file; its folder must exist.
            synchronous: FULL survives a power cut; NORMAL survives a killed process only.
            inline: run writes in the caller's thread (simulated worlds).

        Raises:
            StorageError: the file cannot be opened or is not a database.
        """
        self.path = path
        self._inline = inline
        self._writer = connect(path, synchronous)
        self._reader = connect(path, synchronous)
        self._queue: queue.SimpleQueue[_Unit[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self.commits = 0
        self.units = 0
        if not inline:
            self._thread = threading.Thread(
                target=self._write_forever, name=f"writer {path.name}", daemon=True
            )
            self._thread.start()

    async def write(self, work: Work[T]) -> T:
        """Run a unit of work; durable when this returns."""
        if self._inline:
            return self._write_now(work)
        loop = asyncio.get_running_loop()
        unit: _Unit[T] = _Unit(work, loop, loop.create_future())
        self._queue.put(unit)
        return await unit.answer

    def read(self, work: Work[T]) -> T:
        """Run a short read on the last committed state."""
        try:
            return work(Transaction(self._reader))
        except sqlite3.OperationalError as error:
            raise StorageError(f"{self.path.name}: {error}") from error

    def snapshot(self, target: Path) -> None:
        """Write a consistent copy of the whole file to `target` (which must not exist)."""
        copy = connect(self.path, "FULL")
        try:
            copy.execute("VACUUM INTO ?", (str(target),))
        finally:
            copy.close()

    def close(self) -> None:
        """Finish what is queued, fold the write-ahead log into the file, close it."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._reader.close()
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()

    def _write_now(self, work: Work[T]) -> T:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            result = work(Transaction(self._writer))
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")
        self.commits += 1
        self.units += 1
        return result

    def _write_forever(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            stopping = False
            while len(batch) < BATCH_UNITS_MAX and not self._queue.empty():
                unit = self._queue.get()
                if unit is None:
                    stopping = True
                    break
                batch.append(unit)
            self._commit(batch)
            if stopping:
                return

    def _commit(self, batch: list[_Unit[Any]]) -> None:
        outcomes: list[tuple[_Unit[Any], object, BaseException | None]] = []
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            outcomes = [self._run_in_savepoint(unit) for unit in batch]
            self._writer.execute("COMMIT")
            self.commits += 1
            self.units += len(batch)
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            failure = StorageError(f"{self.path.name}: {error}")
            outcomes = [(unit, None, failure) for unit in batch]
        _answer(outcomes)

    def _run_in_savepoint(
        self, unit: _Unit[Any]
    ) -> tuple[_Unit[Any], object, BaseException | None]:
        execute = self._writer.execute
        execute("SAVEPOINT unit")
        try:
            result = unit.work(Transaction(self._writer))
        except Exception as error:
            if not self._writer.in_transaction:  # the engine of SQLite gave up the whole batch
                raise sqlite3.OperationalError(str(error)) from error
            execute("ROLLBACK TO unit")
            execute("RELEASE unit")
            return unit, None, error
        execute("RELEASE unit")
        return unit, result, None


def connect(path: Path, synchronous: str) -> sqlite3.Connection:
    """Open a connection with the settings that every use of these files needs.

    Raises:
        StorageError: the file cannot be opened or is not a database.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error
    return connection


def _answer(outcomes: list[tuple[_Unit[Any], object, BaseException | None]]) -> None:
    """Give every waiter its outcome, with one wake-up of each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Unit[Any], object, BaseException | None]]]
    by_loop = {}
    for outcome in outcomes:
        by_loop.setdefault(outcome[0].loop, []).append(outcome)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, group)
        except RuntimeError:
            if not loop.is_closed():  # the waiter's loop is gone: nobody is left to answer
                raise


def _settle(group: list[tuple[_Unit[Any], object, BaseException | None]]) -> None:
    for unit, result, error in group:
        if unit.answer.done():
            continue
        if error is None:
            unit.answer.set_result(result)
        else:
            unit.answer.set_exception(error)
