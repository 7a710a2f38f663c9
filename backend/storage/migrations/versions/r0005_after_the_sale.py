"""Captures and refunds: what was taken, what went back, and what a network has yet to be told.

The payments' table has a new state and SQLite changes no constraint in place, so the table is made
anew, word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0005_after_the_sale.sql")


def upgrade() -> None:
    """Make the payments' table anew, with the payments that it had."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
