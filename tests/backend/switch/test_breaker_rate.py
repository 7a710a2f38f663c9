"""A breaker that judges a share of the last seconds' calls, against a model that keeps every call.

The model follows what resilience4j documents for a time-based window: seconds are aggregated,
nothing is judged below the minimum number of calls, a share that reaches the limit opens, slow
calls have a share of their own.
"""

from dataclasses import dataclass, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.switch import breaker as breakers
from backend.switch.breaker import Breaker, Happening, Mode, Permit
from backend.switch.breaker_rules import CONSECUTIVE, RATE, Rules

SECOND = 1_000_000
MINDS_SLOWNESS = replace(RATE, slow_us=400_000, slow_percent=80)


def call(state: Breaker, now_us: int, *, fails: bool = False, duration_us: int = 1_000) -> Breaker:
    state, permit = breakers.ask(state, now_us)
    assert permit is not None
    happening = Happening.FAILED if fails else Happening.SUCCEEDED
    return breakers.advance(state, permit, happening, now_us, duration_us)


def after_calls(good: int, bad: int, *, rules: Rules = RATE, now_us: int = 0) -> Breaker:
    state = Breaker(rules=rules)
    for number in range(good + bad):
        state = call(state, now_us, fails=number >= good)
    return state


@pytest.mark.inv(121)
def test_half_of_the_calls_failing_opens_it_and_fewer_do_not() -> None:
    almost = after_calls(11, 10)
    assert almost.mode is Mode.CLOSED
    assert call(almost, 0, fails=True).mode is Mode.OPEN


@pytest.mark.inv(121)
def test_too_few_calls_are_not_judged() -> None:
    state = after_calls(0, 19)
    assert (state.mode, state.window.calls) == (Mode.CLOSED, 19)
    assert call(state, 0, fails=True).mode is Mode.OPEN


@pytest.mark.inv(121)
def test_calls_older_than_the_window_are_forgotten() -> None:
    state = after_calls(0, 19)
    later = call(state, 10 * SECOND, fails=True)
    assert (later.mode, later.window.calls) == (Mode.CLOSED, 1)
    within = call(state, 10 * SECOND - 1, fails=True)
    assert within.mode is Mode.OPEN


@pytest.mark.inv(121)
def test_sixty_seconds_later_five_successes_in_a_row_close_it() -> None:
    state = after_calls(0, 20, now_us=7)
    cooled = 7 + 60 * SECOND
    assert breakers.ask(state, cooled - 1)[1] is None
    for number in range(5):
        assert state.mode is (Mode.OPEN if number == 0 else Mode.HALF_OPEN)
        state = call(state, cooled)
    assert (state.mode, state.window.calls) == (Mode.CLOSED, 0)


@pytest.mark.inv(121)
def test_one_failing_probe_opens_it_again() -> None:
    state = after_calls(0, 20)
    for _ in range(4):
        state = call(state, 60 * SECOND)
    state = call(state, 61 * SECOND, fails=True)
    assert (state.mode, state.opened_at_us) == (Mode.OPEN, 61 * SECOND)


def test_as_many_probes_as_it_takes_may_be_out_and_each_has_a_lease() -> None:
    state, now = after_calls(0, 20), 60 * SECOND
    permits = []
    for _ in range(5):
        state, permit = breakers.ask(state, now)
        assert permit is not None
        permits.append(permit)
    state, sixth = breakers.ask(state, now)
    assert sixth is None
    assert state.retry_in_us(now) == 60 * SECOND
    state, again = breakers.ask(state, now + 60 * SECOND)  # five that never told
    assert again is not None
    silent = breakers.advance(state, permits[0], Happening.FAILED, now + 60 * SECOND)
    assert silent == state


@pytest.mark.inv(121)
def test_slow_answers_open_it_by_a_share_of_their_own() -> None:
    state = Breaker(rules=MINDS_SLOWNESS)
    for _ in range(4):
        state = call(state, 0)
    for _ in range(15):
        state = call(state, 0, duration_us=400_001)
    assert state.mode is Mode.CLOSED
    assert call(state, 0, duration_us=400_001).mode is Mode.OPEN
    assert call(state, 0, duration_us=400_000).mode is Mode.CLOSED


def test_a_slow_probe_proves_nothing() -> None:
    state = after_calls(0, 20, rules=MINDS_SLOWNESS)
    assert call(state, 60 * SECOND, duration_us=400_001).mode is Mode.OPEN


