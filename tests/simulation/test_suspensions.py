"""Suspending, reactivating, losing, finding and refreshing cards in the middle of their payments.

A simulated engine, drawn interleavings, slow and broken lines to the networks, kills. Whatever is
drawn: nothing is approved after a suspension was committed, and when all is quiet the network, the
wallet and the till's answers agree. Slower than other tests: each seed is an engine's whole life.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from backend.api import simulated, verify
from backend.runtime.entropy import Entropy, Stream
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone

QUICK_SEEDS, FULL_SEEDS = 12, 1_000
STEPS = 34
STOPS = ("suspend", "lost", "issuer_suspend")
GOES = ("reactivate", "reactivate", "found", "issuer_resume")
OTHERS = ("refresh", *["pay"] * 7, "default")
NUMBERS = ("4242424242424242", "4111111111111111")


@dataclass(frozen=True)
class Span:
    """An operation on one card, from its request to its answer, in lab time."""

    card_id: str
    name: str
    began_us: int
    ended_us: int


@dataclass
class Story:
    """One life: what was asked, when it was answered."""

    world: SimulatedWorld
    phone: Phone
    elsewhere: httpx.AsyncClient
    draw: Stream
    cards: list[str] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    taps: int = 0
    running: set[asyncio.Task[None]] = field(default_factory=set)

    def now_us(self) -> int:
        return self.world.engine.lab.clock.now_us()

    async def begin(self) -> None:
        for number in NUMBERS:
            order = await self.phone.order("visa", number)
            added = await self.phone.send(order, f"key-{number}")
            self.cards.append(added.json()["card"]["id"])
        self.take_keys()
        desk = Phone(self.elsewhere, device_id="dev_desk")
        await desk.sign_in()

    def take_keys(self) -> None:
        for message in self.world.engine.devices.waiting(self.phone.device_id):
            if message.kind == "provision_token":
                self.phone.install(message.to_json())

    async def live(self) -> None:
        for _ in range(STEPS):
            await self.world.sleep(self.draw.random() * 0.12)
            if self.draw.random() < 0.25:
                await self.break_something()
            name = self.draw.choice(STOPS + GOES + OTHERS)
            work = self.once(name, self.draw.choice(self.cards))
            task = asyncio.ensure_future(work)
            self.running.add(task)
            task.add_done_callback(self.running.discard)
            if self.draw.random() < 0.25:
                await task
        await asyncio.gather(*self.running)

    async def break_something(self) -> None:
        faults: list[dict[str, object]] = []
        if self.draw.random() < 0.7:
            ms = self.draw.randint(120, 460)
            faults.append(
                {"link": "visa.auth", "effect": "latency", "ms": ms, "jitter_ms": ms // 2}
            )
        if self.draw.random() < 0.4:
            effect = self.draw.choice(["reset_peer", "lost_response", "latency"])
            fault = {"link": "visa.tsp", "effect": effect, "probability": 0.3}
            faults.append({**fault, "ms": 120} if effect == "latency" else fault)
        await self.elsewhere.put("/lab/faults", json={"faults": faults})

    async def once(self, name: str, card_id: str) -> None:
        if name == "pay":
            await self.pay(card_id)
            return
        began_us = self.now_us()
        answer = await self.ask(name, card_id)
        done = {200, 202} if name in STOPS + GOES else {200, 202, 409}
        assert answer.status_code in done | {409, 503, 404}, (name, answer.text)
        if name in GOES or answer.status_code == 200:
            cards = self.cards if name in {"lost", "found"} else [card_id]
            ended_us = self.now_us()
            self.spans += [Span(each, name, began_us, ended_us) for each in cards]

    async def ask(self, name: str, card_id: str) -> httpx.Response:
        client, card = self.elsewhere, f"/api/cards/{card_id}"
        match name:
            case "lost":
                return await client.post("/api/devices/dev_phone/lost")
            case "found":
                return await client.post(
                    "/api/devices/dev_phone/found", json={"reactivateCards": True}
                )
            case "default":
                return await client.put(f"{card}/default")
            case "issuer_suspend" | "issuer_resume":
                token_ref = self.token_of(card_id)
                return await client.post(f"/lab/tokens/{token_ref}/{name.removeprefix('issuer_')}")
            case _:
                return await client.post(f"{card}/{name}")

    def token_of(self, card_id: str) -> str:
        tokens = self.world.engine.lab.cards.everybodys()
        return next(card.token_ref for card in tokens if card.id == card_id)

    async def pay(self, card_id: str) -> None:
        self.take_keys()
        token_ref = self.token_of(card_id)
        if token_ref not in self.phone.payloads:
            return  # its keys are on the way
        self.taps += 1
        body = self.phone.tap(token_ref)
        await self.phone.pay(body, f"T-{self.taps}")

    async def quiet(self) -> None:
        """Everything works again and everybody lets go."""
        await self.elsewhere.post("/lab/faults/reset")
        await self.world.sleep(8_000)
        await self.ask("found", self.cards[0])
        for card_id in self.cards:
            await self.ask("issuer_resume", card_id)
            await self.world.sleep(1)
            await self.ask("reactivate", card_id)
        await self.world.sleep(8_000)

    def approvals(self) -> list[tuple[str, int, int]]:
        """Card, creation and approval of every payment that was approved."""
        rows = self.world.engine.lab.engine_database._reader.execute(
            "SELECT p.card_id, p.created_at_us, e.lab_time_us FROM payments p JOIN events e"
            " ON e.payment_id = p.id AND e.kind = 'payment.approved'"
        )
        return [(row[0], row[1], row[2]) for row in rows]

    def check(self) -> None:
        """The promise, and that everybody agrees in the end."""
        for card_id, created_us, approved_us in self.approvals():
            spans = [span for span in self.spans if span.card_id == card_id]
            for stop in (span for span in spans if span.name in STOPS):
                overtook = created_us < stop.began_us and stop.ended_us < approved_us
                assert not overtook, f"approved at {approved_us} over {stop}"
                let_go = any(
                    go.name in GOES and go.ended_us >= stop.began_us and go.began_us <= created_us
                    for go in spans
                )
                assert let_go or not stop.ended_us < created_us, f"nobody let go after {stop}"
        lab = self.world.engine.lab
        assert [card.status for card in lab.cards.everybodys()] == ["active", "active"]
        assert {card.pending_operation for card in lab.cards.everybodys()} == {None}
        left = "SELECT * FROM token_orders WHERE done_at_us IS NULL"
        assert lab.engine_database._reader.execute(left).fetchall() == []
        networks = lab.networks_database
        assert networks is not None
        living = networks._reader.execute(
            "SELECT token_ref, status FROM host_tokens WHERE status != 'deactivated'"
        ).fetchall()
        known = {(card.token_ref, "active") for card in lab.cards.everybodys()}
        assert {tuple(row) for row in living} == known
        assert verify(lab.data_dir)["ok"]


def live(seed: int, folder: Path) -> int:
    """One life; how many payments were approved."""
    with simulated(seed, folder) as world:
        clients = (world.client(), world.client())
        story = Story(
            world, Phone(clients[0]), clients[1], Entropy(seed, simulated=True).stream("story")
        )
        run = world.run
        run(story.phone.sign_in())
        for part in (story.begin, story.live, story.quiet):
            work: Coroutine[object, object, None] = part()
            run(work)
        story.check()
        approved = len(story.approvals())
        for client in clients:
            run(client.aclose())
    return approved


@pytest.mark.inv(56, 58)
def test_nothing_is_approved_after_its_card_was_suspended(tmp_path: Path) -> None:
    approved = sum(live(seed, tmp_path / str(seed)) for seed in range(QUICK_SEEDS))
    assert approved >= QUICK_SEEDS, "else nothing was shown"


@pytest.mark.full("sim")
def test_nothing_is_approved_after_a_suspension_on_a_thousand_seeds(tmp_path: Path) -> None:
    approved = sum(live(seed, tmp_path / str(seed)) for seed in range(FULL_SEEDS))
    assert approved >= FULL_SEEDS
