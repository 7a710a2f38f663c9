"""Which readers there are, as data: one line a reader, usable or not, and why not.

The emulated reader is always there. What other drivers find is handed in by their own modules as
functions, so that listing readers imports no driver that is not installed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.readers.polling import ANNOUNCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_NUMBERED = re.compile(r"(pcsc:.*\([^()]+\)) [0-9A-F]{2} ([0-9A-F]{2})")


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
    model: str = ""
    """The model, where the table of models knows it."""
    serial: str = ""
    """The device's serial number, where it tells one."""
    quirks: tuple[str, ...] = ()
    """Names of what usually goes wrong with that model."""

    @property
    def identity(self) -> str:
        """What stays the same when the device is plugged in elsewhere, as far as it can be told.

        The scheme with the serial number; without one the URL. pcsc-lite puts the serial number
        into the name and a running number after it, which changes with the order of plugging.
        """
        scheme = self.url.partition(":")[0]
        if self.serial:
            return f"{scheme}:#{self.serial}"
        numbered = _NUMBERED.fullmatch(self.url)
        return f"{numbered[1]} {numbered[2]}" if numbered else self.url


EMULATED = ReaderInfo(
    url="sim:",
    name="Emulated reader",
    driver="emulated",
    capabilities=("apdu", ANNOUNCE, "faults"),
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
