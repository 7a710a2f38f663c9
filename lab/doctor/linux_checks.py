"""The doctor's checks of a Linux: what takes a reader away from a program, and what forbids it.

Kernel modules that grab NFC readers, device files and the udev rules that open them, polkit's word
on the smart card service, groups of serial ports, and ModemManager, which talks to whatever hangs
on one. Sources: udev(7), polkit(8), pcsc-lite's policy file, ModemManager's "modem filter". Reads
files and asks nothing to change.
"""

from __future__ import annotations

import re
from pathlib import Path

from hardware.api import PcscTrouble, ReaderInfo
from lab.doctor.finding import Finding
from lab.doctor.machine import Machine, read_text
from lab.doctor.usb import GRABBERS, UsbReader

UDEV_FOLDERS = ("etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d")
POLKIT_FOLDERS = ("etc/polkit-1/rules.d", "run/polkit-1/rules.d", "usr/share/polkit-1/rules.d")
POLICY = "usr/share/polkit-1/actions/org.debian.pcsc-lite.policy"
ACTIONS = "org.debian.pcsc-lite."
UACCESS_BEFORE = "73-seat-late.rules"
"""systemd hands tagged devices to the one at the seat there: a rule read later comes too late."""
RULE_FILE = "/etc/udev/rules.d/70-tap-lab.rules"
POLKIT_FILE = "/etc/polkit-1/rules.d/40-tap-lab.rules"
APPLY = "sudo udevadm control --reload && sudo udevadm trigger, then plug it in again"
SERIAL_GROUPS = ("dialout", "uucp")
"""Who may use serial ports: Debian's and Fedora's name, and Arch's."""
_SERIAL = ("ttyUSB*", "ttyACM*")


def kernel_modules(machine: Machine) -> Finding:
    """Whether a kernel module takes NFC readers before a program can."""
    listed = machine.read("proc/modules")
    if listed is None:
        return Finding("kernel modules", "note", "this system does not list kernel modules")
    loaded = {line.split(" ", 1)[0] for line in listed.splitlines()}
    grabbing = [module for module in GRABBERS if module in loaded]
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


def usb_permissions(machine: Machine, readers: tuple[UsbReader, ...]) -> Finding:
    """Whether this user may open the NFC controllers; PC/SC readers are the service's to open."""
    closed = [
        reader
        for reader in readers
        if reader.model.by_nfcpy
        and not reader.model.why_not
        and reader.node
        and not machine.may_use(machine.root / reader.node)
    ]
    if not closed:
        return Finding("USB permissions", "ok", "no NFC controller is closed to this user")
    rules = machine.texts(UDEV_FOLDERS, "*.rules")
    names = ", ".join(f"{reader.model.name} (/{reader.node})" for reader in closed)
    remedies = [_udev_remedy(machine, reader, rules) for reader in closed]
    return Finding(
        "USB permissions",
        "problem",
        f"this user may not open {names}",
        "; ".join(dict.fromkeys(remedies)),
    )


def _udev_remedy(machine: Machine, reader: UsbReader, rules: dict[str, str]) -> str:
    vendor, product = reader.identity.split(":")
    tagging = sorted(name for name, text in rules.items() if _tags(text, vendor, product))
    rule = (
        f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", ATTR{{idProduct}}=="{product}", '
        'TAG+="uaccess"'
    )
    if all(name >= UACCESS_BEFORE for name in tagging):
        late = f"{tagging[0]} comes after {UACCESS_BEFORE}, too late: " if tagging else ""
        return f"{late}echo '{rule}' | sudo tee -a {RULE_FILE}; {APPLY}"
    if is_remote(machine):
        return (
            f"{tagging[0]} lets in whoever sits at the machine, and this is a remote login: "
            f'echo \'{rule}, MODE="0660", GROUP="plugdev"\' | sudo tee -a {RULE_FILE}; '
            f"sudo adduser {machine.user} plugdev; {APPLY}; log out and in"
        )
    return f"{tagging[0]} allows it, but was not applied: {APPLY}"


def _tags(rules: str, vendor: str, product: str) -> bool:
    """Whether a rule hands this device to the one at the seat; comments do not count."""
    for row in rules.replace("\\\n", " ").splitlines():
        line = row.strip().lower()
        if line.startswith("#") or "uaccess" not in line:
            continue
        if f'"{vendor}"' in line and (f'"{product}"' in line or "idproduct" not in line):
            return True
    return False


def is_remote(machine: Machine) -> bool:
    """Whether whoever asks does not sit at the machine."""
    return any(
        machine.environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")
    )


