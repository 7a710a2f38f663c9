"""The merchants' wire: its idempotency keys, and the objects that merchants keep.

Word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0011_merchants_wire.sql")


def upgrade() -> None:
    """Add the tables."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
