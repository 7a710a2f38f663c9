"""Brings database files to the schema that this program needs, with alembic.

A migration works on a copy of the file and takes its place when it is whole, so a crash or a full
disk in the middle leaves the file as it was. When the stored revision is the newest, nothing of
alembic is imported: starting is part of what a person waits for.

The networks' own file stands for other companies' machines: it has no history of revisions here,
only a number in its head (`PRAGMA user_version`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from backend.runtime.errors import StorageError
from backend.storage.database import connect

HEAD = "0014"
HOSTS_SCHEMA = 6
ADDED_TO_HOSTS = {
    2: ("host_approvals",),
    3: ("host_verifications", "host_codes", "host_notices"),
    4: (
        "host_presentments",
        "host_postings",
        "host_suspensions",
        "host_token_terms",
        "host_token_events",
        "host_retired_numbers",
    ),
    5: ("host_counters",),
    6: ("host_vault_accesses",),
}
"""Tables that a version of the hosts' schema brought."""
REBUILT_IN_HOSTS = {3: ("host_tokens",)}
"""Tables whose constraints a version changed: made anew, with the rows that they had."""
MIGRATIONS = Path(__file__).with_name("migrations")


def migrate_engine(path: Path) -> str | None:
    """Bring the engine's database to the newest revision; the old one if there was work to do.

    Raises:
        StorageError: the file is no database of ours, is newer than this program, or broke.
    """
    before = stored_revision(path)
    if before == HEAD:
        return None
    partial = path.with_name(f".{path.name}.migrating")
    _remove(partial)
    if path.exists():
        copy = connect(path, "FULL")
        try:
            copy.execute("VACUUM INTO ?", (str(partial),))
        finally:
            copy.close()
    _upgrade(partial)
    _fold(partial)
    _remove_logs(path)
    partial.replace(path)
    return before or "nothing"


def stored_revision(path: Path) -> str | None:
    """The revision that a file is at; None when it does not exist or is empty.

    Raises:
        StorageError: the file is not a database.
    """
    if not path.exists():
        return None
    connection = connect(path, "FULL")
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None  # there is no such table yet
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path}: {error}") from error
    finally:
        connection.close()
    return None if row is None else str(row[0])


def prepare_hosts(path: Path) -> None:
    """Make the tables of the networks' own database, once.

    Raises:
        StorageError: the file is of another version, or is no database.
    """
    connection = connect(path, "NORMAL")
    try:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version == HOSTS_SCHEMA:
            return
        if version > HOSTS_SCHEMA:
            raise StorageError(f"{path.name} has schema {version}, this program {HOSTS_SCHEMA}")
        from backend.storage.schema import host_metadata, rebuild_sql, schema_sql

        script = schema_sql(host_metadata)
        if version:
            script = schema_sql(host_metadata, _since(version, ADDED_TO_HOSTS))
            for name in _since(version, REBUILT_IN_HOSTS):
                script += rebuild_sql(host_metadata, name)
        connection.executescript(f"BEGIN;\n{script}\nPRAGMA user_version={HOSTS_SCHEMA};\nCOMMIT;")
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path}: {error}") from error
    finally:
        connection.close()


def _since(version: int, tables: Mapping[int, tuple[str, ...]]) -> list[str]:
    return [name for changed, names in tables.items() for name in names if changed > version]


def _upgrade(path: Path) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            # Nobody reads this copy before `_fold` has brought the whole of it to the disk.
            connection.exec_driver_sql("PRAGMA synchronous=OFF")
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except CommandError as error:
        raise StorageError(
            f"{path.name}: {error} (is the data folder of a newer version?)"
        ) from error
    except SQLAlchemyError as error:
        raise StorageError(f"{path.name}: {error}") from error
    finally:
        engine.dispose()


def _fold(path: Path) -> None:
    """One file, on the disk, before it takes the place of the old one."""
    connection = connect(path, "FULL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    _remove_logs(path)
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _remove_logs(path)


def _remove_logs(path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
