"""Accounts of merchants: settings, keys, notices; disputes over what they sold.

Word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0014_merchants.sql")


def upgrade() -> None:
    """Add the tables."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
