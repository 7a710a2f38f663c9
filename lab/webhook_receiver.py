"""A merchant's server for webhooks: a small real one on loopback.

Hears POST requests of HTTP/1.1 on kept connections, checks each signature, hands each event on, and
answers. Whatever cannot be an event is refused with 400 and changes nothing. Bodies and heads are
bounded. Keeps nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import orjson

from backend.api import webhook_refusal
from lab.json_fields import Json, as_object

HOST = "127.0.0.1"
HEAD_BYTES_MAX = 16_384
BODY_BYTES_MAX = 1_048_576
SIGNATURE = "stripe-signature"
_REASONS = {200: "OK", 400: "Bad Request"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One delivery.

    Attributes:
        event: the event; empty where the body is none.
        refusal: why it is not believed: "no_signature", "wrong_signature", "too_old",
            "no_event"; None when it is.
    """

    event: Json
    refusal: str | None


@dataclass(slots=True)
class Receiver:
    """Hears deliveries.

    Attributes:
        now_us: the machine's clock, microseconds since the epoch.
        on_heard: told of each delivery before it is answered.
        secret: the endpoint's; None believes everything. An endpoint needs an address before it
            has a secret, so it may come later.
        status: what a believed delivery is answered with.
    """

    now_us: Callable[[], int]
    on_heard: Callable[[Heard], None] = lambda _heard: None
    secret: str | None = None
    status: int = 200
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[int]:
        """Listen on loopback for the duration; the port (a free one for 0).

        Raises:
            OSError: the port is taken.
        """
        server = await asyncio.start_server(self._serve, HOST, port, limit=HEAD_BYTES_MAX)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in tuple(self._serving):
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request by request, until either end is tired of it."""
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._serving.add(task)
        try:
            while (request := await _request(reader)) is not None:
                head, body = request
                heard = self._judge(head, body)
                self.on_heard(heard)
                status = self.status if heard.refusal is None else 400
                writer.write(_answer(status))
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass  # the other end is gone, or speaks no HTTP: there is nobody to answer
        except asyncio.CancelledError:
            pass  # this end is: asyncio would report a connection's cancelled task as a fault
        finally:
            self._serving.discard(task)
            writer.close()

    def _judge(self, head: dict[str, str], body: bytes) -> Heard:
        refusal = None
        if self.secret is not None:
            signature = head.get(SIGNATURE, "")
            refusal = webhook_refusal(signature, self.secret, body, self.now_us() // 1_000_000)
        try:
            return Heard(as_object(orjson.loads(body)), refusal)
        except ValueError:
            return Heard({}, refusal or "no_event")


async def _request(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes] | None:
    """A request's headers and body; None for what is no request that could carry an event."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as ended:
        if not ended.partial:
            return None
        raise
    first, *lines = raw.decode("latin-1").split("\r\n")
    pairs = [line.partition(":")[::2] for line in lines if ":" in line]
    head = {name.strip().lower(): value.strip() for name, value in pairs}
    length = head.get("content-length", "")
    if not first.startswith("POST ") or not length.isdecimal() or int(length) > BODY_BYTES_MAX:
        return None
    return head, await reader.readexactly(int(length))


def _answer(status: int) -> bytes:
    reason = _REASONS.get(status, "Answer")
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: 0\r\n\r\n".encode()
