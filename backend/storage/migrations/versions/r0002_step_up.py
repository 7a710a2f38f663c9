"""Cards that wait for their cardholder to be verified, and what was decided and accepted for them.

A card that its network was being asked about used to be "pending"; now that word is for a card
whose cardholder is to be verified, and the other is "requested". SQLite changes no constraint in
place, so the table is made anew, word for word as frozen in the file beside it.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0002_step_up.sql")


def upgrade() -> None:
    """Make the cards' table anew, with the cards that it had."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
