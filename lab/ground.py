"""What a laboratory stands on: time, randomness, the way to the engine, and what an engine is.

Here is the live ground: real time, sockets, an engine in a process of its own. `simulation` has the
other. Knows neither phone nor till.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from backend.api import Entropy, LabClock, LabScheduler
from lab import kept_streams
from lab.client import http_client
from lab.engine_process import EngineProcess
from lab.engine_stream import OpenSocket, open_socket
from lab.engine_supervision import EngineSource
from lab.faulty_transport import FaultyTransport
from lab.loopback import LoopbackTransport
from lab.seal_key import seal_key
from lab.settings import Settings


@dataclass(frozen=True, slots=True)
class Ground:
    """What a laboratory stands on.

    Attributes:
        world: "live" or "simulated".
        clock: lab time.
        scheduler: waits for lab time.
        real_scheduler: waits for time that nobody moves.
        seal_key: opens the secure element.
        transport: carries requests to the engine, with the faults of phone and till on them.
        http: requests to the engine, over that transport.
        open_socket: WebSockets to the engine.
        engines: what an engine is here.
    """

    world: str
    clock: LabClock
    scheduler: LabScheduler
    real_clock: LabClock
    real_scheduler: LabScheduler
    entropy: Entropy
    seal_key: bytes = field(repr=False)
    transport: FaultyTransport
    http: httpx.AsyncClient
    open_socket: OpenSocket
    engines: EngineSource


def live_ground(settings: Settings) -> Ground:
    """Real time, sockets, and an engine in a process of its own.

    Raises:
        BackendError: the folder's key cannot be had.
    """
    clock, real_clock = LabClock(), LabClock()
    real_scheduler = LabScheduler(real_clock)
    transport = FaultyTransport(LoopbackTransport(), real_clock, real_scheduler)
    http = http_client(transport)
    return Ground(
        world="live",
        clock=clock,
        scheduler=LabScheduler(clock),
        real_clock=real_clock,
        real_scheduler=real_scheduler,
        entropy=kept_streams.entropy_of(settings.data_dir, settings.seed),
        seal_key=seal_key(settings.data_dir),
        transport=transport,
        http=http,
        open_socket=open_socket,
        engines=EngineProcess(settings, http, real_scheduler),
    )
