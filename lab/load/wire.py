"""A lean HTTP/1.1 client for the load generator, so that it measures the engine and not itself.

Kept connections, one request at a time on each, bodies serialised beforehand, no retries: what a
general client does for comfort costs more than the engine's own work. Speaks to the engine only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode, urlsplit

import orjson

from lab.client import Endpoint
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, as_object, section, text

PATH = "/api/payments/nfc"
OK = 200
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class LeanClient:
    """A pool of kept connections to one engine."""

    def __init__(self, endpoint: Endpoint, connections: int) -> None:
        """Prepare; connections are made when they are first needed.

        Args:
            endpoint: the engine.
            connections: how many requests may be under way at once.
        """
        address = urlsplit(endpoint.url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._head = (
            f"POST {PATH} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {endpoint.token}\r\nContent-Type: application/json\r\n"
        )
        self._free: asyncio.LifoQueue[_Streams | None] = asyncio.LifoQueue()
        for _ in range(connections):
            self._free.put_nowait(None)

    def request(self, order: NfcOrder, key: str) -> bytes:
        """The whole request, ready to be sent."""
        body = orjson.dumps(order.to_json())
        head = f"{self._head}Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def form(self, path: str, fields: Mapping[str, object], secret: str, key: str) -> bytes:
        """The whole request of a merchant's program under `/v1`, ready to be sent.

        Args:
            path: "/v1/payment_intents".
            fields: parameters.
            secret: the merchant's key.
            key: of the request, so that it is carried out once.
        """
        body = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {secret}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def pay(self, request: bytes) -> PaymentAnswer:
        """Send a till's payment and read its answer.

        Raises:
            EngineUnreachable: the connection could not be made, or broke.
            EngineRefused: anything but an answer to the payment.
        """
        return PaymentAnswer.from_json(await self.send(request))

    async def send(self, request: bytes) -> Json:
        """Send one request and read its answer.

        Raises:
            EngineUnreachable: the connection could not be made, or broke.
            EngineRefused: anything but a success.
        """
        async with self._connection() as (reader, writer):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status, length = _read_head(head)
            body = as_object(orjson.loads(await reader.readexactly(length)), "answer")
        if status != OK:
            told = section(body, "error") if "error" in body else body
            detail = text(told, "detail", text(told, "message", ""))
            raise EngineRefused(text(told, "code", "unknown"), detail, status)
        return body

    async def close(self) -> None:
        """Close every connection; call it when no request is under way."""
        while not self._free.empty():
            streams = self._free.get_nowait()
            if streams is not None:
                streams[1].close()
                with contextlib.suppress(OSError):  # the engine may have hung up first
                    await streams[1].wait_closed()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Streams]:
        streams = await self._free.get()
        kept = None
        try:
            if streams is None:
                streams = await asyncio.open_connection(self._host, self._port)
            yield streams
            kept = streams
        except (OSError, EOFError) as broken:
            raise EngineUnreachable(
                f"a connection broke ({broken})", may_have_left=True
            ) from broken
        finally:
            if kept is None and streams is not None:
                streams[1].close()
            self._free.put_nowait(kept)


def _read_head(head: bytes) -> tuple[int, int]:
    """Status and body length of a response."""
    status = int(head[9:12])
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return status, int(value)
    return status, 0
