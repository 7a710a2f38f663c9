"""Taps that the engine has not answered yet, in the till's own file: approved by card, or stored.

Goods have changed hands, so they outlive the process: written before the display says so, taken out
when the engine has answered, with a line about how each ended. An order holds a device account
number, so each is sealed (AES-256-GCM, the folder's seal key, the idempotency key as its context).
Window and command may run the same till at once: the file decides, and a tap ends there once. Knows
no engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from filelock import FileLock

from backend.api import Stream
from lab.engine_shapes import NfcOrder
from lab.errors import SomethingMissing
from lab.json_fields import Json, as_object, flag, objects, text, whole
from lab.wallet.phone_cache import replace_file

FILE = "till-offline.json"
ENDED_KEPT = 50
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class KeptTap:
    """A tap that the engine has not answered.

    Attributes:
        key: its Idempotency-Key, fixed at the tap.
        at_us: lab time of the tap.
        tried: it may have reached the engine already.
    """

    order: NfcOrder
    key: str
    at_us: int = 0
    tried: bool = False


@dataclass(frozen=True, slots=True)
class EndedTap:
    """How a kept tap ended: `outcome` is the payment's status, or "expired"."""

    tap_id: str
    at_us: int
    amount_minor: int
    currency: str
    last4: str
    outcome: str
    reason: str

    @staticmethod
    def of(tap: KeptTap, outcome: str, reason: str) -> EndedTap:
        """What is left of a tap: no number."""
        order = tap.order
        return EndedTap(
            order.tap_id, tap.at_us, order.amount_minor, order.currency, order.token[-4:],
            outcome, reason,
        )  # fmt: skip


class KeptApprovals:
    """The file, and what it holds."""

    def __init__(self, path: Path, seal_key: bytes, stream: Stream) -> None:
        """Open it.

        Args:
            path: the file; made when the first tap is kept.
            seal_key: the folder's.
            stream: fresh nonces.

        Raises:
            SomethingMissing: it is damaged, or another folder's.
        """
        self._path = path
        self._stream = stream
        self._lock = FileLock(path.with_suffix(".lock"), mode=0o600)
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"taplab.till.offline.v1").derive(seal_key))
        self._ended: tuple[EndedTap, ...] = ()
        self.all()

    def keep(self, tap: KeptTap) -> None:
        """On disk when this returns."""
        nonce = self._stream.bytes(_NONCE_BYTES)
        plain = orjson.dumps(
            tap.order.to_json() | {"approved": tap.order.approved_offline, "atUs": tap.at_us}
        )
        sealed = nonce + self._cipher.encrypt(nonce, plain, tap.key.encode())
        with self._changing() as kept:
            kept.taps[tap.key] = {"key": tap.key, "sealed": sealed.hex(), "tried": tap.tried}

    def mark_tried(self, key: str) -> None:
        """It is about to be sent: from now on only the engine can say how it ended."""
        with self._changing() as kept:
            if key in kept.taps:
                kept.taps[key] = {**kept.taps[key], "tried": True}

    def end(self, tap: KeptTap, outcome: str, reason: str = "") -> bool:
        """Take a tap out for good; False when another process has done so."""
        with self._changing() as kept:
            if kept.taps.pop(tap.key, None) is None:
                return False
            kept.ended = [EndedTap.of(tap, outcome, reason), *kept.ended][:ENDED_KEPT]
        return True

    def forget_ended(self) -> None:
        """Somebody has seen how they ended."""
        with self._changing() as kept:
            kept.ended = []

    @property
    def ended(self) -> tuple[EndedTap, ...]:
        """How the last ones ended, the newest first, as this process last read it."""
        return self._ended

    def all(self) -> tuple[KeptTap, ...]:
        """Every tap that waits, the oldest first.

        Raises:
            SomethingMissing: the file is damaged, or another folder's.
        """
        try:
            return tuple(self._open(row) for row in self._read().taps.values())
        except (ValueError, InvalidTag) as damage:
            raise SomethingMissing(
                f"the till's offline approvals {self._path} cannot be read ({damage!r})",
                "load a saved world, or start over with tap-lab world reset",
            ) from damage

    def _open(self, row: Json) -> KeptTap:
        key, raw = text(row, "key"), bytes.fromhex(text(row, "sealed"))
        plain = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], key.encode())
        body = as_object(orjson.loads(plain), FILE)
        approved = flag(body, "approved") if "approved" in body else True
        order = NfcOrder(
            token=text(body, "token"),
            cryptogram=text(body, "cryptogram"),
            atc=whole(body, "atc"),
            amount_minor=whole(body, "amount"),
            currency=text(body, "currency"),
            merchant_id=text(body, "merchantId"),
            terminal_id=text(body, "terminalId"),
            emv_data=text(body, "emvData"),
            expiry=text(body, "expiry"),
            psn=text(body, "psn"),
            tap_id=text(body, "tapId"),
            approved_offline=approved,
            stored=not approved,
        )
        at_us = whole(body, "atUs") if "atUs" in body else 0
        return KeptTap(order, key, at_us, flag(row, "tried") if "tried" in row else True)

    def _read(self) -> _Content:
        if not self._path.exists():
            return _Content({}, [])
        body = as_object(orjson.loads(self._path.read_bytes()), FILE)
        self._ended = tuple(_ended(row) for row in objects(body, "ended"))
        return _Content({text(row, "key"): row for row in objects(body, "kept")}, list(self._ended))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Content]:
        with self._lock:
            content = self._read()
            yield content
            ended = [{name: getattr(row, name) for name in row.__slots__} for row in content.ended]
            body = {"kept": list(content.taps.values()), "ended": ended}
            replace_file(self._path, orjson.dumps(body))
            self._ended = tuple(content.ended)


@dataclass(slots=True)
class _Content:
    """The file's two lists, taps by key."""

    taps: dict[str, Json]
    ended: list[EndedTap]


def _ended(row: Json) -> EndedTap:
    return EndedTap(
        tap_id=text(row, "tap_id"),
        at_us=whole(row, "at_us"),
        amount_minor=whole(row, "amount_minor"),
        currency=text(row, "currency"),
        last4=text(row, "last4"),
        outcome=text(row, "outcome"),
        reason=text(row, "reason"),
    )
