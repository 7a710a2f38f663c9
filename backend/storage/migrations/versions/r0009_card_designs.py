"""A card has a design of its product: the one that it was drawn with so far.

Word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0009_card_designs.sql")


def upgrade() -> None:
    """Add the column."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
