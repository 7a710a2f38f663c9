"""Lab time as the merchants' wire says it: whole Unix seconds."""

from __future__ import annotations


def seconds(at_us: int) -> int:
    """Unix seconds of a lab time in microseconds."""
    return at_us // 1_000_000
