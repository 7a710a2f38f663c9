"""What the insight places, the top bar, the strip and the time bar show: immutable values."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.api import Event
from lab.bench.state import Comparison, Conversation, Listed, ReaderEvent, ReaderFinding
from lab.words import Message


@dataclass(frozen=True, slots=True)
class NetworkTile:
    """One network at a glance.

    Attributes:
        breaker: "closed", "open" or "half_open".
        retry_in_ms: until the next probe, when open.
        p95_ms: over the window shown; None without payments.
    """

    name: str
    breaker: str
    forced: bool
    retry_in_ms: int | None
    error_rate: float
    rejected: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    n: int


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """One time slot of the main chart (milliseconds; None where there was nothing)."""

    at_us: int
    n: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    timeouts: int
    rejected: int
    breaker: str


@dataclass(frozen=True, slots=True)
class LatencyPoint:
    """A single payment, drawn as a dot where a bucket has too few for percentiles."""

    at_us: int
    ms: float
    payment_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """When a fault was on: the hatched flag above every chart and on the time bar."""

    fault_id: str
    link: str
    text: str
    from_us: int
    to_us: int | None


@dataclass(frozen=True, slots=True)
class LatencySeries:
    """The main chart's data for one network."""

    network: str
    now_us: int
    window_s: int
    bucket_us: int
    n: int
    buckets: tuple[LatencyBucket, ...] = ()
    points: tuple[LatencyPoint, ...] = ()
    faults: tuple[FaultSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Hop:
    """One part of a tap: where its milliseconds went. `key` is a words key."""

    key: str
    duration_us: int


@dataclass(frozen=True, slots=True)
class LastTap:
    """The last tap's waterfall, against the budget of 500 ms."""

    payment_id: str
    total_us: int
    budget_us: int
    outcome: Message
    hops: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class FaultPreset:
    """One row of "Break something".

    Attributes:
        id: "visa.slow" …; `title` is its words key.
        link: the link it acts on.
        effect: the effect's name; `parameters` its numbers, editable.
        on: whether it is applied now; `fired` how often it did something.
        group: "network", "card" or "lines": under which heading it is offered.
    """

    id: str
    title: str
    link: str
    effect: str
    parameters: tuple[tuple[str, float], ...]
    on: bool
    fired: int
    group: str = "network"


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One row of the payments table: what happened and what each party believes."""

    id: str
    tap_id: str
    at_us: int
    time_text: str
    amount_text: str
    card_text: str
    network: str
    state: str
    outcome: Message
    phone: str
    till: str
    bank: str
    synthetic: bool


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry of the ledger, with its plain sentence."""

    account: str
    direction: str
    amount_text: str
    sentence: str


@dataclass(frozen=True, slots=True)
class PaymentDetail:
    """The life of one payment, from the first APDU to the ledger.

    Attributes:
        merchant_saw: what its merchant saw of the token, for a payment in an app.
    """

    row: PaymentRow
    facts: tuple[tuple[str, str], ...]
    events: tuple[Event, ...]
    hops: tuple[Hop, ...]
    entries: tuple[LedgerLine, ...]
    sum_text: str
    merchant_saw: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ReaderView:
    """One reader, as the chips in the top bar and the bench show it.

    Attributes:
        role: "till", "phone", "bench" or ""; `roles` are those that it can play.
        card: what lies on it: an ATR in hex, or words; `uid` its identifier where it was asked.
        there: whether it is plugged in.
        label: its short name; "" where that is `name`.
        quirks: names of what usually goes wrong with its model.
        named: whether a person added it by its URL.
        history: newest first.
    """

    url: str
    name: str
    driver: str
    role: str
    card: str
    usable: bool
    why: str
    there: bool = True
    label: str = ""
    uid: str = ""
    model: str = ""
    serial: str = ""
    capabilities: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    named: bool = False
    history: tuple[ReaderEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchState:
    """The bench: readers, the conversation looked at, and perhaps another beside it.

    Attributes:
        on_offer: conversations that can be looked at, newest first.
        findings: what the doctor says of readers; None while nobody has asked it.
        readers_silent: whether the readers' own lights and buzzers are left alone.
    """

    readers: tuple[ReaderView, ...] = ()
    shown: Conversation = field(default_factory=Conversation)
    on_offer: tuple[Listed, ...] = ()
    comparison: Comparison | None = None
    findings: tuple[ReaderFinding, ...] | None = None
    readers_silent: bool = False


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that is not normal: one removable chip in the strip."""

    id: str
    kind: str
    text: Message


@dataclass(frozen=True, slots=True)
class FilmMark:
    """One thing on the time bar: a payment's dot, a flag."""

    at_us: int
    kind: str
    payment_id: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class ConsoleState:
    """Everything that the insight places, top bar, strip and time bar show.

    Attributes:
        engine: "starting", "up", "down" or "restarting".
        engine_text: why, in one sentence.
        now_us: lab time; `rate` lab seconds per second; `next_due_us` the next timer.
        looking_at_us: set while the time bar looks back.
    """

    engine: str = "starting"
    engine_text: Message | None = None
    world: str = "live"
    seed: int = 0
    now_us: int = 0
    rate: float = 1.0
    clock_moved: bool = False
    next_due_us: int | None = None
    looking_at_us: int | None = None
    unprotected_keys: bool = False
    deviations: tuple[Deviation, ...] = ()
    tiles: tuple[NetworkTile, ...] = ()
    latency: LatencySeries | None = None
    last_tap: LastTap | None = None
    faults: tuple[FaultPreset, ...] = ()
    payments: tuple[PaymentRow, ...] = ()
    payment: PaymentDetail | None = None
    film: tuple[FilmMark, ...] = ()
    fault_spans: tuple[FaultSpan, ...] = ()
    session_from_us: int = 0
    quiet_traffic: bool = False
    toast: Message | None = None
