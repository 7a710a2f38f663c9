"""Final answers in a cache, so that a replay need not ask the database.

Lost, slow or wrong, the cache changes no outcome: what cannot be proven to be the answer to this
very request is a miss, and SQL decides. Only final answers are kept.
"""

from __future__ import annotations

from backend.payments.answer import STATUS_OK
from backend.payments.idempotency import CACHE_TTL_S, Reply, cache_scope, cacheable, is_genuine
from backend.payments.machine import FINAL
from backend.payments.ports import IdempotencyCache
from backend.payments.records import Payment
from backend.runtime.scheduler import Scheduler

PATIENCE_S = 0.02


class ReplayCache:
    """Asks and fills a cache, if there is one, without ever waiting long for it."""

    def __init__(self, cache: IdempotencyCache | None, scheduler: Scheduler) -> None:
        self._cache = cache
        self._scheduler = scheduler

    async def find(self, account: str, key: str, request_hash: bytes) -> Reply | None:
        """The final answer to this very request, if the cache has it at hand."""
        if self._cache is None:
            return None
        scope = cache_scope(account, key)
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                cached = await self._cache.get(scope)
        except TimeoutError:
            return None  # a slow cache is no cache
        if cached is None or cached.request_hash != request_hash or not is_genuine(scope, cached):
            return None
        return Reply(cached.status, cached.body, replayed=True)

    async def keep(self, payment: Payment, request_hash: bytes, body: bytes) -> None:
        """Keep a payment's answer if it is final."""
        if self._cache is None or payment.state not in FINAL:
            return
        scope = cache_scope(payment.account, payment.key)
        reply = cacheable(scope, request_hash, STATUS_OK, body)
        try:
            async with self._scheduler.deadline(PATIENCE_S):
                await self._cache.put(scope, reply, ttl_s=CACHE_TTL_S)
        except TimeoutError:
            return  # the next replay asks SQL
