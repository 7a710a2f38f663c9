"""The bench's flow: which conversation is looked at, which beside it, and what goes to files.

Collects the masked events of each tap and decodes them after it, whose milliseconds are not for
this. Follows the newest tap until somebody chooses one by hand. Without Qt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from backend.api import Clock, Entropy, Event, Scheduler
from hardware.api import (
    ReplayClock,
    ReplayLink,
    TapRequest,
    TerminalConfig,
    Trace,
    TraceRecorder,
    dialogue_of,
    run_tap,
)
from lab.amounts import format_amount
from lab.bench.comparison import compare
from lab.bench.conversation import conversation_of, ended_of, trace_of
from lab.bench.decisions import NETWORK_OF, Ended
from lab.bench.state import Conversation, Listed, ReaderFinding
from lab.bus import Bus
from lab.clock_text import time_of_day
from lab.console.state import BenchState, ReaderView
from lab.json_fields import text, whole
from lab.trace_files import read_trace, write_trace
from lab.words import Message, message, tr
from lab.words.flow_words import NETWORK_NAMES

DECODE_AFTER_S = 0.25
KEPT = 20
EXPONENT = 2
EVENTS_MAX = 1_000  # of one tap; a card that never comes to an end is not for the eye
FILE, REPLAY, RAW = "file:", "replay:", "raw:"
ORDINARY = {"9F02": "000000001240", "5F2A": "0840"}  # where a recording does not say: 12.40 USD


@dataclass(slots=True)
class _Kept:
    """One conversation that can be looked at."""

    title: str
    trace: Trace
    ended: Ended | None = None
    source: str = ""
    replayed: bool = False


class BenchFlow:
    """The bench's presenter."""

    def __init__(self, *, clock: Clock, scheduler: Scheduler, bus: Bus) -> None:
        """A bench that shows no reader and no conversation yet.

        Args:
            clock: lab time, for what is replayed.
            scheduler: waits until a tap is over.
            bus: shows the bench's state.
        """
        self._clock = clock
        self._scheduler = scheduler
        self._bus = bus
        self._underway: dict[str, list[Event]] = {}
        self._kept: dict[str, _Kept] = {}
        self._decoded: dict[str, Conversation] = {}
        self._names: dict[str, str] = {}
        self._chosen_by_hand = False
        self._beside = ""
        self._state = BenchState()
        self.toast: Callable[[Message], None] = lambda _what: None
        bus.publish(self._state)

    @property
    def state(self) -> BenchState:
        """What the bench shows."""
        return self._state

    # -- hearing ------------------------------------------------------------------------------

    def heard(self, event: Event) -> None:
        """Something happened in this process; a tap's events are kept until it ends."""
        tap_id = event.tap_id or ""
        if event.kind == "tap.started":
            self._underway = {tap_id: [event]}  # a till has one tap at a time
        elif tap_id in self._underway and event.kind in {"tap.apdu", "tap.outcome"}:
            events = self._underway[tap_id]
            if len(events) < EVENTS_MAX or event.kind == "tap.outcome":
                events.append(event)
            if event.kind == "tap.outcome":
                del self._underway[tap_id]
                self._scheduler.spawn(self._keep_tap(tap_id, tuple(events)), "bench")

    def name_tap(self, tap_id: str, card_text: str) -> None:
        """A payment tells which card it was: "Visa ·4242"."""
        if not card_text or self._names.get(tap_id) == card_text:
            return
        self._names[tap_id] = card_text
        if tap_id in self._kept:
            self._name(tap_id)
            self._show()

    def _name(self, tap_id: str) -> None:
        kept, card_text = self._kept[tap_id], self._names.get(tap_id)
        if card_text:
            network = NETWORK_NAMES.get(NETWORK_OF.get(kept.trace.kernel or 0, ""), "")
            kept.title = f"{kept.title.removesuffix(f' · {network}')} · {card_text}"
        if tap_id in self._decoded:
            self._decoded[tap_id] = replace(self._decoded[tap_id], title=kept.title)

    def readers_are(self, readers: tuple[ReaderView, ...], *, silent: bool) -> None:
        """A reader came or went, or what lies on it did; `silent`: they show nothing themselves."""
        self._state = replace(self._state, readers=readers, readers_silent=silent)
        self._bus.publish(self._state)

    def findings_are(self, findings: tuple[ReaderFinding, ...] | None) -> None:
        """What the doctor says of readers; None while it looks."""
        self._state = replace(self._state, findings=findings)
        self._bus.publish(self._state)

    async def _keep_tap(self, tap_id: str, events: tuple[Event, ...]) -> None:
        await self._scheduler.sleep(DECODE_AFTER_S)
        self._keep(tap_id, _Kept(_title(events), trace_of(events), ended_of(events)))
        self._name(tap_id)
        if not self._chosen_by_hand:
            self._look_at(tap_id)
        self._show()

    # -- choosing -----------------------------------------------------------------------------

    def choose(self, identifier: str) -> None:
        """Look at one of those on offer; the newest tap is followed again once it is chosen."""
        if identifier in self._kept:
            taps = [name for name in self._kept if not name.startswith((FILE, REPLAY, RAW))]
            self._chosen_by_hand = not taps or identifier != taps[-1]
            self._look_at(identifier)
            self._show()

    def compare(self, identifier: str) -> None:
        """Put another conversation beside the one looked at; "" takes it away."""
        self._beside = identifier if identifier in self._kept else ""
        self._show()

    # -- files --------------------------------------------------------------------------------

    async def open_file(self, path: Path) -> None:
        """Look at a trace from a file.

        Raises:
            WrongUse: it is none; what was shown stays.
        """
        trace = read_trace(path)
        identifier = f"{FILE}{path}"
        self._keep(identifier, _Kept(f"{path.name} · {trace.date}", trace, source=path.name))
        self._chosen_by_hand = True
        self._look_at(identifier)
        self._show()

    def look_at_trace(self, name: str, title: str, trace: Trace) -> None:
        """Look at a conversation that was no tap: typed commands, a reading with consent.

        Args:
            name: tells it from others; the same name takes the earlier one's place.
            title: what people know it by.
            trace: masked, as every trace is.
        """
        identifier = f"{RAW}{name}"
        self._keep(identifier, _Kept(title, trace))
        self._beside = ""
        self._chosen_by_hand = True
        self._look_at(identifier)
        self._show()

    async def export(self, path: Path) -> None:
        """Write the conversation looked at as .apdu, .json, .html or .pcapng.

        Raises:
            WrongUse: another ending, or there is nothing to write.
            NotDone: the file cannot be written.
        """
        kept = self._kept.get(self._state.shown.id)
        if kept is None:
            self.toast(Message("bench.nothing_to_export", "bad"))
            return
        write_trace(path, kept.trace)
        self.toast(message("bench.exported", "good", path=path))

    async def replay(self) -> None:
        """Play our kernel against the recorded answers, as if their card lay on the reader."""
        kept = self._kept.get(self._state.shown.id)
        if kept is None or not kept.trace.lines:
            self.toast(Message("bench.nothing_to_replay", "bad"))
            return
        clock = ReplayClock(self._clock.now_us())
        recorder = TraceRecorder(clock=clock, reader=REPLAY)
        result = await run_tap(
            ReplayLink(dialogue_of(kept.trace), clock),
            TerminalConfig(),
            _request(self._state.shown),
            clock=clock,
            stream=Entropy(0).stream("bench replay"),  # the same every time, to compare
            on_exchange=recorder.record,
            recorded=True,
        )
        identifier = f"{REPLAY}{self._state.shown.id.removeprefix(REPLAY)}"
        title = kept.title if kept.replayed else tr("bench.replay.title", title=kept.title)
        ended = Ended(result.outcome.name.lower(), result.reason)
        trace = recorder.finish(result.kernel)
        self._keep(identifier, _Kept(title, trace, ended, kept.source, replayed=True))
        self._chosen_by_hand = True
        self._look_at(identifier)
        self._show()

    # -- showing ------------------------------------------------------------------------------

    def _keep(self, identifier: str, kept: _Kept) -> None:
        self._kept.pop(identifier, None)
        self._decoded.pop(identifier, None)
        self._kept[identifier] = kept
        for old in list(self._kept)[:-KEPT]:
            del self._kept[old]
            self._decoded.pop(old, None)
            self._names.pop(old, None)

    def _look_at(self, identifier: str) -> None:
        if self._beside == identifier:
            self._beside = ""
        self._state = replace(self._state, shown=self._conversation(identifier))

    def _conversation(self, identifier: str) -> Conversation:
        if identifier not in self._decoded:
            kept = self._kept[identifier]
            self._decoded[identifier] = conversation_of(
                kept.trace, identifier, kept.title, ended=kept.ended, source=kept.source
            )
            if kept.replayed:
                self._decoded[identifier] = replace(self._decoded[identifier], replayed=True)
        return self._decoded[identifier]

    def _show(self) -> None:
        shown = self._state.shown
        if shown.id in self._kept:
            shown = self._conversation(shown.id)
        beside = self._beside if self._beside in self._kept else ""
        self._state = replace(
            self._state,
            shown=shown,
            on_offer=tuple(Listed(name, kept.title) for name, kept in reversed(self._kept.items())),
            comparison=compare(shown, self._conversation(beside)) if beside else None,
        )
        self._bus.publish(self._state)


def _request(shown: Conversation) -> TapRequest:
    """What the recorded till asked for, as far as the recording says."""
    said = ORDINARY | {
        node.tag: node.value
        for nodes in shown.asked.values()
        for node in nodes
        if node.tag in ORDINARY and node.value.isdecimal()
    }
    return TapRequest(int(said["9F02"]), int(said["5F2A"]), EXPONENT)


def _title(events: tuple[Event, ...]) -> str:
    """The tap as people know it: "19:49:57 · $12.40 · Visa"."""
    parts = []
    for event in events:
        if event.kind == "tap.started":
            parts.append(time_of_day(event.lab_time_us))
            amount_minor = whole(event.data, "amount_minor", 0)
            if amount_minor:
                parts.append(format_amount(amount_minor, text(event.data, "currency")))
        elif event.kind == "tap.outcome":
            network = NETWORK_OF.get(whole(event.data, "kernel", 0), "")
            parts += [NETWORK_NAMES[network]] if network else []
    return " · ".join(parts)
