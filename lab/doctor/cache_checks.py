"""The doctor's look at the cache: whether the Redis that is named answers, and what its limits are.

Sessions lie there with an end, watermarks without one, and the database has all of them: a server
may drop any of it. What it should not do is grow without end, or throw sessions out to keep lists.
Without a server there is nothing to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from lab.doctor.finding import Finding
from lab.doctor.machine import Machine

CACHE_VARIABLE = "TAPLAB_REDIS_URL"
CACHE_LIMIT_S = 1.0
MIB = 2**20
KEEPS_SESSIONS = frozenset({"noeviction", "volatile-lru", "volatile-lfu", "volatile-ttl"})
_REMEDY = "redis-cli config set maxmemory 256mb; redis-cli config set maxmemory-policy volatile-lru"


def all_of(machine: Machine) -> tuple[Finding, ...]:
    """Whether the server answers, and its limits if it does."""
    url = machine.environment.get(CACHE_VARIABLE)
    if not url:
        return (Finding("cache", "ok", "inside the engine"),)
    import redis

    try:
        client = redis.Redis.from_url(
            url, socket_timeout=CACHE_LIMIT_S, socket_connect_timeout=CACHE_LIMIT_S
        )
        with closing(client):
            client.ping()
            limits = _limits(client)
    except (redis.RedisError, ValueError) as fault:
        away = Finding(
            "cache",
            "problem",
            f"the Redis that {CACHE_VARIABLE} names does not answer ({fault})",
            f"start it, or unset {CACHE_VARIABLE}: the engine then keeps its cache itself",
        )
        return (away,)
    return Finding("cache", "ok", f"the Redis that {CACHE_VARIABLE} names answers"), judge(limits)


def judge(limits: Mapping[str, str] | None) -> Finding:
    """What a server's `maxmemory` and `maxmemory-policy` mean for the laboratory.

    Args:
        limits: as CONFIG GET tells them; None where the server does not.
    """
    if limits is None:
        return Finding("cache limits", "note", "the server does not tell its limits (CONFIG GET)")
    bytes_max, policy = int(limits["maxmemory"]), limits["maxmemory-policy"]
    if not bytes_max:
        return Finding("cache limits", "note", "the Redis may grow without end", _REMEDY)
    told = f"{bytes_max // MIB} MiB, {policy}"
    if policy in KEEPS_SESSIONS:
        return Finding("cache limits", "ok", told)
    return Finding("cache limits", "note", f"{told}: may throw sessions out", _REMEDY)


def _limits(client: object) -> Mapping[str, str] | None:
    """The two settings; None where they are nobody's business, as at a hosted server."""
    import redis

    assert isinstance(client, redis.Redis), "made above"
    try:
        found = client.config_get("maxmemory", "maxmemory-policy")
    except redis.ResponseError:
        return None
    text = {_text(name): _text(value) for name, value in dict(found).items()}
    return text if {"maxmemory", "maxmemory-policy"} <= text.keys() else None


def _text(told: object) -> str:
    return told.decode() if isinstance(told, bytes) else str(told)
