"""Offline approvals that the engine has not heard of yet, in the till's own file.

Goods have changed hands, so they outlive the process: written before the display says approved,
taken out when the engine has answered. An order holds a device account number, so each is sealed
(AES-256-GCM, the folder's seal key, the idempotency key as its context). Window and command may run
the same till at once: the file decides. Knows no engine.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
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
from lab.json_fields import as_object, objects, text, whole
from lab.wallet.phone_cache import replace_file

FILE = "till-offline.json"
_NONCE_BYTES = 12


class KeptApprovals:
    """The file, and what it holds."""

    def __init__(self, path: Path, seal_key: bytes, stream: Stream) -> None:
        """Open it.

        Args:
            path: the file; made when the first approval is kept.
            seal_key: the folder's.
            stream: fresh nonces.

        Raises:
            SomethingMissing: it is damaged, or another folder's.
        """
        self._path = path
        self._stream = stream
        self._lock = FileLock(path.with_suffix(".lock"), mode=0o600)
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"taplab.till.offline.v1").derive(seal_key))
        self.all()

    def keep(self, order: NfcOrder, key: str) -> None:
        """On disk when this returns."""
        nonce = self._stream.bytes(_NONCE_BYTES)
        plain = orjson.dumps(order.to_json())
        sealed = nonce + self._cipher.encrypt(nonce, plain, key.encode())
        with self._changing() as kept:
            kept[key] = sealed.hex()

    def forget(self, key: str) -> None:
        """The engine has it."""
        with self._changing() as kept:
            kept.pop(key, None)

    def all(self) -> tuple[tuple[NfcOrder, str], ...]:
        """Every approval with its idempotency key, the oldest first.

        Raises:
            SomethingMissing: the file is damaged, or another folder's.
        """
        try:
            return tuple((self._open(key, sealed), key) for key, sealed in self._read().items())
        except (ValueError, InvalidTag) as damage:
            raise SomethingMissing(
                f"the till's offline approvals {self._path} cannot be read ({damage!r})",
                "load a saved world, or start over with tap-lab world reset",
            ) from damage

    def _open(self, key: str, sealed: str) -> NfcOrder:
        raw = bytes.fromhex(sealed)
        plain = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], key.encode())
        body = as_object(orjson.loads(plain), FILE)
        return NfcOrder(
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
            approved_offline=True,
        )

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        body = as_object(orjson.loads(self._path.read_bytes()), FILE)
        return {text(row, "key"): text(row, "sealed") for row in objects(body, "kept")}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, str]]:
        with self._lock:
            kept = self._read()
            yield kept
            rows = [{"key": key, "sealed": sealed} for key, sealed in kept.items()]
            replace_file(self._path, orjson.dumps({"kept": rows}))
