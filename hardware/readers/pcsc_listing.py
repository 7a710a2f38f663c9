"""The PC/SC readers of this machine for a list: once, without a monitor, and never hanging.

Each reader with its card's ATR and whether it can be used; where the library or the service is
missing, one line that says so with the remedy. Loads pyscard only when asked.
"""

from __future__ import annotations

import asyncio
import sys

from hardware.readers.discovery import ReaderInfo
from hardware.readers.pcsc import SCHEME
from hardware.readers.pcsc_errors import SERVICE_LOST, Code, PcscFault
from hardware.readers.pcsc_service import UNAWARE, PcscService, Seat, Winscard
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import DriverMissing

DRIVER = "pcsc"
LIMIT_S = 3.0


def pcsc_readers(service: PcscService | None = None) -> tuple[ReaderInfo, ...]:
    """Every PC/SC reader, or the reason why there can be none. For threads without a loop."""
    try:
        found = service or Winscard()
    except DriverMissing as missing:
        return (_unusable(missing.what, missing.remedy),)
    try:
        seats = asyncio.run(_seats(found))
    except CallHung:
        return (_unusable("the smart card service does not answer", _service_remedy()),)
    except PcscFault as fault:
        return (_unusable(*explain(fault)),)
    return tuple(reader_info(seat) for seat in seats)


def reader_info(seat: Seat) -> ReaderInfo:
    """One reader as a list shows it."""
    why = ""
    if not seat.there:
        why = "it is being plugged out: plug it in again"
    elif seat.held:
        why = "another program holds its card exclusively: close that program"
    return ReaderInfo(
        url=SCHEME + seat.name,
        name=seat.name,
        driver=DRIVER,
        capabilities=("read",),
        card=seat.atr.hex().upper() or None if seat.has_card else None,
        usable=not why,
        why=why,
    )


def explain(fault: PcscFault) -> tuple[str, str]:
    """Why the service cannot be asked, and what to do about it."""
    if fault.code == Code.SECURITY_VIOLATION:
        return (
            "the smart card service refuses this user",
            "allow org.debian.pcsc-lite.access_pcsc by a polkit rule, or log in at the machine",
        )
    if fault.code in SERVICE_LOST:
        return f"the smart card service does not run ({fault})", _service_remedy()
    return f"the smart card service failed ({fault})", _service_remedy()


def _unusable(what: str, remedy: str) -> ReaderInfo:
    return ReaderInfo(
        url=SCHEME,
        name="PC/SC readers",
        driver=DRIVER,
        capabilities=(),
        card=None,
        usable=False,
        why=f"{what}: {remedy}",
    )


async def _seats(service: PcscService) -> tuple[Seat, ...]:
    worker = Worker("pcsc listing", _nothing)
    try:
        return await worker.call(lambda: _ask(service), LIMIT_S)
    finally:
        await worker.finish(LIMIT_S)


def _ask(service: PcscService) -> tuple[Seat, ...]:
    context = service.establish()
    try:
        names = service.reader_names(context)
        return service.states(context, dict.fromkeys(names, UNAWARE), 0) if names else ()
    finally:
        service.release(context)


def _service_remedy(system: str = sys.platform) -> str:
    if system.startswith("linux"):
        return "sudo apt-get install -y pcscd && sudo systemctl restart pcscd"
    if system == "win32":
        return "plug a reader in (Windows runs the service only then), or start SCardSvr"
    return "plug the reader in again"


def _nothing() -> None:
    """Every look gives its own context back."""
