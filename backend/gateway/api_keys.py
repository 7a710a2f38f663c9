"""Secret keys with which merchants call the gateway.

A key is 192 random bits, shown once, when it is made. What is stored is its SHA-256 with the last
four characters: a slow password hash (argon2) protects what people can guess, and nobody guesses
192 random bits, while every call would pay for it. Rolling makes a new key and lets the old one
live for a grace period of lab time; revoking ends a key with the commit that says so.

Which merchant a key opens is remembered in this process. Whatever changes a key or its merchant
forgets it here first, and what is remembered carries the key's own end. Source: FIPS 180-4.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from backend.gateway.merchants import MerchantAccount, Merchants
from backend.outbox.ports import AuditRecord, Outbox
from backend.payments.records import DEFAULT_MERCHANT
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream, identifier
from backend.runtime.errors import BadRequest, Conflict, NotFound
from backend.runtime.events import Event, EventLog
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)

PREFIX = "sk_test_"
HIGHEST_TIER = 3
SECRET_BYTES = 24
SECRET_LETTERS = 33  # 62 ** 33 is more than 2 ** 192
DEFAULT_SECRET = "sk_test_taplab"  # noqa: S105 - the lab's published key, for its own test money
DEFAULT_KEY_ID = "key_taplab"
GRACE_S = 86_400
GRACE_MAX_S = 7 * 86_400
SECRET_LENGTH_MAX = 255
REMEMBERED_MAX = 10_000
KEYS_MAX = 100
SECOND_US = 1_000_000
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as stored; the secret itself is nowhere.

    Attributes:
        id: "key_…".
        secret_hash: SHA-256 of the secret.
        last4: of the secret, so that a person can tell keys apart.
        expires_at_us: when a rolled key ends; None for one that was not rolled.
        revoked_at_us: when somebody ended it.
    """

    id: str
    merchant_id: str
    secret_hash: bytes = field(repr=False)
    last4: str
    created_at_us: int
    expires_at_us: int | None = None
    revoked_at_us: int | None = None

    def status(self, now_us: int) -> str:
        """One word: live, rolled (still good), expired or revoked."""
        if self.revoked_at_us is not None:
            return "revoked"
        if self.expires_at_us is None:
            return "live"
        return "rolled" if now_us < self.expires_at_us else "expired"

    def opens(self, now_us: int) -> bool:
        """Whether it is good now."""
        return self.status(now_us) in {"live", "rolled"}

    def to_json(self, now_us: int) -> dict[str, object]:
        """As `/lab` shows it: prefix and last four characters."""
        return {
            "id": self.id,
            "merchant_id": self.merchant_id,
            "prefix": PREFIX,
            "last4": self.last4,
            "status": self.status(now_us),
            "created_at_us": self.created_at_us,
            "expires_at_us": self.expires_at_us,
            "revoked_at_us": self.revoked_at_us,
        }


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made.

    Attributes:
        secret: shown now and never again.
    """

    key: ApiKey
    secret: str = field(repr=False)


class ApiKeyRows(Protocol[Tx_contra]):
    """Keys by identifier and by hash."""

    def add_api_key(self, tx: Tx_contra, key: ApiKey) -> bool:
        """Insert a key; False when its identifier or its secret is there already."""

    def put_api_key(self, tx: Tx_contra, key: ApiKey) -> None:
        """Store when a key ends or ended."""

    def api_key(self, tx: Tx_contra, key_id: str) -> ApiKey | None:
        """One key."""

    def api_key_of(self, tx: Tx_contra, secret_hash: bytes) -> ApiKey | None:
        """The key with that secret."""

    def api_keys(self, tx: Tx_contra, merchant_id: str) -> list[ApiKey]:
        """A merchant's keys, oldest first."""


