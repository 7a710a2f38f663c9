"""The breaker alone: its table, and a model that plays against it."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from backend.switch import breaker as breakers
from backend.switch.breaker import Breaker, Happening, Mode, Permit

SECOND = 1_000_000
FAILURES_TO_OPEN = 5
COOLDOWN_US = 30 * SECOND
LEASE_US = 60 * SECOND


def call(state: Breaker, happening: Happening, now_us: int) -> Breaker:
    state, permit = breakers.ask(state, now_us)
    assert permit is not None
    return breakers.advance(state, permit, happening, now_us)


def opened(now_us: int = 0) -> Breaker:
    state = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        state = call(state, Happening.FAILED, now_us)
    assert state.mode is Mode.OPEN
    return state


@pytest.mark.inv(119, 120)
def test_five_failures_in_a_row_open_it_and_four_do_not() -> None:
    state = Breaker()
    for _ in range(4):
        state = call(state, Happening.FAILED, 0)
    state = call(state, Happening.SUCCEEDED, 0)
    for _ in range(4):
        state = call(state, Happening.FAILED, 0)
    assert (state.mode, state.failures) == (Mode.CLOSED, 4)
    assert call(state, Happening.FAILED, 0).mode is Mode.OPEN


@pytest.mark.inv(119, 120, 123)
def test_open_rejects_and_counts_until_thirty_seconds_are_over() -> None:
    state = opened(now_us=100)
    for number in range(1, 4):
        state, permit = breakers.ask(state, 100 + COOLDOWN_US - 1)
        assert permit is None
        assert state.rejected == number
    assert state.retry_in_us(100 + 10 * SECOND) == 20 * SECOND
    state, permit = breakers.ask(state, 100 + COOLDOWN_US)
    assert permit is not None
    assert state.mode is Mode.HALF_OPEN


@pytest.mark.inv(119, 120)
def test_half_open_admits_one_probe_whose_outcome_decides() -> None:
    state, probe = breakers.ask(opened(), COOLDOWN_US)
    assert probe is not None
    state, second = breakers.ask(state, COOLDOWN_US)
    assert second is None
    closed = breakers.advance(state, probe, Happening.SUCCEEDED, COOLDOWN_US)
    assert (closed.mode, closed.failures) == (Mode.CLOSED, 0)
    reopened = breakers.advance(state, probe, Happening.FAILED, COOLDOWN_US + 7)
    assert (reopened.mode, reopened.opened_at_us) == (Mode.OPEN, COOLDOWN_US + 7)


def test_a_probe_that_was_given_up_makes_room_for_the_next_at_once() -> None:
    state, probe = breakers.ask(opened(), COOLDOWN_US)
    assert probe is not None
    state = breakers.advance(state, probe, Happening.ABANDONED, COOLDOWN_US)
    _, permit = breakers.ask(state, COOLDOWN_US)
    assert permit is not None


def test_a_probe_that_never_tells_loses_its_lease_and_its_voice() -> None:
    state, lost = breakers.ask(opened(), COOLDOWN_US)
    assert lost is not None
    assert state.retry_in_us(COOLDOWN_US) == LEASE_US
    state, none = breakers.ask(state, COOLDOWN_US + LEASE_US - 1)
    assert none is None
    state, probe = breakers.ask(state, COOLDOWN_US + LEASE_US)
    assert probe is not None
    same = breakers.advance(state, lost, Happening.SUCCEEDED, COOLDOWN_US + LEASE_US)
    assert same == state
    assert breakers.advance(state, probe, Happening.SUCCEEDED, 0).mode is Mode.CLOSED


def test_calls_of_an_earlier_epoch_are_no_evidence() -> None:
    state, early = breakers.ask(Breaker(), 0)
    assert early is not None
    for _ in range(FAILURES_TO_OPEN):
        state = call(state, Happening.FAILED, 0)
    assert breakers.advance(state, early, Happening.SUCCEEDED, 1) == state
    state, _probe = breakers.ask(state, COOLDOWN_US)
    assert breakers.advance(state, early, Happening.FAILED, COOLDOWN_US) == state


def test_force_decides_until_auto_which_starts_clean() -> None:
    state = breakers.force(Breaker(), "open", 0)
    assert state.shown is Mode.OPEN
    assert state.retry_in_us(0) is None
    assert breakers.ask(state, 10 * COOLDOWN_US)[1] is None
    state = breakers.force(opened(), "closed", 0)
    for _ in range(20):
        state = call(state, Happening.FAILED, 0)
        assert state.shown is Mode.CLOSED
    state = breakers.force(state, "auto", 0)
    assert (state.mode, state.failures, state.forced) == (Mode.CLOSED, 0, None)
    with pytest.raises(ValueError, match="forced"):
        breakers.force(state, "ajar", 0)


def test_a_clock_set_back_cannot_keep_it_open() -> None:
    _, permit = breakers.ask(opened(now_us=10**15), 0)
    assert permit is not None


def test_a_snapshot_brings_it_back() -> None:
    state, _ = breakers.ask(opened(now_us=5), 6)
    back = breakers.restore(breakers.snapshot(state))
    assert (back.mode, back.failures, back.opened_at_us, back.rejected, back.forced) == (
        state.mode, state.failures, state.opened_at_us, state.rejected, state.forced,
    )  # fmt: skip
    assert breakers.ask(back, 5 + COOLDOWN_US)[1] is not None
    half, probe = breakers.ask(opened(), COOLDOWN_US)
    assert probe is not None
    back = breakers.restore(breakers.snapshot(half))  # the probe's call died with its process
    assert breakers.ask(back, COOLDOWN_US)[1] is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"mode": "ajar"},
        {"failures": -1},
        {"rules": "mood"},
        {"opened_at_us": None},
        {"forced": "auto"},
    ],
)
def test_what_is_no_snapshot_is_refused(changes: dict) -> None:
    with pytest.raises(ValueError, match=r"snapshot|Mode"):
        breakers.restore({**breakers.snapshot(Breaker()), **changes})


def test_the_table_names_every_way_and_no_other() -> None:
    assert {
        (before.value, what.name, after.value)
        for (before, what), after in breakers.TRANSITIONS.items()
    } == {
        ("closed", "FAILED_TOO_OFTEN", "open"),
        ("open", "COOLED", "half_open"),
        ("half_open", "PROVEN", "closed"),
        ("half_open", "FAILED", "open"),
    }


class BreakerAgainstModel(RuleBasedStateMachine):
    """The model keeps lists and clocks of its own; it knows no epochs and no permit numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 0
        self.live: list[Permit] = []  # calls whose word still counts
        self.stale: list[Permit] = []
        self.mode = "closed"
        self.failures = 0
        self.open_until = 0
        self.lease_until: int | None = None
        self.rejected = 0

    def enter(self, mode: str) -> None:
        self.mode = mode
        self.stale += self.live
        self.live = []
        self.lease_until = None
        if mode == "open":
            self.open_until = self.now + COOLDOWN_US

    @rule(step=st.sampled_from([1, SECOND, 29 * SECOND, 30 * SECOND, 60 * SECOND]))
    def wait(self, step: int) -> None:
        self.now += step

    @rule()
    def ask(self) -> None:
        if self.mode == "open" and self.now >= self.open_until:
            self.enter("half_open")
        expired = self.lease_until is not None and self.now >= self.lease_until
        if self.mode == "half_open" and expired:
            self.enter("half_open")
        free = self.mode == "closed" or (self.mode == "half_open" and self.lease_until is None)
        self.breaker, permit = breakers.ask(self.breaker, self.now)
        assert (permit is not None) == free
        if permit is None:
            self.rejected += 1
            return
        self.live.append(permit)
        if self.mode == "half_open":
            self.lease_until = self.now + LEASE_US

    @rule(pick=st.integers(0, 99), how=st.sampled_from(["ok", "bad", "gone"]), old=st.booleans())
    def tell(self, pick: int, how: str, old: bool) -> None:  # noqa: FBT001 - hypothesis calls by name
        calls = self.stale if old else self.live
        if not calls:
            return
        permit = calls.pop(pick % len(calls))
        happening = {
            "ok": Happening.SUCCEEDED,
            "bad": Happening.FAILED,
            "gone": Happening.ABANDONED,
        }[how]
        self.breaker = breakers.advance(self.breaker, permit, happening, self.now)
        if old:
            return
        if how == "gone":
            self.lease_until = None
        elif self.mode == "half_open":
            self.enter("closed" if how == "ok" else "open")
            self.failures = 0 if how == "ok" else self.failures
        elif how == "ok":
            self.failures = 0
        else:
            self.failures += 1
            if self.failures >= FAILURES_TO_OPEN:
                self.enter("open")

    @invariant()
    def agrees(self) -> None:
        assert self.breaker.mode.value == self.mode
        assert self.breaker.failures == self.failures
        assert self.breaker.rejected == self.rejected
        assert (not self.breaker.leases) == (self.lease_until is None)


TestBreakerAgainstModel = BreakerAgainstModel.TestCase
TestBreakerAgainstModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
