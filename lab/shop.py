"""The shop's side of a laboratory: a till at its reader, and the engine that it asks.

A world puts a phone and a console beside it; `till_opened` is the shop alone, for a till at a real
reader: what lies there may be anybody's card, and the phone may be in another program's hands.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backend.api import EventLog, Stream
from hardware.api import (
    EMULATED,
    INSTANT,
    PHONE,
    TRANSIT_FRAME,
    Authorities,
    EmulatedReader,
    TerminalConfig,
)
from lab import fault_progress, kept_streams, saved_faults
from lab.anycard.till_reader import TillReader
from lab.authorities import Believing, own_authorities
from lab.bus import Bus
from lab.client import EngineClient
from lab.engine_supervision import EngineStatus, EngineSupervision
from lab.event_forwarding import EventForwarding
from lab.ground import Ground, live_ground
from lab.own_links import OwnLinks
from lab.pos.after_sale import AfterSale
from lab.pos.flow import PosFlow
from lab.pos.kept_approvals import FILE as KEPT_FILE
from lab.pos.kept_approvals import KeptApprovals
from lab.pos.offline_rules import FILE as RULES_FILE
from lab.pos.offline_rules import RuleFile
from lab.pos.till_memory import TillMemory
from lab.readers import RealReader, real_reader
from lab.settings import Settings, prepare_data_dir
from lab.terminal_files import read_terminal

MERCHANT_ID = "mer_corner_market"
MERCHANT_NAME = "Corner Market"
MERCHANT_CATEGORY = "5411"
TERMINAL_ID = "T0000001"


TRANSIT_CATEGORY = "4111"


def terminal_config(
    believed: Authorities, file: Path | None = None, *, transit: bool = False
) -> TerminalConfig:
    """The till of the lab's shop, or its gate, which believes these certification authorities.

    Raises:
        WrongUse: something in its configuration file is wrong.
    """
    return replace(
        TerminalConfig() if file is None else read_terminal(file),
        terminal_id=TERMINAL_ID,
        merchant_id=MERCHANT_ID,
        merchant_name=MERCHANT_NAME,
        merchant_category=TRANSIT_CATEGORY if transit else MERCHANT_CATEGORY,
        transit=transit,
        authorities=believed,
    )


@dataclass(slots=True)
class Till:
    """The shop's side of a laboratory: a till at its reader, and an engine. Knows no phone.

    Attributes:
        believing: keeps the till's certification authorities.
        field: the emulated reader's field, whether or not the till stands there.
        real: the reader that it stands at instead, if it does.
        identifiers: where ids and the till's unpredictable numbers come from.
        engine_heard: who is told how the engine is.
        reader: what the till stands at, shared with whoever borrows it between sales.
    """

    settings: Settings
    bus: Bus
    log: EventLog
    engine: EngineSupervision
    client: EngineClient
    field: EmulatedReader
    links: OwnLinks
    pos: PosFlow
    believing: Believing
    forwarding: EventForwarding
    identifiers: Stream
    source: str
    real: RealReader | None
    engine_heard: list[Callable[[EngineStatus], None]]
    reader: TillReader
    after_sale: AfterSale

    async def ready(self) -> None:
        """Wait until the engine is up, with the faults that this folder keeps.

        Raises:
            SomethingMissing: the engine does not come up.
            EngineRefused, EngineUnreachable: it does not answer.
        """
        await self.engine.ready()
        await catch_up(self.settings, self.client, self.believing, self.pos)


async def catch_up(
    settings: Settings, client: EngineClient, believing: Believing, pos: PosFlow
) -> None:
    """What an engine that has come up must hear and tell before a card is tapped.

    Raises:
        EngineRefused, EngineUnreachable: it does not answer.
    """
    await saved_faults.put_back(settings.data_dir, client)
    await client.faults()
    await believing.learn()
    pos.resume()


@contextlib.asynccontextmanager
async def till_opened(settings: Settings) -> AsyncIterator[Till]:
    """The till alone, at a real reader: the card in it may be anybody's, so no phone is opened.

    Raises:
        SomethingMissing: data folder or reader cannot be had.
    """
    ground = prepared_ground(settings, live_ground)
    async with closing(ground), real_reader(settings.reader, ground.real_scheduler) as real:
        till = wire_till(settings, Bus(), ground, real)
        async with running(till, ground):
            yield till


def prepared_ground(settings: Settings, ground_of: Callable[[Settings], Ground]) -> Ground:
    """The ground of a run, once its folder is there.

    Raises:
        SomethingMissing: the folder cannot be had.
    """
    prepare_data_dir(settings.data_dir)
    settings.traces_dir.mkdir(exist_ok=True, mode=0o700)
    return ground_of(settings)


@contextlib.asynccontextmanager
async def closing(ground: Ground) -> AsyncIterator[None]:
    """Close the ways to the engine at the end."""
    try:
        yield
    finally:
        await ground.transport.aclose()


@contextlib.asynccontextmanager
async def running(till: Till, ground: Ground) -> AsyncIterator[None]:
    """The engine starting and the till's events going there; everything at rest afterwards."""
    await till.engine.start()
    ground.real_scheduler.spawn(till.forwarding.run(), "event forwarding")
    try:
        yield
    finally:
        await till.links.reader.close()
        if till.engine.endpoint is not None:
            await till.forwarding.flush()
        await till.engine.stop()
        await ground.real_scheduler.cancel_all()
        await ground.scheduler.cancel_all()
        kept_streams.keep(till.settings.data_dir, ground.entropy)
        fault_progress.keep(till.settings.data_dir, till.links.progress())


