"""The way to receivers over HTTP: one POST, no redirect, a bounded answer, a judged address.

The name in the address is resolved here and the connection goes to an address that was judged, with
the name kept for `Host` and TLS. Environment proxies are not asked. Every end of a request is a
value; nothing is retried here. Knows no endpoint and no schedule.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx

from backend.runtime.scheduler import Scheduler
from backend.webhooks.addresses import chosen_address
from backend.webhooks.ports import Request
from backend.webhooks.records import Answer, NoAnswer

CONTENT_KEPT = 2_048
"""Bytes of an answer that are read and kept."""
IDLE_CONNECTIONS = 32

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(httpx.ConnectError):
    """The name leads to an address that may not be told anything."""


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, the preferred first.

    Raises:
        OSError: it has none.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class JudgedTransport(httpx.AsyncBaseTransport):
    """Connects to addresses that may be told something, and to no others."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        allow_non_loopback: bool,
        resolve: Resolve = resolve,
    ) -> None:
        self._inner = inner
        self._allow = allow_non_loopback
        self._resolve = resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Resolve, judge, and send to the judged address.

        Raises:
            AddressRefused: the name leads elsewhere.
            httpx.TransportError: the connection failed.
        """
        url = request.url
        try:
            addresses = await self._resolve(url.host, url.port or 0)
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        address = chosen_address(addresses, allow_non_loopback=self._allow)
        if address is None:
            raise AddressRefused(f"{url.host} is not this machine", request=request)
        sent = httpx.Request(
            request.method,
            url.copy_with(host=address),
            headers=request.headers,  # Host is among them, with the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": url.host},
        )
        return await self._inner.handle_async_request(sent)

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._inner.aclose()


def open_transport(*, allow_non_loopback: bool) -> httpx.AsyncBaseTransport:
    """A transport on sockets that keeps some connections open."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=IDLE_CONNECTIONS)
    return JudgedTransport(
        httpx.AsyncHTTPTransport(trust_env=False, limits=limits),
        allow_non_loopback=allow_non_loopback,
    )


class HttpWay:
    """Posts with an httpx transport."""

    def __init__(self, transport: httpx.AsyncBaseTransport, scheduler: Scheduler) -> None:
        self._client = httpx.AsyncClient(transport=transport, trust_env=False)
        self._scheduler = scheduler

    async def post(self, request: Request) -> Answer | NoAnswer:
        """Send it once; the status and the first bytes, or why there was no answer."""
        try:
            async with (
                self._scheduler.deadline(request.limit_s),
                self._client.stream(
                    "POST",
                    request.url,
                    content=request.body,
                    headers=request.headers,
                    timeout=request.limit_s,
                ) as response,
            ):
                return Answer(response.status_code, await _first_bytes(response))
        except (TimeoutError, httpx.TimeoutException):
            return NoAnswer("timed_out")
        except AddressRefused:
            return NoAnswer("address_refused")
        except httpx.ConnectError:
            return NoAnswer("not_connected")
        except (httpx.HTTPError, httpx.InvalidURL):
            return NoAnswer("connection_lost")

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


async def _first_bytes(response: httpx.Response) -> bytes:
    """What is kept of the content; a receiver that never stops talking is not heard out."""
    kept = b""
    async for chunk in response.aiter_bytes():
        kept += chunk
        if len(kept) >= CONTENT_KEPT:
            break
    return kept[:CONTENT_KEPT]