def polkit(machine: Machine, pcsc: tuple[ReaderInfo, ...] | PcscTrouble) -> Finding:
    """Whether polkit lets this user talk to the smart card service (pcsc-lite 2 asks it)."""
    refused = isinstance(pcsc, PcscTrouble) and pcsc.refused
    if not refused and not _asks_polkit(machine):
        return Finding("polkit", "ok", "the smart card service does not ask polkit")
    if not isinstance(pcsc, PcscTrouble):
        return Finding("polkit", "ok", "polkit lets this user use the smart card service")
    allowed = any(
        ACTIONS in text and f'"{machine.user}"' in text
        for text in machine.texts(POLKIT_FOLDERS, "*.rules").values()
    )
    if allowed and not refused:
        return Finding("polkit", "ok", f"a rule lets {machine.user} use the smart card service")
    if not refused and not is_remote(machine):
        return Finding("polkit", "ok", "polkit lets in whoever sits at the machine")
    hidden = [folder for folder in POLKIT_FOLDERS if not machine.can_list(folder)]
    unseen = f" (rules in /{hidden[0]} are for root's eyes)" if hidden else ""
    if allowed:
        why = f"a rule names {machine.user}, and the smart card service refuses all the same"
        remedy = "sudo systemctl restart polkit pcscd; journalctl -u pcscd names the action"
        return Finding("polkit", "problem", why, remedy)
    where = "a remote login" if is_remote(machine) else "a session away from the seat"
    detail = f"polkit keeps {where} from the smart card service{unseen}"
    return Finding("polkit", "problem" if refused else "note", detail, _polkit_remedy(machine.user))


def _polkit_remedy(user: str) -> str:
    rule = (
        f'polkit.addRule(function(action, subject) {{ if (action.id.indexOf("{ACTIONS}access_") '
        f'== 0 && subject.user == "{user}") return polkit.Result.YES; }});'
    )
    return f"echo '{rule}' | sudo tee {POLKIT_FILE}; sudo systemctl restart polkit"


def _asks_polkit(machine: Machine) -> bool:
    """A policy may be installed beside a service that was built without polkit: ask that one."""
    said = machine.run(("pcscd", "--version"))
    features = re.search(r"(?mi)^enabled features:(.*)$", said.text) if said is not None else None
    if features is not None:
        return "polkit" in features[1].split()
    return machine.read(POLICY) is not None


def serial_ports(machine: Machine) -> Finding:
    """Whether this user may use the serial ports that a PN532 may hang on."""
    ports = _ports(machine)
    closed = [port for port in ports if not machine.may_use(port)]
    if not closed:
        names = ", ".join(port.name for port in ports)
        return Finding("serial ports", "ok", f"{names}: usable" if names else "none plugged in")
    names = ", ".join(f"/dev/{port.name}" for port in closed)
    group, members = _serial_group(machine)
    detail = f"this user may not use {names} (needed for a PN532 on a serial port only)"
    if machine.user in members and group not in machine.groups:
        return Finding("serial ports", "note", detail, f"log out and in: {group} counts from then")
    return Finding(
        "serial ports", "note", detail, f"sudo usermod -aG {group} {machine.user}; log out and in"
    )


def modem_manager(machine: Machine) -> Finding:
    """Whether ModemManager may write into the serial port of a PN532."""
    if not any((read_text(name) == "ModemManager") for name in _processes(machine)):
        return Finding("ModemManager", "ok", "it does not run")
    rules = machine.texts(UDEV_FOLDERS, "*.rules")
    open_to_it = []
    for port in _ports(machine):
        identity = _adapter(machine, port.name)
        if identity is not None and not any(_ignored(text, *identity) for text in rules.values()):
            open_to_it.append((port.name, *identity))
    if not open_to_it:
        return Finding("ModemManager", "ok", "it runs, and no serial port is open to it")
    names = ", ".join(f"/dev/{name}" for name, _, _ in open_to_it)
    rule = "; ".join(
        f'echo \'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}", '
        f'ENV{{ID_MM_DEVICE_IGNORE}}="1"\' | sudo tee -a {RULE_FILE}'
        for _, vendor, product in dict.fromkeys(open_to_it)
    )
    return Finding(
        "ModemManager",
        "note",
        f"it runs and may look for a modem at {names}, which a PN532 does not take well",
        f"{rule}; {APPLY}",
    )


def _ports(machine: Machine) -> list[Path]:
    return sorted(port for kind in _SERIAL for port in (machine.root / "dev").glob(kind))


def _processes(machine: Machine) -> list[Path]:
    return sorted((machine.root / "proc").glob("[0-9]*/comm"))


def _serial_group(machine: Machine) -> tuple[str, frozenset[str]]:
    """The group that serial ports belong to here, and who is in it."""
    for row in (machine.read("etc/group") or "").splitlines():
        name, *_, members = row.split(":")
        if name in SERIAL_GROUPS:
            return name, frozenset(members.split(","))
    return SERIAL_GROUPS[0], frozenset()


def _adapter(machine: Machine, port: str) -> tuple[str, str] | None:
    """USB vendor and product of a serial adapter: its device's parents know them."""
    device = (machine.root / "sys/class/tty" / port / "device").resolve()
    for folder in (device, *device.parents):
        if (vendor := read_text(folder / "idVendor")) is not None:
            return vendor.lower(), (read_text(folder / "idProduct") or "").lower()
    return None


def _ignored(rules: str, vendor: str, product: str) -> bool:
    return any(
        "id_mm_device_ignore" in line and f'"{vendor}"' in line and f'"{product}"' in line
        for line in map(str.lower, rules.splitlines())
        if not line.lstrip().startswith("#")
    )