def test_other_rules_start_closed_and_a_forced_breaker_stays_forced() -> None:
    opened = after_calls(0, 20)
    changed = breakers.with_rules(opened, CONSECUTIVE, 5)
    assert (changed.mode, changed.failures, changed.rules) == (Mode.CLOSED, 0, CONSECUTIVE)
    assert breakers.with_rules(changed, CONSECUTIVE, 6) == changed
    forced = breakers.with_rules(breakers.force(opened, "open", 5), CONSECUTIVE, 6)
    assert forced.shown is Mode.OPEN


def test_a_snapshot_keeps_the_rules() -> None:
    opened = after_calls(0, 20)
    back = breakers.restore(breakers.snapshot(opened))
    assert (back.rules, back.mode, back.failures) == (RATE, Mode.OPEN, 20)
    assert breakers.restore({"mode": "closed", "failures": 0, "opened_at_us": 0, "rejected": 0,
                             "forced": None}).rules is CONSECUTIVE  # fmt: skip


@dataclass
class Call:
    second: int
    failed: bool
    slow: bool


SMALL = replace(RATE, calls_min=4, probes=2, slow_us=100, slow_percent=75)


class RateAgainstModel(RuleBasedStateMachine):
    """The model keeps the list of calls and of leases; it knows no buckets and no epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(rules=SMALL)
        self.now = 0
        self.mode = "closed"
        self.calls: list[Call] = []
        self.live: list[tuple[Permit, int]] = []
        self.stale: list[Permit] = []
        self.proven = 0
        self.open_until = 0

    def enter(self, mode: str) -> None:
        self.mode = mode
        self.stale += [permit for permit, _ in self.live]
        self.live, self.calls, self.proven = [], [], 0
        if mode == "open":
            self.open_until = self.now + SMALL.cooldown_us

    @rule(step=st.sampled_from([1, SECOND, 4 * SECOND, 10 * SECOND, 60 * SECOND]))
    def wait(self, step: int) -> None:
        self.now += step

    @rule()
    def ask(self) -> None:
        if self.mode == "open" and self.now >= self.open_until:
            self.enter("half_open")
        if self.mode == "half_open":
            over = [each for each in self.live if self.now - each[1] >= SMALL.lease_us]
            self.stale += [permit for permit, _ in over]
            self.live = [each for each in self.live if each not in over]
        room = self.mode == "half_open" and self.proven + len(self.live) < SMALL.probes
        self.breaker, permit = breakers.ask(self.breaker, self.now)
        assert (permit is not None) == (self.mode == "closed" or room)
        if permit is not None:
            self.live.append((permit, self.now))

    @rule(
        pick=st.integers(0, 99),
        how=st.sampled_from(["ok", "slow", "bad", "gone"]),
        old=st.booleans(),
    )
    def tell(self, pick: int, how: str, old: bool) -> None:  # noqa: FBT001 - hypothesis calls by name
        group: list = self.stale if old else self.live
        if not group:
            return
        told = group.pop(pick % len(group))
        permit = told if old else told[0]
        happening = {"bad": Happening.FAILED, "gone": Happening.ABANDONED}.get(
            how, Happening.SUCCEEDED
        )
        duration_us = 101 if how == "slow" else 100
        self.breaker = breakers.advance(self.breaker, permit, happening, self.now, duration_us)
        if old or how == "gone":
            return
        if self.mode == "half_open":
            self.proven += how == "ok"
            if how != "ok":
                self.enter("open")
            elif self.proven == SMALL.probes:
                self.enter("closed")
            return
        self.calls.append(Call(self.now // SECOND, how == "bad", how == "slow"))
        seen = [each for each in self.calls if each.second > self.now // SECOND - 10]
        failed = sum(each.failed for each in seen)
        slow = sum(each.slow for each in seen)
        if len(seen) >= 4 and (failed / len(seen) >= 0.5 or slow / len(seen) >= 0.75):
            self.enter("open")

    @invariant()
    def agrees(self) -> None:
        assert self.breaker.mode.value == self.mode
        assert self.breaker.proven == self.proven
        assert len(self.breaker.leases) <= SMALL.probes


TestRateAgainstModel = RateAgainstModel.TestCase
TestRateAgainstModel.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
