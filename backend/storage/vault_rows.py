"""Statements of the card vault: `backend.vault.ports.VaultRows`. Ciphertext only, no decisions."""

from __future__ import annotations

import orjson
from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.outbox.audit_chain import AuditLine
from backend.storage import audit_rows
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.vault_tables import vault_cards as cards
from backend.storage.vault_tables import vault_codes as codes
from backend.storage.vault_tables import vault_keys as keys
from backend.vault.card_entry import StoredCard
from backend.vault.ports import Access, CardRow, CodeRow, KeyRow

_KEYS = Statement(select(keys).order_by(keys.c.version))
_NEWEST = Statement(select(keys).order_by(keys.c.version.desc()).limit(1))
_KEY = Statement(select(keys).where(keys.c.version == bindparam("of_version")))
_ADD_KEY = Statement(insert(keys))
_REWRAP = Statement(
    update(keys)
    .where(keys.c.version == bindparam("of_version"))
    .values(
        kek=bindparam("new_kek"),
        home=bindparam("new_home"),
        wrapped=bindparam("new_wrapped"),
        wrapped_at_us=bindparam("at_us"),
    )
)
_CARDS_BY_KEY = Statement(
    select(cards.c.key_version, func.count().label("card_count")).group_by(cards.c.key_version)
)
_ADD_CARD = Statement(insert(cards))
_CARD = Statement(select(cards).where(cards.c.id == bindparam("of_id")))
_SAME = Statement(
    select(cards).where(
        *(
            cards.c[name] == bindparam(f"of_{name}")
            for name in ("merchant_id", "fingerprint", "exp_year", "exp_month")
        )
    )
)
_code = upsert(codes)
_PUT_CODE = Statement(
    _code.on_conflict_do_update(
        index_elements=["card_id"],
        set_={name: _code.excluded[name] for name in ("key_version", "sealed_code", "kept_at_us")},
    )
)
_CODE = Statement(select(codes).where(codes.c.card_id == bindparam("of_id")))
_FORGET = Statement(delete(codes).where(codes.c.kept_at_us < bindparam("before_us")))
_FIRST_CODE = Statement(select(func.min(codes.c.kept_at_us).label("first_us")))


class SqlVaultRows:
    """Rows of the card vault in the caller's unit of work."""

    def keys(self, tx: Transaction) -> list[KeyRow]:
        """Every data key, the oldest first."""
        return [KeyRow(**dict(row)) for row in tx.all(_KEYS)]

    def newest_key(self, tx: Transaction) -> KeyRow | None:
        """The data key that seals new records."""
        row = tx.one(_NEWEST)
        return None if row is None else KeyRow(**dict(row))

    def key(self, tx: Transaction, version: int) -> KeyRow | None:
        """One data key."""
        row = tx.one(_KEY, {"of_version": version})
        return None if row is None else KeyRow(**dict(row))

    def add_key(self, tx: Transaction, row: KeyRow) -> None:
        """Store a new data key."""
        tx.run(
            _ADD_KEY,
            {
                "version": row.version,
                "kek": row.kek,
                "home": row.home,
                "wrapped": row.wrapped,
                "created_at_us": row.created_at_us,
                "wrapped_at_us": row.wrapped_at_us,
            },
        )

    def rewrap_key(self, tx: Transaction, row: KeyRow) -> None:
        """Store how a data key is wrapped now."""
        tx.run(
            _REWRAP,
            {
                "of_version": row.version,
                "new_kek": row.kek,
                "new_home": row.home,
                "new_wrapped": row.wrapped,
                "at_us": row.wrapped_at_us,
            },
        )

    def cards_by_key(self, tx: Transaction) -> dict[int, int]:
        """How many cards each data key seals."""
        return {row["key_version"]: row["card_count"] for row in tx.all(_CARDS_BY_KEY)}

    def add_card(self, tx: Transaction, row: CardRow) -> None:
        """Store a card."""
        card = row.card
        tx.run(
            _ADD_CARD,
            {
                **{name: getattr(card, name) for name in StoredCard.__slots__},
                "key_version": row.key_version,
                "sealed_number": row.sealed_number,
            },
        )

    def card(self, tx: Transaction, card_id: str) -> CardRow | None:
        """One card."""
        return _card(tx.one(_CARD, {"of_id": card_id}))

    def same_card(self, tx: Transaction, like: StoredCard) -> CardRow | None:
        """The merchant's card with this fingerprint and expiry."""
        wanted: dict[str, Value] = {
            "of_merchant_id": like.merchant_id,
            "of_fingerprint": like.fingerprint,
            "of_exp_year": like.exp_year,
            "of_exp_month": like.exp_month,
        }
        return _card(tx.one(_SAME, wanted))

    def put_code(self, tx: Transaction, row: CodeRow) -> None:
        """Keep a card's security code until its authorization; replaces an earlier one."""
        tx.run(_PUT_CODE, {name: getattr(row, name) for name in CodeRow.__slots__})

    def code(self, tx: Transaction, card_id: str) -> CodeRow | None:
        """The code that waits."""
        row = tx.one(_CODE, {"of_id": card_id})
        return None if row is None else CodeRow(**dict(row))

    def forget_codes(self, tx: Transaction, before_us: int) -> int:
        """Drop codes kept before a time; how many."""
        return tx.run(_FORGET, {"before_us": before_us})

    def first_code_us(self, tx: Transaction) -> int | None:
        """When the oldest waiting code was kept."""
        row = tx.one(_FIRST_CODE)
        return None if row is None or row["first_us"] is None else int(row["first_us"])

    def note(self, tx: Transaction, access: Access) -> None:
        """Add a line to the audit trail."""
        metadata = orjson.dumps({"purpose": access.purpose, **access.facts}).decode()
        line = AuditLine(
            access.at_us, None, access.action, "vault", access.resource_id, "done", metadata, None
        )
        audit_rows.add(tx, line)


def _card(row: Row | None) -> CardRow | None:
    if row is None:
        return None
    card = StoredCard(**{name: row[name] for name in StoredCard.__slots__})
    return CardRow(card, row["key_version"], row["sealed_number"])
