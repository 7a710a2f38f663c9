"""What playing a scenario led to, as frozen values: checks, counts, beliefs, events, verdict.

Reports, JUnit, evidence and the command's JSON are all made from this and from nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from backend.api import Event
from lab.scenarios.model import Scenario

Value = str | float | None


class Verdict(Enum):
    """How a scenario ended."""

    PASSED = "passed"
    FAILED = "failed"
    INVALID = "invalid"  # a fault never fired: what was meant to be shown was not tried


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation, judged.

    Attributes:
        name: what it is about, unique within the run.
        after: the step after which it was looked at; "" is the end.
        tap: the tap that it is about; "" when it is about none.
        expected: what would be right, in words.
        actual: what was found, in words.
        ok: whether it holds.
    """

    name: str
    after: str
    tap: str
    expected: str
    actual: str
    ok: bool

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {
            "name": self.name,
            "after": self.after,
            "tap": self.tap,
            "expected": self.expected,
            "actual": self.actual,
            "ok": self.ok,
        }


@dataclass(frozen=True, slots=True)
class FaultCount:
    """How often a fault did something."""

    name: str
    link: str
    effect: str
    fired: int

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {"name": self.name, "link": self.link, "effect": self.effect, "fired": self.fired}


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step that was taken.

    Attributes:
        at_us: lab time at which it began; `took_us` lab time until the next could begin.
        problem: why it could not be done, else "".
    """

    name: str
    does: str
    at_us: int
    took_us: int
    problem: str = ""

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {
            "name": self.name,
            "does": self.does,
            "at_us": self.at_us,
            "took_us": self.took_us,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class TapTaken:
    """One tap, as phone, till and bank saw it in the end.

    Attributes:
        outcome: what the till's person was told first.
        payment: the payment's state, "none" when the engine knows of none.
        phone, till, bank: what each believed at the end.
        latency_ms: parts by name, "total" the person's wait.
        captured, refunded: how much the merchant took and gave back, in decimals.
    """

    step: str
    tap_id: str
    payment_id: str
    amount_minor: int
    currency: str
    network: str
    outcome: str
    response_code: str
    reason: str
    payment: str
    phone: str
    till: str
    bank: str
    latency_ms: dict[str, float] = field(default_factory=dict)
    captured: str = "none"
    refunded: str = "none"

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Invariant:
    """One invariant of the stored data, as `verify` found it."""

    name: str
    ok: bool
    detail: str

    def to_json(self) -> dict[str, object]:
        """The fields by name."""
        return {"name": self.name, "ok": self.ok, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Result:
    """One scenario, played once.

    Attributes:
        seed: that was played (the file's, unless told otherwise); `world` likewise.
        deviations: everything that was not normal at some moment, in words.
        ledger: balance of every account by (account, currency), debit positive.
        event_log_sha256: of the simulated world's log; None in the live one.
        events: everything that happened, in the order in which it was heard.
        traces: the taps' conversations with the card, masked: (file name, text).
    """

    scenario: Scenario
    seed: int
    world: str
    checks: tuple[Check, ...]
    faults: tuple[FaultCount, ...]
    steps: tuple[StepTaken, ...]
    taps: tuple[TapTaken, ...] = ()
    deviations: tuple[str, ...] = ()
    invariants: tuple[Invariant, ...] = ()
    ledger: tuple[tuple[str, str, int], ...] = ()
    event_log_sha256: str | None = None
    events: tuple[Event, ...] = ()
    traces: tuple[tuple[str, str], ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.ok)

    @property
    def silent_faults(self) -> tuple[FaultCount, ...]:
        """Faults that never fired."""
        return tuple(fault for fault in self.faults if not fault.fired)

    @property
    def verdict(self) -> Verdict:
        """Invalid before failed: where a fault never fired, nothing was shown either way."""
        if self.silent_faults:
            return Verdict.INVALID
        return Verdict.FAILED if self.failed else Verdict.PASSED

    @property
    def why(self) -> str:
        """The verdict's reason in one line; empty when it passed."""
        match self.verdict:
            case Verdict.INVALID:
                names = ", ".join(
                    f"{fault.name!r} ({fault.link} {fault.effect})" for fault in self.silent_faults
                )
                stopped = "".join(f"; {s.name}: {s.problem}" for s in self.steps if s.problem)
                return f"never fired: {names}{stopped}"
            case Verdict.FAILED:
                first, more = self.failed[0], len(self.failed) - 1
                also = f", and {more} more" if more else ""
                return f"{first.name}: expected {first.expected}, was {first.actual}{also}"
            case Verdict.PASSED:
                return ""

    def to_json(self) -> dict[str, object]:
        """What `scenario run --json` prints of one run."""
        return {
            "name": self.scenario.name,
            "world": self.world,
            "seed": self.seed,
            "result": self.verdict.value,
            "why": self.why,
            "checks": [check.to_json() for check in self.checks],
            "faults": [fault.to_json() for fault in self.faults],
            "steps": [step.to_json() for step in self.steps],
            "taps": [tap.to_json() for tap in self.taps],
            "deviations": list(self.deviations),
            "verify": [invariant.to_json() for invariant in self.invariants],
            "event_log_sha256": self.event_log_sha256,
        }
