"""A real engine child with the window's world in front, and raw tills beside it, for these tests.

The world is the one that the window uses. Raw requests carry real cryptograms of synthetic cards,
so that a test can send one tap's bytes as often as it likes. What the networks believe is read from
their own file, not from the engine.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from lab.engine_shapes import NfcOrder
from lab.load import synthetic_till
from tests.lab.core.running import Running, start

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
PAY = "/api/payments/nfc"
IN_FLIGHT = 409
OK = 200


@dataclass
class Laboratory:
    """A running world and what tests ask of it."""

    running: Running
    stopped: bool = False

    def stop(self) -> None:
        """End engine and world, once; nothing may have failed in the background."""
        if not self.stopped:
            self.stopped = True
            self.running.stop()
        assert self.running.faults == []

    @property
    def world(self):
        return self.running.world

    @property
    def folder(self) -> Path:
        return self.world.settings.data_dir

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.running.run(work)

    def orders(
        self, amounts: Iterable[int], currency: str = "USD", devices: int = 1
    ) -> list[NfcOrder]:
        """Taps of synthetic cards, read and not yet paid; one a card in turn."""

        async def make() -> list[NfcOrder]:
            async with synthetic_till.opened(
                self.world.settings.traffic_element_file,
                client=self.world.client,
                engine=self.world.engine,
                clock=self.world.clock,
                scheduler=self.world.real_scheduler,
                entropy=self.world.entropy,
                devices=devices,
            ) as till:
                return [
                    await till.tap(amount, currency, card=number, network="visa")
                    for number, amount in enumerate(amounts)
                ]

        return self.run(make())

    def client(self) -> httpx.AsyncClient:
        """An HTTP client of whatever engine runs now, with its token."""
        endpoint = self.world.engine.endpoint
        assert endpoint is not None
        return httpx.AsyncClient(
            base_url=endpoint.url,
            headers={"Authorization": f"Bearer {endpoint.token}"},
            trust_env=False,
            timeout=20,
            limits=httpx.Limits(max_connections=80),
        )

    def send(self, method: str, path: str, **how: object) -> httpx.Response:
        async def one() -> httpx.Response:
            async with self.client() as client:
                return await client.request(method, path, **how)

        return self.run(one())

    def pay(self, order: NfcOrder | dict[str, object], key: str) -> httpx.Response:
        body = order.to_json() if isinstance(order, NfcOrder) else order
        return self.send("POST", PAY, json=body, headers={"Idempotency-Key": key})

    def faults(self, *faults: dict[str, object]) -> None:
        self.run(self.world.client.put_faults(faults))

    def at_networks(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """What the networks' own file says."""
        return rows_of(self.folder / "networks.db", sql, *values)

    def holds(self, amount_minor: int) -> list[str]:
        """States of the holds of that amount; tests tell their payments apart by amount."""
        found = self.at_networks(
            "SELECT state FROM host_holds WHERE amount_minor = ?", amount_minor
        )
        return [str(state) for (state,) in found]

    def until(self, reached: Callable[[], bool]) -> None:
        self.running.until(reached)


def tap_lab(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as a stranger's script runs it."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "lab", *arguments],
        cwd=ROOT,
        env={**os.environ, "TAPLAB_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rows_of(path: Path, sql: str, *values: object) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql, values).fetchall()


def opened(folder: Path, reader: str = "sim:") -> Laboratory:
    return Laboratory(start(folder, reader=reader))


async def pay_until_final(
    client: httpx.AsyncClient,
    body: dict[str, object],
    key: str,
    pause: Callable[[float], Coroutine[object, object, None]],
    refused: list[httpx.Response],
) -> httpx.Response:
    """What a patient till does: the same request while the first one is at work."""
    while True:
        answer = await client.post(PAY, json=body, headers={"Idempotency-Key": key})
        if answer.status_code != IN_FLIGHT:
            return answer
        refused.append(answer)
        await pause(0.02)


async def race(
    lab: Laboratory, body: dict[str, object], key: str, racers: int
) -> tuple[list[httpx.Response], list[httpx.Response]]:
    """So many tills send one tap with one key at once: final answers, and refusals on the way."""
    refused: list[httpx.Response] = []
    async with lab.client() as client:
        answers = await asyncio.gather(
            *(
                pay_until_final(client, body, key, lab.world.real_scheduler.sleep, refused)
                for _ in range(racers)
            )
        )
    return list(answers), refused
