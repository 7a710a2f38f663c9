"""Token buckets: what is allowed at once, what comes back with time, whom it concerns."""

from dataclasses import dataclass

import pytest

from backend.wallet import limits
from backend.wallet.limits import PROVISIONING, Limit, Limits, TooMany


@dataclass
class HandClock:
    at_us: int = 0

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us


def allowed(taker: Limits, limit: Limit, who: str = "ann") -> int:
    """How many askings pass before the first refusal."""
    for number in range(1_000):
        try:
            taker.take(limit, who)
        except TooMany:
            return number
    raise AssertionError("no limit at all")


@pytest.mark.inv(326)
def test_a_bucket_runs_dry_and_fills_again() -> None:
    clock = HandClock()
    taker = Limits(clock)
    limit = Limit(burst=3, per_s=0.5)
    assert allowed(taker, limit) == 3
    with pytest.raises(TooMany) as refused:
        taker.take(limit, "ann")
    assert refused.value.retry_after_s == 2
    assert refused.value.headers["X-RateLimit-Reset"] == "2"
    assert allowed(taker, limit, "bob") == 3, "another person has a bucket of their own"
    clock.at_us += 2_000_000
    assert allowed(taker, limit) == 1
    clock.at_us += 3_600_000_000
    assert allowed(taker, limit) == 3, "never more than the burst"


@pytest.mark.inv(327)
def test_provisioning_may_go_on_for_thirty_seconds_at_five_a_second() -> None:
    clock = HandClock()
    taker = Limits(clock)
    for _ in range(150):
        clock.at_us += 200_000
        taker.take(PROVISIONING, "ann")
    assert allowed(taker, PROVISIONING) == PROVISIONING.burst - 1


def test_the_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BUCKETS_MAX", 4)
    clock = HandClock()
    taker = Limits(clock)
    limit = Limit(burst=2, per_s=1.0)
    for number in range(9):
        clock.at_us += 1
        taker.take(limit, f"user-{number}")
    assert allowed(taker, limit, "user-8") == 1, "who came last is still counted"
    assert allowed(taker, limit, "user-0") == 2, "who came first is forgotten"
