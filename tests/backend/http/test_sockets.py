"""WebSockets: what a device and a watcher hear, and who is refused; on virtual time, no socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from backend.http import event_stream
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone


@dataclass
class Socket:
    """The client's end of one WebSocket, spoken to in ASGI messages."""

    to_app: asyncio.Queue[dict[str, object]] = field(default_factory=asyncio.Queue)
    from_app: asyncio.Queue[dict[str, object]] = field(default_factory=asyncio.Queue)

    async def hear(self) -> dict[str, object]:
        """The next message as JSON, or the code with which the engine closed."""
        message = await self.from_app.get()
        if message["type"] == "websocket.close":
            return {"closed": message["code"]}
        return dict(json.loads(str(message["text"])))

    async def say(self, text: str) -> None:
        await self.to_app.put({"type": "websocket.receive", "text": text})


@asynccontextmanager
async def socket(world: SimulatedWorld, path: str, cookie: str = "") -> AsyncIterator[Socket]:
    end = Socket()
    path, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(b"cookie", f"session={cookie}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("engine", 80),
        "subprotocols": [],
    }
    await end.to_app.put({"type": "websocket.connect"})
    app = world.engine.app(scope, end.to_app.get, end.from_app.put)  # type: ignore[arg-type]
    task = asyncio.ensure_future(app)
    try:
        first = await end.from_app.get()
        if first["type"] != "websocket.accept":
            end.from_app.put_nowait(first)
        yield end
    finally:
        await end.to_app.put({"type": "websocket.disconnect", "code": 1000})
        await task


@pytest.mark.inv(35, 156, 164, 166)
def test_a_device_hears_at_once_and_again_until_it_acknowledges(
    world: SimulatedWorld, phone: Phone
) -> None:
    path = f"/api/devices/{phone.device_id}/push"
    cookie = phone.client.cookies["session"]

    async def main() -> None:
        async with socket(world, path, cookie) as push:
            await phone.add_card("visa")
            told = await push.hear()
            assert told["kind"] == "provision_token"
        async with socket(world, path, cookie) as push:
            assert await push.hear() == told
            await push.say(json.dumps({"ack": told["id"]}))
            await phone.client.post(f"/api/devices/{phone.device_id}/lost")
            last = await push.hear()
            assert last["kind"] == "token_status_change"
            assert await push.hear() == {"closed": 4401}

    world.run(main())


@pytest.mark.parametrize("text", ["", "hello", "[]", '{"ack": true}', '{"ack": "1"}'])
def test_a_device_that_speaks_badly_is_cut_off(
    world: SimulatedWorld, phone: Phone, text: str
) -> None:
    async def main() -> None:
        path = f"/api/devices/{phone.device_id}/push"
        async with socket(world, path, phone.client.cookies["session"]) as push:
            await push.say(text)
            assert await push.hear() == {"closed": 4400}

    world.run(main())


@pytest.mark.parametrize(
    ("path", "signed_in", "code"),
    [
        ("/api/devices/dev_phone/push", False, 4401),
        ("/api/devices/dev_other/push", True, 4404),
        ("/lab/events", True, 1008),
        ("/lab/events?token=wrong", True, 1008),
        ("/lab/attach", True, 1008),
    ],
)
def test_sockets_that_do_not_open(
    world: SimulatedWorld, phone: Phone, path: str, code: int, *, signed_in: bool
) -> None:
    async def main() -> None:
        cookie = phone.client.cookies["session"] if signed_in else ""
        async with socket(world, path, cookie) as refused:
            assert await refused.hear() == {"closed": code}

    world.run(main())


def test_a_watcher_hears_what_it_missed_and_then_what_happens(world: SimulatedWorld) -> None:
    events = world.engine.lab.events
    token = world.engine.token

    async def main() -> None:
        seen = events.emit("fault.fired", actor="faults").seq
        missed = [events.emit("hop.measured", actor="switch").seq for _ in range(3)]
        async with socket(world, f"/lab/events?since={seen}&token={token}") as watch:
            hello = (await watch.hear())["hello"]
            assert isinstance(hello, dict)
            assert (hello["missed"], hello["seq"], hello["seed"]) == (3, missed[-1], 7)
            assert [(await watch.hear())["seq"] for _ in range(3)] == missed
            following = events.emit("breaker.changed", actor="switch").seq
            assert (await watch.hear())["seq"] == following

    world.run(main())


def test_a_watcher_that_is_too_slow_is_cut_off(
    world: SimulatedWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "QUEUE_EVENTS", 5)

    async def main() -> None:
        async with socket(world, f"/lab/events?token={world.engine.token}") as watch:
            await watch.hear()
            for _ in range(20):
                world.engine.lab.events.emit("hop.measured", actor="switch")
            heard = [await watch.hear() for _ in range(6)]
            assert [each.get("kind") for each in heard[:5]] == ["hop.measured"] * 5
            assert heard[5] == {"closed": 1013}

    world.run(main())
