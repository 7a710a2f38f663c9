"""Faults on the way from phone, watch and till to the engine: a transport round another one.

Theory of operation. A request that goes over one of these lines carries a mark; whatever has
none passes untouched, or a fault could not be switched off through the line that it cuts. What is
armed is asked twice: where the request leaves ("lost" before that never arrives) and where the
answer comes back. A lost answer is really produced and then dropped, so the engine has done its
work; the caller hears nothing until its own time-out, as with a real loss. Knows no payment, and
waits on the scheduler that it was given, so it does the same on virtual time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NoReturn

import httpx

from backend.api import Clock, Facts, LinkFaults, Point, Scheduler, Strike

PHONE_LINK = "phone.engine"
WATCH_LINK = "watch.engine"
TILL_LINK = "pos.engine"
MARK = "taplab.link"
"""The request extension (httpx) that names the line."""
SPOILED_BYTES = 4
NEVER_S = 3_600.0


@dataclass(frozen=True, slots=True)
class LinkMark:
    """Over which line a request goes."""

    link: str


class FaultyTransport(httpx.AsyncBaseTransport):
    """A transport with faults on marked requests."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: Clock, scheduler: Scheduler) -> None:
        """Carry everything over `inner`; `use_faults` says what goes wrong.

        Args:
            inner: what really sends.
            clock: measures how much of a time-out is left (its monotonic reading).
            scheduler: of the same time as `inner`'s own time-outs.
        """
        self._inner = inner
        self._clock = clock
        self._scheduler = scheduler
        self._faults: LinkFaults | None = None

    def use_faults(self, faults: LinkFaults) -> None:
        """Take these faults from the next request on."""
        self._faults = faults

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, or what the faults leave of it.

        Raises:
            httpx.TransportError: as the transport below does, or because a fault says so.
        """
        mark = request.extensions.get(MARK)
        if not isinstance(mark, LinkMark) or not self._armed_on(mark.link):
            return await self._inner.handle_async_request(request)
        assert self._faults is not None
        return await self._carry(request, mark.link, self._faults)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()

    def _armed_on(self, link: str) -> bool:
        return self._faults is not None and self._faults.concern(link)

    async def _carry(self, request: httpx.Request, link: str, faults: LinkFaults) -> httpx.Response:
        begun_us = self._clock.monotonic_us()
        effects = _effects(faults.strike(link, Point.REQUEST, Facts()))
        if "reset_peer" in effects:
            raise httpx.ReadError("the connection was reset", request=request)
        if effects & {"timeout", "lost_request"}:
            await self._silence(request, begun_us)
        if "duplicate" in effects:
            response = await self._twice(request)
        else:
            response = await self._inner.handle_async_request(request)
        struck = faults.strike(link, Point.ANSWER, Facts())
        effects = _effects(struck)
        if effects & {"timeout", "lost_response"}:
            await self._silence(request, begun_us)
        await self._delay(request, begun_us, sum(strike.delay_us for strike in struck))
        return await _spoiled(request, response) if "corrupt" in effects else response

    async def _twice(self, request: httpx.Request) -> httpx.Response:
        """Both copies arrive; the caller, who knows of one, gets the first one's answer."""
        await request.aread()
        first, _copy = await asyncio.gather(
            self._inner.handle_async_request(request),
            self._inner.handle_async_request(request),
            return_exceptions=True,
        )
        if isinstance(first, BaseException):
            raise first
        return first

    async def _delay(self, request: httpx.Request, begun_us: int, delay_us: int) -> None:
        left_s = self._left_s(request, begun_us)
        if left_s is not None and delay_us / 1e6 >= left_s:
            await self._silence(request, begun_us)
        if delay_us:
            await self._scheduler.sleep(delay_us / 1e6)

    async def _silence(self, request: httpx.Request, begun_us: int) -> NoReturn:
        """Nothing comes until the caller's patience is over."""
        left_s = self._left_s(request, begun_us)
        while left_s is None:
            await self._scheduler.sleep(NEVER_S)
        await self._scheduler.sleep(left_s)
        raise httpx.ReadTimeout("no answer in time", request=request)

    def _left_s(self, request: httpx.Request, begun_us: int) -> float | None:
        """What is left of the request's read time-out; None if it has none."""
        limit_s: float | None = request.extensions.get("timeout", {}).get("read")
        if limit_s is None:
            return None
        return max(0.0, limit_s - (self._clock.monotonic_us() - begun_us) / 1e6)


def _effects(struck: list[Strike]) -> set[str]:
    return {strike.fault.effect for strike in struck}


async def _spoiled(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """The answer with its first bytes turned over; one without any is no answer at all."""
    content = await response.aread()
    if not content:
        raise httpx.RemoteProtocolError("no HTTP answer", request=request)
    spoiled = bytes(byte ^ 0xFF for byte in content[:SPOILED_BYTES])
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        content=spoiled + content[SPOILED_BYTES:],
        request=request,
    )
