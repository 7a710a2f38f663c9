"""The NFC controllers of this machine for a list: what is plugged in, without opening anything.

USB devices that nfcpy drives are named by what they are sold as; which of them can be a card is
known by model (`models`). A serial adapter says nothing of what hangs on it, and asking would
disturb whatever it is: it is listed as where a PN532 may be. Only `probe_nfc` opens a controller,
to see that it is there, and closes it again. An ACR122U is left to PC/SC, since two drivers exclude
each other on one device; `nfcpy:usb:072f:2200` still opens it. Loads nfcpy only when asked.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hardware.readers.discovery import ReaderInfo
from hardware.readers.models import PN532_ON_PORT, ReaderModel, model_by_usb
from hardware.readers.nfc import DRIVER
from hardware.readers.nfc_controller import NFCPY_SCHEME, PN532_SCHEME, NfcAddress
from hardware.readers.nfcpy_driver import (
    Nfcpy,
    serial_numbers,
    serial_ports,
    usb_controllers,
)
from hardware.readers.worker import CallHung, Worker
from hardware.runtime.errors import DriverMissing, ReaderGone

LIMIT_S = 5.0
USB_DEVICES = Path("/sys/bus/usb/devices")


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
    numbers: Callable[[], Mapping[str, str]] = serial_numbers,
    usb_devices: Path = USB_DEVICES,
) -> tuple[ReaderInfo, ...] | NfcTrouble:
    """Every NFC controller that nfcpy could open, or why nobody can tell."""
    try:
        found = [
            _on_usb(model, device, may_use, system, usb_devices)
            for device in usb()
            if (model := model_by_usb(*device[:2])) is not None and model.by_nfcpy
        ]
        there = ports()
        serials = numbers() if there else {}
        return (
            *found,
            *(_on_port(port, may_use, system, serials.get(port, "")) for port in there),
        )
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


def port_reader(
    port: str,
    may_use: Callable[[str], bool] = lambda path: os.access(path, os.R_OK | os.W_OK),
    system: str = sys.platform,
) -> ReaderInfo:
    """A serial port that somebody named, listed or not: boards have ports of their own, too."""
    return _on_port(port, may_use, system)


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
    model: ReaderModel,
    device: tuple[int, int, int, int],
    may_use: Callable[[str], bool],
    system: str,
    usb_devices: Path,
) -> ReaderInfo:
    vendor, product, bus, address = device
    why = ""
    if system.startswith("linux") and not may_use(f"/dev/bus/usb/{bus:03}/{address:03}"):
        why = (
            'this user may not use it: a file in /etc/udev/rules.d with SUBSYSTEM=="usb", '
            f'ATTR{{idVendor}}=="{vendor:04x}", TAG+="uaccess"; then plug it in again'
        )
    return ReaderInfo(
        url=f"{NFCPY_SCHEME}usb:{vendor:04x}:{product:04x}",
        name=model.name,
        driver=DRIVER,
        capabilities=model.capabilities,
        card=None,
        usable=not why,
        why=why,
        model=model.name,
        serial=_usb_serial(usb_devices, bus, address),
        quirks=tuple(quirk.value for quirk in model.quirks),
    )


def _usb_serial(usb_devices: Path, bus: int, address: int) -> str:
    """The serial number that Linux keeps beside bus and address; "" where nobody tells."""
    for device in usb_devices.glob(f"{bus}-*"):
        try:
            if int((device / "devnum").read_text()) == address:
                return (device / "serial").read_text().strip()
        except (OSError, ValueError):
            continue  # an interface, no device; or a device without a number
    return ""


def _on_port(
    port: str, may_use: Callable[[str], bool], system: str, serial: str = ""
) -> ReaderInfo:
    why = ""
    if not system.startswith("win") and not may_use(port):
        why = "this user may not use the port: sudo adduser $USER dialout, log out and in"
    return ReaderInfo(
        url=PN532_SCHEME + port,
        name=f"Serial port {port}, for a PN532",
        driver=DRIVER,
        capabilities=PN532_ON_PORT.capabilities,
        card=None,
        usable=not why,
        why=why,
        model=PN532_ON_PORT.name,
        serial=serial,
        quirks=tuple(quirk.value for quirk in PN532_ON_PORT.quirks),
    )
