"""Kept HTTP/1.1 connections to receivers, each to an address that was judged when it was made.

An httpx transport, so that the fault board's links act on it as on any other. It exists because a
general client costs a delivery more than all of the engine's own work (measured, 16 at a time: 1.4
ms of processor time a request, most of it looking after a pool; this one 0.07 ms). The parser is
llhttp.

A name is resolved when a connection is made, every address that it has is judged, and the
connection goes to the judged address itself; the name stays for `Host` and TLS. Environment proxies
are not asked, redirects not followed. Of an answer's content only the first bytes are kept, and a
receiver that goes on talking is hung up on. A kept connection that turns out to be closed before a
byte was heard is replaced once by a fresh one (RFC 9112 section 9.3.1): a receiver that may have
heard knows the event's identifier. Knows no endpoint, no schedule and no retry.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import httptools
import httpx

from backend.webhooks.addresses import chosen_address

CONTENT_KEPT = 2_048
"""Bytes of an answer that are kept."""
HEAD_BYTES_MAX = 65_536
IDLE_MAX = 32
"""Connections to one receiver that are kept while nothing is sent."""
PORTS = {"http": 80, "https": 443}

Resolve = Callable[[str, int], Awaitable[list[str]]]


class AddressRefused(httpx.ConnectError):
    """The name leads to an address that may not be told anything."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer; `keeps` says whether the connection can be used again."""

    status: int
    content: bytes
    keeps: bool


async def resolve(host: str, port: int) -> list[str]:
    """Every address of a name, the preferred first; an address is its own.

    Raises:
        OSError: it has none.
    """
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass  # a name
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Connections(httpx.AsyncBaseTransport):
    """Opens, keeps and reuses connections."""

    def __init__(self, *, allow_non_loopback: bool, resolve: Resolve = resolve) -> None:
        """Nothing is open yet.

        Args:
            allow_non_loopback: whether other machines may be told.
            resolve: names to addresses.
        """
        self._allow = allow_non_loopback
        self._resolve = resolve
        self._idle: dict[Origin, list[_Connection]] = {}
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and hear the status and the first bytes of the answer.

        Raises:
            AddressRefused: the name leads elsewhere.
            httpx.ConnectError: nobody answers there.
            httpx.ReadError: the connection broke before the answer.
            httpx.RemoteProtocolError: what came is no answer.
        """
        url = request.url
        origin = Origin(url.scheme, url.host, url.port or PORTS[url.scheme])
        message = _message(request, await request.aread())
        connection = self._kept(origin)
        if connection is not None:
            told = await connection.ask(message)
            if told is not None:
                return self._heard(origin, connection, told)
        connection = await self._open(origin, request)
        told = await connection.ask(message)
        if told is None:
            raise httpx.ReadError("the connection broke before the answer", request=request)
        return self._heard(origin, connection, told)

    async def aclose(self) -> None:
        """Close what is kept."""
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()

    def _kept(self, origin: Origin) -> _Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.is_open:
                return connection
        return None

    async def _open(self, origin: Origin, request: httpx.Request) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            addresses = await self._resolve(origin.host, origin.port)
            address = chosen_address(addresses, allow_non_loopback=self._allow)
            if address is None:
                raise AddressRefused(f"{origin.host} is not this machine", request=request)
            if origin.scheme == "http":
                _, made = await loop.create_connection(_Connection, address, origin.port)
            else:
                self._tls = self._tls or ssl.create_default_context()
                _, made = await loop.create_connection(
                    _Connection, address, origin.port, ssl=self._tls, server_hostname=origin.host
                )
        except OSError as error:  # a certificate that does not convince is one too
            raise httpx.ConnectError(str(error), request=request) from error
        return made

    def _heard(self, origin: Origin, connection: _Connection, told: _Told) -> httpx.Response:
        kept = self._idle.setdefault(origin, [])
        if told.keeps and connection.is_open and len(kept) < IDLE_MAX:
            kept.append(connection)
        else:
            connection.close()
        return httpx.Response(told.status, content=told.content)


class _Connection(asyncio.Protocol):
    """One connection: a request, its answer, and so on."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[_Told | None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._content = b""
        self._head_bytes = 0
        self._in_content = False

    @property
    def is_open(self) -> bool:
        """Whether a request could be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, message: bytes) -> _Told | None:
        """Send a request; the answer, or None when the connection ended without one.

        Raises:
            httpx.RemoteProtocolError: what came is no answer.
        """
        assert self._answer is None, "one request at a time"
        if self._transport is None or self._transport.is_closing():
            return None
        self._parser = httptools.HttpResponseParser(self)
        self._content, self._head_bytes, self._in_content = b"", 0, False
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message)
        try:
            return await self._answer
        except BaseException:
            self._transport.abort()  # what is still to come belongs to nobody
            raise
        finally:
            self._answer = None

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has no such ancestor

    def data_received(self, data: bytes) -> None:
        """A part of the answer."""
        if self._answer is None or self._answer.done():
            self.close()  # nobody asked
            return
        self._head_bytes += 0 if self._in_content else len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(str(error))
            return
        if not self._in_content and self._head_bytes > HEAD_BYTES_MAX:
            self._fail("a head without end")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; content without a length ends so."""
        del exc
        self._end(keeps=False)

    # The parser calls these.

    def on_message_begin(self) -> None:
        """An answer begins."""
        self._in_content = False

    def on_headers_complete(self) -> None:
        """The status is known."""
        self._in_content = self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        """Some content; what is beyond the limit is not waited for."""
        self._content += body[: CONTENT_KEPT - len(self._content)]
        if len(self._content) >= CONTENT_KEPT:
            self._end(keeps=False)

    def on_message_complete(self) -> None:
        """The answer is whole, unless it was only an interim one."""
        if self._in_content:
            self._end(keeps=bool(self._parser.should_keep_alive()))

    def _end(self, *, keeps: bool) -> None:
        if self._answer is not None and not self._answer.done():
            status = self._parser.get_status_code() if self._in_content else 0
            told = _Told(status, self._content, keeps) if self._in_content else None
            self._answer.set_result(told)

    def _fail(self, why: str) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(httpx.RemoteProtocolError(why))


def _message(request: httpx.Request, body: bytes) -> bytes:
    """The request as bytes; `Host` and `Content-Length` are among httpx's headers."""
    lines = [f"{request.method} ".encode() + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    return b"\r\n".join([*lines, b"", body])
