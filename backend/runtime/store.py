"""The port to whatever keeps units of work: a database, as the rules see it.

`Tx` is whatever the store hands to a unit of work; rules pass it on to rows and never look inside.
Implemented by `backend.storage.database`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
Tx_co = TypeVar("Tx_co", covariant=True)


class Store(Protocol[Tx_co]):
    """Units of work on the database."""

    async def write(self, work: Callable[[Tx_co], T]) -> T:
        """Run a unit of work; durable when this returns.

        Raises:
            StorageError: the database broke; nothing of the unit is stored.
        """

    def read(self, work: Callable[[Tx_co], T]) -> T:
        """Run a short read on the last committed state."""
