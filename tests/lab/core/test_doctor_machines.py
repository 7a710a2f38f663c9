"""The doctor on other people's machines: fake trees and answers of Linux, macOS and Windows.

A tree is made of the files that the system really has there; a program's answer is what that
program writes. Every trouble is shown with its cure, and beside it the state that is none.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson
import pytest

from hardware.api import PcscTrouble
from lab.doctor.finding import Finding
from lab.doctor.machine import Machine, Said, ask
from lab.doctor.reader_checks import all_of

REFUSED = PcscTrouble("the smart card service refuses this user", "a rule", refused=True)
AWAY = PcscTrouble("the smart card service does not run", "start it")
SSH = {"SSH_CONNECTION": "192.0.2.7 50000 192.0.2.8 22"}
POLICY = "usr/share/polkit-1/actions/org.debian.pcsc-lite.policy"
SCL3711 = ("04e6", "5591")
ACR122U = ("072f", "2200")
OMNIKEY = ("076b", "5427")


class FakeLinux:
    """A root folder with the parts of a Linux that the doctor looks at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.closed: set[Path] = set()
        self.write("proc/modules", "snd 1 0 - Live 0x0\n")
        (root / "sys/bus/usb/devices").mkdir(parents=True)

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def plug(self, identity: tuple[str, str], driver: str = "", place: str = "1-2") -> Path:
        """A USB device as sysfs shows it, with its device file; the latter is given back."""
        folder = f"sys/bus/usb/devices/{place}"
        self.write(f"{folder}/idVendor", identity[0] + "\n")
        self.write(f"{folder}/idProduct", identity[1] + "\n")
        self.write(f"{folder}/busnum", "1\n")
        self.write(f"{folder}/devnum", "7\n")
        interface = self.root / folder / f"{place}:1.0"
        interface.mkdir()
        if driver:
            (self.root / "sys/bus/usb/drivers" / driver).mkdir(parents=True, exist_ok=True)
            to = os.path.relpath(self.root / "sys/bus/usb/drivers" / driver, interface)
            (interface / "driver").symlink_to(to)
        return self.write("dev/bus/usb/001/007", "")

    def plug_serial(self, name: str, identity: tuple[str, str]) -> Path:
        """A serial adapter: its port, and the way from it to the USB device in sysfs."""
        port = f"sys/devices/pci0/usb1/1-3/1-3:1.0/{name}"
        self.write("sys/devices/pci0/usb1/1-3/idVendor", identity[0])
        self.write("sys/devices/pci0/usb1/1-3/idProduct", identity[1])
        (self.root / port).mkdir(parents=True)
        (self.root / "sys/class/tty" / name).mkdir(parents=True)
        (self.root / "sys/class/tty" / name / "device").symlink_to(self.root / port)
        return self.write(f"dev/{name}", "")

    def machine(self, **others: object) -> Machine:
        given: dict[str, object] = {
            "root": self.root,
            "system": "linux",
            "run": lambda _command: None,
            "environment": {},
            "user": "ada",
            "groups": frozenset({"ada"}),
            "may_use": lambda path: path not in self.closed,
            "pcsc": tuple,
            "nfc": tuple,
        }
        return Machine(**{**given, **others})


@pytest.fixture
def linux(tmp_path: Path) -> FakeLinux:
    return FakeLinux(tmp_path / "root")


def findings(machine: Machine) -> dict[str, Finding]:
    return {finding.name: finding for finding in all_of(machine)}


def answering(answers: Mapping[str, Said]) -> Callable[[Sequence[str]], Said | None]:
    """Programs that answer by their name, and none but these."""
    return lambda command: answers.get(command[0])


def test_a_linux_with_nothing_wrong_has_no_remedy(linux: FakeLinux) -> None:
    linux.plug(ACR122U, "usbfs")
    found = findings(linux.machine())
    assert {finding.level for finding in found.values()} == {"ok"}
    assert "ACS ACR122U (usbfs: a program has it open)" in found["USB readers"].detail


def test_a_kernel_module_that_grabs_readers_is_named_with_its_cure(linux: FakeLinux) -> None:
    linux.write("proc/modules", "nfc 1 1 pn533 - Live 0x0\npn533_usb 2 0 - Live 0x0\n")
    found = findings(linux.machine())["kernel modules"]
    assert found.level == "problem"
    assert "modprobe -r pn533_usb nfc;" in found.remedy  # what uses another goes first
    (linux.root / "proc/modules").unlink()
    assert findings(linux.machine())["kernel modules"].level == "note"


