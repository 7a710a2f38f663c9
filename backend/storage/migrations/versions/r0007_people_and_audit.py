"""The audit trail becomes a chain; people can be forgotten, devices and sessions verified.

Word for word as frozen in the file beside it; between its two halves the lines that there were are
written anew, each with its hash, in the order in which they stood.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import op

from backend.outbox.audit_chain import AuditHead, AuditLine, address_digest, line_hash

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHANGES = Path(__file__).parent.with_name("0007_people_and_audit.sql")
_HERE = "-- The lines that there were are chained here."
_OLD = (
    "SELECT at_us, user_id, action, resource_type, resource_id, result, metadata, ip_address,"
    " CASE WHEN ip_address IS NULL THEN NULL ELSE randomblob(16) END AS salt"
    " FROM audit_logs_0005 ORDER BY id"
)
_NEW = "INSERT INTO audit_logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def upgrade() -> None:
    """Add the columns, and make the trail's table anew as a chain."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "alembic runs with a connection"
    before, after = CHANGES.read_text().split(_HERE)
    connection.executescript(before)
    _chain(connection)
    connection.executescript(after)


def _chain(connection: sqlite3.Connection) -> None:
    head = AuditHead()
    for row in connection.execute(_OLD).fetchall():
        said, address, salt = row[:-2], row[-2], row[-1]
        digest = None if address is None else address_digest(salt, address)
        covered = (*said, digest)
        head = AuditHead(head.seq + 1, line_hash(head, AuditLine(*covered)))
        connection.execute(_NEW, (head.seq, *said, digest, head.hash, address, salt))
