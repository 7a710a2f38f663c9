"""The NFC controllers of this machine for a list: what is plugged in, without opening anything.

USB devices that nfcpy drives are named by what they are sold as; which of them can be a card is
known by model. A serial adapter says nothing of what hangs on it, and asking would disturb whatever
it is: it is listed as where a PN532 may be. Only `probe_nfc` opens a controller, to see that it is
there, and closes it again. An ACR122U is left to PC/SC, since two drivers exclude
each other on one device; `nfcpy:usb:072f:2200` still opens it. Loads nfcpy only when asked.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from hardware.readers.discovery import ReaderInfo
from hardware.readers.nfc import DRIVER
from hardware.readers.nfc_controller import NFCPY_SCHEME, PN532_SCHEME, NfcAddress
from hardware.readers.nfcpy_driver import Nfcpy, serial_ports, usb_controllers
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import DriverMissing, ReaderGone

LIMIT_S = 5.0
_READS = ("read", "frames")
_EMULATES = (*_READS, "emulate")
_LEFT_TO_PCSC = (0x072F, 0x2200)
_MODELS: dict[tuple[int, int], tuple[str, tuple[str, ...]]] = {
    (0x04CC, 0x0531): ("SCM SCL3710 (PN531)", _READS),
    (0x04CC, 0x2533): ("NXP PN533 board", _EMULATES),
    (0x04E6, 0x5591): ("SCM SCL3711", _EMULATES),
    (0x04E6, 0x5593): ("SCM SCL3712", _EMULATES),
    (0x054C, 0x0193): ("Sony PN531", _READS),
    (0x054C, 0x02E1): ("Sony RC-S330/360/370", _READS),
    (0x054C, 0x06C1): ("Sony RC-S380", _EMULATES),
    (0x054C, 0x06C3): ("Sony RC-S380", _EMULATES),
}


@dataclass(frozen=True, slots=True)
class NfcTrouble:
    """Why no NFC controller can be looked for, and one line that says what to do about it."""

    what: str
    remedy: str


def survey_nfc(
    usb: Callable[[], tuple[tuple[int, int, int, int], ...]] = usb_controllers,
    ports: Callable[[], tuple[str, ...]] = serial_ports,
    may_use: Callable[[str], bool] = lambda path: os.access(path, os.R_OK | os.W_OK),
    system: str = sys.platform,
) -> tuple[ReaderInfo, ...] | NfcTrouble:
    """Every NFC controller that nfcpy could open, or why nobody can tell."""
    try:
        found = [_on_usb(*device, may_use, system) for device in usb() if device[:2] in _MODELS]
        return (*found, *(_on_port(port, may_use, system) for port in ports()))
    except DriverMissing as missing:
        return NfcTrouble(missing.what, missing.remedy)
    except ReaderGone as fault:
        return NfcTrouble(str(fault), "plug the reader in again")


def nfc_readers() -> tuple[ReaderInfo, ...]:
    """Every NFC controller; where nobody can tell, one line that says why."""
    found = survey_nfc()
    if not isinstance(found, NfcTrouble):
        return found
    why = f"{found.what}: {found.remedy}"
    return (ReaderInfo(NFCPY_SCHEME, "NFC controllers", DRIVER, (), None, usable=False, why=why),)


def probe_nfc(address: NfcAddress) -> NfcTrouble | None:
    """Open a controller and close it again; why it cannot be used, None where it can.

    For threads without an event loop; takes a few seconds at most.
    """
    try:
        asyncio.run(_probed(Nfcpy(), address))
    except DriverMissing as missing:
        return NfcTrouble(missing.what, missing.remedy)
    except ReaderGone as fault:
        what, _, remedy = str(fault).rpartition(": ")
        return NfcTrouble(what, remedy)
    except CallHung:
        return NfcTrouble(f"{address.url} hangs", "plug it in again")
    return None


async def _probed(nfcpy: Nfcpy, address: NfcAddress) -> None:
    worker = Worker(f"probe {address.url}", _nothing)
    try:
        await worker.call(lambda: nfcpy.open(address).close(), LIMIT_S)
    finally:
        await worker.finish(LIMIT_S)


def _nothing() -> None:
    """What was opened was closed by the same call."""


def _on_usb(
    vendor: int, product: int, bus: int, address: int, may_use: Callable[[str], bool], system: str
) -> ReaderInfo:
    name, capabilities = _MODELS[vendor, product]
    why = ""
    if system.startswith("linux") and not may_use(f"/dev/bus/usb/{bus:03}/{address:03}"):
        why = (
            'this user may not use it: a file in /etc/udev/rules.d with SUBSYSTEM=="usb", '
            f'ATTR{{idVendor}}=="{vendor:04x}", TAG+="uaccess"; then plug it in again'
        )
    return ReaderInfo(
        url=f"{NFCPY_SCHEME}usb:{vendor:04x}:{product:04x}",
        name=name,
        driver=DRIVER,
        capabilities=capabilities,
        card=None,
        usable=not why,
        why=why,
    )


def _on_port(port: str, may_use: Callable[[str], bool], system: str) -> ReaderInfo:
    why = ""
    if not system.startswith("win") and not may_use(port):
        why = "this user may not use the port: sudo adduser $USER dialout, log out and in"
    return ReaderInfo(
        url=PN532_SCHEME + port,
        name=f"Serial port {port}, for a PN532",
        driver=DRIVER,
        capabilities=_EMULATES,
        card=None,
        usable=not why,
        why=why,
    )