@pytest.mark.parametrize("driver", ["pn533_usb", "port100"])
def test_a_reader_that_the_kernel_took_is_named_with_its_cure(
    linux: FakeLinux, driver: str
) -> None:
    linux.plug(SCL3711, driver)
    found = findings(linux.machine())["USB readers"]
    assert found.level == "problem"
    assert f"modprobe -r {driver}" in found.remedy


def test_a_reader_that_types_and_one_without_any_driver_are_named(linux: FakeLinux) -> None:
    linux.plug(OMNIKEY, "usbhid")
    linux.plug(("054c", "0dc8"), place="1-4")
    found = findings(linux.machine())["USB readers"]
    assert found.level == "problem"
    assert "CCID mode" in found.remedy
    assert "take another reader: nfcpy has no driver" in found.remedy


def test_only_controllers_need_their_device_file_open(linux: FakeLinux) -> None:
    linux.closed = {linux.plug(ACR122U)}
    assert findings(linux.machine())["USB permissions"].level == "ok"
    linux.plug(SCL3711, place="1-5")
    found = findings(linux.machine())["USB permissions"]
    assert (found.level, "SCM SCL3711 (/dev/bus/usb/001/007)" in found.detail) == ("problem", True)
    assert 'ATTR{idVendor}=="04e6", ATTR{idProduct}=="5591", TAG+="uaccess"' in found.remedy
    assert "| sudo tee -a /etc/udev/rules.d/70-tap-lab.rules" in found.remedy


RULE = 'SUBSYSTEM=="usb", ATTR{idVendor}=="04E6", ATTR{idProduct}=="5591", TAG+="uaccess"\n'


@pytest.mark.parametrize(
    ("path", "text", "environment", "words"),
    [
        ("etc/udev/rules.d/99-nfc.rules", RULE, {}, "99-nfc.rules comes after 73-seat-late.rules"),
        ("etc/udev/rules.d/70-nfc.rules", "# " + RULE, {}, "echo 'SUBSYSTEM"),
        ("etc/udev/rules.d/70-nfc.rules", RULE.replace("5591", "5593"), {}, "echo 'SUBSYSTEM"),
        ("etc/udev/rules.d/70-nfc.rules", RULE, {}, "70-nfc.rules allows it, but was not applied"),
        ("usr/lib/udev/rules.d/70-nfc.rules", RULE, SSH, "sudo adduser ada plugdev"),
    ],
)
def test_the_cure_fits_the_rules_that_are_there(
    linux: FakeLinux, path: str, text: str, environment: dict[str, str], words: str
) -> None:
    linux.closed = {linux.plug(SCL3711)}
    linux.write(path, text)
    assert words in findings(linux.machine(environment=environment))["USB permissions"].remedy


def test_a_rule_that_another_folder_replaces_does_not_count(linux: FakeLinux) -> None:
    linux.closed = {linux.plug(SCL3711)}
    linux.write("usr/lib/udev/rules.d/70-nfc.rules", RULE)
    linux.write("etc/udev/rules.d/70-nfc.rules", "# nothing any more\n")
    assert "echo 'SUBSYSTEM" in findings(linux.machine())["USB permissions"].remedy


@pytest.mark.parametrize(
    ("pcsc", "environment", "rule", "level", "words"),
    [
        (tuple, SSH, "", "ok", ""),
        (lambda: AWAY, {}, "", "ok", ""),
        (lambda: AWAY, SSH, "", "note", 'subject.user == "ada"'),
        (lambda: REFUSED, {}, "", "problem", "/etc/polkit-1/rules.d/40-tap-lab.rules"),
        (lambda: REFUSED, SSH, "", "problem", "sudo systemctl restart polkit"),
        (lambda: AWAY, SSH, "ada", "ok", ""),
        (lambda: AWAY, SSH, "bob", "note", 'subject.user == "ada"'),
        (lambda: REFUSED, SSH, "ada", "problem", "journalctl -u pcscd"),
    ],
)
def test_polkit_is_asked_for_whoever_does_not_sit_there(
    linux: FakeLinux, pcsc: object, environment: object, rule: str, level: str, words: str
) -> None:
    linux.write(POLICY, "<policyconfig/>")
    if rule:
        body = f'if (action.id == "org.debian.pcsc-lite.access_pcsc" && subject.user == "{rule}")'
        linux.write("etc/polkit-1/rules.d/40-cards.rules", body)
    found = findings(linux.machine(pcsc=pcsc, environment=environment))["polkit"]
    assert found.level == level
    assert words in found.remedy
    assert bool(found.remedy) == (level != "ok")


