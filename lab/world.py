"""The one place where the laboratory is wired: engine, phone, till, reader, console.

Everything above (window, command line, scenarios) asks a `World` for its flows. What differs
between a live and a simulated world is its `Ground`: where time and randomness come from, how the
engine is reached, and what an engine is. Here is the live one; `simulation` has the other. Real
time runs the engine's supervision, the reader and the network clients; lab time, which follows the
engine's clock, runs people and timers.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from backend.api import Entropy, Event, EventLog, LabClock, LabScheduler
from hardware.api import (
    INSTANT,
    PHONE,
    EmulatedReader,
    SecureElement,
    SecureElementBusy,
    SecureElementDamaged,
    TerminalConfig,
)
from lab import fault_progress, kept_streams, saved_faults
from lab.amounts import format_amount
from lab.bus import Bus
from lab.client import Endpoint, EngineClient, http_client
from lab.console.flow import ConsoleFlow
from lab.engine_process import EngineProcess
from lab.engine_shapes import LabState, PaymentRecord
from lab.engine_stream import EventStream, OpenSocket, open_socket, push_forever
from lab.engine_supervision import EngineSource, EngineStatus, EngineSupervision
from lab.errors import EngineRefused, EngineUnreachable, SomethingMissing
from lab.event_forwarding import EventForwarding
from lab.faulty_transport import PHONE_LINK, TILL_LINK, FaultyTransport
from lab.json_fields import Json
from lab.loopback import LoopbackTransport
from lab.own_links import OwnLinks
from lab.pos.flow import PosFlow
from lab.pos.till_memory import TillMemory
from lab.scenarios.desk import RecordingDesk
from lab.seal_key import seal_key
from lab.settings import DEFAULT_READER, Settings, prepare_data_dir
from lab.tap import TapFlow
from lab.wallet.flow import PHONE_ID, WalletFlow

MERCHANT_ID = "mer_corner_market"
MERCHANT_NAME = "Corner Market"
MERCHANT_CATEGORY = "5411"
TERMINAL_ID = "T0000001"
TICK_S = 0.5
ASK_AGAIN_S = 1.0
CLOCK_DRIFT_US = 300_000


def terminal_config() -> TerminalConfig:
    """The till of the lab's shop."""
    return TerminalConfig(
        terminal_id=TERMINAL_ID,
        merchant_id=MERCHANT_ID,
        merchant_name=MERCHANT_NAME,
        merchant_category=MERCHANT_CATEGORY,
    )


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


