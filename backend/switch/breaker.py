"""The circuit breaker of one network: a table of transitions and a pure `advance`.

Theory of operation. Closed lets every call through and counts consecutive failures; the fifth opens
it for 30 s of lab time; then one call, the probe, may pass on a lease, and its outcome closes the
breaker or opens it again. A probe whose caller vanished loses its lease, so half-open can never get
stuck. Every change of mode starts a new epoch, and a permit carries the epoch in which it was
given: what a call of an earlier epoch reports is no longer evidence. A person may force it open or
closed; "auto" lets it judge for itself again.

Refuses to know: calls, clocks, networks, what a failure is. Times are lab microseconds given in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

FAILURES_TO_OPEN = 5
COOLDOWN_US = 30_000_000
LEASE_US = 60_000_000  # longer than the transport's patience of 30 s


class Mode(Enum):
    """What the breaker does with calls."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Happening(Enum):
    """What can change the mode."""

    SUCCEEDED = auto()
    FAILED = auto()
    FAILED_TOO_OFTEN = auto()  # the failure that reaches the limit
    COOLED = auto()  # the time of being open is over
    ABANDONED = auto()  # a call ended without telling anything


# (mode, happening) → mode. What is not here changes nothing.
TRANSITIONS: dict[tuple[Mode, Happening], Mode] = {
    (Mode.CLOSED, Happening.FAILED_TOO_OFTEN): Mode.OPEN,
    (Mode.OPEN, Happening.COOLED): Mode.HALF_OPEN,
    (Mode.HALF_OPEN, Happening.SUCCEEDED): Mode.CLOSED,
    (Mode.HALF_OPEN, Happening.FAILED): Mode.OPEN,
}


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call.

    Attributes:
        epoch: the breaker's epoch when it was given.
        number: which permit it is.
    """

    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class Breaker:
    """The whole state, a value.

    Attributes:
        mode: closed, open or half-open, as the breaker judges itself.
        failures: consecutive failures while closed (kept for display while open).
        opened_at_us: lab time of the last opening.
        epoch: number of changes of mode so far.
        issued: permits given so far.
        probe: number of the permit that holds the lease of the probe.
        leased_at_us: lab time at which that lease began.
        rejected: calls not let through so far.
        forced: "open" or "closed" when a person decided, else None.
    """

    mode: Mode = Mode.CLOSED
    failures: int = 0
    opened_at_us: int = 0
    epoch: int = 0
    issued: int = 0
    probe: int | None = None
    leased_at_us: int = 0
    rejected: int = 0
    forced: str | None = None

    @property
    def shown(self) -> Mode:
        """The mode in force: the forced one, or its own."""
        return Mode(self.forced) if self.forced is not None else self.mode

    def retry_in_us(self, now_us: int) -> int | None:
        """How long until the next call may pass; None when nothing stands in its way."""
        if self.forced is not None or self.mode is Mode.CLOSED:
            return None
        if self.mode is Mode.OPEN:
            return max(0, COOLDOWN_US - _elapsed(self.opened_at_us, now_us))
        if self.probe is None:
            return None
        return max(0, LEASE_US - _elapsed(self.leased_at_us, now_us))


def ask(breaker: Breaker, now_us: int) -> tuple[Breaker, Permit | None]:
    """Ask for one call: the breaker afterwards, and a permit or None."""
    if breaker.forced is None:
        breaker = _cool(breaker, now_us)
        if breaker.mode is Mode.HALF_OPEN and breaker.probe is None:
            breaker, permit = _issue(breaker)
            return replace(breaker, probe=permit.number, leased_at_us=now_us), permit
    if breaker.shown is Mode.CLOSED:
        return _issue(breaker)
    return replace(breaker, rejected=breaker.rejected + 1), None


def advance(breaker: Breaker, permit: Permit, happening: Happening, now_us: int) -> Breaker:
    """The breaker after a call told how it ended.

    Args:
        breaker: before.
        permit: the call's; one of an earlier epoch is no evidence any more.
        happening: SUCCEEDED, FAILED or ABANDONED.
        now_us: lab time.
    """
    if permit.epoch != breaker.epoch:
        return breaker
    if breaker.mode is Mode.HALF_OPEN and permit.number != breaker.probe:
        return breaker  # its lease had run out: another call is the probe now
    failures = breaker.failures
    match happening:
        case Happening.SUCCEEDED:
            failures = 0
        case Happening.FAILED if breaker.mode is Mode.CLOSED:
            failures += 1
            if failures >= FAILURES_TO_OPEN:
                happening = Happening.FAILED_TOO_OFTEN
        case Happening.ABANDONED:
            return replace(breaker, probe=None)
        case _:
            pass
    after = replace(breaker, failures=failures)
    mode = TRANSITIONS.get((breaker.mode, happening))
    return after if mode is None else _change(after, mode, now_us)


def force(breaker: Breaker, state: str, now_us: int) -> Breaker:
    """The breaker after a person decided: "open", "closed" or "auto".

    "auto" starts again closed and with no failures counted: what happened under force says nothing.

    Raises:
        ValueError: another word.
    """
    if state not in ("open", "closed", "auto"):
        raise ValueError(f'a breaker is forced "open", "closed" or "auto", not {state!r}')
    forced = None if state == "auto" else state
    if forced == breaker.forced:
        return breaker
    fresh = _change(replace(breaker, failures=0), Mode.CLOSED, now_us)
    return replace(fresh, forced=forced)


def snapshot(breaker: Breaker) -> dict[str, int | str | None]:
    """What outlives the process: JSON-ready. The lease does not: its call is gone."""
    return {
        "mode": breaker.mode.value,
        "failures": breaker.failures,
        "opened_at_us": breaker.opened_at_us,
        "rejected": breaker.rejected,
        "forced": breaker.forced,
    }


def restore(kept: Mapping[str, int | str | None]) -> Breaker:
    """The breaker of a snapshot.

    Raises:
        ValueError: not a snapshot.
    """
    forced = kept.get("forced")
    if forced not in (None, "open", "closed"):
        raise ValueError(f"not a breaker's snapshot: forced {forced!r}")
    return Breaker(
        mode=Mode(kept.get("mode")),
        failures=_count(kept, "failures"),
        opened_at_us=_count(kept, "opened_at_us"),
        rejected=_count(kept, "rejected"),
        forced=None if forced is None else str(forced),
    )


def _count(kept: Mapping[str, int | str | None], name: str) -> int:
    value = kept.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"not a breaker's snapshot: {name} {value!r}")
    return value


def _cool(breaker: Breaker, now_us: int) -> Breaker:
    """Let time do what is due: the end of being open, the end of a lease."""
    if breaker.mode is Mode.OPEN and _elapsed(breaker.opened_at_us, now_us) >= COOLDOWN_US:
        return _change(breaker, TRANSITIONS[Mode.OPEN, Happening.COOLED], now_us)
    lease_over = breaker.probe is not None and _elapsed(breaker.leased_at_us, now_us) >= LEASE_US
    if breaker.mode is Mode.HALF_OPEN and lease_over:
        return replace(breaker, probe=None)
    return breaker


def _change(breaker: Breaker, mode: Mode, now_us: int) -> Breaker:
    return replace(
        breaker,
        mode=mode,
        epoch=breaker.epoch + 1,
        probe=None,
        opened_at_us=now_us if mode is Mode.OPEN else breaker.opened_at_us,
    )


def _issue(breaker: Breaker) -> tuple[Breaker, Permit]:
    number = breaker.issued + 1
    return replace(breaker, issued=number), Permit(breaker.epoch, number)


def _elapsed(since_us: int, now_us: int) -> int:
    """Lab time since; a world reset may set the clock back, which counts as a full wait."""
    return now_us - since_us if now_us >= since_us else max(COOLDOWN_US, LEASE_US)
