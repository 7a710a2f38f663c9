"""The card vault's data keys: one seals new records, all of them open old ones.

Theory of operation. Envelope encryption: records are sealed under a data key, which is stored
wrapped under a key-encryption key that lives elsewhere (`KeyWrapper`). Rotation wraps every data
key anew under the next key-encryption key and begins a new data key; no record is touched, so every
one is readable before, during and after. An opened data key is remembered by its wrapped bytes, so
a key of a unit of work that was undone is never taken for the stored one. Knows no card.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.errors import StorageError
from backend.vault.ports import Access, KeyRow, KeyWrapper, VaultRows

Tx = TypeVar("Tx")
DATA_KEY_BYTES = 32
FIRST = 1
REMEMBERED_MAX = 64


@dataclass(frozen=True, slots=True)
class DataKey:
    """An opened data key, ready to seal and open.

    Attributes:
        version: what records name it by.
    """

    version: int
    cipher: AESGCM


class DataKeys(Generic[Tx]):
    """Opens data keys, makes the first one, and wraps all of them anew."""

    def __init__(
        self, rows: VaultRows[Tx], wrapper: KeyWrapper, clock: Clock, secrets: Stream
    ) -> None:
        self._rows = rows
        self._wrapper = wrapper
        self._clock = clock
        self._secrets = secrets
        self._opened: OrderedDict[bytes, DataKey] = OrderedDict()

    def current(self, tx: Tx) -> DataKey:
        """The key that seals new records; made with the first of them.

        Raises:
            StorageError: the key's home does not answer, or is not the one it was wrapped in.
        """
        row = self._rows.newest_key(tx)
        if row is None:
            row = self._fresh(FIRST, FIRST)
            self._rows.add_key(tx, row)
        return self.open(row)

    def row(self, tx: Tx, version: int) -> KeyRow:
        """A stored data key, still wrapped.

        Raises:
            StorageError: there is none such.
        """
        found = self._rows.key(tx, version)
        if found is None:
            raise StorageError(f"card vault: data key {version} is not there")
        return found

    def open(self, row: KeyRow) -> DataKey:
        """A data key ready for use.

        Raises:
            StorageError: the key's home does not answer, or is not the one it was wrapped in.
        """
        known = self._opened.get(row.wrapped)
        if known is not None:
            return known
        key = DataKey(row.version, AESGCM(self._unwrapped(row)))
        self._opened[row.wrapped] = key
        while len(self._opened) > REMEMBERED_MAX:
            self._opened.popitem(last=False)
        return key

    def rewrapped(self, stored: list[KeyRow]) -> list[KeyRow]:
        """Every data key under the next key-encryption key, and a new one at the end.

        Outside a unit of work: a key home may take its time.

        Raises:
            StorageError: the key's home does not answer.
        """
        kek = max((row.kek for row in stored), default=0) + 1
        anew = [self._wrapped(row.version, kek, self._unwrapped(row), row) for row in stored]
        newest = max((row.version for row in stored), default=0)
        return [*anew, self._fresh(newest + 1, kek)]

    def store_rotation(self, tx: Tx, read: list[KeyRow], anew: list[KeyRow]) -> bool:
        """Store what `rewrapped` made, unless the keys are no longer those that were read."""
        if self._rows.keys(tx) != read:
            return False
        for row in anew[:-1]:
            self._rows.rewrap_key(tx, row)
        self._rows.add_key(tx, anew[-1])
        kek = anew[-1].kek
        facts: dict[str, object] = {"data_keys": len(anew), "home": self._wrapper.home}
        rotated = Access(self._clock.now_us(), "vault.rotated", f"kek_{kek}", "rotation", facts)
        self._rows.note(tx, rotated)
        return True

    def _fresh(self, version: int, kek: int) -> KeyRow:
        return self._wrapped(version, kek, self._secrets.bytes(DATA_KEY_BYTES), None)

    def _wrapped(self, version: int, kek: int, plain: bytes, before: KeyRow | None) -> KeyRow:
        wrapped = self._wrapper.wrap(kek, plain, _place(version))
        now_us = self._clock.now_us()
        if before is not None:
            return replace(before, kek=kek, wrapped=wrapped, wrapped_at_us=now_us)
        return KeyRow(version, kek, self._wrapper.home, wrapped, now_us, now_us)

    def _unwrapped(self, row: KeyRow) -> bytes:
        if row.home != self._wrapper.home:
            raise StorageError(
                f"card vault: its keys live in {row.home}, and {self._wrapper.home} was opened"
            )
        return self._wrapper.unwrap(row.kek, row.wrapped, _place(row.version))


def _place(version: int) -> bytes:
    return f"card vault data key {version}".encode()
