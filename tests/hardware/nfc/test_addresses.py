"""How NFC controllers are named, listed and looked for; what nobody may name."""

from __future__ import annotations

import pytest

from hardware.api import NfcTrouble, nfc_address, probe_nfc, survey_nfc
from hardware.readers import nfc_listing
from hardware.runtime.errors import DriverMissing, ReaderGone
from tests.pn532_bench import Bench

SCL3711, ACR122U = (0x04E6, 0x5591, 1, 4), (0x072F, 0x2200, 1, 5)


@pytest.mark.parametrize(
    ("url", "path", "on_port"),
    [
        ("pn532:/dev/ttyUSB0", "/dev/ttyUSB0", True),
        ("pn532:/dev/cu.usbserial-1420", "/dev/cu.usbserial-1420", True),
        ("pn532:COM3", "COM3", True),
        ("nfcpy:tty:/dev/ttyACM0", "/dev/ttyACM0", True),
        ("nfcpy:tty:USB0:pn532", "tty:USB0:pn532", False),
        ("nfcpy:usb", "usb", False),
        ("nfcpy:usb:04e6:5591", "usb:04e6:5591", False),
        ("nfcpy:usb:001:004", "usb:001:004", False),
        ("nfcpy:udp:localhost:54321", "udp:localhost:54321", False),
    ],
)
def test_a_controller_is_named_by_its_url(url: str, path: str, *, on_port: bool) -> None:
    address = nfc_address(url)
    assert address is not None
    assert (address.url, address.path, address.on_port) == (url, path, on_port)


@pytest.mark.parametrize(
    "url",
    [
        "", "pn532:", "nfcpy:", "pn532:/etc/passwd", "pn532:/dev/../etc/passwd",
        "pn532:/dev/ttyUSB0; reboot", "pn532:/dev/$(reboot)", "pn532:/dev/tty\nUSB0",
        "nfcpy:usb:xyz", "nfcpy:udp:192.0.2.1:1", "nfcpy:tty:", "pcsc:ACS", "/dev/ttyUSB0",
    ],
)  # fmt: skip
def test_what_is_no_controller_is_none(url: str) -> None:
    assert nfc_address(url) is None


def test_controllers_are_listed_with_what_they_can_do() -> None:
    found = survey_nfc(
        lambda: (SCL3711, ACR122U), lambda: ("/dev/ttyUSB0",), lambda _: True, "linux"
    )
    assert not isinstance(found, NfcTrouble)
    stick, port = found
    assert (stick.url, stick.name) == ("nfcpy:usb:04e6:5591", "SCM SCL3711")
    assert (port.url, port.usable) == ("pn532:/dev/ttyUSB0", True)
    assert "emulate" in stick.capabilities
    assert all(nfc_address(reader.url) for reader in found)


def test_who_may_not_use_one_is_told_what_to_do() -> None:
    found = survey_nfc(lambda: (SCL3711,), lambda: ("/dev/ttyUSB0",), lambda _: False, "linux")
    assert not isinstance(found, NfcTrouble)
    assert not any(reader.usable for reader in found)
    assert 'ATTR{idVendor}=="04e6"' in found[0].why
    assert "dialout" in found[1].why


@pytest.mark.parametrize("fault", [DriverMissing("NFC library", "start.py"), ReaderGone("USB: no")])
def test_where_nobody_can_tell_the_reason_is_a_line(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> tuple[tuple[int, int, int, int], ...]:
        raise fault

    trouble = survey_nfc(absent)
    assert isinstance(trouble, NfcTrouble)
    monkeypatch.setattr(nfc_listing, "survey_nfc", lambda: trouble)
    [line] = nfc_listing.nfc_readers()
    assert (line.url, line.usable) == ("nfcpy:", False)
    assert trouble.remedy in line.why


def test_a_look_tells_whether_one_is_there(board: Bench) -> None:
    address, absent = nfc_address("pn532:" + board.path()), nfc_address("pn532:/dev/ttyNONE9")
    assert address is not None
    assert absent is not None
    assert probe_nfc(address) is None
    trouble = probe_nfc(absent)
    assert trouble is not None
    assert trouble.what == "pn532:/dev/ttyNONE9: it is not plugged in"
    assert trouble.remedy == "plug it in again"
