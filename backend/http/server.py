"""Puts an ASGI app on one socket with uvicorn (httptools, websockets) until it is told to stop.

The process's signals stay with whoever owns the process. Open connections get two seconds at the
end; event streams never finish by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from backend.runtime.errors import UsageError

GRACE_S = 2
WEBSOCKET_BYTES_MAX = 64 * 1024
BACKLOG = 2_048


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        UsageError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}:{port}: {error.strerror}") from error


def url_of(listening: socket.socket) -> str:
    """Where clients find it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """One HTTP server."""

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._listening = listening
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http="httptools",
                ws="websockets-sansio",
                ws_max_size=WEBSOCKET_BYTES_MAX,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until `stop`; `on_ready` is called when connections are accepted."""
        self._server.on_ready = on_ready
        await self._server.serve([self._listening])

    def stop(self) -> None:
        """Finish what is open and return from `run`."""
        self._server.should_exit = True


class _Uvicorn(uvicorn.Server):
    """uvicorn that says when it is ready and leaves the process's signals alone."""

    on_ready: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, then say so."""
        await super().startup(sockets=sockets)
        if self.on_ready is not None and not self.should_exit:
            asyncio.get_running_loop().call_soon(self.on_ready)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Not ours to capture."""
        yield
