"""Visa falls silent: its breaker opens after five unanswered payments, and only its own.

On virtual time, through the engine's own routes, so that thirty seconds of patience cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import simulated
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone

SILENCE = [{"link": "visa.auth", "effect": "timeout"}]
FAILURES_TO_OPEN = 5
COOLDOWN_S = 30
CHANNEL_DEADLINE_US = 500_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimulatedWorld]:
    with simulated(7, tmp_path / "lab") as opened:
        yield opened


class Shop:
    """A phone with three cards at a till, and what the laboratory's routes say."""

    def __init__(self, world: SimulatedWorld) -> None:
        self.world = world
        self.phone = Phone(world.client())
        self.taps = 0
        self.cards: dict[str, object] = {}

    async def open(self) -> None:
        await self.phone.sign_in()
        for network in ("visa", "mastercard", "amex"):
            card = await self.phone.add_card(network)
            self.cards[network] = card["tokenRef"]
        for message in self.world.engine.devices.waiting(self.phone.device_id):
            self.phone.install(message.to_json())

    async def pay(self, network: str = "visa") -> str:
        self.taps += 1
        body = self.phone.tap(self.cards[network])
        answer = await self.phone.pay(body, f"T-{self.taps}")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status"])

    async def silence(self, *, on: bool) -> None:
        faults = {"faults": SILENCE if on else []}
        assert (await self.phone.client.put("/lab/faults", json=faults)).status_code == 200

    async def breakers(self) -> dict[str, dict[str, object]]:
        body = (await self.phone.client.get("/lab/breakers")).json()
        return {breaker["name"]: breaker for breaker in body["breakers"]}

    async def state(self, network: str = "visa") -> object:
        return (await self.breakers())[network]["state"]


@pytest.mark.inv(118, 119)
def test_visa_silenced_is_blocked_alone_and_comes_back_by_one_probe(
    world: SimulatedWorld,
) -> None:
    shop = Shop(world)
    switch = world.engine.lab.switch

    async def story() -> None:
        await shop.open()
        assert await shop.pay() == "approved"
        await shop.silence(on=True)

        for failure in range(1, FAILURES_TO_OPEN + 1):
            assert await shop.state() == "closed"
            started_us = world.engine.lab.clock.now_us()
            assert await shop.pay() == "pending"
            assert world.engine.lab.clock.now_us() - started_us == CHANNEL_DEADLINE_US
            visa = (await shop.breakers())["visa"]
            assert visa["failures"] == failure
        assert await shop.state() == "open"
        assert 0 < visa["retry_in_ms"] <= COOLDOWN_S * 1000

        assert await shop.pay() == "not_sent"  # at once, and nothing leaves
        assert (await shop.breakers())["visa"]["rejected"] == 1
        for network in ("mastercard", "amex"):
            assert await shop.pay(network) == "approved"
            assert isinstance(await switch.echo(network), int)
            assert await shop.state(network) == "closed"
        assert not isinstance(await switch.echo("visa"), int)

        await world.sleep(COOLDOWN_S)
        assert await shop.pay() == "pending"  # the probe, into the silence
        assert await shop.state() == "open"
        assert await shop.pay() == "not_sent"

        await shop.silence(on=False)
        assert await shop.pay() == "not_sent"  # patience has to run out first
        await world.sleep(COOLDOWN_S + 1)
        assert await shop.pay() == "approved"
        assert await shop.state() == "closed"
        for _ in range(3):
            assert await shop.pay() == "approved"

    world.run(story())


@pytest.mark.inv(107)
def test_after_the_silence_nothing_is_held_for_what_was_not_bought(world: SimulatedWorld) -> None:
    shop = Shop(world)

    async def story() -> list[dict[str, object]]:
        await shop.open()
        await shop.silence(on=True)
        for _ in range(FAILURES_TO_OPEN):
            await shop.pay()
        await shop.silence(on=False)
        await world.sleep(600)
        return (await shop.phone.client.get("/lab/payments")).json()["payments"]

    payments = world.run(story())
    assert len(payments) == FAILURES_TO_OPEN
    assert {payment["state"] for payment in payments} <= {"declined", "reversed"}
    assert "held" not in {payment["bank"] for payment in payments}
