"""Faults on HTTP, through a real transport's port: what the caller sees, and what was done."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest

from backend.faults.board import FaultBoard
from backend.faults.http_link import FaultyTransport
from backend.runtime.events import EventLog
from tests.backend.networks.bench import run_virtual, virtual

PATIENCE_S = 10.0


class Counter:
    """A service that counts what reaches it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.bodies.append((await receive())["body"])
        headers = [(b"content-type", b"application/json"), (b"set-cookie", b"a=1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"n":%d}' % len(self.bodies)})


class World:
    """A client of the service, a board, and virtual seconds."""

    def __init__(self) -> None:
        self.clock, _ = virtual()
        log = EventLog(self.clock, source="engine")
        self.board = FaultBoard(clock=self.clock, emit=log.emit, seed=2)
        self.service = Counter()
        transport = FaultyTransport(
            httpx.ASGITransport(self.service),
            self.board,
            lambda request: "visa.tsp" if request.url.path.startswith("/api") else None,
        )
        self.http = httpx.AsyncClient(transport=transport, timeout=PATIENCE_S)

    def trouble(self, **fault: object) -> None:
        self.board.apply([{"link": "visa.tsp", **fault}])

    async def post(self, path: str = "/api/pay") -> tuple[httpx.Response, float]:
        begun_us = self.clock.now_us()
        response = await self.http.post("http://engine" + path, content=b"tap")
        return response, (self.clock.now_us() - begun_us) / 1e6


def play(story: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        at = World()
        async with at.http:
            await story(at)

    run_virtual(main())


@pytest.mark.parametrize(
    ("effect", "error", "waited_s", "reached"),
    [
        ("timeout", httpx.ReadTimeout, PATIENCE_S, 0),
        ("lost_request", httpx.ReadTimeout, PATIENCE_S, 0),
        ("lost_response", httpx.ReadTimeout, PATIENCE_S, 1),
        ("reset_peer", httpx.ReadError, 0, 0),
    ],
)
def test_the_caller_hears_nothing(
    effect: str, error: type[Exception], waited_s: float, reached: int
) -> None:
    async def story(at: World) -> None:
        at.trouble(effect=effect, when={"nth": 1})
        begun_us = at.clock.now_us()
        with pytest.raises(error):
            await at.post()
        assert at.clock.now_us() - begun_us == waited_s * 1_000_000
        assert len(at.service.bodies) == reached
        response, took_s = await at.post()
        assert (response.status_code, took_s) == (200, 0)
        assert [fault["fired"] for fault in at.board.view()["faults"]] == [1]

    play(story)


def test_a_request_arrives_twice_and_the_second_answer_counts() -> None:
    async def story(at: World) -> None:
        at.trouble(effect="duplicate")
        response, _ = await at.post()
        assert response.json() == {"n": 2}
        assert at.service.bodies == [b"tap", b"tap"]

    play(story)


def test_an_answer_is_late_or_too_late() -> None:
    async def story(at: World) -> None:
        at.trouble(effect="latency", ms=4_000, jitter_ms=1_000)
        response, took_s = await at.post()
        assert response.json() == {"n": 1}
        assert 3 <= took_s <= 5
        at.trouble(effect="latency", ms=11_000)
        with pytest.raises(httpx.ReadTimeout):
            await at.post()
        assert len(at.service.bodies) == 2

    play(story)


def test_a_spoiled_answer_keeps_its_head_and_loses_its_sense() -> None:
    async def story(at: World) -> None:
        at.trouble(effect="corrupt")
        response, _ = await at.post()
        assert (response.status_code, response.headers["set-cookie"]) == (200, "a=1")
        assert bytes(byte ^ 0xFF for byte in response.content) == b'{"n":1}'
        with pytest.raises(ValueError, match=r"."):
            response.json()

    play(story)


def test_other_paths_are_left_alone() -> None:
    async def story(at: World) -> None:
        at.trouble(effect="timeout")
        response, took_s = await at.post("/lab/events")
        assert (response.json(), took_s) == ({"n": 1}, 0)

    play(story)
