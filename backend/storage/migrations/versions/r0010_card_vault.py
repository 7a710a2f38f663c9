"""The card vault's tables; payments without a chip have no counter.

The vault's tables stand word for word in the file beside it. SQLite changes no constraint in place:
the table of payments is made anew from what it is at this moment, with whatever columns it has by
now, and its indexes and triggers with it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0010_card_vault.sql")
_WAS = "CHECK (atc BETWEEN 1 AND 65535)"
_IS = "CHECK (atc BETWEEN 1 AND 65535 OR (atc = 0 AND transaction_type = 'web'))"
_HANGING = (
    "SELECT type, name, sql FROM sqlite_master"
    " WHERE tbl_name = 'payments' AND type IN ('index', 'trigger') AND sql NOTNULL"
)


def upgrade() -> None:
    """Let web payments be without a counter, and add the vault."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    _without_counter(connection)
    connection.executescript(CHANGES.read_text())


def _without_counter(connection: sqlite3.Connection) -> None:
    made = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'payments'").fetchone()[0]
    assert made.count(_WAS) == 1, "the table is as an earlier revision left it"
    hanging = connection.execute(_HANGING).fetchall()
    columns = ", ".join(row[1] for row in connection.execute("PRAGMA table_info(payments)"))
    for kind, name, _ in hanging:
        connection.execute(f"DROP {kind} {name}")
    connection.execute("ALTER TABLE payments RENAME TO payments_before")
    connection.execute(made.replace(_WAS, _IS))
    connection.execute(
        f"INSERT INTO payments ({columns}) SELECT {columns} FROM payments_before"  # noqa: S608 - names of our own table
    )
    connection.execute("DROP TABLE payments_before")
    for _, _, sql in hanging:
        connection.execute(sql)
