"""Runs generated cases against a target, and says which command repeats the one that failed.

A case is a number: its whole content is drawn from a stream named by target and number, so one case
can be had again without those before it, unless a world stands behind the target and remembers. A
target ends each case with a word for what it reached;
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
        remembers: a case may depend on those before it, from the first of its run.
    """

    name: str
    module: str
    quick: int
    full: int
    reach: frozenset[str]
    remembers: bool = False

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
    with tempfile.TemporaryDirectory(prefix="tap-lab-fuzz-") as folder, ExitStack() as held:
        running = _Running(target, seed, first, target.case(Path(folder), held))
        for number in range(first, first + count):
            running.time(number)
        running.weigh(min(count, MEASURED_CASES))
    return running.report


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


@dataclass(slots=True)
class _Running:
    """Cases of one target in one process, from `first` on."""

    target: Target
    seed: int
    first: int
    case: Case
    clock: LabClock = field(default_factory=LabClock)
    report: Report = field(default_factory=Report)

    def time(self, number: int) -> None:
        """One case within its limit; a slow one gets two more chances.

        Raises:
            Finding: an error outside the target's tree, or slow every time.
        """
        took_us, word = self._attempt(number)
        if took_us > CASE_LIMIT_US:
            took_us = min(took_us, *(self._attempt(number)[0] for _ in range(2)))
        if took_us > CASE_LIMIT_US:
            raise Finding(f"three times at least {took_us / 1000:.0f} ms\n{self._repeat(number)}")
        self.report.cases += 1
        self.report.reached[word] += 1
        self.report.slowest_us = max(self.report.slowest_us, took_us)

    def weigh(self, count: int) -> None:
        """The memory of the first cases: none takes much, and together they keep little.

        Raises:
            Finding: one takes too much, or they keep too much.
        """
        tracemalloc.start()
        try:
            for number in range(self.first, self.first + count):
                before, _ = tracemalloc.get_traced_memory()
                tracemalloc.reset_peak()
                self.case(self._stream(number))
                _, peak = tracemalloc.get_traced_memory()
                if peak - before > CASE_BYTES_MAX:
                    raise Finding(f"{peak - before} bytes at once\n{self._repeat(number)}")
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        if kept > KEPT_BYTES_MAX:
            again = self._repeat(self.first, count)
            raise Finding(f"{count} cases keep {kept} bytes\n{again}")

    def _attempt(self, number: int) -> tuple[int, str]:
        """The microseconds of one case, and what it reached."""
        stream = self._stream(number)
        started_us = self.clock.monotonic_us()
        try:
            word = self.case(stream)
        except Exception as wrong:
            told = f"{type(wrong).__name__}: {wrong}"
            raise Finding(f"{told}\n{self._repeat(number)}") from wrong
        return self.clock.monotonic_us() - started_us, word

    def _stream(self, number: int) -> SeededStream:
        return SeededStream(self.seed, f"{self.target.name}.{number}")

    def _repeat(self, number: int, count: int = 1) -> str:
        """The command that does this case again, with those before it where they matter."""
        start = self.first if self.target.remembers else number
        more = f" --count {number - start + count}" if number - start + count > 1 else ""
        command = "python -m tests.fuzz.again"
        return f"repeat with: {command} {self.target.name} --seed {self.seed} --first {start}{more}"
