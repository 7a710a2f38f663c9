"""Receivers of a simulated world: functions instead of sockets, by the host and port they stand at.

An address where nobody stands refuses the connection, as on a machine where nothing listens. A
receiver may take its time; the caller's limit is the caller's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

Receiver = Callable[[httpx.Request], Awaitable[httpx.Response]]


class MemoryReceivers(httpx.AsyncBaseTransport):
    """A transport to functions.

    Attributes:
        standing: "localhost:4242" → who answers there.
    """

    def __init__(self) -> None:
        self.standing: dict[str, Receiver] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask whoever stands there.

        Raises:
            httpx.ConnectError: nobody does.
        """
        receiver = self.standing.get(request.url.netloc.decode())
        if receiver is None:
            raise httpx.ConnectError("nobody listens there", request=request)
        return await receiver(request)