def test_a_service_without_polkit_does_not_ask_it(linux: FakeLinux) -> None:
    linux.write(POLICY, "<policyconfig/>")
    version = "pcsc-lite version 1.9.9.\nEnabled features: Linux x86_64 libsystemd usb filter\n"
    there = linux.machine(
        run=answering({"pcscd": Said(0, version)}), pcsc=lambda: AWAY, environment=SSH
    )
    assert findings(there)["polkit"].level == "ok"
    with_it = answering({"pcscd": Said(0, version.replace("usb filter", "usb polkit filter"))})
    asks = linux.machine(run=with_it, pcsc=lambda: AWAY, environment=SSH)
    assert findings(asks)["polkit"].level == "note"


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ("dialout:x:20:bob\n", "sudo usermod -aG dialout ada"),
        ("root:x:0:\nuucp:x:14:\n", "sudo usermod -aG uucp ada"),
        ("dialout:x:20:bob,ada\n", "log out and in: dialout"),
    ],
)
def test_a_serial_port_is_opened_by_its_group(linux: FakeLinux, groups: str, words: str) -> None:
    linux.write("etc/group", groups)
    port = linux.plug_serial("ttyUSB0", ("1a86", "7523"))
    assert findings(linux.machine())["serial ports"].detail == "ttyUSB0: usable"
    linux.closed = {port}
    found = findings(linux.machine())["serial ports"]
    assert (found.level, words in found.remedy) == ("note", True)


def test_modem_manager_is_named_where_it_may_disturb_a_port(linux: FakeLinux) -> None:
    linux.plug_serial("ttyUSB0", ("1a86", "7523"))
    assert findings(linux.machine())["ModemManager"].detail == "it does not run"
    linux.write("proc/812/comm", "ModemManager\n")
    found = findings(linux.machine())["ModemManager"]
    assert found.level == "note"
    assert 'ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523"' in found.remedy
    linux.write(
        "etc/udev/rules.d/70-tap-lab.rules",
        'ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523", ENV{ID_MM_DEVICE_IGNORE}="1"\n',
    )
    assert findings(linux.machine())["ModemManager"].level == "ok"


# macOS -----------------------------------------------------------------------------------------

IOREG = """+-o Root  <class IORegistryEntry, id 0x100000100, retain 28>
  +-o AppleT8103USBXHCI@00000000  <class AppleT8103USBXHCI, registered, matched, active>
    +-o ACR122U PICC Interface@00100000  <class IOUSBHostDevice, registered, matched, active>
        {
          "sessionID" = 8124
          "idProduct" = 8704
          "idVendor" = 1839
        }
    +-o Keyboard@00200000  <class IOUSBHostDevice, registered, matched, active>
        {
          "idProduct" = 1
          "idVendor" = 1452
        }
"""


def mac(version: str, flag: Said, devices: str = IOREG) -> Machine:
    run = answering(
        {"sw_vers": Said(0, version + "\n"), "defaults": flag, "ioreg": Said(0, devices)}
    )
    return Machine(Path("/nowhere"), "darwin", run, {}, "ada", frozenset(), pcsc=tuple, nfc=tuple)


@pytest.mark.parametrize(
    ("version", "flag", "devices", "level"),
    [
        ("13.6.1", Said(1, ""), IOREG, "ok"),
        ("14.0", Said(1, ""), IOREG, "problem"),
        ("15.1", Said(0, "0\n"), IOREG, "problem"),
        ("15.1", Said(0, "0\n"), "", "note"),
        ("26.0", Said(0, "1\n"), IOREG, "ok"),
        ("", Said(0, "1\n"), IOREG, "note"),
    ],
)
def test_a_mac_since_14_must_be_told_which_driver(
    version: str, flag: Said, devices: str, level: str
) -> None:
    found = findings(mac(version, flag, devices))["CCID driver"]
    assert found.level == level
    told = "sudo defaults write /Library/Preferences/com.apple.security.smartcard useIFDCCID"
    assert found.remedy.startswith(told) == (level == "problem" or not devices)


