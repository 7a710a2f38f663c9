"""An application's requests and WebSockets without a network: the simulated world's TCP.

Theory of operation. A `MemoryServer` is an address where an ASGI application answers, or where
nobody does. Each request runs in a task of its own on the server's side, as it would behind a
socket: a client that loses patience goes away, and the work goes on without it. Time-outs are the
ones that the client asked httpx for, on the event loop's own time, which in a simulated world is
virtual (httpx's own ASGI transport ignores them). `kill` breaks every connection at that moment:
requests under way end in `ReadError`, sockets in `ConnectionResetError`, later ones find nobody.

Speaks ASGI 3 (HTTP and WebSocket messages). Knows no path, no payment and no fault.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Self

import httpx
from starlette.types import ASGIApp, Message, Scope

from backend.runtime.errors import Crashed

CLIENT = ("127.0.0.1", 1)
GONE_AWAY = 1006  # RFC 6455, 7.4.1: no close frame came


class MemoryServer(httpx.AsyncBaseTransport):
    """One address: a transport for httpx, and a way to open WebSockets."""

    def __init__(self, app: ASGIApp | None = None) -> None:
        """An address where `app` answers; nobody, while it is None."""
        self._app = app
        self._work: dict[asyncio.Task[None], None] = {}  # in order: a simulated world repeats
        self._requests: dict[_Request, None] = {}
        self._sockets: dict[MemorySocket, None] = {}

    def serve(self, app: ASGIApp) -> None:
        """From now on `app` answers here."""
        self._app = app

    def kill(self) -> list[asyncio.Task[None]]:
        """Nobody answers any more and every connection is broken; what has yet to unwind."""
        self._app = None
        for request in tuple(self._requests):
            request.break_off()
        for socket in tuple(self._sockets):
            socket.break_off()
        for task in self._work:
            task.cancel()
        return list(self._work)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and wait for its whole answer.

        Raises:
            httpx.ConnectError: nobody is there: nothing was sent.
            httpx.ReadTimeout, httpx.ReadError: no answer in time, or the connection broke.
        """
        if self._app is None:
            raise httpx.ConnectError("nobody answers at this address", request=request)
        exchange = _Request(request, await request.aread())
        self._requests[exchange] = None
        self._spawn(exchange.run(self._app), f"{request.method} {request.url.path}")
        limit_s = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(limit_s):
                return await exchange.answer
        except TimeoutError as late:
            raise httpx.ReadTimeout("no answer in time", request=request) from late
        except ConnectionResetError as broken:
            raise httpx.ReadError(str(broken), request=request) from broken
        finally:
            exchange.client_left()
            self._requests.pop(exchange, None)

    async def open_socket(self, target: str, headers: dict[str, str]) -> MemorySocket:
        """Open a WebSocket.

        Args:
            target: path and query.
            headers: of the opening request.

        Raises:
            ConnectionRefusedError: nobody is there.
            PermissionError: the application refused it.
            ConnectionResetError: the server died meanwhile.
        """
        if self._app is None:
            raise ConnectionRefusedError("nobody answers at this address")
        socket = MemorySocket(target, headers)
        self._sockets[socket] = None
        task = self._spawn(socket.run(self._app), f"WS {target.partition('?')[0]}")
        task.add_done_callback(lambda _: self._sockets.pop(socket, None))
        await socket.opened
        return socket

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._work[task] = None
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.pop(task, None)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None and not isinstance(error, Crashed):
            task.get_loop().call_exception_handler(
                {"message": f"{task.get_name()} failed", "exception": error}
            )


class _Request:
    """One request under way, from both sides."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self.answer: asyncio.Future[httpx.Response] = asyncio.get_running_loop().create_future()
        self._request = request
        self._body: bytes | None = body
        self._left = asyncio.Event()
        self._start: Message | None = None
        self._parts: list[bytes] = []

    def break_off(self) -> None:
        """The server died."""
        if not self.answer.done():
            self.answer.set_exception(ConnectionResetError("the connection broke"))

    def client_left(self) -> None:
        """The client has its answer, or waits no more."""
        self._left.set()
        self.answer.cancel()

    async def run(self, app: ASGIApp) -> None:
        """The server's side."""
        try:
            await app(_http_scope(self._request), self._receive, self._send)
        finally:
            if not self.answer.done():  # as uvicorn: the connection ends without an answer
                self.answer.set_exception(ConnectionResetError("no answer"))

    async def _receive(self) -> Message:
        if self._body is None:
            await self._left.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        self._parts.append(message.get("body", b""))
        if message.get("more_body", False) or self.answer.done():
            return
        assert self._start is not None, "ASGI: a body after its start"
        self.answer.set_result(
            httpx.Response(
                self._start["status"],
                headers=self._start["headers"],
                content=b"".join(self._parts),
                request=self._request,
            )
        )


class MemorySocket:
    """The client's end of a WebSocket: iterate to hear, `send` to speak, leave to close."""

    def __init__(self, target: str, headers: dict[str, str]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._scope = _socket_scope(target, headers)
        self._to_server: asyncio.Queue[Message] = asyncio.Queue()
        self._to_server.put_nowait({"type": "websocket.connect"})
        self._heard: deque[str] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self._broken = False

    async def __aenter__(self) -> Self:
        """The socket is open already."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self._end()

    async def __aiter__(self) -> AsyncIterator[str]:
        """Every message until the server closes.

        Raises:
            ConnectionResetError: the server died.
        """
        while True:
            while self._heard:
                yield self._heard.popleft()
            if self._broken:
                raise ConnectionResetError("the connection broke")
            if self._closed:
                return
            self._news.clear()
            await self._news.wait()

    async def send(self, text: str) -> None:
        """Say something.

        Raises:
            ConnectionResetError: the server died or closed.
        """
        if self._closed:
            raise ConnectionResetError("the connection is closed")
        self._to_server.put_nowait({"type": "websocket.receive", "text": text})

    def break_off(self) -> None:
        """The server died."""
        self._broken = True
        if not self.opened.done():
            self.opened.set_exception(ConnectionResetError("the connection broke"))
        self._end()

    async def run(self, app: ASGIApp) -> None:
        """The server's side."""
        try:
            await app(self._scope, self._to_server.get, self._from_server)
        finally:
            if not self.opened.done():
                self.opened.set_exception(PermissionError("the application refused the socket"))
            self._end()

    async def _from_server(self, message: Message) -> None:
        if message["type"] == "websocket.close":
            if not self.opened.done():
                self.opened.set_exception(PermissionError(f"refused with {message['code']}"))
            self._end()
            return
        if self._closed:
            raise OSError("the client has gone")
        if message["type"] == "websocket.accept":
            self.opened.set_result(None)
        else:
            self._heard.append(message["text"])
            self._news.set()

    def _end(self) -> None:
        if not self._closed:
            self._closed = True
            self._to_server.put_nowait({"type": "websocket.disconnect", "code": GONE_AWAY})
            self._news.set()


def _http_scope(request: httpx.Request) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": CLIENT,
        "server": (request.url.host, request.url.port or 80),
    }


def _socket_scope(target: str, headers: dict[str, str]) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": CLIENT,
        "server": ("engine", 80),
        "subprotocols": [],
    }
