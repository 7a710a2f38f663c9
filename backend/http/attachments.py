"""`WS /lab/attach`: who uses this engine, and when nobody does any more.

An engine that a command started (`--exit-when-idle`) stops two seconds after the last one closed,
or half a minute after its start if nobody came. The seconds are real ones: a person who jumps the
laboratory's clock does not want to lose the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.websockets import WebSocket

LINGER_S = 2.0
FIRST_COMER_S = 30.0


class Attachments:
    """Counts those who are attached; calls `on_idle` when the last one is gone for good."""

    def __init__(self, on_idle: Callable[[], None] | None = None) -> None:
        self._on_idle = on_idle
        self._timer: asyncio.TimerHandle | None = None
        self.count = 0

    def start(self) -> None:
        """Begin to wait for the first one."""
        self._wait(FIRST_COMER_S)

    async def hold(self, websocket: WebSocket) -> None:
        """Keep the engine while this connection is open."""
        await websocket.accept()
        self.count += 1
        self._cancel()
        try:
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass  # nothing is said here; being open is the message
        finally:
            self.count -= 1
            if self.count == 0:
                self._wait(LINGER_S)

    def _wait(self, seconds: float) -> None:
        self._cancel()
        if self._on_idle is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_idle)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
