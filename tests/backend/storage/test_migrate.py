"""Schema: what revisions build is what the tables say, and a migration is whole or not there."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from backend.api import migrate
from backend.runtime.errors import StorageError, UsageError
from backend.storage.data_folder import DataFolder
from backend.storage.migrate import (
    ADDED_TO_HOSTS,
    HEAD,
    HOSTS_SCHEMA,
    MIGRATIONS,
    migrate_engine,
    prepare_hosts,
    stored_revision,
)
from backend.storage.schema import engine_metadata, schema_sql

SINCE_2 = [name for since, names in ADDED_TO_HOSTS.items() if since > 2 for name in names]
FROZEN = MIGRATIONS / "0001_first_schema.sql"


def objects(path: Path) -> set[tuple[str, str]]:
    connection = sqlite3.connect(path)
    found = {
        (name, " ".join(sql.split()))
        for name, sql in connection.execute("SELECT name, sql FROM sqlite_master WHERE sql NOTNULL")
        if name != "alembic_version"
    }
    connection.close()
    return found


def test_revisions_build_what_the_tables_say(tmp_path: Path) -> None:
    assert migrate_engine(tmp_path / "built.db") == "nothing"
    said = sqlite3.connect(tmp_path / "said.db")
    said.executescript(schema_sql(engine_metadata))
    said.close()
    assert objects(tmp_path / "built.db") == objects(tmp_path / "said.db"), (
        "a table changed: write a revision"
    )


def test_the_newest_revision_is_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_second_time_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert migrate(tmp_path) == "nothing"
    assert migrate(tmp_path) is None
    assert stored_revision(tmp_path / "engine.db") == HEAD
    assert not list(tmp_path.glob(".*migrating*"))


def test_a_file_of_a_newer_version_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    migrate_engine(path)
    newer = sqlite3.connect(path)
    newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.commit()
    newer.close()
    with pytest.raises(StorageError, match="newer version"):
        migrate_engine(path)
    assert stored_revision(path) == "9999"


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "engine.db").write_bytes(b"not a database at all, but long enough" * 40)
    with pytest.raises(StorageError, match=r"engine\.db"):
        migrate_engine(tmp_path / "engine.db")
    (tmp_path / "networks.db").write_bytes(b"not a database at all, but long enough" * 40)
    with pytest.raises(StorageError, match=r"networks\.db"):
        prepare_hosts(tmp_path / "networks.db")


def test_the_networks_file_has_a_number_in_its_head(tmp_path: Path) -> None:
    path = tmp_path / "networks.db"
    prepare_hosts(path)
    prepare_hosts(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (HOSTS_SCHEMA,)
    connection.execute("PRAGMA user_version=77")
    connection.close()
    with pytest.raises(StorageError, match="schema 77"):
        prepare_hosts(path)


def test_an_older_networks_file_gets_the_tables_that_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "networks.db"
    prepare_hosts(path)
    connection = sqlite3.connect(path)
    for name in ("host_approvals", *SINCE_2):
        connection.execute(f"DROP TABLE {name}")
    connection.execute("INSERT INTO host_secrets VALUES ('visa', 'sealing', x'00')")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    prepare_hosts(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM host_approvals").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM host_secrets").fetchone() == (1,)
    connection.close()


def test_tokens_of_an_older_networks_file_may_become_inactive(tmp_path: Path) -> None:
    path = tmp_path / "networks.db"
    prepare_hosts(path)
    token = ("tok_1", "visa", "acc_1", "dev_1", "wal_1", "prv_1", b"f", b"s", "0002", "3012")
    with closing(sqlite3.connect(path)) as connection:
        for name in SINCE_2:
            connection.execute(f"DROP TABLE {name}")
        made = connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'host_tokens'"
        ).fetchone()[0]
        connection.execute("DROP TABLE host_tokens")
        connection.execute(made.replace("'inactive', ", ""))
        connection.execute(
            "CREATE UNIQUE INDEX ix_one_live_token_a_device ON host_tokens (account_id, device_id)"
            " WHERE status != 'deactivated'"
        )
        marks = ", ".join("?" * 13)
        insert = f"INSERT INTO host_tokens VALUES ({marks})"  # noqa: S608 - ours
        connection.execute(insert, (*token, "active", 7, 1))
        with pytest.raises(sqlite3.IntegrityError, match="status"):
            connection.execute(insert, ("tok_2", *token[1:3], "dev_2", *token[4:6], b"g",
                                        *token[7:], "inactive", 0, 1))  # fmt: skip
        connection.execute("PRAGMA user_version=2")
        connection.commit()
    prepare_hosts(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT status, atc_seen FROM host_tokens").fetchall() == [
            ("active", 7)
        ]
        connection.execute("UPDATE host_tokens SET status = 'inactive'")
    fresh = tmp_path / "fresh.db"
    prepare_hosts(fresh)
    assert objects(path) == objects(fresh)


def test_an_older_engine_file_keeps_its_cards(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FROZEN.read_text())
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('0001')")
        for number, status in enumerate(("active", "suspended", "pending")):
            connection.execute(
                f"INSERT INTO provisioned_cards VALUES ({', '.join('?' * 17)})",  # noqa: S608 - ours
                (f"card_{number}", "usr", "dev", f"tok_{number}", bytes([number]), "visa",
                 f"000{number}", "1111", "debit", "Everyday", "/x.svg", status, number == 0,
                 None, None, 5, 6),
            )  # fmt: skip
        connection.commit()
    assert migrate_engine(path) == "0001"
    with closing(sqlite3.connect(path)) as connection:
        kept = connection.execute(
            "SELECT id, status, is_default, updated_at_us, decisions, terms_version, design"
            " FROM provisioned_cards ORDER BY id"
        ).fetchall()
    assert kept == [
        ("card_0", "active", 1, 6, "", None, "everyday"),
        ("card_1", "suspended", 0, 6, "", None, "everyday"),
        ("card_2", "requested", 0, 6, "", None, "everyday"),
    ]
    assert stored_revision(path) == HEAD
    said = sqlite3.connect(tmp_path / "said.db")
    said.executescript(schema_sql(engine_metadata))
    said.close()
    assert objects(path) == objects(tmp_path / "said.db")


def test_a_folder_in_use_is_not_migrated(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.take()
    with pytest.raises(UsageError, match="in use"):
        migrate(tmp_path)
    folder.give_back()
