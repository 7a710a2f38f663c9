"""What kill tests share: a folder with a card ready to tap, and what must hold after a death."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from backend.api import simulated, verify
from tests.backend.http.phone import Phone
from tests.simulation.engine_forks import EngineForks, LiveEngine

PAY = "/api/payments/nfc"
OK, IN_FLIGHT = 200, 409
JUMPS_S = (60, 600, 4_000, 90_000)
OPEN = "SELECT id FROM payments WHERE state IN ('authorizing', 'unknown', 'reversing')"


@dataclass
class Bench:
    """A template folder, the keys of its card, and the process that forks engines."""

    template: Path
    phone: Phone
    token_ref: str
    forks: EngineForks = field(default_factory=EngineForks)
    number: int = 0

    def fresh(self) -> Path:
        """A copy of the template, whose card has not tapped yet: 65,535 taps are soon made."""
        self.number += 1
        self.phone.atc = 0
        return Path(shutil.copytree(self.template, self.template.with_name(f"copy-{self.number}")))

    def engine(self, folder: Path) -> LiveEngine:
        """An engine that lives on."""
        engine = self.forks.start(folder)
        assert engine is not None, (folder / "engine.log").read_text()[-2_000:]
        return engine

    def taps(self, amounts: Iterable[int]) -> list[dict[str, object]]:
        """Taps of the one card, in the order of its counter."""
        return [self.phone.tap(self.token_ref, amount=amount) for amount in amounts]


def made(folder: Path) -> Bench:
    """A bench in that folder; the card is provisioned in a simulated world, which takes no time."""
    with simulated(5, folder / "template") as world:
        phone = Phone(world.client())
        world.run(phone.sign_in())
        card = world.run(phone.add_card("visa"))
        for message in world.engine.devices.waiting(phone.device_id, 0):
            phone.install(message.to_json())
        world.run(phone.client.aclose())
    return Bench(folder / "template", phone, str(card["tokenRef"]))


async def pay(client: httpx.AsyncClient, body: dict[str, object], key: str) -> httpx.Response:
    """One request of a till."""
    return await client.post(PAY, json=body, headers={"Idempotency-Key": key})


async def pay_until_final(
    client: httpx.AsyncClient, body: dict[str, object], key: str
) -> httpx.Response:
    """The same key until its outcome is known: what a patient till does."""
    for jump_s in (0, 0, *JUMPS_S, *JUMPS_S):
        if jump_s:
            await client.post("/lab/clock", json={"jump_s": jump_s})
            await asyncio.sleep(0.05)
        answer = await pay(client, body, key)
        while answer.status_code == IN_FLIGHT:
            await asyncio.sleep(0.02)
            answer = await pay(client, body, key)
        assert answer.status_code == OK, answer.text
        if answer.json()["status"] != "pending":
            return answer
    raise AssertionError(f"{key} stays pending")


async def until_quiet(client: httpx.AsyncClient, folder: Path) -> None:
    """Until no outcome is open."""
    for jump_s in (0, *JUMPS_S, *JUMPS_S):
        if not rows(folder / "engine.db", OPEN):
            return
        await client.post("/lab/clock", json={"jump_s": jump_s})
        for _ in range(20):
            await asyncio.sleep(0.02)
            if not rows(folder / "engine.db", OPEN):
                return
    raise AssertionError("an outcome stays open")


def clean(folder: Path) -> None:
    """`backend verify` finds nothing."""
    report = verify(folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def holds_agree(folder: Path) -> None:
    """Held at the networks is what is approved here, once each."""
    held = rows(folder / "networks.db", "SELECT rrn FROM host_holds WHERE state = 'held'")
    approved = rows(folder / "engine.db", "SELECT rrn FROM payments WHERE state = 'approved'")
    assert sorted(held) == sorted(approved)


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    """What a file says."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()
