"""What `verify` asks of the audit trail, whose chain it walks from the first line to the last.

No address may be gone but those of people who asked to be forgotten, and theirs have to be.
"""

from __future__ import annotations

from sqlalchemy import Select, and_, or_, select

from backend.outbox.audit_chain import AuditHead, address_digest, line_hash
from backend.storage import audit_rows
from backend.storage.audit_tables import audit_logs as logs
from backend.storage.database import Transaction
from backend.storage.wallet_tables import users

_gone = logs.c.ip_address.is_(None)
_forgotten = users.c.erased_at_us.is_not(None)

AUDIT_OFFENDERS: dict[str, Select[tuple[int]]] = {
    "addresses go with their person, and only so": select(logs.c.id.label("offender"))
    .select_from(logs.outerjoin(users, users.c.id == logs.c.user_id))
    .where(
        or_(
            and_(logs.c.address_digest.is_not(None), _gone, users.c.erased_at_us.is_(None)),
            and_(_forgotten, ~_gone),
            _gone != logs.c.address_salt.is_(None),
        )
    ),
}
"""It selects the offenders, named in the column `offender`; none means that all is well."""


def audit_breaks(tx: Transaction) -> list[str]:
    """Where the chain does not hold: the first line, or the end that is missing."""
    head = AuditHead()
    for row in audit_rows.all_lines(tx):
        line = audit_rows.covered_by(row)
        expected = line_hash(head, line)
        if (row["id"], row["hash"]) != (head.seq + 1, expected):
            return [f"line {row['id']}"]
        address, salt = row["ip_address"], row["address_salt"]
        if address is not None and line.address_digest != address_digest(salt or b"", address):
            return [f"address of line {row['id']}"]
        head = AuditHead(row["id"], row["hash"])
    given = audit_rows.last_given(tx)
    return [f"lines {head.seq + 1} to {given} are missing"] if given > head.seq else []
