"""The transport below the lab's HTTP client, against a server that answers as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from lab.loopback import LoopbackTransport

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: a: b\r\n\r\n{}"


class Server:
    """Gives each request the next answer; an empty one hangs up, None says nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(EOFError, OSError):
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head + await reader.readexactly(int(length or 0)))
                answer = self.answers.pop(0)
                if answer is None:
                    await reader.read()
                    break
                writer.write(answer)
                if answer != WHOLE:
                    break
        writer.close()


@contextlib.asynccontextmanager
async def served(*answers: bytes | None) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    server = Server(*answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(transport=LoopbackTransport(), base_url=base_url) as client:
        yield server, client
    listening.close()
    await listening.wait_closed()


def test_requests_follow_each_other_on_one_connection() -> None:
    async def work() -> None:
        async with served(WHOLE, WHOLE) as (server, client):
            first = await client.post("/pay?x=1", content=b"{1}", headers={"Idempotency-Key": "k"})
            second = await client.get("/again")
            assert (first.status_code, first.content, second.json()) == (200, b"{}", {})
            assert first.headers["x-test"] == "a: b"
            assert server.connections == 1
            assert server.requests[0].startswith(b"POST /pay?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
            assert b"\r\nIdempotency-Key: k\r\n" in server.requests[0]
            assert server.requests[0].endswith(b"\r\n\r\n{1}")

    asyncio.run(work())


def test_a_connection_that_was_hung_up_on_is_not_used_again() -> None:
    async def work() -> None:
        last = b"HTTP/1.1 204 No Content\r\n\r\n"
        async with served(last, WHOLE) as (server, client):
            assert (await client.get("/")).status_code == 204
            assert (await client.get("/")).status_code == 200
            assert server.connections == 2

    asyncio.run(work())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", httpx.ReadError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", httpx.ReadError),
        (b"220 mail.example\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, httpx.RemoteProtocolError),
        (None, httpx.ReadTimeout),
    ],
)
def test_what_is_no_whole_answer_is_an_error_of_its_kind(
    answer: bytes | None, error: type[httpx.TransportError]
) -> None:
    async def work() -> None:
        async with served(answer, WHOLE) as (_, client):
            with pytest.raises(error):
                await client.get("/", timeout=0.05 if answer is None else 5.0)
            assert (await client.get("/")).status_code == 200

    asyncio.run(work())


def test_nobody_there_is_told_from_an_answer_that_broke() -> None:
    async def work() -> None:
        async with served() as (_, client):
            url = str(client.base_url)
        async with httpx.AsyncClient(transport=LoopbackTransport()) as client:
            with pytest.raises(httpx.ConnectError):
                await client.get(url)
            with pytest.raises(httpx.UnsupportedProtocol):
                await client.get("https://127.0.0.1:1/")

    asyncio.run(work())