@dataclass(slots=True)
class World:
    """One laboratory, running. Made by `opened`, closed by leaving it."""

    settings: Settings
    bus: Bus
    clock: LabClock
    scheduler: LabScheduler
    real_scheduler: LabScheduler
    entropy: Entropy
    log: EventLog
    http: httpx.AsyncClient
    open_socket: OpenSocket
    engine: EngineSupervision
    client: EngineClient
    element: SecureElement
    reader: EmulatedReader
    wallet: WalletFlow
    pos: PosFlow
    console: ConsoleFlow
    hands: TapFlow
    forwarding: EventForwarding
    links: OwnLinks
    source: str
    desk: RecordingDesk
    hearers: list[Callable[[Event], None]] = field(default_factory=list)
    _asked: set[str] = field(default_factory=set)
    _held_back: set[str] = field(default_factory=set)
    _cut: frozenset[str] = frozenset()
    _signing_in: bool = False

    async def ready(self) -> None:
        """Wait until the engine is up and the phone has signed in.

        Raises:
            SomethingMissing: the engine does not come up.
            EngineRefused, EngineUnreachable: it does not let the phone in.
        """
        await self.engine.ready()
        await saved_faults.put_back(self.settings.data_dir, self.client)
        await self.client.faults()
        try:
            await self.wallet.connect()
        except EngineUnreachable:
            if not self.links.is_cut(PHONE_LINK):
                raise
            self.wallet.engine_lost()  # a phone that is cut off can still pay

    def phones_way(self) -> Endpoint | None:
        """Where the phone finds the engine; nowhere while it is cut off."""
        return None if self.links.is_cut(PHONE_LINK) else self.engine.endpoint

    async def deliver(self, push: Json) -> None:
        """A message pushed to the phone, over its line.

        Raises:
            EngineUnreachable: it got lost; it comes again with the next connection.
        """
        await self.links.reach_phone()
        await self.wallet.deliver(push)

    async def follow(self) -> None:
        """Start what a window needs beside the flows: streams, polling, ticking."""
        self.listen()
        spawn = self.real_scheduler.spawn
        spawn(self.console.poll_state(), "console state")
        spawn(self.console.poll_latency(), "console latency")

    def listen(self) -> EventStream:
        """Let phone, till and console hear what the engine says, and let them see time pass.

        Returns:
            The stream; nothing is missed from the moment at which it is connected.
        """
        stream = EventStream(lambda: self.engine.endpoint, self.real_scheduler, self.open_socket)
        self.real_scheduler.spawn(self._follow_events(stream), "event stream")
        self.real_scheduler.spawn(self._tick(), "ticking")
        return stream

    async def engine_came_up(self) -> None:
        """The engine is there (again): sign the phone in, load what it knows."""
        with contextlib.suppress(EngineUnreachable):  # gone again: the next time will do
            await saved_faults.put_back(self.settings.data_dir, self.client)
            await self.client.faults()
            await self.console.reload()
        await self._sign_in()

    async def _sign_in(self) -> None:
        if self._signing_in:
            return
        self._signing_in = True
        try:
            try:
                await self.wallet.connect()
            except EngineRefused:
                self.client.forget_session()
                await self.wallet.connect()
        except (EngineUnreachable, EngineRefused) as fault:
            if isinstance(fault, EngineRefused) and not fault.is_trouble:
                raise
            self.wallet.engine_lost()  # gone again, cut off, or in trouble: ticking tries again
        finally:
            self._signing_in = False

    def look_at_lines(self) -> None:
        """A line that was cut or mended: the phone notices; what was kept from them is told."""
        cut = frozenset(line for line in (PHONE_LINK, TILL_LINK) if self.links.is_cut(line))
        if cut == self._cut:
            return
        if (PHONE_LINK in cut) != (PHONE_LINK in self._cut) and self.engine.endpoint is not None:
            self.real_scheduler.spawn(self._sign_in(), "phone looks for the engine")
        self._cut = cut
        held, self._held_back = self._held_back, set()
        for payment_id in sorted(held):
            self._ask_about(payment_id)

    def engine_changed(self, status: EngineStatus) -> None:
        """Supervision says how the engine is."""
        self.console.engine_is(status)
        self.log.emit("engine." + status.state, actor="lab", data={"detail": status.detail})
        match status.state:
            case "up":
                self.real_scheduler.spawn(self.engine_came_up(), "engine came up")
            case "down" | "restarting":
                self.wallet.engine_lost()

    def saw(self, state: LabState) -> None:
        """The console has looked at the laboratory."""
        self.follow_clock(state)
        self.desk.looked(state)

    def follow_clock(self, state: LabState) -> None:
        """Keep this process's lab clock with the engine's."""
        if state.rate != self.clock.rate:
            self.clock.set_rate(state.rate)
        ahead_us = state.now_us - self.clock.now_us()
        if ahead_us > CLOCK_DRIFT_US:
            self.clock.jump(ahead_us / 1e6)
        elif ahead_us < -CLOCK_DRIFT_US:  # a reset world: the one way lab time goes back
            self.clock.reset()
            self.clock.set_rate(state.rate)

    async def _follow_events(self, stream: EventStream) -> None:
        async for event in stream.listen():
            if event.kind == "clock.changed":
                self.real_scheduler.spawn(self._look_at_clock(), "look at the clock")
            if event.source != self.source:  # our own come from the log, at once
                self.console.heard(event)
                for hear in self.hearers:
                    hear(event)
            if event.kind == "fault.applied":
                self.links.follow(event.data)
            if event.kind.startswith("payment.") and event.payment_id:
                self._ask_about(event.payment_id)
            elif event.kind in {"phone.showed", "till.showed"} and event.tap_id:
                self._ask_about(self.console.payment_of_tap(event.tap_id))

    async def _look_at_clock(self) -> None:
        """Somebody moved the engine's clock: follow at once, whether or not anybody polls."""
        with contextlib.suppress(EngineUnreachable, EngineRefused):  # the next time will do
            self.follow_clock(await self.client.lab_state())

    def _ask_about(self, payment_id: str) -> None:
        """One question a payment at a time, however many events it makes."""
        if not payment_id or payment_id in self._asked:
            return
        self._asked.add(payment_id)
        self.real_scheduler.spawn(self._look_up(payment_id), f"look up {payment_id}")

    async def _look_up(self, payment_id: str) -> None:
        await self.real_scheduler.sleep(0.05)
        self._asked.discard(payment_id)
        try:
            body = await self.client.payment(payment_id)
        except (EngineUnreachable, EngineRefused) as fault:
            if isinstance(fault, EngineUnreachable) or fault.is_trouble:
                await self.real_scheduler.sleep(ASK_AGAIN_S)
                self._ask_about(payment_id)  # this may have been its last event
            return
        record = PaymentRecord.from_json(body)
        if self._cut:
            self._held_back.add(payment_id)
        if TILL_LINK not in self._cut:
            self.pos.resolved(record)
        if PHONE_LINK not in self._cut:
            self.wallet.bank_says(record, format_amount(record.amount_minor, record.currency))
        await self.console.payment_changed(record)

    async def _tick(self) -> None:
        while True:
            self.wallet.tick()
            self.look_at_lines()  # a fault's time line may have begun or ended
            reachable = self.engine.endpoint is not None and PHONE_LINK not in self._cut
            if self.wallet.state.offline and reachable:
                self.real_scheduler.spawn(self._sign_in(), "phone looks for the engine")
            await self.real_scheduler.sleep(TICK_S)


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    bus: Bus | None = None,
    ground_of: Callable[[Settings], Ground] = live_ground,
) -> AsyncIterator[World]:
    """A world: wired, its engine starting. Leaving closes everything and lets the engine go.

    Args:
        settings: of this run.
        bus: where its states are heard.
        ground_of: what it stands on, once its folder is there.

    Raises:
        SomethingMissing: data folder, secure element or reader cannot be had.
    """
    if settings.reader not in {DEFAULT_READER, "Emulated reader"}:
        raise SomethingMissing(
            f"no reader {settings.reader!r}", "tap-lab readers lists those that can be used"
        )
    prepare_data_dir(settings.data_dir)
    settings.traces_dir.mkdir(exist_ok=True, mode=0o700)
    ground = ground_of(settings)
    element = _open_element(settings, ground)
    try:
        world = _wire(settings, bus or Bus(), ground, element)
        await world.engine.start()
        ground.real_scheduler.spawn(world.forwarding.run(), "event forwarding")
        ground.real_scheduler.spawn(
            push_forever(
                world.client,
                world.phones_way,
                ground.real_scheduler,
                PHONE_ID,
                world.deliver,
                ground.open_socket,
            ),
            "phone push",
        )
        try:
            yield world
        finally:
            if world.engine.endpoint is not None:
                await world.forwarding.flush()
            await world.engine.stop()
            await ground.real_scheduler.cancel_all()
            await ground.scheduler.cancel_all()
            kept_streams.keep(settings.data_dir, ground.entropy)
            fault_progress.keep(settings.data_dir, world.links.progress())
    finally:
        await ground.transport.aclose()
        element.close()


