"""What happens in a laboratory, written down as a scenario that does it again.

Theory of operation. A recording hears the event stream, where every tap, fault and clock change of
every window and command is told, and is shown the laboratory's state now and then, for breakers
that somebody forces and cards that somebody suspends. Each becomes a step; a pause of a second or
more between two becomes an `advance`, so that patience runs out where it did. What was seen becomes
the expectations: what till and bank said to each tap at once, and what everybody believed at the
end, where that was decided by then. A fault that never fired is left out, because a scenario with
it could never be valid.

Knows no socket and no file; hands back a `Scenario`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from backend.api import Event
from lab.amounts import format_decimal
from lab.engine_shapes import LabState, PaymentRecord
from lab.json_fields import Json, number, objects, text, whole
from lab.pos.state import OUTCOMES, PosPhase
from lab.scenarios.model import (
    NETWORKS,
    Accepted,
    Advance,
    ApplyFaults,
    ChangeCard,
    Expectation,
    ForceBreaker,
    KillEngine,
    OrderSale,
    PlannedFault,
    Scenario,
    Step,
    Tap,
    WaitFor,
    Want,
)

PAUSE_MIN_S = 1.0
FINAL = frozenset({"approved", "declined", "reversed", "not_sent", "captured"})
BOARD_KEYS = frozenset({"id", "fired"})  # what the board adds to a plan's entry
_RESULTS = {phase.value for phase in PosPhase} - {"idle", "amount", "present", "reading"}


@dataclass(slots=True)
class _TapHeard:
    """A tap as it was told so far."""

    tap_id: str
    began_us: int
    amount_minor: int
    currency: str
    ended_us: int = 0
    till_first: str = ""
    till: str = ""
    phone: str = ""


@dataclass(slots=True)
class _Deed:
    """Something that somebody did, with its place in time.

    Attributes:
        until_us: when it was over; lab time that it made itself (a jump) lies before `at_us`.
    """

    at_us: int
    step: Step
    until_us: int
    tap: _TapHeard | None = None
    fired: dict[str, int] = field(default_factory=dict)


class Recording:
    """A scenario in the making."""

    def __init__(self, name: str, state: LabState, clock: Json) -> None:
        """Begin.

        Args:
            name: of the scenario.
            state: the laboratory now; what is broken or forced already becomes the first steps.
            clock: `GET /lab/clock` now.
        """
        self._name = name
        self._seed = state.seed
        self._began_us = state.now_us
        self._offset_s = number(clock, "clock_offset_s", 0.0)
        self._deeds: list[_Deed] = []
        self._taps: dict[str, _TapHeard] = {}
        self._plan: _Deed | None = None
        self._ids: dict[str, str] = {}  # the board's id of a fault → its name here
        self._forced: dict[str, str] = {}
        self._suspended: dict[str, str] = {}
        self._engine_was_killed = False
        if state.faults:
            self._applied(state.now_us, state.faults)
        self.looked(state)

    @property
    def steps(self) -> int:
        """How many things were done so far."""
        return len(self._deeds)

    def heard(self, event: Event) -> None:
        """Something happened, here or in another window or command."""
        match event.kind:
            case "tap.started" if event.tap_id and event.tap_id not in self._taps:
                self._tap_began(event, event.tap_id)
            case "till.showed" | "phone.showed" if event.tap_id in self._taps:
                self._showed(event, self._taps[event.tap_id])
            case "payment.captured" | "payment.voided" | "payment.refunded" if event.payment_id:
                self._ordered(event, event.payment_id)
            case "fault.applied":
                self._seed = whole(event.data, "seed", self._seed)
                self._applied(event.lab_time_us, objects(event.data, "faults"))
            case "fault.fired":
                self._fired(event.data)
            case "clock.changed":
                self._clock_moved(event)
            case "engine.started":
                self._killed(event.lab_time_us)
            case _:
                return

    def looked(self, state: LabState) -> None:
        """The state of the laboratory at some later moment."""
        forced = {breaker.name: breaker.state for breaker in state.breakers if breaker.forced}
        for network in sorted(forced.keys() | self._forced.keys()):
            now = forced.get(network, "auto")
            if now != self._forced.get(network, "auto"):
                self._did(state.now_us, ForceBreaker("", network, now))
        self._forced = forced
        suspended = {card.card_id: card.network for card in state.suspended}
        for card_id in sorted(suspended.keys() - self._suspended.keys()):
            self._did(state.now_us, ChangeCard("", suspended[card_id], "suspend"))
        for card_id in sorted(self._suspended.keys() - suspended.keys()):
            self._did(state.now_us, ChangeCard("", self._suspended[card_id], "reactivate"))
        self._suspended = suspended

    def finish(
        self, state: LabState, payments: Sequence[PaymentRecord], *, profile: str = "lab"
    ) -> Scenario:
        """End, and write it down.

        Args:
            state: the laboratory now.
            payments: the latest payments, in their present state.
            profile: how long phone and networks took.
        """
        self.looked(state)
        records = {payment.tap_id: payment for payment in payments}
        steps, taps = self._story(records, state.now_us)
        networks = {step.card for step in steps if isinstance(step, Tap | ChangeCard)}
        told = [_told(name, heard) for name, heard in taps.items()]
        ended = [_ended(name, heard, records.get(heard.tap_id)) for name, heard in taps.items()]
        return Scenario(
            name=self._name,
            description="Recorded by hand.",
            seed=self._seed,
            world="simulated",
            profile=profile,
            cards=tuple(network for network in NETWORKS if network in networks) or ("visa",),
            steps=steps,
            expectations=(
                *(each for each in told if each.wants),
                *(each for each in ended if each.wants),
                _at_the_end(state, networks),
            ),
        )

    # -- hearing ------------------------------------------------------------------------------

    def _did(self, at_us: int, step: Step) -> _Deed:
        deed = _Deed(at_us, step, at_us)
        self._deeds.append(deed)
        return deed

    def _tap_began(self, event: Event, tap_id: str) -> None:
        heard = self._taps[tap_id] = _TapHeard(
            tap_id=tap_id,
            began_us=event.lab_time_us,
            amount_minor=whole(event.data, "amount_minor"),
            currency=text(event.data, "currency"),
        )
        step = Tap("", heard.amount_minor, heard.currency, "visa")
        self._did(event.lab_time_us, step).tap = heard

    def _showed(self, event: Event, heard: _TapHeard) -> None:
        belief = text(event.data, "belief", "")
        if event.kind == "phone.showed":
            heard.phone = belief
            return
        heard.till = belief
        if not heard.till_first and belief in _RESULTS:
            heard.till_first, heard.ended_us = belief, event.lab_time_us

    def _applied(self, at_us: int, board: Sequence[Json]) -> None:
        """A plan took the place of what was on."""
        if not board and self._plan is None:
            return
        place = len(self._deeds) + 1
        faults = []
        self._ids = {}
        for number_here, entry in enumerate(board, 1):
            name = f"fault {place}.{number_here}"
            self._ids[text(entry, "id", f"f{number_here}")] = name
            body = {key: value for key, value in entry.items() if key not in BOARD_KEYS}
            faults.append(PlannedFault(name, body))
        self._plan = self._did(at_us, ApplyFaults("", tuple(faults)))

    def _ordered(self, event: Event, payment_id: str) -> None:
        """A merchant did something with a sale; which tap's it is, is known when it ends."""
        what = {"captured": "capture", "voided": "void"}.get(event.kind.partition(".")[2], "refund")
        amount_minor = whole(event.data, "refund_minor", 0)
        self._did(event.lab_time_us, OrderSale("", what, payment_id, amount_minor))

    def _fired(self, data: Mapping[str, object]) -> None:
        name = self._ids.get(str(data.get("fault")))
        if name is not None and self._plan is not None:
            self._plan.fired[name] = self._plan.fired.get(name, 0) + 1

    def _clock_moved(self, event: Event) -> None:
        offset_s = number(event.data, "clock_offset_s", 0.0)
        jumped_s = offset_s - self._offset_s
        self._offset_s = offset_s
        if jumped_s >= PAUSE_MIN_S and number(event.data, "rate", 1.0) == 1.0:
            before_us = event.lab_time_us - round(jumped_s * 1e6)
            deed = self._did(before_us, Advance("", round(jumped_s, 1)))
            deed.until_us = event.lab_time_us

    def _killed(self, at_us: int) -> None:
        """An engine began while we listened, so the one before it had died."""
        self._did(at_us, KillEngine(""))
        self._applied(at_us, ())  # faults live in an engine's memory: they died with it
        self._plan, self._forced = None, {}

    # -- writing ------------------------------------------------------------------------------

    def _story(
        self, records: Mapping[str, PaymentRecord], ended_us: int
    ) -> tuple[tuple[Step, ...], dict[str, _TapHeard]]:
        """The steps with names and pauses, and which tap is which step."""
        steps: list[Step] = []
        taps: dict[str, _TapHeard] = {}
        killed_us = [d.at_us for d in self._deeds if isinstance(d.step, KillEngine)]
        waiting: list[tuple[int, str]] = []  # taps in the background: until when
        now_us, broken = self._began_us, False
        for deed in sorted(self._deeds_of(records), key=lambda deed: deed.at_us):
            name, step = self._named(deed, len(taps), len(steps) + 1, records)
            if isinstance(step, ApplyFaults):
                if not (broken or step.faults):
                    continue  # what it broke never did anything
                broken = bool(step.faults)
            pause_s = (deed.at_us - now_us) / 1e6
            if pause_s >= PAUSE_MIN_S:
                steps.append(Advance(f"pause {len(steps) + 1}", round(pause_s, 1)))
            if deed.tap is not None and isinstance(step, Tap):
                taps[name] = deed.tap
                until_us = max(deed.tap.ended_us, deed.at_us)
                if any(deed.at_us < at_us < until_us for at_us in killed_us):
                    step = replace(step, background=True)
                    waiting.append((until_us, name))
                else:
                    deed.until_us = until_us
            steps.append(step)
            now_us = max(now_us, deed.until_us)
            if isinstance(step, KillEngine):
                steps += [WaitFor(f"{tap} has ended", 60.0, tap=tap) for _, tap in waiting]
                now_us = max([now_us, *(until_us for until_us, _ in waiting)])
                waiting.clear()
        rest_s = (ended_us - now_us) / 1e6
        if rest_s >= PAUSE_MIN_S:
            steps.append(Advance("the rest", round(rest_s, 1)))
        names = {records[h.tap_id].id: name for name, h in taps.items() if h.tap_id in records}
        ordered = (_with_tap(step, names) for step in steps)
        return tuple(ordered), taps

    def _deeds_of(self, records: Mapping[str, PaymentRecord]) -> list[_Deed]:
        """What was done, without orders about sales from before the recording."""
        sold = {record.id for record in records.values() if record.tap_id in self._taps}
        return [d for d in self._deeds if not isinstance(d.step, OrderSale) or d.step.tap in sold]

    def _named(
        self, deed: _Deed, taps: int, place: int, records: Mapping[str, PaymentRecord]
    ) -> tuple[str, Step]:
        match deed.step:
            case Tap() as tap:
                record = records.get(deed.tap.tap_id) if deed.tap else None
                card = record.network if record and record.network in NETWORKS else tap.card
                name = f"tap {taps + 1}"
                return name, replace(tap, name=name, card=card)
            case ApplyFaults(faults=faults):
                kept = tuple(fault for fault in faults if deed.fired.get(fault.name))
                name = f"{'break' if kept else 'mend'} {place}"
                return name, ApplyFaults(name, kept)
            case Advance() as passed:
                name = f"clock {place}"
                return name, replace(passed, name=name)
            case KillEngine():
                name = f"kill {place}"
                return name, KillEngine(name)
            case ForceBreaker() | ChangeCard() | OrderSale() as deed_done:
                name = f"{_word(deed_done)} {place}"
                return name, replace(deed_done, name=name)
            case other:
                raise AssertionError(f"nobody records a step such as {other}")


