"""HTTP/1.1 to the engine over kept connections: the transport below the lab's HTTP client.

A till waits for each of its requests, and half of a local request's time was a general client's
comfort (proxies, HTTP/2, streaming). This sends one request at a time on each connection and reads
an answer that names its length, which is all that the engine does. It knows no path and no
payment, repeats nothing, and speaks in httpx's errors, so that whoever is above need not know.
Framing: RFC 9112; anything else than a Content-Length is refused as undecodable.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections import defaultdict

import httpx

HEAD_BYTES_MAX = 64 * 1024
KEPT_MAX = 16
_HEAD_END = b"\r\n\r\n"
_OWN_HEADERS = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding"})
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LoopbackTransport(httpx.AsyncBaseTransport):
    """Kept connections by address."""

    def __init__(self) -> None:
        """No connection yet."""
        self._kept: defaultdict[tuple[str, int], list[_Streams]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its whole answer.

        Raises:
            httpx.UnsupportedProtocol: not http.
            httpx.ConnectError, httpx.ConnectTimeout: no connection: nothing was sent.
            httpx.TransportError: it broke, or no whole answer came in time.
        """
        if request.url.scheme != "http":
            raise httpx.UnsupportedProtocol("an engine's address begins with http://")
        address = (request.url.host, request.url.port or 80)
        limits = request.extensions.get("timeout", {})
        message = _message(request, await request.aread())
        streams = self._idle(address) or await _connect(address, limits.get("connect"))
        try:
            async with asyncio.timeout(limits.get("read")):
                response, keep = await _exchange(streams, message)
        except TimeoutError as late:
            _drop(streams)
            raise httpx.ReadTimeout("no answer in time", request=request) from late
        except (OSError, EOFError) as broken:
            _drop(streams)
            raise httpx.ReadError(str(broken), request=request) from broken
        except (ValueError, asyncio.LimitOverrunError) as nonsense:
            _drop(streams)
            raise httpx.RemoteProtocolError(str(nonsense), request=request) from nonsense
        except BaseException:
            _drop(streams)  # cancelled half-way: the rest of an answer must not meet the next one
            raise
        if keep and len(self._kept[address]) < KEPT_MAX:
            self._kept[address].append(streams)
        else:
            _drop(streams)
        return response

    async def aclose(self) -> None:
        """Close every kept connection."""
        for kept in self._kept.values():
            while kept:
                writer = kept.pop()[1]
                writer.close()
                with contextlib.suppress(OSError):  # the engine may have hung up first
                    await writer.wait_closed()

    def _idle(self, address: tuple[str, int]) -> _Streams | None:
        """A kept connection that the engine has not hung up on meanwhile."""
        kept = self._kept[address]
        while kept:
            reader, writer = kept.pop()
            if not reader.at_eof() and not writer.is_closing() and not _readable(writer):
                return reader, writer
            writer.close()
        return None


def _readable(writer: asyncio.StreamWriter) -> bool:
    """Whether something came in, which on an idle connection is the end of it."""
    socket = writer.get_extra_info("socket")
    return bool(select.select([socket.fileno()], [], [], 0)[0])


async def _connect(address: tuple[str, int], limit_s: float | None) -> _Streams:
    try:
        async with asyncio.timeout(limit_s):
            return await asyncio.open_connection(*address, limit=HEAD_BYTES_MAX)
    except TimeoutError as late:
        raise httpx.ConnectTimeout("no connection in time") from late
    except OSError as refused:
        raise httpx.ConnectError(str(refused)) from refused


def _message(request: httpx.Request, body: bytes) -> bytes:
    lines = [
        b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path),
        b"Host: " + request.url.netloc,
    ]
    lines += [
        b"%s: %s" % (name, value)
        for name, value in request.headers.raw
        if name.lower() not in _OWN_HEADERS
    ]
    if body or request.method in {"POST", "PUT", "PATCH"}:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + _HEAD_END + body


async def _exchange(streams: _Streams, message: bytes) -> tuple[httpx.Response, bool]:
    """The answer, and whether the connection may carry another request."""
    reader, writer = streams
    writer.write(message)
    await writer.drain()
    status, headers = _head(await reader.readuntil(_HEAD_END))
    named = {name.lower(): value for name, value in headers}
    if b"transfer-encoding" in named:
        raise ValueError("an answer without its length")
    body = await reader.readexactly(int(named.get(b"content-length", b"0")))
    keep = named.get(b"connection", b"").lower() != b"close"
    return httpx.Response(status, headers=headers, content=body), keep


def _head(head: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    status_line, *lines = head[: -len(_HEAD_END)].split(b"\r\n")
    version, _, rest = status_line.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        raise ValueError(f"no HTTP answer: {status_line[:32]!r}")
    headers = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"no header: {line[:32]!r}")
        headers.append((name, value.strip()))
    return int(rest[:3]), headers


def _drop(streams: _Streams) -> None:
    streams[1].close()
