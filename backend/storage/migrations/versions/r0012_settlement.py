"""Settlement: batches, payouts, the bank's book, clearings, exchange rates; ledger checkpoints.

Word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0012_settlement.sql")


def upgrade() -> None:
    """Add the tables, and the journal's index of what merchants own."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
