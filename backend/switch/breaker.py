"""The circuit breaker of one network: a table of transitions and a pure `advance`.

Theory of operation. Closed lets every call through and judges what it hears by its rules: failures
in a row, or a share of the last seconds' calls. Open lets none through until its time is over; then
a few calls, the probes, may pass on leases: enough successes in a row close the breaker, one
failure opens it again. A probe whose caller vanished loses its lease, so half-open can never get
stuck. Every change of mode starts a new epoch, and a permit carries the epoch in which it was
given: what a call of an earlier epoch reports is no longer evidence. A person may force it open or
closed; "auto" lets it judge for itself again.

Refuses to know: calls, clocks, networks, what a failure is. Times are lab microseconds given in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

from backend.switch.breaker_rules import CONSECUTIVE, NO_CALLS, PRESETS, Rules, Window


class Mode(Enum):
    """What the breaker does with calls."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Happening(Enum):
    """What can change the mode."""

    SUCCEEDED = auto()
    FAILED = auto()
    FAILED_TOO_OFTEN = auto()  # the call that makes it too many
    PROVEN = auto()  # the success that makes it enough
    COOLED = auto()  # the time of being open is over
    ABANDONED = auto()  # a call ended without telling anything


# (mode, happening) → mode. What is not here changes nothing.
TRANSITIONS: dict[tuple[Mode, Happening], Mode] = {
    (Mode.CLOSED, Happening.FAILED_TOO_OFTEN): Mode.OPEN,
    (Mode.OPEN, Happening.COOLED): Mode.HALF_OPEN,
    (Mode.HALF_OPEN, Happening.PROVEN): Mode.CLOSED,
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
        rules: how it judges.
        mode: closed, open or half-open, as the breaker judges itself.
        failures: failures in a row while closed, or those of the window (kept for display while
            open).
        window: the last seconds' calls, where a share of them decides.
        opened_at_us: lab time of the last opening.
        epoch: number of changes of mode so far.
        issued: permits given so far.
        leases: (number of the permit, lab time at which it was leased) of each probe that is out.
        proven: probes that succeeded in a row.
        rejected: calls not let through so far.
        forced: "open" or "closed" when a person decided, else None.
    """

    rules: Rules = CONSECUTIVE
    mode: Mode = Mode.CLOSED
    failures: int = 0
    window: Window = NO_CALLS
    opened_at_us: int = 0
    epoch: int = 0
    issued: int = 0
    leases: tuple[tuple[int, int], ...] = ()
    proven: int = 0
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
            return max(0, self.rules.cooldown_us - _elapsed(self, self.opened_at_us, now_us))
        if self.admits_probe:
            return None
        first = min(leased_at_us for _, leased_at_us in self.leases)
        return max(0, self.rules.lease_us - _elapsed(self, first, now_us))

    @property
    def admits_probe(self) -> bool:
        """Whether half-open has room for one more call."""
        return self.proven + len(self.leases) < self.rules.probes


def ask(breaker: Breaker, now_us: int) -> tuple[Breaker, Permit | None]:
    """Ask for one call: the breaker afterwards, and a permit or None."""
    if breaker.forced is None:
        breaker = _cool(breaker, now_us)
        if breaker.mode is Mode.HALF_OPEN and breaker.admits_probe:
            breaker, permit = _issue(breaker)
            return replace(breaker, leases=(*breaker.leases, (permit.number, now_us))), permit
    if breaker.shown is Mode.CLOSED:
        return _issue(breaker)
    return replace(breaker, rejected=breaker.rejected + 1), None


def advance(
    breaker: Breaker, permit: Permit, happening: Happening, now_us: int, duration_us: int = 0
) -> Breaker:
    """The breaker after a call told how it ended.

    Args:
        breaker: before.
        permit: the call's; one of an earlier epoch is no evidence any more.
        happening: SUCCEEDED, FAILED or ABANDONED.
        now_us: lab time.
        duration_us: how long the call took, for rules that mind slow ones.
    """
    if permit.epoch != breaker.epoch:
        return breaker
    slow = breaker.rules.is_slow(duration_us)
    if breaker.mode is Mode.HALF_OPEN:
        return _probed(breaker, permit, happening, now_us, slow=slow)
    if happening is Happening.ABANDONED or breaker.mode is not Mode.CLOSED:
        return breaker
    failed = happening is Happening.FAILED
    if breaker.rules.failures_in_a_row is None:
        window = breaker.window.with_call(breaker.rules, now_us, failed=failed, slow=slow)
        after = replace(breaker, window=window, failures=window.failures)
        too_often = window.is_too_bad(breaker.rules)
    else:
        after = replace(breaker, failures=breaker.failures + 1 if failed else 0)
        too_often = after.failures >= breaker.rules.failures_in_a_row
    return _move(after, Happening.FAILED_TOO_OFTEN, now_us) if too_often else after


def with_rules(breaker: Breaker, rules: Rules, now_us: int) -> Breaker:
    """The breaker under other rules: closed, with nothing counted; a forced one stays forced."""
    if rules == breaker.rules:
        return breaker
    return _change(replace(breaker, rules=rules, failures=0), Mode.CLOSED, now_us)


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
    """What outlives the process: JSON-ready.

    Leases do not, their calls are gone; nor does the window, whose seconds are over.
    """
    return {
        "rules": breaker.rules.name,
        "mode": breaker.mode.value,
        "failures": breaker.failures,
        "opened_at_us": breaker.opened_at_us,
        "rejected": breaker.rejected,
        "forced": breaker.forced,
    }


def restore(kept: Mapping[str, int | str | None]) -> Breaker:
    """The breaker of a snapshot; one of an older program judged by failures in a row.

    Raises:
        ValueError: not a snapshot.
    """
    forced = kept.get("forced")
    if forced not in (None, "open", "closed"):
        raise ValueError(f"not a breaker's snapshot: forced {forced!r}")
    rules = PRESETS.get(str(kept.get("rules", CONSECUTIVE.name)))
    if rules is None:
        raise ValueError(f"not a breaker's snapshot: rules {kept['rules']!r}")
    return Breaker(
        rules=rules,
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


def _probed(
    breaker: Breaker, permit: Permit, happening: Happening, now_us: int, *, slow: bool
) -> Breaker:
    """Half-open after a probe told how it ended."""
    leases = tuple(lease for lease in breaker.leases if lease[0] != permit.number)
    if len(leases) == len(breaker.leases):
        return breaker  # its lease had run out: another call is the probe now
    after = replace(breaker, leases=leases)
    if happening is Happening.ABANDONED:
        return after
    if happening is Happening.FAILED or slow:
        return _move(after, Happening.FAILED, now_us)
    after = replace(after, proven=after.proven + 1)
    if after.proven < after.rules.probes:
        return after
    return _move(replace(after, failures=0), Happening.PROVEN, now_us)


def _cool(breaker: Breaker, now_us: int) -> Breaker:
    """Let time do what is due: the end of being open, the end of leases."""
    rules = breaker.rules
    if breaker.mode is Mode.OPEN:
        waited = _elapsed(breaker, breaker.opened_at_us, now_us) >= rules.cooldown_us
        return _move(breaker, Happening.COOLED, now_us) if waited else breaker
    live = tuple(
        lease for lease in breaker.leases if _elapsed(breaker, lease[1], now_us) < rules.lease_us
    )
    return breaker if live == breaker.leases else replace(breaker, leases=live)


def _move(breaker: Breaker, happening: Happening, now_us: int) -> Breaker:
    return _change(breaker, TRANSITIONS[breaker.mode, happening], now_us)


def _change(breaker: Breaker, mode: Mode, now_us: int) -> Breaker:
    return replace(
        breaker,
        mode=mode,
        epoch=breaker.epoch + 1,
        leases=(),
        proven=0,
        window=NO_CALLS,
        opened_at_us=now_us if mode is Mode.OPEN else breaker.opened_at_us,
    )


def _issue(breaker: Breaker) -> tuple[Breaker, Permit]:
    number = breaker.issued + 1
    return replace(breaker, issued=number), Permit(breaker.epoch, number)


def _elapsed(breaker: Breaker, since_us: int, now_us: int) -> int:
    """Lab time since; a world reset may set the clock back, which counts as a full wait."""
    rules = breaker.rules
    return now_us - since_us if now_us >= since_us else max(rules.cooldown_us, rules.lease_us)
