"""The audit trail: a chain that an older folder's lines join, and from which an address can go."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from backend.api import verify
from backend.outbox.audit_chain import AuditHead, AuditLine, address_digest, line_hash
from backend.storage.database import Database
from backend.storage.migrate import MIGRATIONS, migrate_engine
from backend.storage.verify_audit import audit_breaks

LINE = AuditLine(1, "usr_1", "login", "user", "usr_1", "done", "{}", None)


def at_revision(path: Path, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


@pytest.mark.inv(145, 147)
def test_lines_of_an_older_folder_join_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    at_revision(path, "0005")
    with closing(sqlite3.connect(path)) as connection:
        for number, address in ((4, "127.0.0.1"), (9, None)):
            connection.execute(
                "INSERT INTO audit_logs VALUES (?, 5, 'usr_1', 'login', 'user', 'usr_1', 'done',"
                " ?, '{}')",
                (number, address),
            )
        connection.commit()
    assert migrate_engine(path) == "0005"
    database = Database(path, inline=True)
    assert database.read(audit_breaks) == []
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT id, ip_address FROM audit_logs ORDER BY id").fetchall()
        assert rows == [(1, "127.0.0.1"), (2, None)]
        for forbidden in (
            "UPDATE audit_logs SET action = 'x'",
            "UPDATE audit_logs SET ip_address = '10.0.0.1'",
            "DELETE FROM audit_logs",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(forbidden)


def test_every_field_is_in_the_hash() -> None:
    head = AuditHead()
    others = [
        AuditLine(*("x" if name == changed else getattr(LINE, name) for name in LINE.__slots__))
        for changed in LINE.__slots__
        if changed not in {"at_us", "address_digest"}
    ]
    others.append(AuditLine(2, "usr_1", "login", "user", "usr_1", "done", "{}", None))
    digest = address_digest(b"salt", "127.0.0.1")
    others.append(AuditLine(1, "usr_1", "login", "user", "usr_1", "done", "{}", digest))
    hashes = {line_hash(head, line) for line in [LINE, *others]}
    assert len(hashes) == len(others) + 1
    assert line_hash(AuditHead(1, head.hash), LINE) != line_hash(head, LINE)
    assert address_digest(b"other", "127.0.0.1") != digest


def test_an_empty_trail_holds(tmp_path: Path) -> None:
    migrate_engine(tmp_path / "engine.db")
    names = {check["name"]: check["ok"] for check in verify(tmp_path)["checks"]}
    assert names["audit hash chain"]