@dataclass(frozen=True, slots=True)
class ApiKeyPorts(Generic[Tx]):
    """Everything that keeping keys takes from outside.

    Attributes:
        secrets: stream of keys.
        identifiers: stream of the keys' names.
    """

    store: Store[Tx]
    rows: ApiKeyRows[Tx]
    merchants: Merchants[Tx]
    outbox: Outbox[Tx]
    events: EventLog
    clock: Clock
    secrets: Stream
    identifiers: Stream


class ApiKeys(Generic[Tx]):
    """Makes, rolls and ends keys, and says whom one opens."""

    def __init__(self, ports: ApiKeyPorts[Tx]) -> None:
        self._ports = ports
        self._known: dict[bytes, tuple[ApiKey, MerchantAccount]] = {}
        ports.merchants.heed(self._forget_merchant)

    async def start(self) -> None:
        """Have the published key of a fresh folder's merchant; one that was revoked stays so.

        Whoever tries the lab out is not slowed down: that merchant begins in the highest tier.

        Raises:
            StorageError: the database refused.
        """
        ports, rows = self._ports, self._ports.rows
        if ports.store.read(lambda tx: rows.api_key(tx, DEFAULT_KEY_ID)) is not None:
            return
        key = self._key(DEFAULT_SECRET, DEFAULT_KEY_ID, DEFAULT_MERCHANT.id)

        def work(tx: Tx) -> None:
            rows.add_api_key(tx, key)
            ports.merchants.place(tx, DEFAULT_MERCHANT.id, tier=HIGHEST_TIER)

        await ports.store.write(work)

    def merchant_of(self, secret: str) -> MerchantAccount | None:
        """Whom a secret opens; None for one that is unknown, revoked or over.

        Raises:
            StorageError: the database refused.
        """
        if not secret.startswith(PREFIX) or len(secret) > SECRET_LENGTH_MAX:
            return None
        secret_hash = _hashed(secret)
        found = self._known.get(secret_hash) or self._read(secret_hash)
        if found is None:
            return None
        key, merchant = found
        return merchant if key.opens(self._ports.clock.now_us()) else None

    def of_merchant(self, merchant_id: str) -> list[ApiKey]:
        """A merchant's keys, oldest first.

        Raises:
            NotFound: `merchant_not_found`.
        """
        ports = self._ports
        ports.merchants.find(merchant_id)
        return ports.store.read(lambda tx: ports.rows.api_keys(tx, merchant_id))

    async def create(self, merchant_id: str) -> NewKey:
        """A further key for a merchant.

        Raises:
            NotFound: `merchant_not_found`.
            Conflict: `too_many_keys`.
            StorageError: the database refused; nothing was done.
        """
        made = self._make(merchant_id)

        def work(tx: Tx) -> Event:
            self._ports.merchants.of(tx, merchant_id)
            self._add(tx, made.key)
            return self._say(tx, "api_key.created", made.key)

        self._ports.events.publish(await self._ports.store.write(work))
        return made

    async def roll(self, merchant_id: str, key_id: str, grace_s: int = GRACE_S) -> NewKey:
        """A new key in the place of an old one, which stays good for a while.

        Args:
            merchant_id: whose.
            key_id: the old one, which must be good and not rolled already.
            grace_s: how long the old one lives on, seconds of lab time; 0 ends it now.

        Raises:
            BadRequest: `grace_range`.
            NotFound: `key_not_found`.
            Conflict: `key_not_live`, `too_many_keys`.
            StorageError: the database refused; nothing was done.
        """
        if not 0 <= grace_s <= GRACE_MAX_S:
            raise BadRequest("grace_range", f"0 to {GRACE_MAX_S} seconds", field="grace_s")
        made = self._make(merchant_id)

        def work(tx: Tx) -> tuple[ApiKey, Event]:
            now_us = self._ports.clock.now_us()
            old = self._of(tx, merchant_id, key_id)
            if old.status(now_us) != "live":
                raise Conflict("key_not_live", f"this key is {old.status(now_us)}")
            rolled = replace(old, expires_at_us=now_us + grace_s * SECOND_US)
            self._ports.rows.put_api_key(tx, rolled)
            self._add(tx, made.key)
            return rolled, self._say(tx, "api_key.rolled", made.key, rolled_key_id=old.id)

        await self._change(work)
        return made

    async def revoke(self, merchant_id: str, key_id: str) -> ApiKey:
        """End a key at once; for the second time nothing changes.

        Raises:
            NotFound: `key_not_found`.
            StorageError: the database refused; nothing was done.
        """

        def work(tx: Tx) -> tuple[ApiKey, Event | None]:
            key = self._of(tx, merchant_id, key_id)
            if key.revoked_at_us is not None:
                return key, None
            ended = replace(key, revoked_at_us=self._ports.clock.now_us())
            self._ports.rows.put_api_key(tx, ended)
            return ended, self._say(tx, "api_key.revoked", ended)

        return await self._change(work)

    async def _change(self, work: Callable[[Tx], tuple[ApiKey, Event | None]]) -> ApiKey:
        key, event = await self._ports.store.write(work)
        self._known.pop(key.secret_hash, None)
        if event is not None:
            self._ports.events.publish(event)
        return key

    def _read(self, secret_hash: bytes) -> tuple[ApiKey, MerchantAccount] | None:
        ports = self._ports

        def read(tx: Tx) -> tuple[ApiKey, MerchantAccount] | None:
            key = ports.rows.api_key_of(tx, secret_hash)
            return None if key is None else (key, ports.merchants.of(tx, key.merchant_id))

        found = ports.store.read(read)
        if found is not None and found[0].opens(ports.clock.now_us()):
            if len(self._known) >= REMEMBERED_MAX:
                self._known.clear()
            self._known[secret_hash] = found
        return found

    def _forget_merchant(self, merchant_id: str) -> None:
        self._known = {
            secret_hash: known
            for secret_hash, known in self._known.items()
            if known[0].merchant_id != merchant_id
        }

    def _make(self, merchant_id: str) -> NewKey:
        secret = PREFIX + _letters(self._ports.secrets.bytes(SECRET_BYTES))
        key_id = identifier(self._ports.identifiers, "key")
        return NewKey(self._key(secret, key_id, merchant_id), secret)

    def _key(self, secret: str, key_id: str, merchant_id: str) -> ApiKey:
        now_us = self._ports.clock.now_us()
        return ApiKey(key_id, merchant_id, _hashed(secret), secret[-4:], now_us)

    def _add(self, tx: Tx, key: ApiKey) -> None:
        if len(self._ports.rows.api_keys(tx, key.merchant_id)) >= KEYS_MAX:
            raise Conflict("too_many_keys", f"a merchant has at most {KEYS_MAX} keys")
        added = self._ports.rows.add_api_key(tx, key)
        assert added, "192 random bits are new"

    def _of(self, tx: Tx, merchant_id: str, key_id: str) -> ApiKey:
        key = self._ports.rows.api_key(tx, key_id)
        if key is None or key.merchant_id != merchant_id:
            raise NotFound("key_not_found", "this merchant has no such key")
        return key

    def _say(self, tx: Tx, kind: str, key: ApiKey, **facts: object) -> Event:
        ports, now_us = self._ports, self._ports.clock.now_us()
        data = {"merchant_id": key.merchant_id, "object": "api_key", "object_id": key.id}
        event = ports.events.make(kind, actor="person", data={**data, "last4": key.last4, **facts})
        ports.outbox.add_events(tx, (event,))
        record = AuditRecord(now_us, None, kind, "api_key", key.id, "done", {**data, **facts})
        ports.outbox.add_audit(tx, record)
        return event


def _hashed(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _letters(raw: bytes) -> str:
    """Letters and digits only, of one length, so that a double click takes the whole key."""
    number, text = int.from_bytes(raw, "big"), ""
    for _ in range(SECRET_LETTERS):
        number, digit = divmod(number, len(_LETTERS))
        text += _LETTERS[digit]
    return text
