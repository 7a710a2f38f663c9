"""The doctor finds what is wrong and says what to do; a healthy machine has no problem."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.cli import main
from lab.doctor.checks import Machine, examine
from lab.settings import Settings


def findings(folder: Path, machine: Machine | None = None) -> dict[str, tuple[str, str]]:
    found = examine(Settings(data_dir=folder), machine)
    return {finding.name: (finding.level, finding.remedy) for finding in found}


def test_a_fresh_folder_is_healthy(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert found["database"][0] == found["keys"][0] == found["ports"][0] == "ok"


def test_a_kernel_module_that_grabs_readers_is_named_with_its_cure(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    modules.write_text("snd 1 0 - Live 0x0\npn533_usb 2 0 - Live 0x0\n")
    level, remedy = findings(tmp_path, Machine(modules=modules))["kernel modules"]
    assert level == "problem"
    assert "modprobe -r pn533_usb" in remedy
    modules.write_text("snd 1 0 - Live 0x0\n")
    assert findings(tmp_path, Machine(modules=modules))["kernel modules"][0] == "ok"


def test_a_service_that_does_not_run_is_a_note_and_not_a_problem(tmp_path: Path) -> None:
    machine = Machine(pcscd_socket=tmp_path / "absent")
    assert findings(tmp_path, machine)["pcscd"][0] == "note"
    (tmp_path / "absent").touch()
    assert findings(tmp_path, machine)["pcscd"][0] == "ok"


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


def test_problems_decide_the_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--data-dir", str(tmp_path)]) in (0, 1)
    (tmp_path / "vault.json").write_text('{"home": "file"}')
    assert main(["doctor", "--data-dir", str(tmp_path)]) == 1
    assert "UNPROTECTED" in capsys.readouterr().out
