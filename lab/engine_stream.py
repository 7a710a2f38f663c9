"""The engine's event stream and the phone's push socket, as asynchronous iterators that reconnect.

A lost connection is ordinary: the stream asks again from the last number it saw, so no event is
missed and none comes twice; the push socket gets again what it did not acknowledge.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from backend.api import Event, Scheduler, event_from_json
from lab.client import Endpoint, EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, as_object, section, whole

RECONNECT_S = 0.3
MESSAGE_BYTES_MAX = 1 << 20
_BROKEN = (OSError, WebSocketException, EngineUnreachable, EngineRefused, TimeoutError)


def socket_url(endpoint: Endpoint, path: str) -> str:
    """The WebSocket address of `path` on the engine."""
    return "ws" + endpoint.url.removeprefix("http") + path


async def open_socket(endpoint: Endpoint, path: str, *, cookie: str = "") -> ClientConnection:
    """Connect to `path`; the token travels in the query, as the engine's streams ask for it.

    Raises:
        OSError, WebSocketException: nobody there, or refused.
    """
    mark = "&" if "?" in path else "?"
    url = socket_url(endpoint, f"{path}{mark}token={endpoint.token}")
    headers = {"Cookie": cookie} if cookie else {}
    return await connect(
        url,
        additional_headers=headers,
        max_size=MESSAGE_BYTES_MAX,
        proxy=None,
        open_timeout=3,
        close_timeout=0.5,
    )


class EventStream:
    """`WS /lab/events`, for as long as anyone iterates.

    Attributes:
        connected: set once the engine has greeted it: nothing is missed from then on.
    """

    def __init__(self, endpoint: Callable[[], Endpoint | None], scheduler: Scheduler) -> None:
        self._endpoint = endpoint
        self._scheduler = scheduler
        self._since: int | None = None
        self.connected = asyncio.Event()

    async def listen(self) -> AsyncIterator[Event]:
        """Every event from the moment of the first connection on, without gaps."""
        while True:
            endpoint = self._endpoint()
            if endpoint is not None:
                # A broken stream is not a fault: it is asked for again, from where it stopped.
                with contextlib.suppress(*_BROKEN):
                    async for event in self._one_connection(endpoint):
                        yield event
            await self._scheduler.sleep(RECONNECT_S)

    async def _one_connection(self, endpoint: Endpoint) -> AsyncIterator[Event]:
        query = "" if self._since is None else f"?since={self._since}"
        async with await open_socket(endpoint, f"/lab/events{query}") as socket:
            async for message in socket:
                body = as_object(orjson.loads(message), "event")
                if "hello" in body:
                    hello = section(body, "hello")
                    self._since = whole(hello, "seq", 0) if self._since is None else self._since
                    self.connected.set()
                    continue
                event = event_from_json(body)
                if event.source == "engine":
                    self._since = max(self._since or 0, event.seq)
                yield event


async def push_forever(
    client: EngineClient,
    endpoint: Callable[[], Endpoint | None],
    scheduler: Scheduler,
    device_id: str,
    deliver: Callable[[Json], Awaitable[None]],
) -> None:
    """Give every message for `device_id` to `deliver`, and acknowledge it afterwards."""
    while True:
        where = endpoint()
        if where is not None:
            # A phone out of reach is ordinary; what it did not acknowledge comes again. The session
            # may be what ended (another world was loaded), so the next try signs in anew.
            with contextlib.suppress(*_BROKEN):
                cookie = await client.session_cookie()
                path = f"/api/devices/{device_id}/push"
                async with await open_socket(where, path, cookie=cookie) as socket:
                    async for message in socket:
                        body = as_object(orjson.loads(message), "push message")
                        if "id" in body:
                            await deliver(body)
                            await socket.send(orjson.dumps({"ack": body["id"]}).decode())
            client.forget_session()
        await scheduler.sleep(RECONNECT_S)
