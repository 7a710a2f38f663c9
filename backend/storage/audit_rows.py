"""Statements over the audit trail: append to the chain, read it, take a person's addresses out.

A line is written in the unit of work of the change it tells of: what is committed is on record, and
a killed process loses neither without the other. Lines of many requests share one commit, as
everything does here (`database`). The chain's arithmetic is `outbox.audit_chain`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Integer, Text, bindparam, insert, null, or_, select, text, update

from backend.outbox.audit_chain import AuditHead, AuditLine, address_digest, line_hash
from backend.storage.audit_tables import audit_logs as logs
from backend.storage.database import Row, Statement, Transaction, Value

PAGE_LINES = 2_000
BEYOND_EVERY_ID = 2**62

_HEAD = Statement(select(logs.c.id, logs.c.hash).order_by(logs.c.id.desc()).limit(1))
_INSERT = Statement(insert(logs))


def _or_any(name: str) -> object:
    wanted = bindparam(f"of_{name}", type_=Text)
    return or_(wanted.is_(None), logs.c[name] == wanted)


_PAGE = Statement(
    select(logs)
    .where(
        logs.c.id < bindparam("before_id", type_=Integer),
        _or_any("user_id"),  # type: ignore[arg-type]  # a column expression
        _or_any("action"),  # type: ignore[arg-type]  # a column expression
        _or_any("resource_id"),  # type: ignore[arg-type]  # a column expression
    )
    .order_by(logs.c.id.desc())
    .limit(bindparam("row_count", type_=Integer))
)
_AFTER = Statement(
    select(logs)
    .where(logs.c.id > bindparam("after_id", type_=Integer))
    .order_by(logs.c.id)
    .limit(bindparam("row_count", type_=Integer))
)
_LAST_GIVEN = Statement(text("SELECT seq FROM sqlite_sequence WHERE name = 'audit_logs'"))
_FORGET_ADDRESSES = Statement(
    update(logs)
    .where(logs.c.user_id == bindparam("of_user"), logs.c.ip_address.is_not(None))
    .values(ip_address=null(), address_salt=null())
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines a page shows; None asks for all."""

    user_id: str | None = None
    action: str | None = None
    resource_id: str | None = None


def add(
    tx: Transaction, line: AuditLine, *, ip_address: str | None = None, salt: bytes | None = None
) -> None:
    """Add a line at the end of the chain.

    Args:
        tx: of the change that the line tells of.
        line: without a digest of its address; that is made here.
        ip_address: where the request came from.
        salt: random; goes with an address.
    """
    digest = None
    if ip_address is not None:
        assert salt is not None, "an address is stored with a salt"
        digest = address_digest(salt, ip_address)
    row = tx.one(_HEAD)
    head = AuditHead() if row is None else AuditHead(row["id"], row["hash"])
    covered = AuditLine(
        line.at_us,
        line.user_id,
        line.action,
        line.resource_type,
        line.resource_id,
        line.result,
        line.metadata,
        digest,
    )
    values: dict[str, Value] = {
        "id": head.seq + 1,
        "at_us": line.at_us,
        "user_id": line.user_id,
        "action": line.action,
        "resource_type": line.resource_type,
        "resource_id": line.resource_id,
        "result": line.result,
        "metadata": line.metadata,
        "address_digest": digest,
        "hash": line_hash(head, covered),
        "ip_address": ip_address,
        "address_salt": salt if ip_address is not None else None,
    }
    tx.run(_INSERT, values)


def page(
    tx: Transaction, before_id: int, limit: int, wanted: Wanted | None = None
) -> list[dict[str, object]]:
    """Lines of the trail as JSON, newest first."""
    which = wanted or Wanted()
    found = tx.all(
        _PAGE,
        {
            "before_id": before_id,
            "row_count": limit,
            "of_user_id": which.user_id,
            "of_action": which.action,
            "of_resource_id": which.resource_id,
        },
    )
    return [_shown(row) for row in found]


def all_lines(tx: Transaction) -> Iterator[Row]:
    """Every line in order, read page by page."""
    after_id = 0
    while rows := tx.all(_AFTER, {"after_id": after_id, "row_count": PAGE_LINES}):
        yield from rows
        after_id = rows[-1]["id"]


def last_given(tx: Transaction) -> int:
    """The highest number that was ever given to a line; 0 for none."""
    row = tx.one(_LAST_GIVEN)
    return 0 if row is None else int(row["seq"])


def forget_addresses(tx: Transaction, user_id: str) -> int:
    """Take every address of a person out; from how many lines."""
    return tx.run(_FORGET_ADDRESSES, {"of_user": user_id})


def covered_by(row: Row | Mapping[str, Value]) -> AuditLine:
    """What the chain covers of a stored line."""
    return AuditLine(*(row[name] for name in AuditLine.__slots__))  # type: ignore[arg-type]  # as stored


def _shown(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "at_us": row["at_us"],
        "user_id": row["user_id"],
        "action": row["action"],
        "resource_type": row["resource_type"],
        "resource_id": row["resource_id"],
        "result": row["result"],
        "ip_address": row["ip_address"],
        "metadata": orjson.loads(row["metadata"]),
        "hash": row["hash"].hex(),
    }
