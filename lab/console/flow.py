"""The console's flow: what happens inside, as one state; and the levers that change it.

Polls the engine twice a second for the strip, the time bar and the tiles, four times for the
chart, and asks for payments when an event says that one changed. It makes no fault and moves no
clock itself: it asks the engine to. Without Qt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

from backend.api import Clock, Event, Scheduler
from lab.bench.flow import BenchFlow
from lab.bus import Bus
from lab.client import EngineClient
from lab.console import presets, rows
from lab.console.film import Film
from lab.console.state import (
    ConsoleState,
    LastTap,
    LatencySeries,
    PaymentRow,
)
from lab.deviations import deviations
from lab.engine_shapes import LabState, PaymentRecord
from lab.engine_supervision import EngineStatus
from lab.errors import EngineRefused, EngineUnreachable
from lab.fault_files import read_plan, write_plan
from lab.json_fields import Json, section
from lab.pos.sale import Sale
from lab.words import Message, message

STATE_EVERY_S = 0.5
LATENCY_EVERY_S = 0.25
WINDOW_S = 120
BUCKETS_S = {30: 1, 120: 2, 600: 10}  # seconds shown → seconds a bucket
PAYMENTS_SHOWN = 200
EVENTS_KEPT = 2_000
TAP_BUDGET_US = 500_000
TOAST_SHOWN_S = 8.0


class ConsoleFlow:
    """The insight places' presenter."""

    def __init__(
        self, *, client: EngineClient, clock: Clock, scheduler: Scheduler, bus: Bus
    ) -> None:
        """A console that looks at whatever engine `client` reaches.

        Args:
            client: the way to the engine.
            clock: lab time.
            scheduler: a real-time one, for polling.
            bus: shows the console's and the bench's state.
        """
        self._client = client
        self._clock = clock
        self._scheduler = scheduler
        self._bus = bus
        self._network = "visa"
        self._window_s = WINDOW_S
        self._lab: LabState | None = None
        self._latency: Json = {}
        self._networks: Mapping[str, Json] = {}
        self._payments: dict[str, PaymentRow] = {}
        self._observed: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._open_payment = ""
        self._chosen_by_hand = False  # until then the Payment place follows the newest one
        self._film = Film(clock.now_us())
        self.on_state: Callable[[LabState], None] = lambda _state: None
        self.stop_traffic: Callable[[], Awaitable[None]] | None = None
        self.bench = BenchFlow(clock=clock, scheduler=scheduler, bus=bus)
        self.bench.toast = self.toast
        self._state = ConsoleState(session_from_us=clock.now_us(), now_us=clock.now_us())
        self._show()

    @property
    def state(self) -> ConsoleState:
        """What the insight places show."""
        return self._state

    # -- hearing ------------------------------------------------------------------------------

    def engine_is(self, status: EngineStatus) -> None:
        """Supervision says how the engine is."""
        words = message(
            f"supervision.{status.state}", _ENGINE_KINDS[status.state], why=status.detail
        )
        state = "down" if status.state == "stopped" else status.state
        self._show(engine=state, engine_text=words)

    def heard(self, event: Event) -> None:
        """Something happened, here or in the engine."""
        if event.source.startswith("lab"):
            self._observed.append(event)
            self.bench.heard(event)

    def tapped(self, sale: Sale) -> None:
        """A sale ended at our till: where its milliseconds went."""
        self._chosen_by_hand = False
        if sale.tap is None or sale.answer is None:
            return
        part = {name: round(ms * 1000) for name, ms in sale.answer.latency_ms.items()}
        self._show(
            last_tap=LastTap(
                payment_id=sale.answer.payment_id,
                total_us=sale.total_us,
                budget_us=TAP_BUDGET_US,
                outcome=Message(f"payment.{sale.answer.status}"),
                hops=rows.hops(part, sale.tap.reader_us, sale.total_us),
            )
        )

    async def payment_changed(self, record: PaymentRecord) -> None:
        """The engine's word on one payment, again."""
        row = self._payments[record.id] = rows.payment_row(record)
        self._film.payment(record)
        newest = sorted(self._payments.values(), key=lambda row: row.at_us, reverse=True)
        for old in newest[PAYMENTS_SHOWN:]:
            del self._payments[old.id]
        self._show(payments=self._visible())
        if record.tap_id:
            self.bench.name_tap(record.tap_id, row.card_text)
        follows = not (self._chosen_by_hand or record.synthetic) and newest[0].id == record.id
        if follows or record.id == self._open_payment:
            await self._quietly(lambda: self._open(record.id))

    async def reload(self) -> None:
        """The engine came up: everything it knows, once."""
        records = await self._client.payments(limit=PAYMENTS_SHOWN)
        self._payments = {record.id: rows.payment_row(record) for record in records}
        for record in records:
            self._film.payment(record)
        self._show(payments=self._visible())
        await self.look()

    # -- polling ------------------------------------------------------------------------------

    async def poll_state(self) -> None:
        """Twice a second, for ever."""
        while True:
            await self._quietly(self.look)
            await self._scheduler.sleep(STATE_EVERY_S)

    async def poll_latency(self) -> None:
        """Four times a second, for ever."""
        while True:
            await self._quietly(self.measure)
            await self._scheduler.sleep(LATENCY_EVERY_S)

    async def look(self) -> None:
        """Ask once for strip, time bar and tiles."""
        self._lab = await self._client.lab_state()
        self._networks = {str(net.get("name")): net for net in await self._client.networks()}
        self.on_state(self._lab)
        self._film.faults(self._lab.faults, self._lab.now_us)
        self._show()

    async def measure(self) -> None:
        """Ask once for the chart."""
        window_s = self._window_s
        bucket_s = BUCKETS_S[window_s]
        latency = await self._client.latency(window_s=window_s, bucket_s=bucket_s)
        if window_s == self._window_s:  # an answer about another window came too late
            self._latency = latency
            self._show()

    # -- levers -------------------------------------------------------------------------------

    def is_on(self, fault_id: str) -> bool:
        """Whether that preset is on the board, as far as the last look knows."""
        return any(preset.id == fault_id and preset.on for preset in self._state.faults)

    async def set_fault(self, fault_id: str, *, on: bool, parameters: Mapping[str, float]) -> None:
        """Put a preset on the board, change its numbers, or take it off."""
        preset = presets.PRESETS[fault_id]
        board = await self._client.faults()
        others = [fault for fault in board if not preset.is_in(fault)]
        wanted = [presets.without_fired(fault) for fault in others]
        if on:
            wanted.append(presets.fault_of(fault_id, parameters))
        await self._client.put_faults(tuple(wanted))
        await self.look()

    async def reset_faults(self) -> None:
        """Take every fault off."""
        await self._client.reset_faults()
        await self.look()

    async def export_faults(self, path: Path) -> None:
        """Write what is on as a fault plan.

        Raises:
            NotDone: the file cannot be written.
        """
        write_plan(path, await self._client.faults())
        self.toast(message("console.faults_written", "good", path=path))

    async def import_faults(self, path: Path) -> None:
        """Put a fault plan on the board, in the place of what was there.

        Raises:
            WrongUse: it is none; what was on stays on.
        """
        plan = read_plan(path)
        await self._client.put_faults(plan)
        self.toast(message("console.faults_read", "ours", count=len(plan), name=path.name))
        await self.look()

    async def back_to_normal(self) -> None:
        """Undo every deviation that can be undone from here."""
        for deviation in self._state.deviations:
            if deviation.kind != "fault":
                await self.remove_deviation(deviation.id)
        await self.reset_faults()

    async def remove_deviation(self, deviation_id: str) -> None:
        """Undo one."""
        kind, _, rest = deviation_id.partition(":")
        match kind:
            case "fault":
                await self._remove_fault(rest.partition(":")[2])
            case "breaker":
                await self._client.force_breaker(rest, "auto")
            case "clock":
                await self._reset_clock()
            case "traffic" if self.stop_traffic is not None:
                await self.stop_traffic()
            case "card":
                await self._client.release_card(rest)
            case _:
                return
        await self.look()

    async def _remove_fault(self, key: str) -> None:
        board = list(await self._client.faults())
        for fault in board:
            if presets.fault_key(fault) == key:
                board.remove(fault)
                break
        await self._client.put_faults(tuple(presets.without_fired(fault) for fault in board))

    async def _reset_clock(self) -> None:
        """Back to real time; where the engine will not go back, at least to its usual pace."""
        try:
            await self._client.move_clock({"reset": True})
        except EngineRefused:
            await self._client.move_clock({"rate": 1.0})
            self.toast(Message("console.clock_stays", "waiting"))

    async def force_breaker(self, network: str, state: str) -> None:
        """Force a breaker "open" or "closed", or give it back with "auto"."""
        await self._client.force_breaker(network, state)
        await self.look()

    async def jump(self, seconds: float) -> None:
        """Move lab time forward."""
        await self._client.move_clock({"jump_s": seconds})
        await self.look()

    async def set_rate(self, rate: float) -> None:
        """Run lab time at `rate` lab seconds a second; 0 pauses."""
        await self._client.move_clock({"rate": rate})
        await self.look()

    async def next_timer(self) -> None:
        """Jump to the next thing that is due."""
        await self.look()
        if self._lab is None or self._lab.next_due_us is None:
            self._show(toast=Message("console.no_timer"))
            return
        ahead_us = max(0, self._lab.next_due_us - self._lab.now_us)
        await self.jump(ahead_us / 1e6)

    def mark(self, label: str = "") -> None:
        """Put a flag on the time bar."""
        self._film.mark(self._clock.now_us(), label)
        self._show()

    def look_back(self, at_us: int | None) -> None:
        """Look at what was recorded up to a moment; None is now. Nothing runs back."""
        self._show(looking_at_us=at_us)
        self._show(payments=self._visible())

    def show_network(self, name: str) -> None:
        """Choose the network of the main chart and of "Break something"."""
        self._network = name
        self._show()

    async def set_window(self, seconds: int) -> None:
        """Look back 30, 120 or 600 seconds in the chart and in the tiles' figures."""
        if seconds in BUCKETS_S:
            self._window_s = seconds
            await self.measure()

    async def show_payment(self, payment_id: str) -> None:
        """Open the life of one payment, and stay with it whatever comes."""
        self._chosen_by_hand = True
        await self._open(payment_id)

    async def _open(self, payment_id: str) -> None:
        self._open_payment = payment_id
        body = await self._client.payment(payment_id)
        self._show(payment=rows.payment_detail(body, tuple(self._observed)))

    def open_payment(self, payment_id: str) -> None:
        """The same, for callers that do not wait."""
        self._scheduler.spawn(
            self._quietly(lambda: self.show_payment(payment_id)), f"open {payment_id}"
        )

    def traffic_is(self, *, on: bool) -> None:
        """Quiet shop traffic started or stopped."""
        self._show(quiet_traffic=on)

    def toast(self, what: Message) -> None:
        """One sentence about what was asked for: what came of it, or why nothing did."""
        self._show(toast=what)
        self._scheduler.spawn(self._toast_ends(what), "toast")

    async def _toast_ends(self, what: Message) -> None:
        await self._scheduler.sleep(TOAST_SHOWN_S)
        if self._state.toast == what:
            self._show(toast=None)

    async def _quietly(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask; an engine that is away is already told by its supervision."""
        try:
            await ask()
        except EngineUnreachable:
            return
        except EngineRefused as refusal:
            self.toast(message("console.refused", "bad", why=refusal.detail))

    # -- showing ------------------------------------------------------------------------------

    def _show(self, **changes: object) -> None:
        derived: dict[str, object] = {}
        if self._lab is not None:
            derived = self._derived(self._lab, changes.get("quiet_traffic"))
        derived["film"] = self._film.marks
        derived["fault_spans"] = self._film.spans
        self._state = replace(self._state, **(derived | changes))  # type: ignore[arg-type]  # by name
        self._bus.publish(self._state)

    def _derived(self, lab: LabState, quiet: object) -> dict[str, object]:
        traffic = self._state.quiet_traffic if quiet is None else bool(quiet)
        measured = section(self._latency, "networks")
        return {
            "world": lab.world,
            "seed": lab.seed,
            "now_us": lab.now_us,
            "rate": lab.rate,
            "clock_moved": lab.clock_moved,
            "next_due_us": lab.next_due_us,
            "unprotected_keys": lab.unprotected_keys,
            "deviations": deviations(lab, quiet_traffic=traffic),
            "tiles": tuple(
                rows.tile(b, self._networks.get(b.name, {}), section(measured, b.name))
                for b in lab.breakers
            ),
            "faults": presets.rows(self._network, lab.faults),
            "latency": self._series() if self._latency else None,
        }

    def _visible(self) -> tuple[PaymentRow, ...]:
        """The payments, newest first; looking back, those that were there by then."""
        until_us = self._state.looking_at_us
        rows_now = sorted(self._payments.values(), key=lambda row: row.at_us, reverse=True)
        return tuple(row for row in rows_now if until_us is None or row.at_us <= until_us)

    def _series(self) -> LatencySeries:
        states = {payment_id: row.state for payment_id, row in self._payments.items()}
        return rows.series(self._latency, self._network, self._window_s, self._film.spans, states)

    def payment_of_tap(self, tap_id: str) -> str:
        """The payment that a tap led to, as far as known; else ""."""
        return next((row.id for row in self._payments.values() if row.tap_id == tap_id), "")


_ENGINE_KINDS = {
    "starting": "waiting",
    "up": "good",
    "down": "bad",
    "restarting": "waiting",
    "stopped": "neutral",
}
