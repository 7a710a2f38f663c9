"""Statements over the wire's keys and the objects that merchants keep.

Implements `backend.gateway.wire_keys.WireKeyRows` and `backend.gateway.objects.ObjectRows`;
decides nothing.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import orjson
from sqlalchemy import (
    Integer,
    Select,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from backend.gateway.objects import Kept, Kind
from backend.gateway.pages import Page
from backend.gateway.wire_keys import WireKey
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.wire_tables import UNFINISHED, gateway_objects, wire_keys
from backend.webhooks.ports import Vault

PLACE = "wire answers"

_FIND_KEY = Statement(
    select(wire_keys).where(
        wire_keys.c.merchant_id == bindparam("merchant_id", type_=Text),
        wire_keys.c.key == bindparam("key", type_=Text),
    )
)
_ADD_KEY = Statement(insert(wire_keys))
_ANSWER_KEY = Statement(
    update(wire_keys)
    .where(
        wire_keys.c.merchant_id == bindparam("of_merchant", type_=Text),
        wire_keys.c.key == bindparam("of_key", type_=Text),
        wire_keys.c.status.is_(None),
    )
    .values(status=bindparam("new_status"), body=bindparam("new_body"))
)
_ADD = Statement(insert(gateway_objects))
_FIND = Statement(
    select(gateway_objects).where(gateway_objects.c.id == bindparam("id", type_=Text))
)
_PUT = Statement(
    update(gateway_objects)
    .where(
        gateway_objects.c.id == bindparam("of_id", type_=Text),
        gateway_objects.c.version == bindparam("was_version", type_=Integer),
    )
    .values(
        version=bindparam("new_version"),
        state=bindparam("new_state"),
        customer_id=bindparam("new_customer_id"),
        payment_id=bindparam("new_payment_id"),
        data=bindparam("new_data"),
    )
)
_UNFINISHED = Statement(
    select(gateway_objects)
    .where(gateway_objects.c.state.in_([literal_column(f"'{state}'") for state in UNFINISHED]))
    .order_by(gateway_objects.c.id)
)
_AFTER_ALL = "~"  # sorts after every identifier


def _pages() -> Select[tuple[object, ...]]:
    kept = gateway_objects.c
    state, customer = bindparam("of_state", type_=Text), bindparam("of_customer", type_=Text)
    email = bindparam("of_email", type_=Text)
    return (
        select(gateway_objects)
        .where(
            kept.merchant_id == bindparam("merchant_id", type_=Text),
            kept.kind == bindparam("kind", type_=Text),
            kept.id < bindparam("before_id", type_=Text),
            kept.id > bindparam("after_id", type_=Text),
            kept.created_at_us >= func.coalesce(bindparam("from_us", type_=Integer), 0),
            or_(
                bindparam("to_us", type_=Integer).is_(None),
                kept.created_at_us < bindparam("to_us", type_=Integer),
            ),
            or_(state.is_(None), kept.state == state),
            or_(customer.is_(None), kept.customer_id == customer),
            or_(
                email.is_(None), func.json_extract(kept.data, literal_column("'$.email'")) == email
            ),
        )
        .limit(bindparam("row_limit", type_=Integer))
    )


_NEWEST_FIRST = Statement(_pages().order_by(gateway_objects.c.id.desc()))
_OLDEST_FIRST = Statement(_pages().order_by(gateway_objects.c.id))


class SqlWireKeyRows:
    """Keys in SQL; answers are kept sealed, for some hold a secret that is shown this once."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find_key(self, tx: Transaction, merchant_id: str, key: str) -> WireKey | None:
        """A key as stored."""
        row = tx.one(_FIND_KEY, {"merchant_id": merchant_id, "key": key})
        if row is None:
            return None
        found = WireKey(**dict(row))
        if found.body is None:
            return found
        return replace(found, body=self._vault.unseal(found.body, PLACE, merchant_id, key))

    def add_key(self, tx: Transaction, key: WireKey) -> None:
        """Insert a key."""
        tx.run(_ADD_KEY, asdict(key))

    def answer_key(
        self, tx: Transaction, merchant_id: str, key: str, status: int, body: bytes
    ) -> None:
        """Keep the answer of a key that has none."""
        sealed = self._vault.seal(body, PLACE, merchant_id, key)
        tx.run(
            _ANSWER_KEY,
            {"of_merchant": merchant_id, "of_key": key, "new_status": status, "new_body": sealed},
        )


class SqlObjectRows:
    """Objects in SQL."""

    def add(self, tx: Transaction, kept: Kept) -> None:
        """Insert an object."""
        tx.run(
            _ADD,
            {
                "id": kept.id,
                "merchant_id": kept.merchant_id,
                "kind": kept.kind.value,
                "created_at_us": kept.created_at_us,
                "version": kept.version,
                "state": kept.state,
                "customer_id": kept.customer_id,
                "payment_id": kept.payment_id,
                "data": orjson.dumps(dict(kept.data)).decode(),
            },
        )

    def put(self, tx: Transaction, kept: Kept, *, was_version: int) -> bool:
        """Store the changeable columns; False when somebody else changed it meanwhile."""
        values: dict[str, Value] = {
            "of_id": kept.id,
            "was_version": was_version,
            "new_version": kept.version,
            "new_state": kept.state,
            "new_customer_id": kept.customer_id,
            "new_payment_id": kept.payment_id,
            "new_data": orjson.dumps(dict(kept.data)).decode(),
        }
        return tx.run(_PUT, values) == 1

    def find(self, tx: Transaction, object_id: str) -> Kept | None:
        """One object."""
        row = tx.one(_FIND, {"id": object_id})
        return None if row is None else _kept(row)

    def unfinished(self, tx: Transaction) -> list[Kept]:
        """Intents that are processing, or hold money that is not taken yet, oldest first."""
        return [_kept(row) for row in tx.all(_UNFINISHED)]

    def page(
        self,
        tx: Transaction,
        merchant_id: str,
        kind: Kind,
        page: Page,
        *,
        state: str | None = None,
        customer_id: str | None = None,
        email: str | None = None,
    ) -> list[Kept]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""
        values: dict[str, Value] = {
            "merchant_id": merchant_id,
            "kind": kind.value,
            "before_id": page.before_id or _AFTER_ALL,
            "after_id": page.after_id or "",
            "from_us": page.from_us,
            "to_us": page.to_us,
            "of_state": state,
            "of_customer": customer_id,
            "of_email": email,
            "row_limit": page.rows,
        }
        found = tx.all(_OLDEST_FIRST if page.is_backwards else _NEWEST_FIRST, values)
        return [_kept(row) for row in found]


def _kept(row: Row) -> Kept:
    return Kept(
        id=row["id"],
        merchant_id=row["merchant_id"],
        kind=Kind(row["kind"]),
        created_at_us=row["created_at_us"],
        state=row["state"],
        data=orjson.loads(row["data"]),
        customer_id=row["customer_id"],
        payment_id=row["payment_id"],
        version=row["version"],
    )
