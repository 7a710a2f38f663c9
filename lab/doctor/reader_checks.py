"""The doctor's checks of card readers: service, library, and what this system has in the way.

The service is asked, because a socket that exists may have nobody behind it; that loads the PC/SC
library if there is one. So is nfcpy, which loads only where libusb is. What each system adds is in
a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from hardware.api import EMULATED, PN532_SCHEME, NfcTrouble, PcscTrouble, ReaderInfo
from lab.doctor import linux_checks, mac_checks, usb, windows_checks
from lab.doctor.finding import Finding
from lab.doctor.machine import Machine


def all_of(machine: Machine) -> Iterator[Finding]:
    """Every check of readers, in the order that a person would look."""
    pcsc, nfc = machine.pcsc(), machine.nfc()
    yield pcsc_service(pcsc)
    yield nfc_library(nfc)
    match machine.system:
        case "darwin":
            readers = usb.plugged_in(machine)
            yield usb.owners(readers, machine.system)
            yield mac_checks.ccid_driver(machine, readers or ())
        case "win32":
            seen = windows_checks.look(machine)
            yield windows_checks.service(seen)
            yield usb.owners(seen.readers if seen else None, machine.system)
        case _:
            readers = usb.plugged_in(machine)
            yield linux_checks.polkit(machine, pcsc)
            yield linux_checks.kernel_modules(machine)
            yield usb.owners(readers, machine.system)
            yield linux_checks.usb_permissions(machine, readers or ())
            yield linux_checks.serial_ports(machine)
            yield linux_checks.modem_manager(machine)
    yield usable_readers(pcsc, nfc)


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
