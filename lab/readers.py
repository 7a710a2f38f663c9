"""The till's reader by URL or name, and every reader of this machine as a list.

The emulated reader belongs to the world that it is in; any other is opened here: a PC/SC reader
with the monitor that watches it, an NFC controller under our own block protocol. A reader named by
a URL need not be there yet: it is looked for with every tap. A bare name must fit a reader that is
there now, or it is a slip of the pen. Imports no driver: a library that is missing is said, with
the remedy.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from hardware.api import (
    EMULATED,
    NFC_SCHEMES,
    PCSC_SCHEME,
    DriverMissing,
    NfcAddress,
    Nfcpy,
    NfcReader,
    NfcTrouble,
    PcscMonitor,
    PcscReader,
    PcscTrouble,
    Reader,
    ReaderInfo,
    Scheduler,
    Winscard,
    list_readers,
    nfc_address,
    nfc_readers,
    pcsc_readers,
    probe_nfc,
    survey_nfc,
    survey_pcsc,
)
from lab.errors import SomethingMissing
from lab.settings import DEFAULT_READER

T = TypeVar("T")
LISTS = "tap-lab readers lists those that can be used"


def all_readers() -> tuple[ReaderInfo, ...]:
    """Every reader of this machine. For a thread without an event loop; loads the drivers."""
    return list_readers((pcsc_readers, nfc_readers))


def is_emulated(wanted: str) -> bool:
    """Whether this names the reader that needs no hardware."""
    return wanted in {DEFAULT_READER, EMULATED.name}


@dataclass(frozen=True, slots=True)
class RealReader:
    """A reader that is no emulation, and who watches it."""

    reader: Reader
    monitor: PcscMonitor | None = None


@contextlib.asynccontextmanager
async def real_reader(wanted: str, scheduler: Scheduler) -> AsyncIterator[RealReader | None]:
    """The reader called so, until left; None for the emulated one.

    Args:
        wanted: a URL (`pcsc:NAME`, `pn532:PORT`, `nfcpy:PATH`), or a name or a part of it that fits
            one reader.
        scheduler: waits, in real time.

    Raises:
        SomethingMissing: no such kind of reader, or its library is not installed.
    """
    if is_emulated(wanted):
        yield None
        return
    controller = nfc_controller(wanted)
    if controller is not None:
        nfc_reader = NfcReader(controller, _loaded(Nfcpy).open, scheduler)
        try:
            yield RealReader(nfc_reader)
        finally:
            await nfc_reader.close()
        return
    service = _loaded(Winscard)
    monitor = PcscMonitor(service)
    name = wanted.removeprefix(PCSC_SCHEME)
    try:
        yield RealReader(PcscReader(name, service, monitor, scheduler), monitor)
    finally:
        monitor.close()


def _loaded(driver: Callable[[], T]) -> T:
    """A driver's library.

    Raises:
        SomethingMissing: it is not installed.
    """
    try:
        return driver()
    except DriverMissing as missing:
        raise SomethingMissing(missing.what, missing.remedy) from missing


def nfc_controller(wanted: str) -> NfcAddress | None:
    """The NFC controller that a URL or a name means; None where it means another kind of reader.

    Raises:
        SomethingMissing: it is a URL, and no reader is called so.
    """
    scheme, colon, _ = wanted.partition(":")
    if not colon or not scheme.isalnum():
        found = survey_nfc()
        known = () if isinstance(found, NfcTrouble) else found
        fitting = [reader for reader in known if wanted.casefold() in reader.name.casefold()]
        return nfc_address(fitting[0].url) if len(fitting) == 1 else None
    if f"{scheme}:" == PCSC_SCHEME:
        return None
    address = nfc_address(wanted)
    if address is None and f"{scheme}:" in NFC_SCHEMES:
        like = "pn532:/dev/ttyUSB0, nfcpy:usb or nfcpy:tty:USB0:pn532"
        raise SomethingMissing(f"no reader {wanted!r}", f"name it like {like}")
    if address is None:
        raise SomethingMissing(f"no reader {wanted!r}", f"{scheme} is no kind of reader; {LISTS}")
    return address


def check_there(wanted: str) -> None:
    """Look once whether the reader called so is there. For a thread without an event loop.

    Raises:
        SomethingMissing: it is not, or several are called so; with those that are there.
    """
    if is_emulated(wanted):
        return
    if (controller := nfc_controller(wanted)) is not None:
        if (trouble := probe_nfc(controller)) is not None:
            raise SomethingMissing(trouble.what, f"{trouble.remedy}; {LISTS}")
        return
    real = survey_pcsc()
    if isinstance(real, PcscTrouble):
        raise SomethingMissing(f"no reader {wanted!r}: {real.what}", f"{real.remedy}; {LISTS}")
    name = wanted.removeprefix(PCSC_SCHEME)
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
