"""Finds the seed that goes wrong, and the smallest fault plan with which it still does.

Theory of operation. Seeds are played in order until one fails. Faults with a probability need not
fire with every seed: over a range, only a fault that fired with none of them makes the run invalid.
Shrinking first leaves out as many faults as it can (delta debugging after Zeller and Hildebrandt,
"Simplifying and Isolating Failure-Inducing Input", 2002: halves, then smaller and smaller parts and
their complements), then makes each that is left simpler: always instead of sometimes, without
conditions, with smaller numbers. A candidate counts only if a check fails that failed at first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from lab.scenarios.model import ApplyFaults, PlannedFault, Scenario, Want
from lab.scenarios.result import Result, Verdict

RUNS_MAX = 200
SHRINKING_NUMBERS = ("ms", "jitter_ms", "kb_s", "slice_bytes", "bytes")
NEEDLESS_KEYS = ("probability", "when", "from_s", "to_s", "jitter_ms")
Play = Callable[[Scenario, int], Result]


@dataclass(frozen=True, slots=True)
class Hunt:
    """What a range of seeds led to.

    Attributes:
        results: one a seed that was played, the last one with everything, others without events.
        failing: the first seed that failed, None when none did.
        silent: faults that fired with none of the seeds.
    """

    results: tuple[Result, ...]
    failing: int | None
    silent: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Of the whole range."""
        if self.failing is not None:
            return Verdict.FAILED
        return Verdict.INVALID if self.silent else Verdict.PASSED


def hunt(scenario: Scenario, seeds: Sequence[int], play: Play) -> Hunt:
    """Play seed after seed until one fails."""
    results: list[Result] = []
    fired: Counter[str] = Counter()
    for seed in seeds:
        if results:
            results[-1] = replace(results[-1], events=(), traces=())
        result = play(scenario, seed)
        results.append(result)
        fired.update({fault.name: fault.fired for fault in result.faults})
        if result.failed:
            return Hunt(tuple(results), seed, ())
    silent = tuple(fault.name for fault in scenario.all_faults if not fired[fault.name])
    return Hunt(tuple(results), None, silent)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """The smallest story that still goes wrong.

    Attributes:
        scenario: with the faults that it needs.
        result: of its last playing.
        runs: how often something was played.
        complete: False when the runs were used up before nothing more could be left out.
    """

    scenario: Scenario
    result: Result
    runs: int
    complete: bool


def shrink(failed: Result, play: Play, *, runs_max: int = RUNS_MAX) -> Shrunk:
    """Reduce the fault plan of a run that failed.

    Args:
        failed: it has a check that does not hold.
        play: plays a scenario with a seed; must repeat for the same two.
        runs_max: how often it is asked at most.
    """
    return _Shrinking(failed, play, runs_max).run()


class _Shrinking:
    def __init__(self, failed: Result, play: Play, runs_max: int) -> None:
        assert failed.failed, "only what fails can be shrunk"
        self._wanted = {check.name for check in failed.failed}
        self._seed = failed.seed
        self._play = play
        self._runs_left = self._runs_max = runs_max
        self._smallest = failed.scenario
        self._result = failed

    def run(self) -> Shrunk:
        self._leave_out()
        for fault in self._smallest.all_faults:
            self._simplify(fault.name)
        runs = self._runs_max - self._runs_left
        return Shrunk(self._smallest, self._result, runs, complete=self._runs_left > 0)

    def _still_fails(self, candidate: Scenario) -> bool:
        """Play a candidate; if it goes wrong in the same way it is the smallest so far."""
        if self._runs_left <= 0:
            return False
        self._runs_left -= 1
        result = self._play(candidate, self._seed)
        if not self._wanted & {check.name for check in result.failed}:
            return False
        self._smallest, self._result = candidate, result
        return True

    def _leave_out(self) -> None:
        """Delta debugging over whole faults."""
        kept = [fault.name for fault in self._smallest.all_faults]
        if kept and self._still_fails(with_faults(self._smallest, frozenset())):
            return
        parts = 2
        while len(kept) >= 2:
            for candidate in _smaller(kept, parts):
                if self._still_fails(with_faults(self._smallest, frozenset(candidate))):
                    parts = 2 if len(candidate) * parts <= len(kept) else max(parts - 1, 2)
                    kept = candidate
                    break
            else:
                if parts >= len(kept):
                    return
                parts = min(parts * 2, len(kept))

    def _simplify(self, name: str) -> None:
        """Delta debugging's little sister over one fault's keys, and its numbers halved."""
        for key in NEEDLESS_KEYS:
            fault = self._fault(name)
            if key in fault.body:
                body = {other: value for other, value in fault.body.items() if other != key}
                self._still_fails(_with(self._smallest, replace(fault, body=body)))
        if self._fault(name).during:
            self._still_fails(_with(self._smallest, replace(self._fault(name), during=())))
        for key in SHRINKING_NUMBERS:
            self._lower(name, key)

    def _lower(self, name: str, key: str) -> None:
        """The smallest number with which it still fails, by halving the distance."""
        fails_at = self._fault(name).body.get(key)
        if not isinstance(fails_at, int) or isinstance(fails_at, bool):
            return
        holds_at = 0
        while fails_at - holds_at > max(1, fails_at // 50):
            middle = (fails_at + holds_at) // 2
            fault = self._fault(name)
            lower = replace(fault, body={**fault.body, key: middle})
            if self._still_fails(_with(self._smallest, lower)):
                fails_at = middle
            else:
                holds_at = middle

    def _fault(self, name: str) -> PlannedFault:
        return next(fault for fault in self._smallest.all_faults if fault.name == name)


def _smaller(kept: list[str], parts: int) -> Iterator[list[str]]:
    """Each of so many parts, then each part's complement."""
    size = -(-len(kept) // parts)
    pieces = [kept[at : at + size] for at in range(0, len(kept), size)]
    yield from pieces
    if len(pieces) > 2:
        for piece in pieces:
            yield [name for name in kept if name not in piece]


def with_faults(scenario: Scenario, names: frozenset[str]) -> Scenario:
    """The scenario with these faults only, and without expectations about the firing of others."""

    def is_left(want: Want) -> bool:
        head, _, fault = want.subject.partition(".")
        return head != "fired" or fault in names

    return replace(
        scenario,
        faults=tuple(fault for fault in scenario.faults if fault.name in names),
        steps=tuple(
            replace(step, faults=tuple(f for f in step.faults if f.name in names))
            if isinstance(step, ApplyFaults)
            else step
            for step in scenario.steps
        ),
        expectations=tuple(
            replace(each, wants=wants)
            for each in scenario.expectations
            if (wants := tuple(want for want in each.wants if is_left(want)))
        ),
    )


def _with(scenario: Scenario, changed: PlannedFault) -> Scenario:
    """The scenario with one fault replaced by another of the same name."""

    def chosen(faults: tuple[PlannedFault, ...]) -> tuple[PlannedFault, ...]:
        return tuple(changed if fault.name == changed.name else fault for fault in faults)

    return replace(
        scenario,
        faults=chosen(scenario.faults),
        steps=tuple(
            replace(step, faults=chosen(step.faults)) if isinstance(step, ApplyFaults) else step
            for step in scenario.steps
        ),
    )
