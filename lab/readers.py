"""The till's reader by URL or name, and every reader of this machine as a list.

The emulated reader belongs to the world that it is in; any other is opened here, with the monitor
that watches it. A reader named by a URL need not be there yet: it is looked for with every tap. A
bare name must fit a reader that is there now, or it is a slip of the pen. Imports no driver: a
library that is missing is said, with the remedy.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hardware.api import (
    EMULATED,
    PCSC_SCHEME,
    DriverMissing,
    PcscMonitor,
    PcscReader,
    PcscTrouble,
    Reader,
    ReaderInfo,
    Scheduler,
    Winscard,
    list_readers,
    pcsc_readers,
    readers_seen,
    survey_pcsc,
)
from lab.errors import SomethingMissing
from lab.settings import DEFAULT_READER

LISTS = "tap-lab readers lists those that can be used"


def all_readers() -> tuple[ReaderInfo, ...]:
    """Every reader of this machine. For a thread without an event loop; loads the drivers."""
    return list_readers((pcsc_readers,))


def is_emulated(wanted: str) -> bool:
    """Whether this names the reader that needs no hardware."""
    return wanted in {DEFAULT_READER, EMULATED.name}


@dataclass(frozen=True, slots=True)
class RealReader:
    """A reader that is no emulation, and who watches it."""

    reader: Reader
    monitor: PcscMonitor

    def watch(self, tell: Callable[[tuple[ReaderInfo, ...]], None]) -> None:
        """Tell `tell` every reader of this machine whenever one changes, in another thread."""
        self.monitor.subscribe(
            lambda snapshot: tell(list_readers((lambda: readers_seen(snapshot),)))
        )


@contextlib.contextmanager
def real_reader(wanted: str, scheduler: Scheduler) -> Iterator[RealReader | None]:
    """The reader called so, until left; None for the emulated one.

    Args:
        wanted: a URL (`pcsc:NAME`), or a name or a part of it that fits one reader.
        scheduler: waits, in real time.

    Raises:
        SomethingMissing: no such kind of reader, or its library is not installed.
    """
    if is_emulated(wanted):
        yield None
        return
    name = _pcsc_name(wanted)
    try:
        service = Winscard()
    except DriverMissing as missing:
        raise SomethingMissing(missing.what, missing.remedy) from missing
    monitor = PcscMonitor(service)
    try:
        yield RealReader(PcscReader(name, service, monitor, scheduler), monitor)
    finally:
        monitor.close()


def check_there(wanted: str) -> None:
    """Look once whether the reader called so is there. For a thread without an event loop.

    Raises:
        SomethingMissing: it is not, or several are called so; with those that are there.
    """
    if is_emulated(wanted):
        return
    name = _pcsc_name(wanted)
    real = survey_pcsc()
    if isinstance(real, PcscTrouble):
        raise SomethingMissing(f"no reader {wanted!r}: {real.what}", f"{real.remedy}; {LISTS}")
    fitting = [reader for reader in real if reader.name == name] or [
        reader for reader in real if name.casefold() in reader.name.casefold()
    ]
    names = ", ".join(reader.url for reader in fitting or real) or "none"
    if len(fitting) > 1:
        raise SomethingMissing(f"{wanted!r} fits several readers", f"name one of {names}")
    if not fitting:
        raise SomethingMissing(
            f"no reader {wanted!r}", f"plug it in; now there are {names}; {LISTS}"
        )


def _pcsc_name(wanted: str) -> str:
    """The name in a reader's URL, or the bare name.

    Raises:
        SomethingMissing: the URL is of a kind that this lab has no driver for.
    """
    scheme, colon, _ = wanted.partition(":")
    if colon and scheme.isalnum() and f"{scheme}:" != PCSC_SCHEME:
        raise SomethingMissing(f"no reader {wanted!r}", f"{scheme} is no kind of reader; {LISTS}")
    return wanted.removeprefix(PCSC_SCHEME)
