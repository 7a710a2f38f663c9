"""The wallet's rows in SQL: implements `wallet.ports.WalletRows` on one transaction.

Statements are compiled once, from the tables. No rule lives here; a constraint that refuses
answers False where the port says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TypeVar

import orjson
from sqlalchemy import Table, bindparam, delete, insert, null, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from backend.outbox.audit_chain import AuditLine
from backend.runtime.entropy import Stream
from backend.runtime.events import Event
from backend.storage import audit_rows, event_rows
from backend.storage.database import Row, Statement, Store, Transaction, Value
from backend.storage.privacy_rows import SqlPrivacyRows
from backend.storage.request_tables import request_keys
from backend.storage.wallet_tables import (
    device_messages,
    devices,
    provisioned_cards,
    sessions,
    users,
)
from backend.wallet.model import AuditEntry, Card, Device, DeviceMessage, Session, User
from backend.wallet.ports import WalletRows

T = TypeVar("T")
cards = provisioned_cards
SALT_BYTES = 16


def _replacing(table: Table, key: str) -> Statement:
    """UPDATE of every column of the row with that key; parameters are the row itself."""
    values: dict[str, object] = {c.name: bindparam(c.name) for c in table.c if c.name != key}
    return Statement(update(table).where(table.c[key] == bindparam(key)).values(values))


_USER_BY_EMAIL = Statement(select(users).where(users.c.email == bindparam("of_email")))
_USER_BY_ID = Statement(select(users).where(users.c.id == bindparam("of_id")))
_INSERT_USER = Statement(sqlite_insert(users).on_conflict_do_nothing())

_SESSION = Statement(select(sessions).where(sessions.c.id_hash == bindparam("of_hash")))
_INSERT_SESSION = Statement(insert(sessions))
_BIND_SESSION = Statement(
    update(sessions)
    .where(sessions.c.id_hash == bindparam("of_hash"))
    .values(device_id=bindparam("to_device"), device_verified_at_us=null(), face_enrolled=0)
)
_VERIFY_SESSION = Statement(
    update(sessions)
    .where(sessions.c.id_hash == bindparam("of_hash"))
    .values(device_verified_at_us=bindparam("at_us"), face_enrolled=bindparam("enrolled"))
)
_END_SESSION = Statement(delete(sessions).where(sessions.c.id_hash == bindparam("of_hash")))
_END_SESSIONS_OF_DEVICE = Statement(
    delete(sessions)
    .where(sessions.c.device_id == bindparam("of_device"))
    .returning(sessions.c.id_hash)
)
_END_SESSIONS_OF = Statement(
    delete(sessions).where(sessions.c.user_id == bindparam("of_user")).returning(sessions.c.id_hash)
)

_DEVICE = Statement(select(devices).where(devices.c.id == bindparam("of_id")))
_DEVICES_OF = Statement(
    select(devices)
    .where(devices.c.user_id == bindparam("of_user"))
    .order_by(devices.c.created_at_us, devices.c.id)
)
_INSERT_DEVICE = sqlite_insert(devices)
_PUT_DEVICE = Statement(
    _INSERT_DEVICE.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "kind": _INSERT_DEVICE.excluded.kind,
            "name": _INSERT_DEVICE.excluded.name,
            "public_key": _INSERT_DEVICE.excluded.public_key,
        },
    )
)
_MARK_LOST = Statement(
    update(devices).where(devices.c.id == bindparam("of_id")).values(lost_at_us=bindparam("at_us"))
)
_INSERT_MESSAGE = Statement(
    insert(device_messages).values(
        device_id=bindparam("device_id"),
        kind=bindparam("kind"),
        body=bindparam("body"),
        created_at_us=bindparam("created_at_us"),
    )
)
_WAITING_MESSAGES = Statement(
    select(device_messages)
    .where(
        device_messages.c.device_id == bindparam("of_device"),
        device_messages.c.id > bindparam("after_id"),
        device_messages.c.delivered_at_us.is_(None),
    )
    .order_by(device_messages.c.id)
)
_ACKNOWLEDGE = Statement(
    update(device_messages)
    .where(
        device_messages.c.device_id == bindparam("of_device"),
        device_messages.c.id == bindparam("of_id"),
        device_messages.c.delivered_at_us.is_(None),
    )
    .values(delivered_at_us=bindparam("at_us"))
)

_SHOWN = cards.c.status != "requested"
_CARDS_OF = Statement(
    select(cards)
    .where(cards.c.user_id == bindparam("of_user"), _SHOWN)
    .order_by(cards.c.is_default.desc(), cards.c.provisioned_at_us, cards.c.id)
)
_CARDS_ON = Statement(
    select(cards)
    .where(cards.c.device_id == bindparam("of_device"), _SHOWN)
    .order_by(cards.c.provisioned_at_us, cards.c.id)
)
_SUSPENDED = Statement(
    select(cards).where(cards.c.status == "suspended").order_by(cards.c.suspended_at_us)
)
_CARD = Statement(select(cards).where(cards.c.id == bindparam("of_id")))
_CARD_OF_TOKEN = Statement(select(cards).where(cards.c.token_ref == bindparam("of_token")))
_ALL_CARDS = Statement(select(cards).where(_SHOWN).order_by(cards.c.provisioned_at_us, cards.c.id))
_SAME_CARD = Statement(
    select(cards).where(
        cards.c.user_id == bindparam("of_user"),
        cards.c.device_id == bindparam("of_device"),
        cards.c.last4 == bindparam("of_last4"),
        cards.c.network == bindparam("of_network"),
    )
)
_INSERT_CARD = Statement(insert(cards))
_PUT_CARD = _replacing(cards, "id")
_CLEAR_DEFAULT = Statement(
    update(cards)
    .where(
        cards.c.user_id == bindparam("of_user"),
        cards.c.device_id == bindparam("of_device"),
        cards.c.is_default == 1,
    )
    .values(is_default=bindparam("no"))
)
_REMOVE_CARD = Statement(delete(cards).where(cards.c.id == bindparam("of_id")))

_REQUEST = Statement(
    select(request_keys).where(
        request_keys.c.user_id == bindparam("of_user"), request_keys.c.key == bindparam("of_key")
    )
)
_INSERT_REQUEST = Statement(insert(request_keys))
_FINISH_REQUEST = Statement(
    update(request_keys)
    .where(
        request_keys.c.user_id == bindparam("of_user"), request_keys.c.key == bindparam("of_key")
    )
    .values(answer=bindparam("stored_answer"))
)
_RELEASE_REQUEST = Statement(
    delete(request_keys).where(
        request_keys.c.user_id == bindparam("of_user"), request_keys.c.key == bindparam("of_key")
    )
)


class SqlWalletRows(SqlPrivacyRows):
    """`WalletRows` over one transaction."""

    __slots__ = ("_salts",)

    def __init__(self, tx: Transaction, salts: Stream) -> None:
        super().__init__(tx)
        self._salts = salts

    def user_by_email(self, email: str) -> User | None:
        """The person with that address."""
        row = self._tx.one(_USER_BY_EMAIL, {"of_email": email})
        return None if row is None else User(*row)

    def user_by_id(self, user_id: str) -> User | None:
        """The person with that identifier."""
        row = self._tx.one(_USER_BY_ID, {"of_id": user_id})
        return None if row is None else User(*row)

    def add_user(self, user: User) -> bool:
        """Store a new person; False when the address is taken."""
        return self._tx.run(_INSERT_USER, _row(user)) > 0

    def session(self, id_hash: bytes) -> Session | None:
        """The session with that hash, expired or not."""
        row = self._tx.one(_SESSION, {"of_hash": id_hash})
        return None if row is None else _session(row)

    def add_session(self, session: Session) -> None:
        """Store a session."""
        self._tx.run(_INSERT_SESSION, _row(session))

    def bind_session(self, id_hash: bytes, device_id: str) -> None:
        """Remember which device this session speaks for; it has yet to prove itself."""
        self._tx.run(_BIND_SESSION, {"of_hash": id_hash, "to_device": device_id})

    def verify_session(self, id_hash: bytes, at_us: int, *, face_enrolled: bool) -> None:
        """Remember that the session's device proved itself."""
        self._tx.run(
            _VERIFY_SESSION, {"of_hash": id_hash, "at_us": at_us, "enrolled": int(face_enrolled)}
        )

    def end_session(self, id_hash: bytes) -> int:
        """Delete it; how many there were."""
        return self._tx.run(_END_SESSION, {"of_hash": id_hash})

    def end_sessions_of_device(self, device_id: str) -> list[bytes]:
        """Delete every session of a device; the hashes of those that there were."""
        ended = self._tx.all(_END_SESSIONS_OF_DEVICE, {"of_device": device_id})
        return [row["id_hash"] for row in ended]

    def end_sessions_of(self, user_id: str) -> list[bytes]:
        """Delete every session of a person; the hashes of those that there were."""
        ended = self._tx.all(_END_SESSIONS_OF, {"of_user": user_id})
        return [row["id_hash"] for row in ended]

    def device(self, device_id: str) -> Device | None:
        """The device with that identifier, whoever's it is."""
        row = self._tx.one(_DEVICE, {"of_id": device_id})
        return None if row is None else Device(*row)

    def devices_of(self, user_id: str) -> list[Device]:
        """A person's devices, oldest first."""
        return [Device(*row) for row in self._tx.all(_DEVICES_OF, {"of_user": user_id})]

    def put_device(self, device: Device) -> None:
        """Store a device, or its new kind and name."""
        self._tx.run(_PUT_DEVICE, _row(device))

    def mark_lost(self, device_id: str, lost_at_us: int | None) -> None:
        """Lost at that time, or found again (None)."""
        self._tx.run(_MARK_LOST, {"of_id": device_id, "at_us": lost_at_us})

    def add_message(
        self, device_id: str, kind: str, body: Mapping[str, object], created_at_us: int
    ) -> None:
        """Queue a message for a device."""
        self._tx.run(
            _INSERT_MESSAGE,
            {
                "device_id": device_id,
                "kind": kind,
                "body": orjson.dumps(dict(body)).decode(),
                "created_at_us": created_at_us,
            },
        )

    def waiting_messages(self, device_id: str, after_id: int) -> list[DeviceMessage]:
        """Messages that the device has not acknowledged, oldest first."""
        found = self._tx.all(_WAITING_MESSAGES, {"of_device": device_id, "after_id": after_id})
        return [
            DeviceMessage(
                row["id"],
                row["device_id"],
                row["kind"],
                orjson.loads(row["body"]),
                row["created_at_us"],
            )
            for row in found
        ]

    def acknowledge(self, device_id: str, message_id: int, at_us: int) -> int:
        """Mark one as heard; 0 when there is no such message waiting."""
        return self._tx.run(
            _ACKNOWLEDGE, {"of_device": device_id, "of_id": message_id, "at_us": at_us}
        )

    def cards_of(self, user_id: str) -> list[Card]:
        """A person's cards that a network knows: the default first, then the oldest."""
        return [_card(row) for row in self._tx.all(_CARDS_OF, {"of_user": user_id})]

    def cards_on(self, device_id: str) -> list[Card]:
        """Every card on a device that a network knows."""
        return [_card(row) for row in self._tx.all(_CARDS_ON, {"of_device": device_id})]

    def suspended_cards(self) -> list[Card]:
        """Everybody's suspended cards."""
        return [_card(row) for row in self._tx.all(_SUSPENDED)]

    def card(self, card_id: str) -> Card | None:
        """The card with that identifier, whoever's it is."""
        row = self._tx.one(_CARD, {"of_id": card_id})
        return None if row is None else _card(row)

    def card_of_token(self, token_ref: str) -> Card | None:
        """The card with that token now, whoever's it is."""
        row = self._tx.one(_CARD_OF_TOKEN, {"of_token": token_ref})
        return None if row is None else _card(row)

    def all_cards(self) -> list[Card]:
        """Everybody's cards that a network knows."""
        return [_card(row) for row in self._tx.all(_ALL_CARDS)]

    def same_card(self, user_id: str, device_id: str, last4: str, network: str) -> Card | None:
        """The card that would be the same one on that device, whatever its status."""
        row = self._tx.one(
            _SAME_CARD,
            {
                "of_user": user_id,
                "of_device": device_id,
                "of_last4": last4,
                "of_network": network,
            },
        )
        return None if row is None else _card(row)

    def add_card(self, card: Card) -> bool:
        """Store a card; False when the same card is on that device already."""
        try:
            self._tx.run(_INSERT_CARD, _card_row(card))
        except sqlite3.IntegrityError:
            return False  # the unique constraint decides between racers
        return True

    def put_card(self, card: Card) -> bool:
        """Store what changed about a card; False when its token is another card's already."""
        try:
            self._tx.run(_PUT_CARD, _card_row(card))
        except sqlite3.IntegrityError:
            return False
        return True

    def clear_default(self, user_id: str, device_id: str) -> None:
        """No card of this device is the default any more."""
        self._tx.run(_CLEAR_DEFAULT, {"of_user": user_id, "of_device": device_id, "no": 0})

    def remove_card(self, card_id: str) -> None:
        """Delete a card."""
        self._tx.run(_REMOVE_CARD, {"of_id": card_id})

    def claim_request(
        self, user_id: str, key: str, request_hash: bytes, at_us: int
    ) -> tuple[bytes, bytes | None, int] | None:
        """None when the key is now ours; else (hash, stored answer if any, when claimed)."""
        row = self._tx.one(_REQUEST, {"of_user": user_id, "of_key": key})
        if row is not None:
            return row["request_hash"], row["answer"], row["claimed_at_us"]
        self._tx.run(
            _INSERT_REQUEST,
            {
                "user_id": user_id,
                "key": key,
                "request_hash": request_hash,
                "answer": None,
                "claimed_at_us": at_us,
            },
        )
        return None

    def finish_request(self, user_id: str, key: str, answer: bytes) -> None:
        """Store the answer for replays."""
        self._tx.run(_FINISH_REQUEST, {"of_user": user_id, "of_key": key, "stored_answer": answer})

    def release_request(self, user_id: str, key: str) -> None:
        """Nothing came of it: the key may be used again."""
        self._tx.run(_RELEASE_REQUEST, {"of_user": user_id, "of_key": key})

    def audit(self, entry: AuditEntry) -> None:
        """Add to the audit log."""
        line = AuditLine(
            entry.at_us,
            entry.user_id,
            entry.action,
            entry.resource_type,
            entry.resource_id,
            entry.result,
            orjson.dumps(dict(entry.facts)).decode(),
            None,
        )
        audit_rows.add(
            self._tx, line, ip_address=entry.ip_address, salt=self._salts.bytes(SALT_BYTES)
        )

    def record(self, event: Event) -> None:
        """Store an event with the change it tells of."""
        event_rows.append(self._tx, [event])


class SqlWalletStore:
    """`WalletStore` over the engine's database."""

    def __init__(self, store: Store, salts: Stream) -> None:
        """Over a store.

        Args:
            store: the engine's database.
            salts: random; one goes with each address in the audit trail.
        """
        self._store = store
        self._salts = salts

    async def write(self, work: Callable[[WalletRows], T]) -> T:
        """Run and commit; durable when this returns."""
        return await self._store.write(lambda tx: work(SqlWalletRows(tx, self._salts)))

    def read(self, work: Callable[[WalletRows], T]) -> T:
        """Run a short read."""
        return self._store.read(lambda tx: work(SqlWalletRows(tx, self._salts)))


def _row(value: User | Session | Device) -> dict[str, Value]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _session(row: Row) -> Session:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["face_enrolled"] = bool(values["face_enrolled"])
    return Session(**values)


def _card_row(card: Card) -> dict[str, Value]:
    row: dict[str, Value] = {field.name: getattr(card, field.name) for field in fields(card)}
    row["is_default"] = int(card.is_default)
    return row


def _card(row: Row) -> Card:
    values = {key: row[key] for key in row.keys()}  # noqa: SIM118 - sqlite3.Row iterates values
    values["is_default"] = bool(values["is_default"])
    return Card(**values)
