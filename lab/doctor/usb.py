"""The USB readers that people own, and which driver has each: the same question on three systems.

Linux tells in sysfs, macOS by `ioreg`, Windows by its device list. What is found becomes the same
values everywhere; what is wrong with an owner and how it is mended is judged here too. Ids and
troubles are those the makers and the drivers' authors publish. Knows no other device.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hardware.api import READER_MODELS, ReaderModel
from lab.doctor.finding import Finding
from lab.doctor.machine import Machine, read_text

GRABBERS = ("pn533_usb", "pn533", "port100", "nfc")
"""Linux modules that take a reader for the kernel's own NFC, newest first so that they unload."""
KEYBOARD = "usbhid"
WINDOWS_NFC_DRIVERS = frozenset({"winusb", "libusb0", "libusbk"})
_NO_DRIVER = 28
"""Windows' problem code for a device without a driver (CM_PROB_FAILED_INSTALL)."""


MODELS = {
    f"{vendor:04x}:{product:04x}": model for model in READER_MODELS for vendor, product in model.usb
}
"""By vendor and product, as systems write them."""


@dataclass(frozen=True, slots=True)
class UsbReader:
    """A reader that is plugged in."""

    identity: str
    """Vendor and product, `072f:2200`."""
    model: ReaderModel
    drivers: tuple[str, ...]
    """Which drivers of the system have it."""
    node: str = ""
    """Where Linux lets programs reach it, relative to the root."""
    trouble: int = 0
    """Windows' problem code."""


def plugged_in(machine: Machine) -> tuple[UsbReader, ...] | None:
    """The readers that are plugged in; None where this system does not tell."""
    match machine.system:
        case "darwin":
            return _on_mac(machine)
        case "win32":
            return None  # `windows_checks` asks once for everything
        case _:
            return _on_linux(machine)


def _on_linux(machine: Machine) -> tuple[UsbReader, ...] | None:
    devices = machine.root / "sys/bus/usb/devices"
    if not devices.is_dir():
        return None
    found = []
    for device in sorted(devices.iterdir()):
        identity = f"{read_text(device / 'idVendor')}:{read_text(device / 'idProduct')}".lower()
        if identity in MODELS:
            drivers = {link.resolve().name for link in device.glob(f"{device.name}:*/driver")}
            node = _node(device)
            found.append(UsbReader(identity, MODELS[identity], tuple(sorted(drivers)), node))
    return tuple(found)


def _node(device: Path) -> str:
    bus, number = read_text(device / "busnum"), read_text(device / "devnum")
    if bus is None or number is None or not (bus.isdecimal() and number.isdecimal()):
        return ""
    return f"dev/bus/usb/{int(bus):03}/{int(number):03}"


def _on_mac(machine: Machine) -> tuple[UsbReader, ...] | None:
    said = machine.run(("ioreg", "-p", "IOUSB", "-l", "-w", "0"))
    if said is None or said.code:
        return None
    found = []
    for part in said.text.split("+-o ")[1:]:
        numbers = dict(re.findall(r'"(idVendor|idProduct)" = ([0-9]{1,5})', part))
        if len(numbers) == 2:
            identity = f"{int(numbers['idVendor']):04x}:{int(numbers['idProduct']):04x}"
            if identity in MODELS:
                found.append(UsbReader(identity, MODELS[identity], ()))
    return tuple(found)


def owners(readers: tuple[UsbReader, ...] | None, system: str) -> Finding:
    """Which known readers are plugged in, and whether the right driver has each."""
    if readers is None:
        return Finding("USB readers", "note", "this system tells of no USB devices")
    told = ", ".join(f"{reader.model.name} ({_owner(reader)})" for reader in readers)
    judged = [judgement for reader in readers if (judgement := _judge(reader, system))]
    if not judged:
        return Finding("USB readers", "ok", told or "none that is known")
    return Finding("USB readers", "problem", told, "; ".join(dict.fromkeys(judged)))


def _owner(reader: UsbReader) -> str:
    names = ["usbfs: a program has it open" if name == "usbfs" else name for name in reader.drivers]
    if reader.model.why_not:
        names.append(reader.model.why_not)
    return ", ".join(names) or "no kernel driver"


def _judge(reader: UsbReader, system: str) -> str:
    """What must be done before a program can use it; nothing where nothing is in the way."""
    model = reader.model
    if model.why_not:
        return f"take another reader: {model.why_not}"
    if grabbing := [name for name in GRABBERS if name in reader.drivers]:
        names = " ".join(grabbing)
        return f"sudo modprobe -r {names}, then plug the reader in again"
    if reader.drivers == (KEYBOARD,):
        return f"{model.name} types what it reads: set it to CCID mode with its maker's tool"
    if system == "win32" and reader.trouble == _NO_DRIVER and not model.by_nfcpy:
        return f"{model.name} has no driver: install its maker's, or let Windows Update look for it"
    if system == "win32" and model.by_nfcpy and not _has_winusb(reader.drivers):
        return (
            f"{model.name} needs the WinUSB driver: run Zadig (zadig.akeo.ie), choose the device "
            f"with USB ID {reader.identity.upper().replace(':', ' ')}, take WinUSB, Replace Driver"
        )
    return ""


def _has_winusb(drivers: Iterable[str]) -> bool:
    return any(driver.lower() in WINDOWS_NFC_DRIVERS for driver in drivers)
