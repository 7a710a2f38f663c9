"""Taps under every mix of faults, crashes and jumps: nothing is lost, and nothing stays open.

The quick share runs with every change, the whole with `--full=sim`: 120,000 taps on 3,000 seeds.
Slower than other tests: each seed is a laboratory that lives through half a day.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from tests.simulation.swarm import PAIRS, TAPS, Tally, run_seeds

ROOT = Path(__file__).resolve().parents[2]
QUICK_SEEDS = 50
FULL_SEEDS = 3_000
SEEDS_A_TASK = 10
FAULTS_LEAST = 300_000
EACH_KIND_LEAST = 500
DETERMINISM_SEEDS = 60
HANGS_UP = {("auth", "slow_close")}
"""Needs a network host that hangs up, which it does only on bytes that are no message."""


def spread(seeds: int) -> Tally:
    """So many seeds over every core; the first that fails ends it."""
    faulthandler.cancel_dump_traceback_later()  # it takes longer than pytest expects of a test
    total = Tally()
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=multiprocessing.get_context("spawn")
    ) as workers:
        firsts = range(0, seeds, SEEDS_A_TASK)
        counts = [min(SEEDS_A_TASK, seeds - first) for first in firsts]
        for tally in workers.map(run_seeds, firsts, counts):
            total.add(tally)
    return total


def digest_of(seed: int, hash_seed: int) -> str:
    """The last line of a run of that seed in a fresh process."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.simulation.swarm", str(seed)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout.splitlines()[-1]


def kinds_of(pairs: set[tuple[str, str]]) -> set[str]:
    """The names under which firings are counted."""
    names = {f"{kind} {effect}" for kind, effect in pairs if kind != "engine"}
    lines = {effect for kind, effect in pairs if kind == "engine"}
    names |= {"clock jump", "crash before a commit", "crash after a commit", "crash at a moment"}
    return names | {f"{line}.engine {effect}" for line in ("phone", "pos") for effect in lines}


def test_nothing_is_lost_under_any_mix(capsys: pytest.CaptureFixture[str]) -> None:
    tally = spread(QUICK_SEEDS)
    with capsys.disabled():
        sys.stdout.write(f"\nsimulated: {tally}; lost: nothing\n")
    assert tally.taps == QUICK_SEEDS * TAPS
    assert tally.sales["approved"] > QUICK_SEEDS
    assert len(tally.fired) > len(PAIRS) // 2


@pytest.mark.parametrize("seed", [3, 28])
def test_a_seed_with_faults_repeats_in_another_process(seed: int) -> None:
    assert digest_of(seed, 1) == digest_of(seed, 2)


@pytest.mark.full("sim")
def test_nothing_is_lost_on_three_thousand_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    tally = spread(FULL_SEEDS)
    with capsys.disabled():
        for kind, count in sorted(tally.fired.items()):
            sys.stdout.write(f"  {count:7} {kind}\n")
        sys.stdout.write(f"simulated: {tally}; lost: nothing\n")
    assert tally.taps == FULL_SEEDS * TAPS
    assert tally.fired.total() >= FAULTS_LEAST
    rare = {kind for kind in kinds_of(set(PAIRS) - HANGS_UP) if tally.fired[kind] < EACH_KIND_LEAST}
    assert rare == set()


@pytest.mark.full("sim")
@pytest.mark.parametrize("seed", range(DETERMINISM_SEEDS))
def test_sixty_seeds_repeat_in_another_process(seed: int) -> None:
    assert digest_of(seed, seed + 1) == digest_of(seed, seed + 2)
