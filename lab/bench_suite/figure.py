"""A figure of the benchmark: its rounds, their median, its target; or why it was not measured."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def figure(name: str, rounds: Sequence[float], target: float | None) -> dict[str, object]:
    """What was measured in each round; the median is the one that is shown."""
    values = [round(value, 3) for value in rounds]
    return {
        "name": name,
        "median": round(statistics.median(values), 3),
        "rounds": values,
        "target": target,
    }


def missing(name: str, target: float | None, why: str) -> dict[str, object]:
    """A figure that this machine cannot give, with the reason and what to do about it."""
    return {"name": name, "median": None, "rounds": [], "target": target, "missing": why}