def _word(step: ForceBreaker | ChangeCard | OrderSale) -> str:
    match step:
        case ForceBreaker():
            return "force"
        case ChangeCard(change=change):
            return change
        case OrderSale(what=what):
            return what


def _with_tap(step: Step, names: Mapping[str, str]) -> Step:
    """An order with the step of its tap in the place of the payment's identifier."""
    return replace(step, tap=names[step.tap]) if isinstance(step, OrderSale) else step


def _told(name: str, heard: _TapHeard) -> Expectation:
    """What the till said first."""
    wants: tuple[Want, ...] = ()
    if heard.till_first:
        outcome = OUTCOMES.get(PosPhase(heard.till_first), "error")
        wants = (_is("outcome", outcome), _is("till", heard.till_first))
    return Expectation(wants, after=name, tap=name)


def _ended(name: str, heard: _TapHeard, record: PaymentRecord | None) -> Expectation:
    """What everybody believed in the end, where that was decided."""
    if record is None or record.state not in FINAL:
        return Expectation((), tap=name)
    wants = [_is("payment", record.state), _is("bank", record.bank)]
    if record.refunded_minor:
        wants.append(_is("refunded", format_decimal(record.refunded_minor, record.currency)))
    if record.response_code:
        wants.append(_is("response_code", record.response_code))
    if record.phone:
        wants.append(_is("phone", record.phone))
    if heard.till:
        wants.append(_is("till", heard.till))
    return Expectation(tuple(wants), tap=name)


def _at_the_end(state: LabState, networks: set[str]) -> Expectation:
    """The breakers of the networks that were used, and a ledger that is right."""
    breakers = [
        _is(f"breakers.{breaker.name}", breaker.state)
        for breaker in state.breakers
        if breaker.name in networks or breaker.state != "closed"
    ]
    return Expectation((*breakers, _is("ledger", "balanced")))


def _is(subject: str, word: str) -> Want:
    return Want(subject, Accepted(words=(word,)))
