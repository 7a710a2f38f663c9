"""A client of the folder's engine without phone, till and reader: for commands that only ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from backend.api import LabClock, LabScheduler
from lab import saved_faults
from lab.client import EngineClient, http_client
from lab.engine_process import EngineProcess
from lab.engine_stream import open_socket
from lab.engine_supervision import EngineSupervision
from lab.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine that runs, and the way to it."""

    supervision: EngineSupervision
    client: EngineClient
    clock: LabClock
    scheduler: LabScheduler


def with_engine(settings: Settings, work: Callable[[Engine], Awaitable[T]]) -> T:
    """Run `work` with an engine that is up; started if none was running."""

    async def run() -> T:
        clock = LabClock()
        scheduler = LabScheduler(clock)
        async with http_client() as http:
            process = EngineProcess(settings, http, scheduler)
            engine = EngineSupervision(process, open_socket, scheduler, lambda _status: None)
            client = EngineClient(lambda: engine.endpoint, http, clock=clock, scheduler=scheduler)
            await engine.start()
            try:
                await engine.ready()
                await saved_faults.put_back(settings.data_dir, client)
                return await work(Engine(engine, client, clock, scheduler))
            finally:
                await engine.stop()
                await scheduler.cancel_all()

    return asyncio.run(run())
