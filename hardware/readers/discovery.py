"""Which readers there are, as data: one line a reader, usable or not, and why not.

The emulated reader is always there. What other drivers find is handed in by their own modules as
functions, so that listing readers imports no driver that is not installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """One reader as `tap-lab readers` shows it."""

    url: str
    name: str
    driver: str
    capabilities: tuple[str, ...]
    card: str | None
    """ATR or UID in hex of what lies on it, as far as known."""
    usable: bool
    why: str
    """Why it is not usable, with the remedy; empty where it is."""


EMULATED = ReaderInfo(
    url="sim:",
    name="Emulated reader",
    driver="emulated",
    capabilities=("faults", "read"),
    card=None,
    usable=True,
    why="",
)


def list_readers(
    drivers: Iterable[Callable[[], Iterable[ReaderInfo]]] = (),
) -> tuple[ReaderInfo, ...]:
    """Every reader: the emulated one first, then what the given drivers report."""
    found = [EMULATED]
    for driver in drivers:
        found.extend(driver())
    return tuple(found)
