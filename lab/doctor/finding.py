"""What a check of the doctor says: one thing looked at, how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `level` is "ok", "note" (works without) or "problem"."""

    name: str
    level: str
    detail: str
    remedy: str = ""
