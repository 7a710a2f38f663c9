"""Which reader a name or a URL means, and what is said of one that nobody can mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from hardware.api import NfcTrouble, ReaderInfo
from lab import readers
from lab.cli import main
from lab.errors import SomethingMissing

STICK = ReaderInfo("nfcpy:usb:04e6:5591", "SCM SCL3711", "nfcpy", ("read",), None, True, "")
PORT = ReaderInfo("pn532:/dev/ttyUSB0", "Serial port", "nfcpy", ("read",), None, True, "")


@pytest.mark.parametrize(
    ("wanted", "url"),
    [
        ("pn532:/dev/ttyS9", "pn532:/dev/ttyS9"),
        ("nfcpy:usb", "nfcpy:usb"),
        ("scl37", "nfcpy:usb:04e6:5591"),
        ("Serial port", "pn532:/dev/ttyUSB0"),
        ("S", None),
        ("ACR122U", None),
        ("pcsc:SCM SCL3711", None),
    ],
)
def test_a_url_or_a_name_that_fits_one_controller_means_it(
    wanted: str, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "survey_nfc", lambda: (STICK, PORT))
    found = readers.nfc_controller(wanted)
    assert (found.url if found else None) == url


def test_without_nfcpy_a_bare_name_is_left_to_other_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "survey_nfc", lambda: NfcTrouble("absent", "install it"))
    assert readers.nfc_controller("SCM SCL3711") is None


@pytest.mark.parametrize("url", ["pn532:", "pn532:/etc/passwd", "nfcpy:udp:192.0.2.1", "usb:0"])
def test_a_url_that_no_reader_has_is_refused_with_what_would_do(url: str) -> None:
    with pytest.raises(SomethingMissing, match=r"pn532:/dev/ttyUSB0|tap-lab readers"):
        readers.nfc_controller(url)


def test_a_tap_at_a_controller_that_is_not_there_exits_with_three(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("nfc", reason="nfcpy is missing: python3 start.py installs it")
    wanted = ["tap", "--amount", "1.00", "--reader", "pn532:/dev/ttyNONE9"]
    assert main([*wanted, "--data-dir", str(tmp_path)]) == 3
    assert "it is not plugged in: plug it in again" in capsys.readouterr().err
