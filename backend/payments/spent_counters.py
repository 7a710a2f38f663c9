"""Refuses a replayed tap early: a counter that a cache knows and SQL confirms needs no reference.

The cache may only make a refusal cheaper that SQL would make anyway (C20): what it claims is looked
up in SQL, where a watermark never goes down, and the refusal is recorded like any other. Lost,
slow, empty or wrong, it changes no outcome. Taps that were stored and forwarded are not asked
about: for them only uniqueness counts.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from backend.payments.order import NfcOrder
from backend.payments.ports import CounterCache, CounterRows, Store
from backend.payments.records import Payment
from backend.payments.replay_cache import PATIENCE_S
from backend.runtime.scheduler import Scheduler

Tx = TypeVar("Tx")


class SpentCounters(Generic[Tx]):
    """Asks and fills a cache of watermarks without ever waiting long for it."""

    def __init__(
        self,
        cache: CounterCache,
        store: Store[Tx],
        rows: CounterRows[Tx],
        scheduler: Scheduler,
    ) -> None:
        self._cache = cache
        self._store = store
        self._rows = rows
        self._scheduler = scheduler

    async def has(self, order: NfcOrder, fingerprint: bytes) -> bool:
        """Whether the order's counter is certainly used up."""
        if order.store_and_forward:
            return False
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                known = await self._cache.highest(fingerprint)
        except TimeoutError:
            return False  # a slow cache is no cache
        if known is None or order.atc > known.atc:
            return False
        return order.atc <= self._store.read(lambda tx: self._rows.watermark(tx, known.token_ref))

    async def note(self, payment: Payment, fingerprint: bytes) -> None:
        """A valid cryptogram came with this payment's counter, and that is committed."""
        if payment.token_ref is None:
            return
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                await self._cache.raise_to(fingerprint, payment.token_ref, payment.atc)
        except TimeoutError:
            return  # SQL refuses the replay
