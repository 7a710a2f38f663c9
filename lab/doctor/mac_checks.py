"""The doctor's check of a Mac: which of its two smart card drivers has the readers.

Since macOS 14 Apple's own CCID driver comes first; the other one, which card people know, is chosen
by a global preference and takes a reader over when it is plugged in again. Source: Apple's manual
page SmartCardServices(7).
"""

from __future__ import annotations

from lab.doctor.finding import Finding
from lab.doctor.machine import Machine
from lab.doctor.usb import UsbReader

PREFERENCES = "/Library/Preferences/com.apple.security.smartcard"
CHOICE = "useIFDCCID"
FIRST_WITH_TWO = 14


def ccid_driver(machine: Machine, readers: tuple[UsbReader, ...]) -> Finding:
    """Whether readers are driven by the CCID driver that passes every command on."""
    said = machine.run(("sw_vers", "-productVersion"))
    major = said.text.strip().partition(".")[0] if said is not None else ""
    if not major.isdecimal():
        return Finding("CCID driver", "note", "this system does not tell its version")
    if int(major) < FIRST_WITH_TWO:
        return Finding("CCID driver", "ok", f"macOS {major} has the IFD one only")
    chosen = machine.run(("defaults", "read", PREFERENCES, CHOICE))
    if chosen is not None and chosen.code == 0 and chosen.text.strip() in {"1", "true", "YES"}:
        return Finding("CCID driver", "ok", f"macOS {major} uses the IFD one")
    served = [reader.model.name for reader in readers if not reader.model.by_nfcpy]
    return Finding(
        "CCID driver",
        "problem" if served else "note",
        f"macOS {major} uses Apple's own for {', '.join(served) or 'PC/SC readers'}, which keeps "
        "some commands from reader and card",
        f"sudo defaults write {PREFERENCES} {CHOICE} -bool yes; then plug the reader in again",
    )
