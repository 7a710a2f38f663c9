"""When a circuit breaker opens and how it closes: two ways of judging, as values.

Consecutive: so many failures in a row. Rate: a share of the calls of the last seconds, once there
were enough of them to tell; calls that were answered slowly can be counted by a share of their own.
Source: the time-based sliding window, minimum number of calls and slow-call rate that resilience4j
documents; the numbers of both presets are the designs'.

Refuses to know: calls, clocks, networks. Times are lab microseconds given in.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND_US = 1_000_000
PERCENT = 100


@dataclass(frozen=True, slots=True)
class Rules:
    """How one breaker judges.

    Attributes:
        name: "consecutive" or "rate".
        failures_in_a_row: that many open it; None where a share decides.
        window_us: how far back calls count, whole seconds; 0 where failures in a row decide.
        calls_min: with fewer calls in the window nothing is judged.
        failure_percent: this share of the window's calls failed, or more: open.
        slow_us: a call that takes longer is slow, even if it succeeds; None never is.
        slow_percent: this share of the window's calls was slow, or more: open.
        cooldown_us: how long it stays open.
        probes: successes in a row that close it; so many calls may be out at once.
        lease_us: after so long a probe that told nothing makes room for another.
    """

    name: str
    failures_in_a_row: int | None = None
    window_us: int = 0
    calls_min: int = 0
    failure_percent: int = PERCENT
    slow_us: int | None = None
    slow_percent: int = PERCENT
    cooldown_us: int = 30_000_000
    probes: int = 1
    lease_us: int = 60_000_000

    def __post_init__(self) -> None:
        assert (self.failures_in_a_row is None) == (self.window_us > 0), "one way of judging"
        assert self.calls_min > 0 or not self.window_us, "no share of nothing"
        assert self.window_us % SECOND_US == 0, "the window is whole seconds"
        assert 0 < self.failure_percent <= PERCENT, "a share"
        assert 0 < self.slow_percent <= PERCENT, "a share"
        assert self.probes > 0, "something has to be tried"

    def is_slow(self, duration_us: int) -> bool:
        """Whether a call of that duration counts as slow."""
        return self.slow_us is not None and duration_us > self.slow_us


# Longer than the transport's patience of 30 s is the lease in both.
CONSECUTIVE = Rules("consecutive", failures_in_a_row=5)
RATE = Rules(
    "rate",
    window_us=10 * SECOND_US,
    calls_min=20,
    failure_percent=50,
    cooldown_us=60_000_000,
    probes=5,
)
PRESETS = {rules.name: rules for rules in (CONSECUTIVE, RATE)}


@dataclass(frozen=True, slots=True)
class Second:
    """The calls that ended within one second of lab time."""

    number: int
    calls: int = 0
    failures: int = 0
    slow: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """The calls of the last seconds: at most one entry for each second.

    Attributes:
        seconds: oldest first.
    """

    seconds: tuple[Second, ...] = ()

    @property
    def calls(self) -> int:
        """How many calls ended within it."""
        return sum(second.calls for second in self.seconds)

    @property
    def failures(self) -> int:
        """How many of them failed."""
        return sum(second.failures for second in self.seconds)

    @property
    def slow(self) -> int:
        """How many of them were slow."""
        return sum(second.slow for second in self.seconds)

    def with_call(self, rules: Rules, now_us: int, *, failed: bool, slow: bool) -> Window:
        """The window once another call has ended; what is too old falls out.

        A clock that was set back begins anew: seconds to come are no past.
        """
        number = now_us // SECOND_US
        oldest = number - rules.window_us // SECOND_US + 1
        kept = [second for second in self.seconds if oldest <= second.number < number]
        now = next((each for each in self.seconds if each.number == number), Second(number))
        now = Second(number, now.calls + 1, now.failures + failed, now.slow + slow)
        return Window((*kept, now))

    def is_too_bad(self, rules: Rules) -> bool:
        """Whether the breaker opens now."""
        calls = self.calls
        if calls < rules.calls_min:
            return False
        return (
            self.failures * PERCENT >= rules.failure_percent * calls
            or self.slow * PERCENT >= rules.slow_percent * calls
        )


NO_CALLS = Window()
