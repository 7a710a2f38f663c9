"""An httpx transport that carries out what is armed on an HTTP link.

Theory of operation. It wraps the transport that really sends, so the same faults act between engine
and token services on sockets and in memory. A caller that hears
nothing waits as long as its own read timeout says and then gets httpx's own `ReadTimeout`, also
where the wrapped transport knows no timeouts. Waiting is input/output time, not lab time. Knows no
path and no body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

import httpx

from backend.faults.armed import Strike
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point

PATIENCE_S = 30.0
"""How long a caller waits who named no read timeout."""
BODY = frozenset({"content-encoding", "content-length", "transfer-encoding"})
SILENCE = frozenset({"timeout", "lost_request"})


LinkOf = Callable[[httpx.Request], str | None]


class FaultyTransport(httpx.AsyncBaseTransport):
    """A transport with faults round it."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, faults: FaultBoard, link_of: LinkOf
    ) -> None:
        """Wrap a transport.

        Args:
            inner: what really sends.
            faults: who says what is wrong.
            link_of: the fault plan's name of the link that a request takes; None for no link.
        """
        self._inner = inner
        self._faults = faults
        self._link_of = link_of

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or what the faults leave of it.

        Raises:
            httpx.TransportError: as the wrapped transport does, or because a fault says so.
        """
        link = self._link_of(request)
        if link is None or not self._faults.concern(link):
            return await self._inner.handle_async_request(request)
        effects = {strike.fault.effect for strike in self._faults.strike(link, Point.REQUEST)}
        if "reset_peer" in effects:
            raise httpx.ReadError("the connection was torn down", request=request)
        if effects & SILENCE:
            await _hear_nothing(request)
        if "duplicate" in effects:
            first = await self._inner.handle_async_request(request)
            await first.aread()
            await first.aclose()
        response = await self._inner.handle_async_request(request)
        return await self._answer(request, response, self._faults.strike(link, Point.ANSWER))

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()

    async def _answer(
        self, request: httpx.Request, response: httpx.Response, strikes: list[Strike]
    ) -> httpx.Response:
        effects = {strike.fault.effect for strike in strikes}
        delay_s = sum(strike.delay_us for strike in strikes) / 1e6
        if "lost_response" in effects or delay_s > _patience_s(request):
            await response.aclose()
            await _hear_nothing(request)
        if delay_s:
            await asyncio.sleep(delay_s)
        return await _spoiled(response) if "corrupt" in effects else response


async def _spoiled(response: httpx.Response) -> httpx.Response:
    """The response with every byte of its content inverted."""
    content = bytes(byte ^ 0xFF for byte in await response.aread())
    await response.aclose()
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in BODY]
    return httpx.Response(response.status_code, headers=headers, content=content)


def _patience_s(request: httpx.Request) -> float:
    patience = request.extensions.get("timeout", {}).get("read")
    return PATIENCE_S if patience is None else float(patience)


async def _hear_nothing(request: httpx.Request) -> NoReturn:
    await asyncio.sleep(_patience_s(request))
    raise httpx.ReadTimeout("no answer came", request=request)
