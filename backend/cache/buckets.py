"""Token buckets in Redis, one for all engines: the arithmetic of `domain.token_bucket` in Lua.

A script runs alone in the server, so the second's bucket and the hour's are read, judged and
written as one, whoever else asks. A bucket is one key, `rate_limit:{who}:…`, that holds the moment
at which it is full (lab time, microseconds), and expires when it is of no use. A server that does
not answer in time is not waited for: this process counts for itself until it is back, so a limit
holds, for each engine alone. Whole numbers stay exact in Lua's doubles: microseconds of two
centuries are below 2^53.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.cache.tolerant import TolerantCache
from backend.domain.token_bucket import SECOND_US, Limit, LocalBuckets, Taken, outcome

SLACK_S = 60
NAMES = {1: "second", 3_600: "hour"}
SCRIPT = """
local now = tonumber(ARGV[1])
local fits = 1
local full_at, after = {}, {}
for i, key in ipairs(KEYS) do
  local interval, period = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local stored = tonumber(redis.call('GET', key) or ARGV[1])
  local wait = math.min(math.max(0, stored - now), period)
  full_at[i] = now + wait
  after[i] = now + wait + interval
  if wait + interval > period then fits = 0 end
end
if fits == 1 then full_at = after end
local said = {fits}
for i, key in ipairs(KEYS) do
  said[i + 1] = string.format('%.0f', full_at[i])
  redis.call('SET', key, said[i + 1], 'EX', ARGV[3 * i + 1])
end
return said
"""


class SharedBuckets:
    """Implements `domain.token_bucket.Buckets` over the engine's cache."""

    def __init__(self, cache: TolerantCache) -> None:
        self._cache = cache
        self._alone = LocalBuckets()

    async def take(self, who: str, limits: Sequence[Limit], now_us: int) -> Taken:
        """Count one asking against all of its limits, or against none of them."""
        keys = [bucket_key(who, limit) for limit in limits]
        arguments = [str(now_us)]
        for limit in limits:
            life_s = limit.period_us // SECOND_US + SLACK_S
            arguments += [str(limit.interval_us), str(limit.period_us), str(life_s)]
        said = await self._cache.run_script(SCRIPT, keys, arguments)
        if said is None:
            return self._alone.take_now(who, limits, now_us)
        allowed, *full_at_us = (int(each) for each in said)
        return outcome(limits, full_at_us, now_us, allowed=bool(allowed))


def bucket_key(who: str, limit: Limit) -> str:
    """`rate_limit:{mer_…}:second`: one merchant's buckets lie on one shard."""
    period_s = limit.period_us // SECOND_US
    return f"rate_limit:{{{who}}}:{NAMES.get(period_s, f'{period_s}s')}"
