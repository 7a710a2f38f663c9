"""The doctor's checks of a Windows: the smart card service, and the driver of each reader.

Both come from one look by PowerShell, in names that no display language changes. The service runs
only while a reader is plugged in, so one that stands still is right without a reader. NFC
controllers need WinUSB instead of their maker's driver (see `usb`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson

from lab.doctor.finding import Finding
from lab.doctor.machine import Machine
from lab.doctor.usb import MODELS, UsbReader
from lab.json_fields import as_object, objects, text, whole

QUESTION = (
    "$s = Get-CimInstance Win32_Service -Filter \"Name='SCardSvr'\"; "
    "$d = @(Get-CimInstance Win32_PnPEntity -Filter \"PNPDeviceID LIKE 'USB%'\"); "
    "ConvertTo-Json -Compress -Depth 4 -InputObject @{"
    "state = [string]$s.State; start = [string]$s.StartMode; "
    "devices = @($d | ForEach-Object { @{id = [string]$_.PNPDeviceID; "
    "driver = [string]$_.Service; trouble = [int]$_.ConfigManagerErrorCode} })}"
)
COMMAND = ("powershell", "-NoProfile", "-NonInteractive", "-Command", QUESTION)
_IDENTITY = re.compile(r"USB\\VID_([0-9A-F]{4})&PID_([0-9A-F]{4})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class WindowsLook:
    """What Windows says."""

    state: str
    """The service's, such as Running."""
    start: str
    """How it starts: Auto, Manual or Disabled; empty where there is no such service."""
    readers: tuple[UsbReader, ...]


def look(machine: Machine) -> WindowsLook | None:
    """Ask Windows; None where it does not answer in a way that can be understood."""
    said = machine.run(COMMAND)
    if said is None or said.code:
        return None
    try:
        document = as_object(orjson.loads(said.text), "Windows")
        found: dict[str, UsbReader] = {}
        for device in objects(document, "devices"):
            _merge(found, text(device, "id"), text(device, "driver"), whole(device, "trouble"))
        return WindowsLook(text(document, "state"), text(document, "start"), tuple(found.values()))
    except ValueError:
        return None


def _merge(found: dict[str, UsbReader], path: str, driver: str, trouble: int) -> None:
    """A device of several functions is listed once for each: all their drivers are its own."""
    named = _IDENTITY.match(path)
    identity = f"{named[1]}:{named[2]}".lower() if named else ""
    if identity not in MODELS:
        return
    before = found.get(identity)
    drivers = before.drivers if before else ()
    if driver and driver not in drivers:
        drivers += (driver,)
    trouble = trouble or (before.trouble if before else 0)
    found[identity] = UsbReader(identity, MODELS[identity], drivers, trouble=trouble)


def service(seen: WindowsLook | None) -> Finding:
    """Whether the smart card service runs, or would with a reader."""
    name = "SCardSvr"
    if seen is None:
        return Finding(name, "note", "Windows does not tell of its services")
    if not seen.start:
        remedy = "sfc /scannow repairs Windows: the service is part of it"
        return Finding(name, "problem", "there is no smart card service", remedy)
    if seen.start == "Disabled":
        return Finding(
            name,
            "problem",
            "the smart card service is disabled",
            "as administrator: sc.exe config SCardSvr start= demand && sc.exe start SCardSvr",
        )
    if seen.state == "Running":
        return Finding(name, "ok", "the smart card service runs")
    if any(not reader.model.by_nfcpy for reader in seen.readers):
        remedy = "as administrator: sc.exe start SCardSvr; or plug the reader in again"
        return Finding(name, "problem", f"the smart card service: {seen.state.lower()}", remedy)
    return Finding(name, "ok", "the smart card service starts with the first reader")
