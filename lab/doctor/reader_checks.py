"""The doctor's checks of card readers: service, devices on USB, kernel modules that grab them.

The service is asked, because a socket that exists may have nobody behind it; that loads the PC/SC
library if there is one. So is nfcpy, which loads only where libusb is. USB devices and modules are
read from where Linux tells of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hardware.api import EMULATED, PN532_SCHEME, NfcTrouble, PcscTrouble, ReaderInfo
from lab.doctor.finding import Finding

READER_MODULES = ("pn533_usb", "pn533", "port100", "nfc")
USB_READERS = {
    "072f:2200": "ACS ACR122U",
    "072f:223b": "ACS ACR1252U",
    "072f:223e": "ACS ACR1252U",
    "072f:2259": "ACS ACR1252U",
    "076b:5022": "HID Omnikey 5022",
    "076b:5422": "HID Omnikey 5422",
    "04e6:5790": "Identiv uTrust 3700F",
    "04e6:5724": "Identiv uTrust 4701F",
    "04e6:5591": "SCM SCL3711",
    "054c:06c1": "Sony RC-S380",
    "054c:06c3": "Sony RC-S380",
}


def pcsc_service(found: tuple[ReaderInfo, ...] | PcscTrouble) -> Finding:
    """Whether the smart card service answers this user."""
    if not isinstance(found, PcscTrouble):
        return Finding("pcscd", "ok", "the smart card service answers")
    if found.refused:
        return Finding("pcscd", "problem", found.what, found.remedy)
    detail = f"{found.what} (needed for PC/SC readers only)"
    return Finding("pcscd", "note", detail, found.remedy)


def nfc_library(found: tuple[ReaderInfo, ...] | NfcTrouble) -> Finding:
    """Whether NFC controllers could be driven."""
    if not isinstance(found, NfcTrouble):
        return Finding("NFC library", "ok", "nfcpy is installed, and it finds libusb")
    detail = f"{found.what} (needed for NFC controllers only)"
    return Finding("NFC library", "note", detail, found.remedy)


def usable_readers(
    pcsc: tuple[ReaderInfo, ...] | PcscTrouble, nfc: tuple[ReaderInfo, ...] | NfcTrouble
) -> Finding:
    """Which readers there are, and why one cannot be used."""
    real = () if isinstance(pcsc, PcscTrouble) else pcsc
    real += () if isinstance(nfc, NfcTrouble) else nfc
    names = ", ".join(reader.name for reader in (EMULATED, *real) if reader.usable)
    blocked = [reader for reader in real if not reader.usable]
    if not blocked:
        return Finding("readers", "ok", names)
    why = "; ".join(f"{reader.name}: {reader.why}" for reader in blocked)
    # A serial port may lead to anything: that it is not ours to use need not be wrong.
    ports_only = all(reader.url.startswith(PN532_SCHEME) for reader in blocked)
    return Finding("readers", "note" if ports_only else "problem", f"usable: {names}", why)


def kernel_modules(modules: Path) -> Finding:
    """Whether a kernel module takes NFC readers before a program can."""
    try:
        loaded = {line.split(" ", 1)[0] for line in modules.read_text().splitlines()}
    except OSError:
        return Finding("kernel modules", "note", "this system does not list kernel modules")
    grabbing = [module for module in READER_MODULES if module in loaded]
    if not grabbing:
        return Finding("kernel modules", "ok", "none grabs NFC readers")
    names = " ".join(grabbing)
    return Finding(
        "kernel modules",
        "problem",
        f"{names} grab NFC readers before a program can",
        f"sudo modprobe -r {names}; for good: printf 'blacklist %s\\n' {names} "
        "| sudo tee /etc/modprobe.d/tap-lab.conf; then plug the reader in again",
    )


def usb_readers(devices: Path) -> Finding:
    """Which known readers are plugged in, and which kernel driver owns each."""
    if not devices.is_dir():
        on = f"{sys.platform} tells of USB devices elsewhere, or there is no USB here"
        return Finding("USB readers", "note", on)
    owned: list[str] = []
    grabbed: list[str] = []
    for device in sorted(devices.iterdir()):
        name = USB_READERS.get(f"{_read(device / 'idVendor')}:{_read(device / 'idProduct')}")
        if name is None:
            continue
        drivers = sorted(
            driver.resolve().name for driver in devices.glob(f"{device.name}:*/driver")
        )
        owned.append(f"{name} ({', '.join(drivers) or 'no kernel driver'})")
        grabbed += [driver for driver in drivers if driver in READER_MODULES]
    if grabbed:
        names = " ".join(sorted(set(grabbed)))
        remedy = f"sudo modprobe -r {names}, then plug the reader in again"
        return Finding("USB readers", "problem", ", ".join(owned), remedy)
    return Finding("USB readers", "ok", ", ".join(owned) or "none that is known")


def _read(path: Path) -> str:
    return path.read_text().strip().lower() if path.is_file() else ""
