"""The fault board: what is switched on now, what of it fired, and the verdict on each frame.

Theory of operation. Applying a plan replaces everything that was on, starts the time line of the
plan and every count anew, and starts one random stream a link from the plan's seed: the same plan
over the same traffic fires at the same messages. Proxies and in-memory links ask `judge` for every
frame; each firing is counted and said as an event. Knows ISO 8583 only as far as conditions read it
(DE 2, DE 4), and no rule of payments.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from backend.faults.plan import AVAILABLE, Available, Fault, read_faults
from backend.networks.message import decode
from backend.runtime.clock import Clock
from backend.runtime.entropy import SeededStream, Stream
from backend.runtime.errors import MessageError
from backend.runtime.events import Emit
from backend.switch.wire import PASS, Direction, Verdict

ACTOR = "faults"
MANAGEMENT_CLASS = b"08"
ALSO_ON_MANAGEMENT = frozenset({"latency", "bandwidth", "slicer", "timeout"})
ON_REQUEST = frozenset({"timeout", "reset_peer", "half_open", "lost_request", "duplicate"})
ON_ANSWER = frozenset(
    {"latency", "bandwidth", "slicer", "limit_data", "corrupt", "lost_response", "timeout"}
)
ON_CLOSE = frozenset({"slow_close"})
KB = 1_000


@dataclass(slots=True)
class _Armed:
    """A fault that is switched on."""

    number: int
    fault: Fault
    stream: Stream
    applied_at_us: int
    matched: int = 0
    fired: int = 0

    @property
    def name(self) -> str:
        return f"f{self.number}"

    def is_due(self, now_us: int) -> bool:
        elapsed_s = (now_us - self.applied_at_us) / 1e6
        end_s = self.fault.to_s
        return elapsed_s >= self.fault.from_s and (end_s is None or elapsed_s < end_s)

    def concerns(self, direction: Direction, *, management: bool) -> bool:
        effect = self.fault.effect
        if management and effect not in ALSO_ON_MANAGEMENT:
            return False
        if direction is Direction.REQUEST:
            return effect in ON_REQUEST
        # a black hole that swallows chosen requests leaves the answers to others alone
        chosen = self.fault.when.nth is not None or self.fault.probability < 1
        return effect in ON_ANSWER and not (effect == "timeout" and chosen)

    def strikes(self) -> bool:
        """Whether it fires at a message that fulfils its conditions."""
        self.matched += 1
        nth = self.fault.when.nth
        if nth is not None and self.matched != nth:
            return False
        return self.fault.probability >= 1 or self.stream.random() < self.fault.probability


@dataclass(frozen=True, slots=True)
class _Facts:
    token: str
    amount_minor: int | None


class FaultBoard:
    """What goes wrong at the moment."""

    def __init__(
        self, *, clock: Clock, emit: Emit, seed: int, available: Available = AVAILABLE
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._own_seed = seed
        self._available = available
        self.seed = seed
        self._armed: list[_Armed] = []
        self._by_link: dict[str, list[_Armed]] = {}

    @property
    def faults(self) -> list[Fault]:
        """What is switched on, as in the plan."""
        return [armed.fault for armed in self._armed]

    def apply(self, bodies: Iterable[object], *, seed: int | None = None) -> list[Fault]:
        """Replace everything by this plan; all or nothing.

        Args:
            bodies: one object a fault, keys of the file format.
            seed: of the random streams; None takes the laboratory's.

        Raises:
            BadRequest: something in the plan is wrong; what was on stays on.
        """
        faults = read_faults(bodies, self._available)
        self.seed = self._own_seed if seed is None else seed
        now_us = self._clock.now_us()
        streams = {
            link: SeededStream(self.seed, f"faults.{link}")
            for link in {fault.link for fault in faults}
        }
        self._armed = [
            _Armed(number, fault, streams[fault.link], now_us)
            for number, fault in enumerate(faults, 1)
        ]
        self._by_link = {}
        for armed in self._armed:
            self._by_link.setdefault(armed.fault.link, []).append(armed)
        self._emit(
            "fault.applied",
            actor=ACTOR,
            data={"seed": self.seed, "faults": [fault.to_json() for fault in faults]},
        )
        return faults

    def reset(self) -> None:
        """Switch everything off."""
        self.apply([])

    def view(self) -> dict[str, object]:
        """What `GET /lab/faults` answers: seed, faults, and how often each fired."""
        return {
            "seed": self.seed,
            "faults": [
                {**armed.fault.to_json(), "id": armed.name, "fired": armed.fired}
                for armed in self._armed
            ],
        }

    def judge(self, link: str, direction: Direction, frame: bytes) -> Verdict:
        """What happens to this frame (without its length) on that link."""
        rules = self._by_link.get(link)
        if not rules:
            return PASS
        verdict = PASS
        now_us = self._clock.now_us()
        management = frame[:2] == MANAGEMENT_CLASS
        facts: _Facts | None = None
        for armed in rules:
            if not armed.concerns(direction, management=management) or not armed.is_due(now_us):
                continue
            facts = facts or _read_facts(frame)
            if _matches(armed.fault, facts) and armed.strikes():
                self._fire(armed)
                verdict = _worsen(verdict, armed)
        return verdict

    def close_delay_us(self, link: str) -> int:
        """How much later a closing of that link is passed on."""
        delay_us = 0
        for armed in self._by_link.get(link, ()):
            due = armed.fault.effect in ON_CLOSE and armed.is_due(self._clock.now_us())
            if due and armed.strikes():
                self._fire(armed)
                delay_us = max(delay_us, armed.fault.ms * 1_000)
        return delay_us

    def _fire(self, armed: _Armed) -> None:
        armed.fired += 1
        self._emit(
            "fault.fired",
            actor=ACTOR,
            data={
                "fault": armed.name,
                "link": armed.fault.link,
                "effect": armed.fault.effect,
                "fired": armed.fired,
            },
        )


def _read_facts(frame: bytes) -> _Facts:
    try:
        fields = decode(frame).fields
    except MessageError:  # what cannot be read matches no condition on its content
        return _Facts("", None)
    amount = fields.get("4")
    return _Facts(fields.get("2", ""), None if amount is None else int(amount))


def _matches(fault: Fault, facts: _Facts) -> bool:
    least = fault.when.amount_minor_gte
    if least is not None and (facts.amount_minor is None or facts.amount_minor < least):
        return False
    return fault.when.bin is None or facts.token.startswith(fault.when.bin)


def _worsen(verdict: Verdict, armed: _Armed) -> Verdict:  # noqa: PLR0911 - one return an effect
    """The verdict with one more fault in it."""
    fault = armed.fault
    change = partial(replace, verdict)
    match fault.effect:
        case "latency":
            jitter_us = armed.stream.randint(-fault.jitter_ms * 1_000, fault.jitter_ms * 1_000)
            return change(delay_us=max(0, verdict.delay_us + fault.ms * 1_000 + jitter_us))
        case "bandwidth":
            return change(rate_bytes_s=fault.kb_s * KB)
        case "slicer":
            return change(slice_bytes=fault.slice_bytes, slice_gap_us=fault.ms * 1_000)
        case "timeout" | "lost_request" | "lost_response":
            return change(copies=0)
        case "duplicate":
            return change(copies=verdict.copies * 2)
        case "reset_peer":
            return change(reset=True)
        case "limit_data":
            return change(cut_after=fault.bytes)
        case "half_open":
            return change(half_open=True)
        case "corrupt":
            return change(spoiled=True)
        case _:
            raise AssertionError(f"the plan lets {fault.effect} through, nothing carries it out")
