"""What the networks still have to be told about tokens, and who holds a card suspended.

Word for word as frozen in the file beside it. A card that was suspended before this record is held
by its cardholder, or by the wallet if its device was lost.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0004_token_orders.sql")


def upgrade() -> None:
    """Add two columns to cards, and the tables of orders and cursors."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    connection.executescript(CHANGES.read_text())
