"""Knows a replayed tap early: a counter that a cache believes used up, and SQL says is.

The cache may only spare a reservation that SQL would refuse anyway (C20): what it claims is looked
up in SQL, where a watermark never goes down, and the refusal is recorded like any other. Lost,
slow, empty or wrong, it changes no outcome. Taps that were stored and forwarded are not asked
about: for them only uniqueness counts.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from backend.payments.order import NfcOrder
from backend.payments.ports import CounterCache, CounterRows, TokenDirectory
from backend.payments.records import Payment
from backend.payments.replay_cache import PATIENCE_S
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.switch.answers import Answered, AuthorizationAnswer

Tx = TypeVar("Tx")


class SpentCounters(Generic[Tx]):
    """Asks and fills a cache of watermarks without ever waiting long for it."""

    def __init__(
        self,
        cache: CounterCache,
        store: Store[Tx],
        rows: CounterRows[Tx],
        tokens: TokenDirectory[Tx],
        scheduler: Scheduler,
    ) -> None:
        self._cache = cache
        self._store = store
        self._rows = rows
        self._tokens = tokens
        self._scheduler = scheduler

    async def has(self, order: NfcOrder, fingerprint: bytes) -> bool:
        """Whether the order's counter is certainly not above its token's watermark."""
        if order.store_and_forward:
            return False
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                token_ref = await self._token(fingerprint)
                highest = None if token_ref is None else await self._cache.highest(token_ref)
        except TimeoutError:
            return False  # a slow cache is no cache
        if token_ref is None or highest is None or order.atc > highest:
            return False
        return order.atc <= self._store.read(lambda tx: self._rows.watermark(tx, token_ref))

    async def note(self, payment: Payment, answer: AuthorizationAnswer) -> None:
        """This payment was answered, and that is committed: a valid cryptogram's counter is used.

        One that is not noted, because its answer was late, is refused by SQL alone.
        """
        if not isinstance(answer, Answered) or not answer.cryptogram_valid:
            return
        assert payment.token_ref is not None, "only a token's cryptogram is judged"
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                await self._cache.raise_to(payment.token_ref, payment.atc)
        except TimeoutError:
            return  # SQL refuses the replay

    async def _token(self, fingerprint: bytes) -> str | None:
        known = await self._cache.token_of(fingerprint)
        if known is not None:
            return known
        token = self._store.read(lambda tx: self._tokens.find(tx, fingerprint))
        if token is None:
            return None
        await self._cache.keep_token(fingerprint, token.token_ref)
        return token.token_ref
