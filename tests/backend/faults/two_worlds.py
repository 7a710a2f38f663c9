"""One network behind its link in either world: on sockets, or in memory on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.faults.board import FaultBoard
from backend.faults.issuer_way import FaultyIssuerWay
from backend.faults.proxy import FaultProxy
from backend.faults.wire_judge import WireJudge
from backend.metrics.latency import LatencyBook
from backend.networks.host import HostServer
from backend.runtime.clock import LabClock
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler
from backend.switch.link import TcpLink
from backend.switch.memory_link import MemoryLink
from backend.switch.switch import Switch
from tests.backend.networks.bench import (
    Bench,
    Phone,
    bench,
    payment,
    phone_with,
    run_virtual,
    virtual,
)

DEADLINE_S = 5.0
WORLDS = ("sockets", "memory")


@dataclass
class Visa:
    """A switch, its faults and the network behind them."""

    lab: Bench
    board: FaultBoard
    switch: Switch
    phone: Phone
    log: EventLog

    async def pay(self, amount_minor: int = 1240, *, deadline_s: float = DEADLINE_S) -> object:
        request = payment(self.lab, self.phone, amount_minor)
        return await self.switch.authorize(request, channel_deadline_s=deadline_s)

    def fired(self) -> list[int]:
        return [fault["fired"] for fault in self.board.view()["faults"]]

    async def struck(self) -> None:
        """Return when the next fault fires."""
        fired = asyncio.Event()
        leave = self.log.subscribe(
            lambda event: fired.set() if event.kind == "fault.fired" else None
        )
        await fired.wait()
        leave()

    def held(self) -> list[int]:
        return sorted(self.lab.held("visa"))

    def trouble(self, **fault: object) -> None:
        self.board.apply([{"link": "visa.auth", **fault}])


def run(world: str, folder: Path, story: Callable[[Visa], Coroutine[Any, Any, None]]) -> None:
    """Play a story in one of the worlds."""

    async def play() -> None:
        async with _sockets(folder) if world == "sockets" else _memory(folder) as at:
            await story(at)

    if world == "sockets":
        asyncio.run(play())
    else:
        run_virtual(play())


@asynccontextmanager
async def _sockets(folder: Path) -> AsyncIterator[Visa]:
    clock = LabClock()
    scheduler = LabScheduler(clock)
    log = EventLog(clock, source="engine")
    board = FaultBoard(clock=clock, emit=log.emit, seed=1)
    async with bench(folder, clock=clock, inline=False, way=FaultyIssuerWay(board)) as lab:
        host = HostServer(lab.networks.hosts["visa"])
        proxy = FaultProxy("visa.auth", await host.start(), WireJudge(board))
        link = TcpLink("visa", await proxy.start(), clock=clock, scheduler=scheduler)
        book = LatencyBook(clock, ["visa"])
        switch = Switch({"visa": link}, clock=clock, emit=log.emit, book=book)
        await switch.start()
        try:
            phone = await phone_with(lab, "visa")
            assert isinstance(await switch.echo("visa"), int)  # connected from here on
            yield Visa(lab, board, switch, phone, log)
        finally:
            await switch.stop()
            await proxy.stop()
            await host.stop()
            await scheduler.cancel_all()


@asynccontextmanager
async def _memory(folder: Path) -> AsyncIterator[Visa]:
    clock, scheduler = virtual()
    log = EventLog(clock, source="engine")
    board = FaultBoard(clock=clock, emit=log.emit, seed=1)
    async with bench(folder, clock=clock, way=FaultyIssuerWay(board)) as lab:
        handle = lab.networks.hosts["visa"].handle
        link = MemoryLink("visa", handle, scheduler=scheduler, faults=WireJudge(board))
        book = LatencyBook(clock, ["visa"])
        switch = Switch({"visa": link}, clock=clock, emit=log.emit, book=book)
        await switch.start()
        yield Visa(lab, board, switch, await phone_with(lab, "visa"), log)
        await switch.stop()
        await scheduler.cancel_all()
