"""Values of one type, kept as bytes: a slot for whoever reads something over and over.

For merchants, exchange rates, fraud features: the rule names a port with `changes`, `get` and
`put`, and this class is one. Cache-aside, so the rule reads the database itself when nothing is
kept. Knows how a value is written down because it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from backend.cache.remembered import Remembered

T = TypeVar("T")


class Kept(Generic[T]):
    """One slot of values."""

    def __init__(
        self, remembered: Remembered, write: Callable[[T], bytes], read: Callable[[bytes], T]
    ) -> None:
        """Over a slot.

        Args:
            remembered: where the bytes are.
            write: a value as bytes.
            read: the value that was written so.
        """
        self._remembered = remembered
        self._write = write
        self._read = read

    def changes(self, owner: str) -> int:
        """How often this owner's value changed; take it before reading the database."""
        return self._remembered.changes(owner)

    async def get(self, owner: str) -> T | None:
        """The value as it was last read from the database, or None."""
        stored = await self._remembered.get(owner)
        return None if stored is None else self._read(stored)

    async def put(self, owner: str, value: T, *, changes: int) -> None:
        """Keep a value, unless it changed while it was on its way here."""
        await self._remembered.put(owner, self._write(value), changes=changes)

    def spoil(self, owner: str) -> None:
        """The value changed: what is kept is not read any more. Waits for nothing."""
        self._remembered.spoil(owner)

    async def forget(self, owner: str) -> None:
        """The value changed: delete what is kept."""
        await self._remembered.forget(owner)

    async def through(self, owner: str, load: Callable[[], T]) -> T:
        """The kept value, else the one that `load` reads, which is kept then."""
        known = await self.get(owner)
        if known is None:
            changes = self.changes(owner)
            known = load()
            await self.put(owner, known, changes=changes)
        return known
