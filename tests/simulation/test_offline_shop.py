"""A shop that goes offline and back under faults, crashes and jumps: each kept tap ends once.

Slower than other tests: each seed is a laboratory that lives through half a day.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from pathlib import Path

import pytest

from lab.simulation import SimulatedLab
from tests.simulation.offline_swarm import OfflineSwarm
from tests.simulation.swarm import workshop

QUICK_SEEDS = 6
FULL_SEEDS = 300
TAPS = 25


def run(seeds: range) -> tuple[Counter[str], int]:
    """How kept taps ended over these seeds, and how many there were."""
    logging.disable(logging.CRITICAL)  # a broken disk is told often, and is meant
    ends, stored = Counter[str](), 0
    try:
        with workshop() as template:
            for seed in seeds:
                folder = template.parent / f"seed-{seed}"
                shutil.copytree(template, folder)
                with SimulatedLab(seed, Path(folder)) as lab:
                    swarm = OfflineSwarm(seed, lab)
                    swarm.run(TAPS)
                    ends += swarm.ends()
                    stored += len(swarm.stored)
    finally:
        logging.disable(logging.NOTSET)
    return ends, stored


def test_each_tap_taken_offline_ends_once() -> None:
    ends, stored = run(range(1, 1 + QUICK_SEEDS))
    assert stored > 5 * QUICK_SEEDS
    assert ends["approved"] > QUICK_SEEDS
    assert ends["declined"] > 0


@pytest.mark.full("sim")
def test_each_tap_taken_offline_ends_once_in_the_long_run() -> None:
    ends, stored = run(range(1_000, 1_000 + FULL_SEEDS))
    assert stored > 5 * FULL_SEEDS
    assert set(ends) == {"approved", "declined", "expired"}
