"""The whole schema in one place: imports every table module, and can say it as SQL.

The first revision is frozen as SQL; a change of a table comes with a revision of its own, and a
test compares what revisions build with what the tables say.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import MetaData, create_mock_engine
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.ddl import ExecutableDDLElement

from backend.storage import (
    audit_tables,
    dispute_tables,
    event_tables,
    gateway_tables,
    host_access_tables,
    host_tables,
    in_app_tables,
    ledger_tables,
    merchant_tables,
    number_tables,
    payment_tables,
    request_tables,
    settlement_tables,
    token_order_tables,
    vault_tables,
    wallet_tables,
    webhook_tables,
    wire_tables,
)
from backend.storage.metadata import engine_metadata, host_metadata

TABLE_MODULES = (
    audit_tables,
    dispute_tables,
    event_tables,
    gateway_tables,
    host_access_tables,
    host_tables,
    in_app_tables,
    ledger_tables,
    merchant_tables,
    number_tables,
    payment_tables,
    request_tables,
    settlement_tables,
    token_order_tables,
    vault_tables,
    wallet_tables,
    wire_tables,
    webhook_tables,
)
__all__ = ["engine_metadata", "host_metadata", "schema_sql"]


def schema_sql(metadata: MetaData, only: Sequence[str] | None = None) -> str:
    """Every CREATE statement (tables, indexes, triggers), in the order in which they must run.

    Args:
        metadata: the schema.
        only: names of the tables that are wanted; None for all.
    """
    statements: list[str] = []

    def note(element: Executable, *_: object, **__: object) -> None:
        assert isinstance(element, ExecutableDDLElement), "a schema is DDL"
        statements.append(str(element.compile(dialect=engine.dialect)).strip())

    engine = create_mock_engine("sqlite://", note)
    tables = None if only is None else [metadata.tables[name] for name in only]
    metadata.create_all(engine, tables=tables, checkfirst=False)
    ordered: list[str] = []
    for is_index, group in groupby(statements, key=_is_index):
        run = list(group)  # a table keeps its indexes in a set, whose order changes
        ordered += sorted(run) if is_index else run
    text = ";\n\n".join(ordered) + ";\n"
    return "\n".join(line.rstrip() for line in text.split("\n"))


def rebuild_sql(metadata: MetaData, name: str) -> str:
    """Statements that make a table anew, with the rows that it had (SQLite changes none in place).

    Args:
        metadata: the schema.
        name: a table whose columns stayed as they were.
    """
    table = metadata.tables[name]
    columns = ", ".join(column.name for column in table.columns)
    dropped = "".join(f"DROP INDEX {index.name};\n" for index in table.indexes)
    copied = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {name}_before;"  # noqa: S608 - names of our own tables
    return (
        f"{dropped}ALTER TABLE {name} RENAME TO {name}_before;\n"
        f"{schema_sql(metadata, [name])}\n{copied}\nDROP TABLE {name}_before;\n"
    )


def _is_index(statement: str) -> bool:
    return statement.startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))
