"""A merchant's server in a simulated world: it remembers what it heard and answers as told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from backend.simulation import SimulatedWorld
from backend.webhooks.endpoints import Wish
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card
from tests.backend.http.test_sales import MERCHANT, ordered

PLACE = "127.0.0.1:4242"
URL = f"http://{PLACE}/hooks"


@dataclass(frozen=True)
class Heard:
    """One request."""

    at_us: int
    event: dict[str, Any]
    body: bytes
    signature: str
    headers: dict[str, str]


@dataclass
class Server:
    """Answers with the next status of `statuses`, then with 200 for ever."""

    now_us: Callable[[], int]
    statuses: list[int] = field(default_factory=list)
    always: int | None = None
    takes_s: float = 0.0
    heard: list[Heard] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        headers = dict(request.headers)
        event = json.loads(body)
        self.heard.append(Heard(self.now_us(), event, body, headers["stripe-signature"], headers))
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        status = self.always or (self.statuses.pop(0) if self.statuses else 200)
        return httpx.Response(status, content=b"noted")

    def types(self) -> list[str]:
        return [each.event["type"] for each in self.heard]


class Shop:
    """One merchant, its phone-carrying customer, its server."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.phone = Phone(world.client())
        world.run(self.phone.sign_in())
        self.servers: dict[str, Server] = {}
        self.server = self.stand(PLACE)
        self._card: dict[str, Any] | None = None
        self._taps = 0

    def restart(self) -> None:
        """The engine's next life; the servers stand where they stood."""
        self.world.run(self.world.process.start())
        receivers = self.world.engine.gateway.webhooks.receivers
        assert receivers is not None
        for place, server in self.servers.items():
            server.now_us = self.world.engine.lab.clock.now_us
            receivers.standing[place] = server

    def stand(self, place: str) -> Server:
        server = Server(self.world.engine.lab.clock.now_us)
        receivers = self.world.engine.gateway.webhooks.receivers
        assert receivers is not None
        receivers.standing[place] = self.servers[place] = server
        return server

    def endpoint(self, url: str = URL, events: tuple[str, ...] = ("*",), **wish: Any) -> Any:
        """A new endpoint of the corner market: the value and its secret."""
        endpoints = self.world.engine.gateway.webhooks.endpoints
        return self.world.run(endpoints.create(MERCHANT, Wish(url, events, **wish)))

    def pay(self, amount: int = 1240) -> str:
        if self._card is None:
            self._card = ready_card(self.world, self.phone, "visa")
        self._taps += 1
        tap = self.phone.tap(self._card["tokenRef"], amount=amount)
        answer = self.world.run(self.phone.pay(tap, f"T0000001-{self._taps}"))
        return str(answer.json()["transactionId"])

    def order(self, what: str, payment_id: str, key: str, **body: object) -> httpx.Response:
        return ordered(self.world, self.phone, what, payment_id, key, **body)

    def lab(self, method: str, path: str, body: object = None) -> httpx.Response:
        return self.world.run(self.phone.client.request(method, f"/lab{path}", json=body))

    def wait(self, seconds: float) -> None:
        self.world.run(self.world.sleep(seconds))

    def deliveries(self) -> list[dict[str, Any]]:
        """Oldest first."""
        found = self.lab("GET", "/webhooks?limit=500").json()["deliveries"]
        return list(reversed(found))

    def close(self) -> None:
        self.world.run(self.phone.client.aclose())
