"""The way to the cache, with what is armed on `cache`.

An operation that is late, never ends, is lost before or after it was done, or brings back a value
that nobody put there. Knows no key and no value. Waiting is input/output time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from backend.faults.armed import Facts
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point

T = TypeVar("T")
LINK = "cache"
NEVER_S = 3_600.0
"""Longer than anybody waits for a cache."""


class FaultyCacheWay:
    """The cache's port `CacheWay`, asking the board."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board

    async def carry(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Do one operation, or what the faults leave of it.

        Raises:
            ConnectionError: it was lost.
        """
        if not self._board.concern(LINK):
            return await operation()
        strikes = self._board.strike(LINK, Point.REQUEST)
        effects = {strike.fault.effect for strike in strikes}
        if "lost_request" in effects:
            raise ConnectionError("the operation never reached the cache")
        delay_us = sum(strike.delay_us for strike in strikes)
        if delay_us or "timeout" in effects:
            await asyncio.sleep(NEVER_S if "timeout" in effects else delay_us / 1e6)
        answer = await operation()
        facts = Facts(has_value=isinstance(answer, bytes))
        effects = {each.fault.effect for each in self._board.strike(LINK, Point.ANSWER, facts)}
        if "lost_response" in effects:
            raise ConnectionError("the cache's answer was lost")
        return _spoiled(answer) if "corrupt" in effects else answer


def _spoiled(answer: T) -> T:
    """Every byte of a value inverted."""
    assert isinstance(answer, bytes), "only a value is struck"
    return type(answer)(byte ^ 0xFF for byte in answer)