def _open_element(settings: Settings, ground: Ground) -> SecureElement:
    try:
        return SecureElement.open(
            settings.secure_element_file,
            seal_key=ground.seal_key,
            clock=ground.real_clock,
            stream=ground.entropy.secret("secure element"),
        )
    except SecureElementBusy as busy:
        raise SomethingMissing(
            "this folder's phone is in use by another command or window",
            "close that one, or use another folder with --data-dir",
        ) from busy
    except SecureElementDamaged as damaged:
        raise SomethingMissing(
            f"this folder's phone cannot be opened ({damaged})",
            "load a saved world, or start over with tap-lab world reset",
        ) from damaged


def _wire(settings: Settings, bus: Bus, ground: Ground, element: SecureElement) -> World:
    clock, real_scheduler = ground.clock, ground.real_scheduler
    identifiers = ground.entropy.secret("identifiers")
    source = f"lab.{identifiers.bytes(4).hex()}"
    log = EventLog(clock, source=source, world=ground.world)
    changed: list[World] = []
    engine = EngineSupervision(
        ground.engines,
        ground.open_socket,
        real_scheduler,
        lambda status: changed[0].engine_changed(status) if changed else None,
    )
    reader = EmulatedReader(
        "Emulated reader",
        real_scheduler,
        INSTANT if settings.profile == "instant" else PHONE,
        stream=ground.entropy.stream("reader.sim"),
    )
    links = OwnLinks(
        reader,
        ground.transport,
        clock=clock,
        scheduler=real_scheduler,
        log=log,
        earlier=fault_progress.load(settings.data_dir),
    )
    client = EngineClient(
        lambda: engine.endpoint,
        ground.http,
        clock=clock,
        scheduler=real_scheduler,
        on_board=links.follow,
    )
    wallet = WalletFlow(
        client=client,
        element=element,
        sensor=element.face_sensor(),
        clock=clock,
        scheduler=real_scheduler,
        stream=identifiers,
        log=log,
        bus=bus,
        cache_file=settings.phone_cache_file,
        pace=settings.pace,
    )
    pos = PosFlow(
        reader=links.reader,
        config=terminal_config(),
        client=client,
        clock=clock,
        scheduler=real_scheduler,
        stream=identifiers,
        log=log,
        bus=bus,
        memory=TillMemory(settings.till_file, TERMINAL_ID),
        traces_dir=settings.traces_dir,
    )
    hands = TapFlow(
        wallet=wallet,
        pos=pos,
        reader=reader,
        element=element,
        scheduler=real_scheduler,
        bus=bus,
        pace=settings.pace,
    )
    console = ConsoleFlow(
        client=client.beside_links(), clock=clock, scheduler=real_scheduler, bus=bus
    )
    pos.on_sale = console.tapped
    wallet.on_open_payment = console.open_payment
    forwarding = EventForwarding(log, client, real_scheduler)
    desk = RecordingDesk(client, bus, profile=settings.profile)
    world = World(
        settings, bus, clock, ground.scheduler, real_scheduler, ground.entropy, log, ground.http,
        ground.open_socket, engine, client, element, reader, wallet, pos, console, hands,
        forwarding, links, source, desk,
    )  # fmt: skip
    console.on_state = world.saw
    links.on_change = world.look_at_lines
    log.subscribe(console.heard)
    log.subscribe(desk.heard)
    world.hearers.append(desk.heard)
    changed.append(world)
    return world
