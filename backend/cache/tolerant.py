"""A cache that never fails its caller.

Every operation on the Redis behind it is limited in time; an error or a timeout is counted,
announced as `cache.failed` (once, until it works again: `cache.recovered`) and answered like a
miss. Values carry their own lab-time expiry, because a person may jump the laboratory's clock and
a server's TTL cannot follow, and a digest of themselves and their key: a value that was damaged or
belongs to another key is a miss too (`cache.spoiled`). The digest is no secret, so it guards
against accidents only; that the cache decides nothing about money is its readers' rule. Knows bytes
and keys, not what they mean.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from redis.exceptions import RedisError

from backend.runtime.clock import Clock
from backend.runtime.events import Emit

T = TypeVar("T")
OPERATION_LIMIT_S = 0.05
TTL_SLACK_S = 60
_STAMP_BYTES = 8
_DIGEST_BYTES = 16
_HEAD_BYTES = _STAMP_BYTES + _DIGEST_BYTES
_FOR_EVER_US = 256**_STAMP_BYTES - 1


class RedisCommands(Protocol):
    """The few commands of a Redis client (real or in-process) that are used here."""

    def get(self, name: str) -> Awaitable[bytes | None]:
        """GET."""

    def set(self, name: str, value: bytes, *, ex: int | None) -> Awaitable[object]:
        """SET … EX; without EX for ever."""

    def delete(self, *names: str) -> Awaitable[int]:
        """DEL."""

    def eval(self, script: str, numkeys: int, *keys_and_args: str) -> Awaitable[list[bytes]]:
        """EVAL."""

    def ping(self) -> Awaitable[object]:
        """PING."""

    def aclose(self) -> Awaitable[None]:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value as it lies in the cache."""

    value: bytes
    expires_at_us: int


class CacheWay(Protocol):
    """The way to the server, on which operations may be late, lost or spoiled."""

    async def carry(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Do one operation.

        Raises:
            OSError: it did not get through; it may have been done.
        """


class DirectWay:
    """Nothing in between."""

    async def carry(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Do one operation."""
        return await operation()


class TolerantCache:
    """Get, put and forget; a broken server is a miss."""

    def __init__(
        self,
        redis: RedisCommands,
        clock: Clock,
        emit: Emit,
        *,
        name: str,
        way: CacheWay | None = None,
    ) -> None:
        self._redis = redis
        self._way = way or DirectWay()
        self._clock = clock
        self._emit = emit
        self.name = name
        self._counts: dict[str, list[int]] = {}
        self.failures = 0
        self.spoiled = 0
        self.is_failing = False

    async def get(self, key: str) -> bytes | None:
        """The value, unless it is missing, expired on lab time, or the cache is broken."""
        found = await self.find(key)
        return None if found is None else found.value

    async def find(self, key: str) -> Found | None:
        """The same, with when it expires."""
        stored = await self._try("get", lambda: self._redis.get(key))
        found = None if stored is None else self._opened(key, stored)
        count = self._counts.setdefault(key.partition(":")[0], [0, 0])
        count[found is None] += 1
        return found

    @property
    def hits(self) -> int:
        """How often a value was there."""
        return sum(hits for hits, _ in self._counts.values())

    @property
    def misses(self) -> int:
        """How often none was there, or none to be had."""
        return sum(misses for _, misses in self._counts.values())

    def by_kind(self) -> dict[str, tuple[int, int]]:
        """Hits and misses by the first part of the key."""
        return {kind: (hits, misses) for kind, (hits, misses) in sorted(self._counts.items())}

    async def put(self, key: str, value: bytes, *, ttl_s: int | None) -> None:
        """Keep `value` for `ttl_s` seconds of lab time; None is for ever."""
        expires_at_us, lives_s = _FOR_EVER_US, None
        if ttl_s is not None:
            expires_at_us = self._clock.now_us() + ttl_s * 1_000_000
            lives_s = ttl_s + TTL_SLACK_S
        stamp = expires_at_us.to_bytes(_STAMP_BYTES, "big")
        stored = stamp + _digest(key, stamp, value) + value
        await self._try("put", lambda: self._redis.set(key, stored, ex=lives_s))

    async def forget(self, *keys: str) -> bool:
        """Delete; False when the cache could not be told (entries then expire by themselves)."""
        return await self._try("forget", lambda: self._redis.delete(*keys)) is not None

    async def run_script(
        self, script: str, keys: Sequence[str], arguments: Sequence[str]
    ) -> list[bytes] | None:
        """Run a Lua script in the server, alone there; None when the server did not answer.

        Unlike everything else here, one that was not heard of may have been done.
        """
        return await self._try(
            "script", lambda: self._redis.eval(script, len(keys), *keys, *arguments)
        )

    async def is_reachable(self) -> bool:
        """Whether the server answers now."""
        return await self._try("ping", self._redis.ping) is not None

    async def close(self) -> None:
        """Give the connections back."""
        self._way = DirectWay()
        await self._try("close", self._redis.aclose)

    def _opened(self, key: str, stored: bytes) -> Found | None:
        stamp, value = stored[:_STAMP_BYTES], stored[_HEAD_BYTES:]
        if _digest(key, stamp, value) != stored[_STAMP_BYTES:_HEAD_BYTES]:
            self.spoiled += 1
            data = {"cache": self.name, "spoiled": self.spoiled}
            self._emit("cache.spoiled", actor="cache", data=data)
            return None
        expires_at_us = int.from_bytes(stamp, "big")
        return Found(value, expires_at_us) if expires_at_us > self._clock.now_us() else None

    async def _try(self, name: str, operation: Callable[[], Awaitable[T]]) -> T | None:
        try:
            async with asyncio.timeout(OPERATION_LIMIT_S):
                answer = await self._way.carry(operation)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(name, error)
            return None
        if self.is_failing and name != "close":  # which needs no server
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


def _digest(key: str, stamp: bytes, value: bytes) -> bytes:
    name = key.encode()
    parts = len(name).to_bytes(4, "big") + name + stamp + value
    return hashlib.blake2b(parts, digest_size=_DIGEST_BYTES).digest()
