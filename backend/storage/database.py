"""SQLite with one writer, group commit and precompiled statements.

Theory of operation. A unit of work is an ordinary function of a `Transaction`. It cannot await, so
nothing that is on a wire can ever be inside an open transaction: the rule "commit, then call, then
commit" is kept by the shape of the code.

Units run in the event loop's thread, each in a savepoint of one transaction; only the COMMIT, which
waits for the disk (`synchronous=FULL`), goes to a thread, and the units are answered when it is
back. While the disk is busy the next batch gathers, so the batch grows with the load and one lone
request never waits for others. A unit that raises takes back its own savepoint and nobody else's.
(Measured: running the units in the writer's thread too costs half of the throughput, because every
statement gives the interpreter lock away and has to queue for it again.) A file opened with
`synchronous=NORMAL` commits without waiting for the disk and needs no thread.

Folding the write-ahead log into the file waits for the disk too; a second thread does it now and
then. Reads run on a connection of their own in the caller's thread: in WAL mode they block nobody,
and a point read (about 20 µs) is cheaper than a thread hop. In a simulated world everything runs
inline.

Around each commit stands a pair of named points (`CommitPoints`), where a test or a simulated
world may let the process die; a store that was killed answers everything with `Crashed`. A `Disk`
that is handed in may make a commit slow or refuse it, as a full one does.

Knows nothing of payments. Statements come from SQLAlchemy tables, are compiled once, and run on
the driver's own cursor (measured: Core statement by statement costs half of the throughput).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

from backend.runtime.errors import Crashed, StorageError

T = TypeVar("T")
Value = str | int | float | bytes | None
Parameters = Mapping[str, Value]
Row = sqlite3.Row
Synchronous = Literal["FULL", "NORMAL", "OFF"]

BATCH_UNITS_MAX = 512
CHECKPOINT_UNITS = 2_000
"""Units between two background checkpoints."""
LOG_PAGES_MAX = 16_000
"""Pages of write-ahead log (64 MiB) at which the writer itself folds it, whatever that costs."""
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


Moment = Literal["before", "after"]


class CommitPoints(Protocol):
    """What is told of every commit, in the thread that makes it; it may end the process there."""

    def reached(self, moment: Moment, store: str) -> None:
        """A commit of the file `store` (its name without suffix) is about to be made, or was.

        Raises:
            Crashed: the simulated process died here.
        """


class Disk(Protocol):
    """What the file stands on, where that can be in trouble; asked in the event loop's thread."""

    @property
    def is_troubled(self) -> bool:
        """Whether there is any trouble now; asked before anything is measured."""

    def commit(self, written_bytes: int) -> tuple[int, str | None]:
        """What becomes of a commit.

        Args:
            written_bytes: by which the file grows; a page at least, because the log always does.

        Returns:
            How many microseconds of input/output time longer it takes, and SQLite's words for why
            it fails, or None.
        """


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
    """A unit of work, who waits for it, and how it ended before the commit."""

    work: Work[T]
    answer: asyncio.Future[T]
    result: T | None = None
    error: BaseException | None = None


