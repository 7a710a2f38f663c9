"""The engine's event stream and the phone's push socket, as asynchronous iterators that reconnect.

A lost connection is ordinary: the stream asks again, so no event is missed and none comes twice;
the push socket gets again what it did not acknowledge. An event has its number before the commit
that holds it and is told after it, so later ones may overtake it; an engine that dies in between
has stored what nobody heard. Therefore the stream asks again from some way before the last number,
and leaves out what it has seen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException

from backend.api import Event, Scheduler, event_from_json
from lab.client import Endpoint, EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, as_object, section, whole

RECONNECT_S = 0.3
MESSAGE_BYTES_MAX = 1 << 20
OVERTAKEN_MAX = 1_000
_BROKEN = (OSError, WebSocketException, EngineUnreachable, EngineRefused, TimeoutError)


class Socket(Protocol):
    """An open WebSocket."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...

    def __aiter__(self) -> AsyncIterator[str | bytes]: ...

    async def send(self, text: str, /) -> None:
        """Say something."""


class OpenSocket(Protocol):
    """How a WebSocket of the engine is opened: over TCP, or inside a simulated world."""

    async def __call__(self, endpoint: Endpoint, path: str, *, cookie: str = "") -> Socket:
        """Connect to `path`; the token travels in the query, as the engine's streams ask for it.

        Raises:
            PermissionError: the engine refused it.
            OSError, WebSocketException: nobody there, or it broke.
        """


def with_token(endpoint: Endpoint, path: str) -> str:
    """The path with the engine's token in its query."""
    return f"{path}{'&' if '?' in path else '?'}token={endpoint.token}"


def socket_url(endpoint: Endpoint, path: str) -> str:
    """The WebSocket address of `path` on the engine."""
    return "ws" + endpoint.url.removeprefix("http") + path


async def open_socket(endpoint: Endpoint, path: str, *, cookie: str = "") -> Socket:
    """Connect over TCP: the live world's `OpenSocket`.

    Raises:
        PermissionError: the engine refused it.
        OSError, WebSocketException: nobody there, or it broke.
    """
    headers = {"Cookie": cookie} if cookie else {}
    try:
        return await connect(
            socket_url(endpoint, with_token(endpoint, path)),
            additional_headers=headers,
            max_size=MESSAGE_BYTES_MAX,
            proxy=None,
            open_timeout=3,
            close_timeout=0.5,
        )
    except InvalidStatus as refusal:
        raise PermissionError(str(refusal)) from refusal


class EventStream:
    """`WS /lab/events`, for as long as anyone iterates.

    Attributes:
        connected: set once the engine has greeted it: nothing is missed from then on.
    """

    def __init__(
        self,
        endpoint: Callable[[], Endpoint | None],
        scheduler: Scheduler,
        opens: OpenSocket = open_socket,
    ) -> None:
        self._endpoint = endpoint
        self._scheduler = scheduler
        self._opens = opens
        self._from = 0
        self._last: int | None = None
        self._seen: set[int] = set()
        self.connected = asyncio.Event()

    async def listen(self) -> AsyncIterator[Event]:
        """Every event from the moment of the first connection on, each once, none left out."""
        while True:
            endpoint = self._endpoint()
            if endpoint is not None:
                # A broken stream is not a fault: it is asked for again, from where it stopped.
                with contextlib.suppress(*_BROKEN):
                    async for event in self._one_connection(endpoint):
                        yield event
            await self._scheduler.sleep(RECONNECT_S)

    async def _one_connection(self, endpoint: Endpoint) -> AsyncIterator[Event]:
        query = "" if self._last is None else f"?since={self._overtaken_from()}"
        async with await self._opens(endpoint, f"/lab/events{query}") as socket:
            async for message in socket:
                body = as_object(orjson.loads(message), "event")
                if "hello" in body:
                    if self._last is None:
                        self._from = self._last = whole(section(body, "hello"), "seq", 0)
                    self.connected.set()
                    continue
                event = event_from_json(body)
                if event.source != "engine" or self._is_news(event.seq):
                    yield event

    def _overtaken_from(self) -> int:
        """After which number to ask again: an event that was overtaken may lie before the last."""
        assert self._last is not None, "asked after the first connection"
        return max(self._from, self._last - OVERTAKEN_MAX)

    def _is_news(self, seq: int) -> bool:
        if seq in self._seen:
            return False
        self._last = max(self._last or 0, seq)
        self._seen.add(seq)
        if len(self._seen) > 2 * OVERTAKEN_MAX:
            self._seen = {each for each in self._seen if each > self._last - OVERTAKEN_MAX}
        return True


async def push_forever(
    client: EngineClient,
    endpoint: Callable[[], Endpoint | None],
    scheduler: Scheduler,
    device_id: str,
    deliver: Callable[[Json], Awaitable[None]],
    opens: OpenSocket = open_socket,
) -> None:
    """Give every message for `device_id` to `deliver`, and acknowledge it afterwards."""
    while True:
        where = endpoint()
        if where is not None:
            # A phone out of reach is ordinary; what it did not acknowledge comes again. The session
            # may be what ended (another world was loaded), so the next try signs in anew.
            cookie = None
            with contextlib.suppress(*_BROKEN):
                cookie = await client.session_cookie()
                path = f"/api/devices/{device_id}/push"
                async with await opens(where, path, cookie=cookie) as socket:
                    async for message in socket:
                        body = as_object(orjson.loads(message), "push message")
                        if "id" in body:
                            await deliver(body)
                            await socket.send(orjson.dumps({"ack": body["id"]}).decode())
            client.forget_session(cookie)
        await scheduler.sleep(RECONNECT_S)
