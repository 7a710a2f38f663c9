"""Opens the cache: a real Redis or Valkey by URL, else an in-process one with the same commands.

The blocking pool waits for a connection where the plain one raises at its limit.
"""

from __future__ import annotations

from typing import cast

from backend.cache import keys
from backend.cache.level_one import LevelOne
from backend.cache.news import Publisher, SharedNews
from backend.cache.tolerant import CacheWay, RedisCommands, TolerantCache
from backend.runtime.clock import Clock
from backend.runtime.errors import UsageError
from backend.runtime.events import Emit

POOL_CONNECTIONS = 64
POOL_WAIT_S = 0.05
CONNECT_LIMIT_S = 0.5


def open_cache(
    redis_url: str | None, clock: Clock, emit: Emit, way: CacheWay | None = None
) -> TolerantCache:
    """The engine's cache.

    Args:
        redis_url: of a server; None is one inside this process.
        clock: lab time, on which values expire.
        emit: says when the cache fails and when it works again.
        way: to the server; None is a direct one.

    Raises:
        UsageError: the URL is not one of a Redis server.
    """
    if redis_url is None:
        from fakeredis import FakeAsyncRedis  # 0.2 s of import that a real server does not need

        return TolerantCache(
            cast("RedisCommands", FakeAsyncRedis()), clock, emit, name="in-process", way=way
        )
    from redis.asyncio import BlockingConnectionPool, Redis

    try:
        pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=POOL_CONNECTIONS,
            timeout=POOL_WAIT_S,
            socket_timeout=CONNECT_LIMIT_S,
            socket_connect_timeout=CONNECT_LIMIT_S,
        )
    except ValueError as error:
        raise UsageError(f"--redis-url: {error}") from error
    client = Redis.from_pool(pool)  # which closes the pool with itself
    return TolerantCache(cast("RedisCommands", client), clock, emit, name="redis", way=way)


def open_news(redis_url: str, group: str, sender: str, near: LevelOne, emit: Emit) -> SharedNews:
    """What engines on one Redis say to each other; `open_cache` has looked at the URL.

    Args:
        redis_url: of the server.
        group: engines that have the same data.
        sender: tells this engine from the others.
        near: level 1, deaf until the channel is heard.
        emit: says when nothing can be heard.
    """
    from redis.asyncio import Redis

    # a subscription waits for messages, not for answers: only connecting has a limit
    client = Redis.from_url(redis_url, socket_connect_timeout=CONNECT_LIMIT_S)
    return SharedNews(cast("Publisher", client), keys.news(group), sender, near, emit)
