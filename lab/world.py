"""The one place where the laboratory is wired: engine, phone, till, reader, console.

Everything above (window, command line, scenarios) asks a `World` for its flows. What differs
between a live and a simulated world is its `Ground`; the till and the way to the engine come from
`shop`. Real time runs the engine's supervision, the reader and the network clients; lab time, which
follows the engine's clock, runs people and timers.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx

from backend.api import Entropy, Event, EventLog, LabClock, LabScheduler
from hardware.api import EmulatedReader, SecureElement
from lab.amounts import format_amount
from lab.anycard.desk import AnyCardDesk, desk_of
from lab.anycard.till_reader import HeldPhone
from lab.authorities import Believing
from lab.bus import Bus
from lab.client import Endpoint, EngineClient
from lab.console.flow import ConsoleFlow
from lab.engine_shapes import LabState, PaymentRecord
from lab.engine_stream import EventStream, OpenSocket, push_forever
from lab.engine_supervision import EngineStatus, EngineSupervision
from lab.errors import EngineRefused, EngineUnreachable
from lab.event_forwarding import EventForwarding
from lab.faulty_transport import PHONE_LINK, TILL_LINK, WATCH_LINK
from lab.ground import Ground, live_ground
from lab.in_hand import PhoneInHand
from lab.json_fields import Json, text
from lab.money.flow import MoneyFlow
from lab.own_links import OwnLinks
from lab.phone_element import PhoneElement, phone_element
from lab.pos.after_sale import AfterSale
from lab.pos.flow import PosFlow
from lab.preflight.flow import PreflightFlow, preflight_of
from lab.published_trace import PublishedTrace
from lab.reader_roles.flow import RolesFlow
from lab.reader_roles.hands import EitherHands
from lab.reader_roles.wiring import wire_roles
from lab.readers import RealReader, real_reader
from lab.scenarios.desk import RecordingDesk
from lab.settings import Settings
from lab.shop import Till, catch_up, closing, prepared_ground, running, wire_till
from lab.tap import CounterFlow, Hands, TapFlow
from lab.wallet.flow import WalletFlow
from lab.wallet.flow_adding import PHONE_ID
from lab.watch.desk import WatchDesk

TICK_S = 0.5
ASK_AGAIN_S = 1.0
CLOCK_DRIFT_US = 300_000


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
    real: RealReader | None
    wallet: WalletFlow
    pos: PosFlow
    believing: Believing
    console: ConsoleFlow
    hands: Hands
    forwarding: EventForwarding
    links: OwnLinks
    source: str
    desk: RecordingDesk
    roles: RolesFlow
    anycard: AnyCardDesk
    preflight: PreflightFlow
    after_sale: AfterSale
    money: MoneyFlow
    watch: WatchDesk
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
        await catch_up(self.settings, self.client, self.believing, self.pos)
        try:
            await self.wallet.connect()
        except EngineUnreachable:
            if not self.links.is_cut(PHONE_LINK):
                raise
            self.wallet.engine_lost()  # a phone that is cut off can still pay
        await self.watch.connect()

    def phones_way(self) -> Endpoint | None:
        """Where the phone finds the engine; nowhere while it is cut off."""
        return None if self.links.is_cut(PHONE_LINK) else self.engine.endpoint

    async def deliver(self, push: Json) -> None:
        """A message pushed to the phone, over its line.

        Raises:
            EngineUnreachable: it got lost; it comes again with the next connection.
        """
        await self.links.reach(PHONE_LINK)
        if text(push, "kind") == "provision_token":
            await self.believing.learn()  # before the card: its first tap is checked already
        await self.wallet.deliver(push)

    async def follow(self) -> None:
        """Start what a window needs beside the flows: streams, polling, ticking."""
        self.listen()
        self.roles.start()
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
            await catch_up(self.settings, self.client, self.believing, self.pos)
            await self.console.reload()
        await self._sign_in()
        await self.watch.connect()

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
        lines = (PHONE_LINK, WATCH_LINK, TILL_LINK)
        cut = frozenset(line for line in lines if self.links.is_cut(line))
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
                self.watch.engine_lost()

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
        if self.watch.flow is not None and WATCH_LINK not in self._cut:
            amount_text = format_amount(record.amount_minor, record.currency)
            self.watch.flow.bank_says(record, amount_text)
        await self.console.payment_changed(record)

    async def _tick(self) -> None:
        while True:
            self.wallet.tick()
            self.watch.tick()
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
    ground = prepared_ground(settings, ground_of)
    async with closing(ground), real_reader(settings.reader, ground.real_scheduler) as real:
        with phone_element(settings, ground, may_be_elsewhere=real is not None) as phone:
            till = wire_till(settings, bus or Bus(), ground, real)
            world = _wire(till, ground, phone)
            with contextlib.closing(world.watch):
                async with running(till, ground), contextlib.aclosing(world.roles):
                    world.watch.open_known()
                    if not phone.elsewhere:
                        _listen_for_pushes(world, ground)
                    yield world


def _listen_for_pushes(world: World, ground: Ground) -> None:
    pushes = push_forever(
        world.client,
        world.phones_way,
        ground.real_scheduler,
        PHONE_ID,
        world.deliver,
        ground.open_socket,
    )
    ground.real_scheduler.spawn(pushes, "phone push")


def _wire(till: Till, ground: Ground, phone: PhoneElement) -> World:
    """The phone and the console beside the till."""
    settings, bus, pos = till.settings, till.bus, till.pos
    wallet = WalletFlow(
        client=till.client,
        element=phone.element,
        sensor=phone.element.face_sensor(),
        clock=ground.clock,
        scheduler=ground.real_scheduler,
        stream=till.identifiers,
        log=till.log,
        bus=bus,
        cache_file=settings.phone_cache_file,
        pace=settings.pace,
    )
    at_field = TapFlow(
        held=PhoneInHand(
            wallet, phone.element, mag_stripe=settings.mag_stripe, transit=settings.transit
        ),
        pos=pos,
        reader=till.field,
        scheduler=ground.real_scheduler,
        bus=bus,
        pace=settings.pace,
    )
    console = ConsoleFlow(
        client=till.client.beside_links(),
        clock=ground.clock,
        scheduler=ground.real_scheduler,
        bus=bus,
    )
    money = MoneyFlow(
        client=till.client.beside_links(),
        scheduler=ground.real_scheduler,
        bus=bus,
        toast=console.toast,
    )
    roles = wire_roles(till, ground, phone.element, console)
    hands = EitherHands(at_field, CounterFlow(wallet, pos), wallet, pos, roles)
    pos.on_sale = console.tapped
    wallet.on_open_payment = console.open_payment
    desk = RecordingDesk(till.client, bus, profile=settings.profile)
    held = HeldPhone(till.field, phone.element)
    anycard = desk_of(till, ground, wallet, console.bench, held)
    preflight = preflight_of(till, ground, console)
    roles.take_back = till.reader.give_back
    roles.till_moved = anycard.reader_changed
    roles.trace_for = lambda where: PublishedTrace(settings.traces_dir, where, clock=ground.clock)
    anycard.raw.bench_reader = roles.bench_reader
    world = World(
        settings, bus, ground.clock, ground.scheduler, ground.real_scheduler, ground.entropy,
        till.log, ground.http, ground.open_socket, till.engine, till.client, phone.element,
        till.field, till.real, wallet, pos, till.believing, console, hands, till.forwarding,
        till.links, till.source, desk, roles, anycard, preflight, till.after_sale, money,
        WatchDesk(till, ground, wallet, hands),
    )  # fmt: skip
    console.on_state = world.saw
    till.links.on_change = world.look_at_lines
    till.log.subscribe(console.heard)
    till.log.subscribe(desk.heard)
    world.hearers.append(desk.heard)
    till.engine_heard.append(world.engine_changed)
    return world
