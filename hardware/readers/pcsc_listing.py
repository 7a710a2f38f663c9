"""The PC/SC readers of this machine for a list: once, without a monitor, and never hanging.

Each reader with its card's ATR and whether it can be used; where the library or the service is
missing, one line that says so with the remedy. Loads pyscard only when asked.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass

from hardware.readers.discovery import ReaderInfo
from hardware.readers.models import APDU, model_by_name
from hardware.readers.pcsc import SCHEME
from hardware.readers.pcsc_errors import SERVICE_LOST, Code, PcscFault
from hardware.readers.pcsc_monitor import Snapshot
from hardware.readers.pcsc_service import UNAWARE, PcscService, Seat, Winscard
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import DriverMissing

DRIVER = "pcsc"
LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class PcscTrouble:
    """Why there can be no PC/SC reader, and one line that says what to do about it."""

    what: str
    remedy: str
    refused: bool = False
    """Whether everything is there, and this user may not use it."""


def survey_pcsc(service: PcscService | None = None) -> tuple[ReaderInfo, ...] | PcscTrouble:
    """Every PC/SC reader, or why there can be none. For threads without an event loop."""
    try:
        found = service or Winscard()
    except DriverMissing as missing:
        return PcscTrouble(missing.what, missing.remedy)
    try:
        seats = asyncio.run(_seats(found))
    except CallHung:
        return PcscTrouble("the smart card service does not answer", _service_remedy())
    except PcscFault as fault:
        return explain(fault)
    return tuple(reader_info(seat) for seat in seats)


def pcsc_readers(service: PcscService | None = None) -> tuple[ReaderInfo, ...]:
    """Every PC/SC reader; where there can be none, one line that says why."""
    found = survey_pcsc(service)
    return (_unusable(found),) if isinstance(found, PcscTrouble) else found


def readers_seen(snapshot: Snapshot) -> tuple[ReaderInfo, ...]:
    """The readers as a monitor last saw them."""
    if snapshot.fault is not None:
        return (_unusable(explain(snapshot.fault)),)
    return tuple(reader_info(seat) for seat in snapshot.seats)


def reader_info(seat: Seat) -> ReaderInfo:
    """One reader as a list shows it."""
    why = ""
    if not seat.there:
        why = "it is being plugged out: plug it in again"
    elif seat.held:
        why = "another program holds its card exclusively: close that program"
    model = model_by_name(seat.name)
    return ReaderInfo(
        url=SCHEME + seat.name,
        name=seat.name,
        driver=DRIVER,
        capabilities=model.capabilities if model else (APDU,),
        card=seat.atr.hex().upper() or None if seat.has_card else None,
        usable=not why,
        why=why,
        model=model.name if model else "",
        quirks=tuple(quirk.value for quirk in model.quirks) if model else (),
    )


def explain(fault: PcscFault) -> PcscTrouble:
    """Why the service cannot be asked, and what to do about it."""
    if fault.code == Code.SECURITY_VIOLATION:
        return PcscTrouble(
            "the smart card service refuses this user",
            "allow org.debian.pcsc-lite.access_pcsc by a polkit rule, or log in at the machine",
            refused=True,
        )
    verb = "does not run" if fault.code in SERVICE_LOST else "failed"
    return PcscTrouble(f"the smart card service {verb} ({fault})", _service_remedy())


def _unusable(trouble: PcscTrouble) -> ReaderInfo:
    return ReaderInfo(
        url=SCHEME,
        name="PC/SC readers",
        driver=DRIVER,
        capabilities=(),
        card=None,
        usable=False,
        why=f"{trouble.what}: {trouble.remedy}",
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
