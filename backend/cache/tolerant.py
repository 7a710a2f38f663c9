"""A cache that never fails its caller.

Every operation on the Redis behind it is limited in time; an error or a timeout is counted,
announced as `cache.failed` (once, until it works again: `cache.recovered`) and answered like a
miss. Values carry their own lab-time expiry, because a person may jump the laboratory's clock and
a server's TTL cannot follow. Knows bytes and keys, not what they mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from redis.exceptions import RedisError

from backend.runtime.clock import Clock
from backend.runtime.events import Emit

T = TypeVar("T")
OPERATION_LIMIT_S = 0.05
TTL_SLACK_S = 60
_STAMP_BYTES = 8


class RedisCommands(Protocol):
    """The few commands of a Redis client (real or in-process) that are used here."""

    def get(self, name: str) -> Awaitable[bytes | None]:
        """GET."""

    def set(self, name: str, value: bytes, *, ex: int) -> Awaitable[object]:
        """SET … EX."""

    def delete(self, *names: str) -> Awaitable[int]:
        """DEL."""

    def ping(self) -> Awaitable[object]:
        """PING."""

    def aclose(self) -> Awaitable[None]:
        """Close the connections."""


class TolerantCache:
    """Get, put and forget; a broken server is a miss."""

    def __init__(self, redis: RedisCommands, clock: Clock, emit: Emit, *, name: str) -> None:
        self._redis = redis
        self._clock = clock
        self._emit = emit
        self.name = name
        self.hits = 0
        self.misses = 0
        self.failures = 0
        self.is_failing = False

    async def get(self, key: str) -> bytes | None:
        """The value, unless it is missing, expired on lab time, or the cache is broken."""
        stored = await self._try("get", self._redis.get(key))
        if stored is None or len(stored) < _STAMP_BYTES:
            self.misses += 1
            return None
        if int.from_bytes(stored[:_STAMP_BYTES], "big") <= self._clock.now_us():
            self.misses += 1
            return None
        self.hits += 1
        return stored[_STAMP_BYTES:]

    async def put(self, key: str, value: bytes, *, ttl_s: int) -> None:
        """Keep `value` for `ttl_s` seconds of lab time."""
        expires_at_us = self._clock.now_us() + ttl_s * 1_000_000
        stored = expires_at_us.to_bytes(_STAMP_BYTES, "big") + value
        await self._try("put", self._redis.set(key, stored, ex=ttl_s + TTL_SLACK_S))

    async def forget(self, *keys: str) -> bool:
        """Delete; False when the cache could not be told (entries then expire by themselves)."""
        return await self._try("forget", self._redis.delete(*keys)) is not None

    async def is_reachable(self) -> bool:
        """Whether the server answers now."""
        return await self._try("ping", self._redis.ping()) is not None

    async def close(self) -> None:
        """Give the connections back."""
        await self._try("close", self._redis.aclose())

    async def _try(self, operation: str, work: Awaitable[T]) -> T | None:
        try:
            async with asyncio.timeout(OPERATION_LIMIT_S):
                answer = await work
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(operation, error)
            return None
        if self.is_failing:
            self.is_failing = False
            self._emit("cache.recovered", actor="cache", data={"cache": self.name})
        return answer

    def _note_failure(self, operation: str, error: Exception) -> None:
        self.failures += 1
        if not self.is_failing:
            self.is_failing = True
            self._emit(
                "cache.failed",
                actor="cache",
                data={
                    "cache": self.name,
                    "operation": operation,
                    "error": type(error).__name__,
                    "failures": self.failures,
                },
            )
