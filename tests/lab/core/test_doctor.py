"""The doctor finds what is wrong and says what to do; a healthy machine has no problem."""

from __future__ import annotations

import socket
from pathlib import Path

import orjson
import pytest

from hardware.api import NfcTrouble, PcscTrouble, ReaderInfo
from lab.cli import main
from lab.doctor.checks import examine
from lab.doctor.machine import Machine
from lab.settings import Settings
from tests.backend.cache.redis_server import RedisServer


def findings(folder: Path, machine: Machine | None = None) -> dict[str, tuple[str, str]]:
    found = examine(Settings(data_dir=folder), machine)
    return {finding.name: (finding.level, finding.remedy) for finding in found}


def test_a_fresh_folder_is_healthy(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert found["database"][0] == found["keys"][0] == found["ports"][0] == "ok"


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [
        (PcscTrouble("it does not run", "start it"), "note", "start it"),
        (PcscTrouble("it refuses", "a polkit rule", refused=True), "problem", "polkit"),
        ((), "ok", ""),
    ],
)
def test_the_smart_card_service_is_asked(
    tmp_path: Path, found: object, level: str, words: str
) -> None:
    machine = Machine(pcsc=lambda: found)
    said, remedy = findings(tmp_path, machine)["pcscd"]
    assert said == level
    assert words in remedy


def test_a_reader_that_another_program_holds_is_named(tmp_path: Path) -> None:
    held = ReaderInfo("pcsc:Desk", "Desk", "pcsc", ("read",), None, False, "close that program")
    level, remedy = findings(tmp_path, Machine(pcsc=lambda: (held,), nfc=tuple))["readers"]
    assert (level, remedy) == ("problem", "Desk: close that program")


@pytest.mark.parametrize(
    ("found", "level", "words"),
    [(NfcTrouble("no libusb", "install libusb"), "note", "install libusb"), ((), "ok", "")],
)
def test_the_nfc_library_is_loaded_to_see_whether_it_can_be(
    tmp_path: Path, found: object, level: str, words: str
) -> None:
    assert findings(tmp_path, Machine(nfc=lambda: found))["NFC library"] == (level, words)


@pytest.mark.parametrize(
    ("url", "level"), [("nfcpy:usb:04e6:5591", "problem"), ("pn532:/dev/ttyUSB0", "note")]
)
def test_an_nfc_controller_that_this_user_may_not_use_is_named(
    tmp_path: Path, url: str, level: str
) -> None:
    """A serial port may lead to anything, so it is no more than a note."""
    barred = ReaderInfo(url, "Stick", "nfcpy", ("read",), None, False, "a udev rule")
    machine = Machine(pcsc=tuple, nfc=lambda: (barred,))
    assert findings(tmp_path, machine)["readers"] == (level, "Stick: a udev rule")


def test_a_damaged_database_and_an_open_key_are_problems(tmp_path: Path) -> None:
    (tmp_path / "engine.db").write_bytes(b"this is no database at all" * 100)
    (tmp_path / "vault.json").write_text('{"home": "file"}')
    found = findings(tmp_path)
    assert found["database"][0] == found["keys"][0] == "problem"
    assert "world load" in found["database"][1]
    (tmp_path / "vault.json").write_text('{"home": "keyring"}')
    assert findings(tmp_path)["keys"][0] == "ok"
    (tmp_path / "vault.json").write_text("torn")
    assert findings(tmp_path)["keys"][0] == "problem"


def test_a_cache_that_was_named_and_is_away_is_a_problem(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    away = Machine(environment={"TAPLAB_REDIS_URL": f"redis://:hush@127.0.0.1:{port}/0"})
    (found,) = (each for each in examine(Settings(data_dir=tmp_path), away) if each.name == "cache")
    assert (found.level, "unset TAPLAB_REDIS_URL" in found.remedy) == ("problem", True)
    assert "hush" not in found.detail
    assert findings(tmp_path, Machine(environment={}))["cache"][0] == "ok"


def test_problems_decide_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data-dir", str(tmp_path)]) in (0, 1)
    (tmp_path / "vault.json").write_text('{"home": "file"}')
    assert main(["doctor", "--data-dir", str(tmp_path)]) == 1
    assert "UNPROTECTED" in capsys.readouterr().out
    assert main(["doctor", "--json", "--data-dir", str(tmp_path)]) == 1
    document = orjson.loads(capsys.readouterr().out)
    assert document["ok"] is False
    assert {"name", "level", "detail", "remedy"} == set(document["findings"][0])
    assert all(each["remedy"] for each in document["findings"] if each["level"] == "problem")


@pytest.mark.inv(137)
@pytest.mark.parametrize(
    ("options", "level", "words"),
    [
        (["--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru"], "ok", "256 MiB"),
        (["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"], "note", "sessions"),
        (["--maxmemory", "0"], "note", "without end"),
        (["--rename-command", "CONFIG", ""], "note", "CONFIG GET"),
    ],
)
def test_the_limits_of_a_named_cache_are_told(
    options: list[str], level: str, words: str, tmp_path: Path
) -> None:
    server = RedisServer(tmp_path).start(*options)
    try:
        machine = Machine(environment={"TAPLAB_REDIS_URL": server.url})
        found = {each.name: each for each in examine(Settings(data_dir=tmp_path), machine)}
    finally:
        server.stop()
    assert found["cache"].level == "ok"
    limits = found["cache limits"]
    assert (limits.level, words in limits.detail) == (level, True)
    assert ("maxmemory" in limits.remedy) == (level == "note" and "CONFIG" not in words)
