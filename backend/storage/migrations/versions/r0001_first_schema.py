"""The first schema, word for word as frozen in the file beside it (triggers included)."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parent.with_name("0001_first_schema.sql")


def upgrade() -> None:
    """Make every table, index and trigger."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"  # noqa: S101 - programmer error
    connection.executescript(SCHEMA.read_text())