def test_a_mac_tells_its_readers_and_has_no_linux_in_it() -> None:
    found = findings(mac("15.1", Said(0, "1\n")))
    assert found["USB readers"].detail == "ACS ACR122U (no kernel driver)"
    assert not {"kernel modules", "polkit", "ModemManager", "SCardSvr"} & set(found)


# Windows ---------------------------------------------------------------------------------------


def windows(
    state: str, start: str, *devices: tuple[str, str, int], raw: str | None = None
) -> Machine:
    document = {
        "state": state,
        "start": start,
        "devices": [
            {"id": path, "driver": driver, "trouble": trouble} for path, driver, trouble in devices
        ],
    }
    answer = Said(0, orjson.dumps(document).decode() if raw is None else raw)
    run = answering({"powershell": answer})
    return Machine(Path("/nowhere"), "win32", run, {}, "ada", frozenset(), pcsc=tuple, nfc=tuple)


ACR_ON_WINDOWS = (r"USB\VID_072F&PID_2200\6&1A2B&0&2", "WUDFRd", 0)


@pytest.mark.parametrize(
    ("state", "start", "devices", "level", "words"),
    [
        ("Running", "Auto", [], "ok", ""),
        ("Stopped", "Manual", [], "ok", ""),
        ("Stopped", "Manual", [ACR_ON_WINDOWS], "problem", "sc.exe start SCardSvr"),
        ("Stopped", "Disabled", [], "problem", "sc.exe config SCardSvr start= demand"),
        ("", "", [], "problem", "sfc /scannow"),
    ],
)
def test_windows_runs_the_service_while_there_is_a_reader(
    state: str, start: str, devices: list[tuple[str, str, int]], level: str, words: str
) -> None:
    found = findings(windows(state, start, *devices))["SCardSvr"]
    assert found.level == level
    assert words in found.remedy


@pytest.mark.parametrize(
    ("device", "level", "words"),
    [
        (ACR_ON_WINDOWS, "ok", ""),
        ((ACR_ON_WINDOWS[0], "", 28), "problem", "has no driver"),
        ((r"USB\VID_04E6&PID_5591\5", "", 28), "problem", "USB ID 04E6 5591, take WinUSB"),
        ((r"USB\VID_054C&PID_06C3\5", "RCS380", 0), "problem", "Zadig"),
        ((r"USB\VID_054C&PID_06C3\5", "WINUSB", 0), "ok", ""),
        ((r"USB\VID_054C&PID_06C3\5", "libusbK", 0), "ok", ""),
        ((r"USB\ROOT_HUB30\4", "USBHUB3", 0), "ok", ""),
    ],
)
def test_windows_needs_winusb_for_controllers(
    device: tuple[str, str, int], level: str, words: str
) -> None:
    found = findings(windows("Running", "Manual", device))["USB readers"]
    assert found.level == level
    assert words in found.remedy


def test_a_device_of_several_functions_is_one_reader() -> None:
    parts = [
        (r"USB\VID_072F&PID_223B\5", "usbccgp", 0),
        (r"USB\VID_072F&PID_223B&MI_00\6", "WUDFRd", 0),
    ]
    found = findings(windows("Running", "Manual", *parts))["USB readers"]
    assert found.detail == "ACS ACR1252U (usbccgp, WUDFRd)"


@pytest.mark.parametrize("raw", ["", "torn", "[]", '{"devices": 3}', '{"devices": [{"id": 1}]}'])
def test_a_windows_that_answers_nonsense_is_a_note(raw: str) -> None:
    found = findings(windows("", "", raw=raw))
    assert found["SCardSvr"].level == found["USB readers"].level == "note"


# Programs --------------------------------------------------------------------------------------


def test_programs_are_asked_and_absent_ones_are_none() -> None:
    said = ask(("sh", "-c", "echo here; exit 3"))
    assert said == Said(3, "here\n")
    assert ask(("tap-lab-has-no-such-program",)) is None