class Database:
    """One SQLite file: a writer with group commit, and a reading connection.

    Its `write` belongs to one event loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        synchronous: Synchronous = "FULL",
        inline: bool = False,
        points: CommitPoints | None = None,
        disk: Disk | None = None,
    ) -> None:
        """Open or create the file.

        Args:
            path: the database file; its folder must exist.
            synchronous: FULL survives a power cut; NORMAL and OFF a killed process only.
            inline: commit each unit at once in the caller's thread (simulated worlds).
            points: told of every commit.
            disk: may slow a commit down or refuse it.

        Raises:
            StorageError: the file cannot be opened or is not a database.
        """
        self.path = path
        self._inline = inline
        self._points = points
        self._disk = disk
        self._turn = asyncio.Lock()  # of inline writers, for as long as a slow disk takes
        self._slow_commit: asyncio.TimerHandle | None = None
        self._is_dead = False
        self._waits_for_disk = synchronous == "FULL"
        self._writer = connect(path, synchronous)
        self._reader = connect(path, synchronous)
        self._waiting: list[_Unit[Any]] = []
        self._committing: list[_Unit[Any]] = []
        self._threads: ThreadPoolExecutor | None = None
        self._checkpointed_units = 0
        self.commits = 0
        self.units = 0

    async def write(self, work: Work[T]) -> T:
        """Run a unit of work; durable when this returns."""
        self._check_alive()
        if self._inline:
            return await self._write_inline(work)
        loop = asyncio.get_running_loop()
        unit: _Unit[T] = _Unit(work, loop.create_future())
        self._waiting.append(unit)
        if len(self._waiting) == 1 and not self._committing:
            loop.call_soon(self._run_batch, loop)  # whoever comes in this round joins
        return await unit.answer

    def read(self, work: Work[T]) -> T:
        """Run a short read on the last committed state."""
        self._check_alive()
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
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        if self._slow_commit is not None:
            self._slow_commit.cancel()
            self._settle(self._committing, self._commit())
        batch, self._waiting = self._waiting, []
        if batch:
            self._settle(batch, self._run_units(batch) or self._commit())
        self._reader.close()
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()

    def kill(self) -> None:
        """Let both handles go as a dead process does: what was not committed is lost."""
        self._is_dead = True
        self._reader.close()
        self._writer.close()

    def _check_alive(self) -> None:
        if self._is_dead:
            raise Crashed(f"{self.path.name} belongs to a dead process")

    def _reach(self, moment: Moment) -> None:
        if self._points is not None:
            self._points.reached(moment, self.path.stem)

    async def _write_inline(self, work: Work[T]) -> T:
        async with self._turn:
            result = self._run_alone(work)
            delay_us, refusal = self._ask_disk()
            if delay_us:
                try:
                    await asyncio.sleep(delay_us / 1e6)
                except BaseException:  # the caller hung up
                    self._roll_back()
                    raise
                self._check_alive()
            if (failure := self._commit(refusal)) is not None:
                raise failure
            self.units += 1
            return result

    def _run_alone(self, work: Work[T]) -> T:
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            return work(Transaction(self._writer))
        except sqlite3.OperationalError as error:
            raise self._give_up(error) from error
        except BaseException:
            self._roll_back()
            raise

    def _ask_disk(self) -> tuple[int, str | None]:
        """What becomes of the commit of what has just been run."""
        if self._disk is None or not self._disk.is_troubled:
            return 0, None
        pages = self._pages(self._writer) - self._pages(self._reader)
        page_bytes: int = self._writer.execute("PRAGMA page_size").fetchone()[0]
        return self._disk.commit(max(1, pages) * page_bytes)

    @staticmethod
    def _pages(connection: sqlite3.Connection) -> int:
        pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
        return pages

    # A batch: run in the loop's thread, commit where waiting hurts nobody, answer.

    def _run_batch(self, loop: asyncio.AbstractEventLoop) -> None:
        batch, self._waiting = self._waiting[:BATCH_UNITS_MAX], self._waiting[BATCH_UNITS_MAX:]
        if not batch:
            return
        self._committing = batch
        if (failure := self._run_units(batch)) is not None:
            self._batch_done(loop, failure)
            return
        delay_us, refusal = self._ask_disk()
        if delay_us:  # meanwhile the next batch gathers
            self._slow_commit = loop.call_later(delay_us / 1e6, self._commit_batch, loop, refusal)
        else:
            self._commit_batch(loop, refusal)

    def _commit_batch(self, loop: asyncio.AbstractEventLoop, refusal: str | None) -> None:
        self._slow_commit = None
        if self._waits_for_disk and refusal is None:
            self._in_thread(self._commit_in_thread, loop)
        else:
            self._batch_done(loop, self._commit(refusal))

    def _commit_in_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        failure = self._commit()
        try:
            loop.call_soon_threadsafe(self._batch_done, loop, failure)
        except RuntimeError:
            if not loop.is_closed():  # whoever waited is gone with the loop
                raise

    def _batch_done(self, loop: asyncio.AbstractEventLoop, failure: StorageError | None) -> None:
        batch, self._committing = self._committing, []
        self._settle(batch, failure)
        if self._waiting:
            loop.call_soon(self._run_batch, loop)
        if self.units - self._checkpointed_units > CHECKPOINT_UNITS:
            self._checkpointed_units = self.units
            self._in_thread(self._checkpoint)

    def _in_thread(self, work: Callable[..., None], *arguments: object) -> None:
        if self._threads is None:  # one to commit, one to fold the log
            self._threads = ThreadPoolExecutor(2, thread_name_prefix=f"disk {self.path.name}")
        self._threads.submit(work, *arguments)

    def _run_units(self, batch: list[_Unit[Any]]) -> StorageError | None:
        """Run every unit in a savepoint of one transaction; the failure that stopped them all."""
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for unit in batch:
                self._run_in_savepoint(unit)
        except sqlite3.Error as error:
            return self._give_up(error)
        self.units += len(batch)
        return None

    def _run_in_savepoint(self, unit: _Unit[Any]) -> None:
        execute = self._writer.execute
        execute("SAVEPOINT unit")
        try:
            unit.result = unit.work(Transaction(self._writer))
        except Exception as error:
            if not self._writer.in_transaction:  # SQLite gave up the whole batch
                raise sqlite3.OperationalError(str(error)) from error
            execute("ROLLBACK TO unit")
            broke = isinstance(error, sqlite3.OperationalError)
            unit.error = self._failure(error) if broke else error
        execute("RELEASE unit")

    def _commit(self, refusal: str | None = None) -> StorageError | None:
        if refusal is not None:
            return self._give_up(sqlite3.OperationalError(refusal))
        self._reach("before")
        try:
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            return self._give_up(error)
        self._reach("after")
        self.commits += 1
        return None

    def _give_up(self, error: sqlite3.Error) -> StorageError:
        self._roll_back()
        return self._failure(error)

    def _roll_back(self) -> None:
        if not self._is_dead and self._writer.in_transaction:
            self._writer.execute("ROLLBACK")

    def _failure(self, error: Exception) -> StorageError:
        failure = StorageError(f"{self.path.name}: {error}")
        failure.__cause__ = error
        return failure

    def _settle(self, batch: list[_Unit[Any]], failure: StorageError | None) -> None:
        for unit in batch:
            error = failure or unit.error
            if unit.answer.done():
                continue  # whoever asked has hung up
            if error is not None:
                unit.answer.set_exception(error)
            else:
                unit.answer.set_result(unit.result)

    def _checkpoint(self) -> None:
        """Fold what can be folded of the write-ahead log; the next one does the rest."""
        connection = connect(self.path, "FULL")
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()


def connect(path: Path, synchronous: Synchronous) -> sqlite3.Connection:
    """Open a connection with the settings that every use of these files needs.

    Raises:
        StorageError: the file cannot be opened or is not a database.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StorageError(f"{path}: {error}") from error
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES_MAX}")
    except sqlite3.Error as error:
        connection.close()
        raise StorageError(f"{path}: {error}") from error
    return connection
