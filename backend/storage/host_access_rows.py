"""Statements over the vault access log: append to its chain, read it, and find where it breaks.

A line is written in the unit of work in which the number was opened. The chain's arithmetic is
`networks.access_log`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from sqlalchemy import Integer, Text, bindparam, insert, or_, select, text

from backend.networks.access_log import AccessHead, AccessLine, line_hash
from backend.storage.database import Row, Statement, Transaction
from backend.storage.host_access_tables import host_vault_accesses as lines

PAGE_LINES = 2_000
_HEAD = Statement(select(lines.c.id, lines.c.hash).order_by(lines.c.id.desc()).limit(1))
_INSERT = Statement(insert(lines))
_AFTER = Statement(
    select(lines)
    .where(lines.c.id > bindparam("after_id", type_=Integer))
    .order_by(lines.c.id)
    .limit(bindparam("row_count", type_=Integer))
)
_of_token = bindparam("of_token", type_=Text)
_PAGE = Statement(
    select(lines)
    .where(
        lines.c.id < bindparam("before_id", type_=Integer),
        or_(_of_token.is_(None), lines.c.token_ref == _of_token),
    )
    .order_by(lines.c.id.desc())
    .limit(bindparam("row_count", type_=Integer))
)
_LAST_GIVEN = Statement(text("SELECT seq FROM sqlite_sequence WHERE name = 'host_vault_accesses'"))
_COVERED = tuple(field.name for field in fields(AccessLine))


def add(tx: Transaction, line: AccessLine) -> None:
    """Add a line at the end of the chain."""
    row = tx.one(_HEAD)
    head = AccessHead() if row is None else AccessHead(row["id"], row["hash"])
    covered = {name: getattr(line, name) for name in _COVERED}
    tx.run(_INSERT, {"id": head.seq + 1, **covered, "hash": line_hash(head, line)})


def page(
    tx: Transaction, before_id: int, limit: int, token_ref: str | None = None
) -> list[dict[str, object]]:
    """Lines as JSON, newest first; of one token, if it is named."""
    asked = {"before_id": before_id, "row_count": limit, "of_token": token_ref}
    return [{**dict(row), "hash": row["hash"].hex()} for row in tx.all(_PAGE, asked)]


def all_lines(tx: Transaction) -> Iterator[Row]:
    """Every line in order, read page by page."""
    after_id = 0
    while rows := tx.all(_AFTER, {"after_id": after_id, "row_count": PAGE_LINES}):
        yield from rows
        after_id = rows[-1]["id"]


def breaks(tx: Transaction) -> list[str]:
    """Where the chain does not hold: the first line, or the end that is missing."""
    head = AccessHead()
    for row in all_lines(tx):
        line = AccessLine(*(row[name] for name in _COVERED))
        if (row["id"], row["hash"]) != (head.seq + 1, line_hash(head, line)):
            return [f"line {row['id']}"]
        head = AccessHead(row["id"], row["hash"])
    given = tx.one(_LAST_GIVEN)
    last = 0 if given is None else int(given["seq"])
    return [f"lines {head.seq + 1} to {last} are missing"] if last > head.seq else []
