"""Rows of verifications: the port `backend.networks.ports.VerificationRows` on one transaction.

Knows the hosts' tables and no rule of verification.
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import Table, bindparam, insert, select
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.networks.ports import CodeRow, NoticeRow, VerificationRow
from backend.storage.database import Statement, Transaction, Value
from backend.storage.host_tables import host_codes, host_notices, host_verifications


def _put(table: Table, *keys: str) -> Statement:
    """INSERT of a whole row, or UPDATE of the one with that key."""
    row = upsert(table).values({c.name: bindparam(c.name) for c in table.columns})
    changed = {c.name: row.excluded[c.name] for c in table.columns if c.name not in keys}
    return Statement(row.on_conflict_do_update(index_elements=list(keys), set_=changed))


_VERIFICATION = Statement(
    select(host_verifications).where(host_verifications.c.token_ref == bindparam("wanted"))
)
_PUT_VERIFICATION = _put(host_verifications, "token_ref")
_FAILED_SINCE = Statement(
    select(host_verifications.c.token_ref).where(
        host_verifications.c.account_id == bindparam("of_account"),
        host_verifications.c.stage == "failed",
        host_verifications.c.ended_at_us >= bindparam("since_us"),
    )
)
_CODE = Statement(
    select(host_codes).where(
        host_codes.c.token_ref == bindparam("wanted"), host_codes.c.method == bindparam("by")
    )
)
_PUT_CODE = _put(host_codes, "token_ref", "method")
_ADD_NOTICE = Statement(
    insert(host_notices).values(
        {c.name: bindparam(c.name) for c in host_notices.columns if c.name != "id"}
    )
)
_NOTICES = Statement(
    select(host_notices)
    .where(host_notices.c.id > bindparam("after_id"))
    .order_by(host_notices.c.id)
    .limit(bindparam("rows_max"))
)


class SqlVerificationRows:
    """`VerificationRows` over one transaction."""

    __slots__ = ("_tx",)

    def __init__(self, transaction: Transaction) -> None:
        self._tx = transaction

    def verification(self, token_ref: str) -> VerificationRow | None:
        """The token's verification, if it needs or needed one."""
        row = self._tx.one(_VERIFICATION, {"wanted": token_ref})
        return None if row is None else VerificationRow(**dict(row))

    def put_verification(self, row: VerificationRow) -> None:
        """Store a verification, or where it stands now."""
        self._tx.run(_PUT_VERIFICATION, _values(row))

    def failed_since(self, account_id: str, since_us: int) -> bool:
        """Whether a verification of this account failed at that time or later."""
        key: dict[str, Value] = {"of_account": account_id, "since_us": since_us}
        return self._tx.one(_FAILED_SINCE, key) is not None

    def code(self, token_ref: str, method: str) -> CodeRow | None:
        """What was done with a method so far; None when nothing was."""
        row = self._tx.one(_CODE, {"wanted": token_ref, "by": method})
        return None if row is None else CodeRow(**dict(row))

    def put_code(self, row: CodeRow) -> None:
        """Store what was done with a method."""
        self._tx.run(_PUT_CODE, _values(row))

    def add_notice(self, row: NoticeRow) -> None:
        """Put a notice into the mailbox, which numbers it itself."""
        self._tx.run(_ADD_NOTICE, _values(row))

    def notices(self, after_id: int, limit: int) -> list[NoticeRow]:
        """Notices after that one, the oldest first."""
        found = self._tx.all(_NOTICES, {"after_id": after_id, "rows_max": limit})
        return [NoticeRow(**dict(row)) for row in found]


def _values(row: VerificationRow | CodeRow | NoticeRow) -> dict[str, Value]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
