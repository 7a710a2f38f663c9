"""Numbers by which a network knows an authorization: unique, and stable under retries.

The retrieval reference number (ISO 8583 DE 37) is the last digit of the year, the day of the year
and eight digits of a stored counter; the trace number (DE 11) is its last six digits. Numbers are
taken from the store in blocks, in a unit of their own, so a payment that fails never gives one
back and a crash only leaves a gap. Knows no messages.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Generic, TypeVar

from backend.payments.ports import PaymentRows
from backend.runtime.clock import to_datetime
from backend.runtime.store import Store
from backend.switch.answers import NetworkReference

Tx = TypeVar("Tx")
BLOCK_NUMBERS = 1_000
_COUNTER_MODULUS = 100_000_000
_STAN_DIGITS = 6
_DAY_US = 86_400_000_000


class ReferenceNumbers(Generic[Tx]):
    """Hands out network references."""

    def __init__(self, store: Store[Tx], rows: PaymentRows[Tx]) -> None:
        self._store = store
        self._rows = rows
        self._next = 0
        self._end = 0
        self._refill = asyncio.Lock()

    async def take(self, at_us: int) -> NetworkReference:
        """A reference that no other authorization has or will have.

        Raises:
            StorageError: a new block could not be stored.
        """
        while self._next == self._end:
            async with self._refill:
                if self._next == self._end:
                    first = await self._store.write(
                        lambda tx: self._rows.take_numbers(tx, BLOCK_NUMBERS)
                    )
                    self._next, self._end = first, first + BLOCK_NUMBERS
        number, self._next = self._next, self._next + 1
        return reference_of(number, at_us)


def reference_of(number: int, at_us: int) -> NetworkReference:
    """The reference for a counter value at a lab time."""
    rrn = f"{_day(at_us // _DAY_US)}{number % _COUNTER_MODULUS:08d}"
    return NetworkReference(rrn=rrn, stan=rrn[-_STAN_DIGITS:], sent_at_us=at_us)


@lru_cache(maxsize=4)
def _day(days_since_epoch: int) -> str:
    moment = to_datetime(days_since_epoch * _DAY_US)
    return f"{moment.year % 10}{moment.timetuple().tm_yday:03d}"
