"""Runs generated cases against a target, and says which command repeats the one that failed.

A case is a number: its whole content is drawn from a stream named by target and number, so one case
can be had again without those before it. A target ends each case with a word for what it reached;
the words are counted, because silence about inputs that never got anywhere means nothing. Three
things are findings: an exception that is not of the target's own error tree, a case that takes
longer than the limit each of three times (the machine may have been busy once), and memory that one
case takes or that many keep. Knows no target's meaning.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from backend.runtime.clock import LabClock
from backend.runtime.entropy import SeededStream

SEED = 20_261
CASE_LIMIT_US = 100_000
CASE_BYTES_MAX = 16 * 1024 * 1024
KEPT_BYTES_MAX = 2 * 1024 * 1024
MEASURED_CASES = 150
PARTS_A_WORKER = 8

Case: TypeAlias = Callable[[SeededStream], str]


class Finding(AssertionError):
    """What a case must not do, with the command that does it again."""


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that takes input from outside.

    Attributes:
        name: on the command line.
        module: where `NAME_case(folder, held)` makes its case function: a folder to put files into,
            and what closes at the end whatever was opened.
        quick: cases in every run.
        full: cases with `--full=fuzz`.
        reach: words that many cases must have ended with, or the generator is not worth its name.
    """

    name: str
    module: str
    quick: int
    full: int
    reach: frozenset[str]

    def case(self, folder: Path, held: ExitStack) -> Case:
        """The case function, with what it needs made once."""
        make = getattr(import_module(self.module), f"{self.name}_case")
        case: Case = make(folder, held)
        return case


@dataclass(slots=True)
class Report:
    """What was tried."""

    cases: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    slowest_us: int = 0

    def add(self, other: Report) -> None:
        """Put another part's figures on top."""
        self.cases += other.cases
        self.reached += other.reached
        self.slowest_us = max(self.slowest_us, other.slowest_us)


def run(target: Target, first: int, count: int, *, seed: int = SEED) -> Report:
    """Cases `first` and so many more, in this process.

    Raises:
        Finding: the first case that does what it must not.
    """
    clock = LabClock()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="tap-lab-fuzz-") as folder, ExitStack() as held:
        case = target.case(Path(folder), held)
        for number in range(first, first + count):
            took_us = _attempt(case, target, seed, number, clock, report)
            if took_us > CASE_LIMIT_US:
                again = Report()
                took_us = min(
                    took_us,
                    *(_attempt(case, target, seed, number, clock, again) for _ in range(2)),
                )
                if took_us > CASE_LIMIT_US:
                    text = f"three times at least {took_us / 1000:.0f} ms"
                    raise Finding(_told(target, seed, number, text))
            report.slowest_us = max(report.slowest_us, took_us)
        _weigh(case, target, seed, first, min(count, MEASURED_CASES))
    report.cases = count
    return report


def run_on_all_cores(target: Target, count: int, *, seed: int = SEED) -> Report:
    """So many cases, spread over the machine's cores.

    Raises:
        Finding: the first case, in order of the parts, that does what it must not.
    """
    workers = os.cpu_count() or 1
    size = -(-count // (workers * PARTS_A_WORKER))
    parts = [(start, min(size, count - start)) for start in range(0, count, size)]
    total = Report()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(run, target, start, part, seed=seed) for start, part in parts]
        try:
            for future in futures:
                total.add(future.result())
        finally:
            pool.shutdown(cancel_futures=True)
    return total


def _attempt(
    case: Case, target: Target, seed: int, number: int, clock: LabClock, report: Report
) -> int:
    """One case; the microseconds it took."""
    stream = SeededStream(seed, f"{target.name}.{number}")
    started_us = clock.monotonic_us()
    try:
        report.reached[case(stream)] += 1
    except Exception as wrong:
        raise Finding(_told(target, seed, number, f"{type(wrong).__name__}: {wrong}")) from wrong
    return clock.monotonic_us() - started_us


def _weigh(case: Case, target: Target, seed: int, first: int, count: int) -> None:
    """The memory of some cases: none takes much, and together they keep little."""
    tracemalloc.start()
    try:
        for number in range(first, first + count):
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            case(SeededStream(seed, f"{target.name}.{number}"))
            _, peak = tracemalloc.get_traced_memory()
            if peak - before > CASE_BYTES_MAX:
                raise Finding(_told(target, seed, number, f"{peak - before} bytes at once"))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if kept > KEPT_BYTES_MAX:
        raise Finding(_told(target, seed, first, f"{count} cases keep {kept} bytes", count))


def _told(target: Target, seed: int, number: int, what: str, count: int = 1) -> str:
    repeat = f"python -m tests.fuzz.again {target.name} --seed {seed} --first {number}"
    more = f" --count {count}" if count > 1 else ""
    return f"{target.name}, case {number}: {what}\n  repeat with: {repeat}{more}"