def wire_till(settings: Settings, bus: Bus, ground: Ground, real: RealReader | None) -> Till:
    """Engine, links and till; `real` is the reader it stands at, None the emulated one.

    Raises:
        SomethingMissing: the folder's own store of authorities' keys is none.
    """
    believed = own_authorities(settings.authorities_file)
    clock, real_scheduler = ground.clock, ground.real_scheduler
    identifiers = ground.entropy.secret("identifiers")
    source = f"lab.{identifiers.bytes(4).hex()}"
    log = EventLog(clock, source=source, world=ground.world)
    status_heard: list[Callable[[EngineStatus], None]] = []

    def tell(status: EngineStatus) -> None:
        for hear in status_heard:
            hear(status)

    engine = EngineSupervision(ground.engines, ground.open_socket, real_scheduler, tell)
    field_reader = EmulatedReader(
        EMULATED.name,
        real_scheduler,
        INSTANT if settings.profile == "instant" else PHONE,
        stream=ground.entropy.stream("reader.sim"),
    )
    links = OwnLinks(
        real.reader if real else field_reader,
        ground.transport,
        clock=clock,
        scheduler=real_scheduler,
        log=log,
        earlier=fault_progress.load(settings.data_dir),
    )
    if settings.transit:
        links.reader.announce(TRANSIT_FRAME)
    client = EngineClient(
        lambda: engine.endpoint,
        ground.http,
        clock=clock,
        scheduler=real_scheduler,
        on_board=links.follow,
    )
    till_reader = TillReader(links.reader)
    memory = TillMemory(settings.till_file, TERMINAL_ID)
    pos = PosFlow(
        reader=till_reader,
        config=terminal_config(believed, settings.terminal_file, transit=settings.transit),
        client=client,
        clock=clock,
        scheduler=real_scheduler,
        stream=identifiers,
        log=log,
        bus=bus,
        memory=memory,
        traces_dir=settings.traces_dir,
        kept=KeptApprovals(
            settings.data_dir / KEPT_FILE, ground.seal_key, ground.entropy.secret("till nonces")
        ),
        rules=RuleFile(settings.data_dir / RULES_FILE),
    )
    after_sale = AfterSale(pos=pos, client=client, memory=memory, clock=clock, bus=bus)
    forwarding = EventForwarding(log, client, real_scheduler)
    believing = Believing(believed, client, pos, asks=ground.world == "live")
    return Till(
        settings, bus, log, engine, client, field_reader, links, pos, believing, forwarding,
        identifiers, source, real, status_heard, till_reader, after_sale,
    )  # fmt: skip
