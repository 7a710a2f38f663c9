"""Schema: what revisions build is what the tables say, and a migration is whole or not there."""

import sqlite3
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from backend.api import migrate
from backend.runtime.errors import StorageError, UsageError
from backend.storage.data_folder import DataFolder
from backend.storage.migrate import (
    HEAD,
    HOSTS_SCHEMA,
    MIGRATIONS,
    migrate_engine,
    prepare_hosts,
    stored_revision,
)
from backend.storage.schema import engine_metadata, schema_sql

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
        "a table changed: before the first release run python -m backend.storage.schema "
        f"> {FROZEN.name}; after it, write a revision"
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
    connection.execute("DROP TABLE host_approvals")
    connection.execute("INSERT INTO host_secrets VALUES ('visa', 'sealing', x'00')")
    connection.execute("PRAGMA user_version=1")
    connection.commit()
    connection.close()
    prepare_hosts(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT count(*) FROM host_approvals").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM host_secrets").fetchone() == (1,)
    connection.close()


def test_a_folder_in_use_is_not_migrated(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.take()
    with pytest.raises(UsageError, match="in use"):
        migrate(tmp_path)
    folder.give_back()
