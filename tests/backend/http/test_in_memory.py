"""Requests without a network: virtual time-outs, a server that dies, a client that leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from backend.http.in_memory import MemoryServer
from backend.runtime.scheduler import VirtualLoop

T = TypeVar("T")


class Slow:
    """Answers after ten seconds, and counts."""

    def __init__(self) -> None:
        self.begun = self.done = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun += 1
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            return
        await asyncio.sleep(10)
        self.done += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"late"})


def on_virtual_time(work: Coroutine[object, object, T]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def client(server: MemoryServer, limit_s: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=server, base_url="http://here", timeout=limit_s)


def test_a_client_loses_patience_and_the_work_goes_on() -> None:
    app = Slow()

    async def story() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(httpx.ReadTimeout):
            await client(MemoryServer(app), 5).get("/")
        waited_s = loop.time()
        await asyncio.sleep(6)
        return waited_s

    assert on_virtual_time(story()) == 5
    assert (app.begun, app.done) == (1, 1)


def test_a_patient_client_gets_the_answer() -> None:
    async def story() -> bytes:
        return (await client(MemoryServer(Slow()), 11).get("/")).content

    assert on_virtual_time(story()) == b"late"


def test_a_server_that_dies_breaks_what_is_under_way() -> None:
    app, server = Slow(), MemoryServer()
    server.serve(app)

    async def story() -> None:
        request = asyncio.ensure_future(client(server, 60).get("/"))
        socket = await server.open_socket("/watch?x=1", {})
        await asyncio.sleep(1)
        left = server.kill()
        with pytest.raises(httpx.ReadError):
            await request
        with pytest.raises(ConnectionResetError):
            async for _ in socket:
                pass
        with pytest.raises(httpx.ConnectError):
            await client(server, 60).get("/")
        with pytest.raises(ConnectionRefusedError):
            await server.open_socket("/watch", {})
        await asyncio.gather(*left, return_exceptions=True)

    on_virtual_time(story())
    assert (app.begun, app.done) == (2, 0)
