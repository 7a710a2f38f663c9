"""A histogram of durations with logarithmic buckets: constant memory, mergeable, < 0.3 % error.

Bucket k holds durations around `GROWTH ** k` microseconds; a quantile answers with the middle of
its bucket in logarithmic terms, so the relative error is at most half a step of growth. Knows no
time and no names.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

GROWTH = 1.005
LONGEST_US = 120_000_000
_STEP = math.log(GROWTH)
BUCKETS = math.ceil(math.log(LONGEST_US) / _STEP) + 2


class Histogram:
    """Counts of durations in microseconds."""

    __slots__ = ("_counts", "count")

    def __init__(self) -> None:
        self._counts: NDArray[np.int32] = np.zeros(BUCKETS, dtype=np.int32)
        self.count = 0

    def record(self, duration_us: int) -> None:
        """Count one duration; beyond two minutes it counts as two minutes."""
        shortened = min(max(duration_us, 1), LONGEST_US)
        self._counts[round(math.log(shortened) / _STEP)] += 1
        self.count += 1

    def merge(self, other: Histogram) -> None:
        """Add the counts of another histogram."""
        self._counts += other._counts
        self.count += other.count

    def quantile_us(self, share: float) -> float | None:
        """The duration that `share` (0 to 1) of all do not exceed; None when nothing was counted.

        The nearest-rank definition: the smallest duration with at least that share at or below it.
        """
        if self.count == 0:
            return None
        rank = max(1, math.ceil(share * self.count))
        bucket = int(np.searchsorted(np.cumsum(self._counts), rank))
        return math.exp(bucket * _STEP)

    def quantile_ms(self, share: float) -> float | None:
        """`quantile_us` in milliseconds with three decimals."""
        value_us = self.quantile_us(share)
        return None if value_us is None else round(value_us / 1_000, 3)
