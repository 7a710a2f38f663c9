"""A scenario as frozen values: what is done, what is broken meanwhile, what must come out.

Knows neither the file it was read from nor the laboratory that plays it. Amounts are minor units,
durations lab seconds. A fault is kept with the fault plan's own keys, as the engine's board takes
them; what else belongs to it here is its name and the steps that it is limited to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

WORLDS = ("live", "simulated")
NETWORKS = ("visa", "mastercard", "amex")
FaultBody: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One thing that goes wrong.

    Attributes:
        name: how expectations and reports call it.
        body: the fault plan's keys (`link`, `effect`, …). `from_s` and `to_s` count from the
            scenario's first step, or from the first step of `during`.
        during: steps that it is limited to; none means the whole scenario.
    """

    name: str
    body: FaultBody
    during: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tap:
    """One whole tap: the phone is armed, held to the reader, and the till asks the bank.

    Attributes:
        in_app: no till: a shop asks the phone, which pays in an app.
        background: the next step begins while this tap is under way; `wait_for` awaits it.
    """

    name: str
    amount_minor: int
    currency: str
    card: str
    background: bool = False
    in_app: bool = False

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"pay in app with {self.card}" if self.in_app else f"tap {self.card}"


@dataclass(frozen=True, slots=True)
class Provision:
    """Add the lab's demo card of a network to the phone."""

    name: str
    card: str

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"add {self.card} card"


@dataclass(frozen=True, slots=True)
class ChangeCard:
    """Suspend, reactivate or remove the phone's card of a network, or make it the default.

    Attributes:
        change: "suspend", "reactivate", "remove" or "make_default".
    """

    name: str
    card: str
    change: str

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"{self.change.replace('_', ' ')} {self.card} card"


@dataclass(frozen=True, slots=True)
class Advance:
    """Lab time goes on by `seconds`."""

    name: str
    seconds: float

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"{self.seconds:g} s pass"


@dataclass(frozen=True, slots=True)
class KillEngine:
    """The engine's process is killed without warning, and comes back."""

    name: str

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return "kill the engine"


@dataclass(frozen=True, slots=True)
class ApplyFaults:
    """These faults take the place of those that earlier such steps put on; none ends them all."""

    name: str
    faults: tuple[PlannedFault, ...]

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        named = ", ".join(f"{f.body['link']} {f.body['effect']}" for f in self.faults)
        return f"break {named}" if named else "mend everything"


@dataclass(frozen=True, slots=True)
class ForceBreaker:
    """Hold a network's breaker "open" or "closed", or leave it to itself with "auto"."""

    name: str
    network: str
    state: str

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"force {self.network}'s breaker: {self.state}"


@dataclass(frozen=True, slots=True)
class OrderSale:
    """What the cashier does with a tap's sale afterwards; one that is open is asked again.

    Attributes:
        what: "capture", "void" or "refund".
        tap: the step whose sale it is.
        amount_minor: for a refund; 0 is everything that is left.
        ends: how it must end: "done", "refused", or "open" when its answer does not arrive.
    """

    name: str
    what: str
    tap: str
    amount_minor: int = 0
    ends: str = "done"

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"{self.what} {self.tap}"


@dataclass(frozen=True, slots=True)
class TillOffline:
    """Tell the till when to keep taps: "never", "when_down" or "now"."""

    name: str
    mode: str

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        return f"till offline: {self.mode.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Wait until something holds, at most `within_s` lab seconds; else the step fails.

    Attributes:
        tap: until that tap, begun in the background, has ended.
        event: until an event of that kind is seen (since the step before this one began).
        breakers: until these networks' breakers are in these states.
        quiet: until no payment's outcome is open.
        uploaded: until the till keeps no tap any more.
    """

    name: str
    within_s: float
    tap: str = ""
    event: str = ""
    breakers: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False
    uploaded: bool = False

    @property
    def does(self) -> str:
        """In a few words, for reports."""
        states = ", ".join(f"{name} {state}" for name, state in self.breakers.items())
        rest = "upload" if self.uploaded else "quiet"
        return f"wait for {self.tap or self.event or states or rest}"


Step: TypeAlias = (
    Tap
    | Provision
    | ChangeCard
    | Advance
    | KillEngine
    | ApplyFaults
    | ForceBreaker
    | TillOffline
    | OrderSale
    | WaitFor
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an expectation takes for right: one of some words, or a number within bounds.

    Attributes:
        words: any of these; none when it is about a number.
        at_least, at_most: inclusive; None is no bound.
    """

    words: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def admits(self, actual: str | float | None) -> bool:
        """Whether `actual` is right; what was not there never is."""
        if self.words:
            return actual is not None and str(actual) in self.words
        if not isinstance(actual, int | float):
            return False
        return (self.at_least is None or actual >= self.at_least) and (
            self.at_most is None or actual <= self.at_most
        )

    def __str__(self) -> str:
        """As a report says it: "held", "held or released", "1", "at most 500"."""
        if self.words:
            return " or ".join(self.words)
        if self.at_least == self.at_most and self.at_least is not None:
            return f"{self.at_least:g}"
        bounds = [("at least", self.at_least), ("at most", self.at_most)]
        return ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


@dataclass(frozen=True, slots=True)
class Want:
    """One thing that must hold.

    Attributes:
        subject: a dotted path: "outcome", "bank", "breakers.visa", "payments.approved", "holds",
            "ledger", "balances.USD.customer-card", "fired.silence", "latency_ms.total" …
        accepted: what is right.
    """

    subject: str
    accepted: Accepted


@dataclass(frozen=True, slots=True)
class Expectation:
    """Things that must hold at one moment.

    Attributes:
        after: the step after which they are looked at; "" is the end.
        tap: the step whose tap the tap's own subjects are about; "" when there are none.
    """

    wants: tuple[Want, ...]
    after: str = ""
    tap: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole story.

    Attributes:
        seed: of the world and of its faults.
        world: "live" (a real engine process and sockets) or "simulated" (virtual time).
        profile: "instant" or "lab": whether phone and networks take their time.
        cards: networks whose demo cards the phone has before the first step.
    """

    name: str
    description: str = ""
    seed: int = 1
    world: str = "simulated"
    profile: str = "instant"
    cards: tuple[str, ...] = ("visa",)
    steps: tuple[Step, ...] = ()
    faults: tuple[PlannedFault, ...] = ()
    expectations: tuple[Expectation, ...] = ()

    @property
    def all_faults(self) -> tuple[PlannedFault, ...]:
        """Those of the time line and those that steps apply."""
        applied = [step.faults for step in self.steps if isinstance(step, ApplyFaults)]
        return (*self.faults, *(fault for faults in applied for fault in faults))
