"""The command line as outside people and scripts call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli import main, parser
from tests.lab.core.running import Running

ROOT = Path(__file__).resolve().parents[3]
PPSE = "6F1A840E325041592E5359532E4444463031A5088801025F2D02656E"


def tap_lab(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    environment = {**os.environ, "TAPLAB_DATA_DIR": str(data_dir), "TAPLAB_KEY_HOME": "file"}
    return subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "lab", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_tap_on_an_empty_folder_prints_the_promised_document(tmp_path: Path) -> None:
    """Over 0.25 s: two commands start and share one engine."""
    first = tap_lab("tap", "--amount", "12.40", "--json", "--profile", "instant", data_dir=tmp_path)
    assert first.returncode == 0, first.stderr
    document = json.loads(first.stdout)
    assert document["outcome"] == "approved"
    assert document["response_code"] == "00"
    assert document["kernel"] == 3
    assert document["apdu_count"] == 3
    assert document["atc"] == 1
    assert set(document["latency_ms"]) == {
        "total",
        "reader",
        "engine",
        "network",
        "issuer",
        "database",
    }
    assert "demo cards" in first.stderr
    second = tap_lab("tap", "--amount", "12.51", "--json", data_dir=tmp_path)
    assert second.returncode == 1
    assert json.loads(second.stdout)["outcome"] == "declined"
    other = tap_lab("tap", "--amount", "9", "--card", "amex", data_dir=tmp_path)
    assert other.returncode == 0
    assert "kernel 4" in other.stdout


def test_help_of_every_command_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    commands = next(
        a for a in parser()._actions if hasattr(a, "choices") and "tap" in (a.choices or ())
    )
    for name, command in commands.choices.items():
        assert "example:" in command.format_help(), name
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert "example:" in capsys.readouterr().out


def test_serve_takes_the_engines_options() -> None:
    chosen = parser().parse_args(["serve", "--port", "8800", "--profile", "instant"])
    assert chosen.options == ["--port", "8800", "--profile", "instant"]


def test_headless_commands_import_no_qt_and_no_driver() -> None:
    code = (
        "import sys; import lab.world; from lab.cli import main; "
        f"main(['decode', '{PPSE}']); "
        "found = [m for m in ('PySide6', 'pyqtgraph', 'smartcard', 'nfc') if m in sys.modules]; "
        "sys.exit(repr(found) if found else 0)"
    )
    ran = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_decode_names_what_it_finds(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", "--json", PPSE[:10], PPSE[10:]]) == 0
    tree = json.loads(capsys.readouterr().out)
    assert [node["tag"] for node in tree] == ["6F"]
    assert [child["tag"] for child in tree[0]["children"]] == ["84", "A5"]


def test_damaged_data_is_a_business_failure_and_nonsense_is_wrong_use(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["decode", "6F0A840141"]) == 1
    assert main(["decode", "xyz"]) == 2
    assert "hex" in capsys.readouterr().err


@pytest.mark.inv(389)
def test_a_watch_pays_on_an_empty_folder(tmp_path: Path) -> None:
    """Over 0.25 s: a command starts an engine, adds cards and puts a watch beside the phone."""
    by_watch = tap_lab(
        "tap", "--amount", "12.40", "--device", "watch", "--json", "--profile", "instant",
        data_dir=tmp_path,
    )  # fmt: skip
    assert by_watch.returncode == 0, by_watch.stderr
    assert "adding visa ·4242 to the watch" in by_watch.stderr
    by_phone = tap_lab("tap", "--amount", "9", "--json", data_dir=tmp_path)
    taps = [json.loads(ran.stdout) for ran in (by_watch, by_phone)]
    assert [tap["outcome"] for tap in taps] == ["approved", "approved"]
    assert [tap["atc"] for tap in taps] == [1, 1], "two counters"
    assert len({tap["token_ref"] for tap in taps}) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["tap", "--amount", "1", "--device", "watch", "--mag-stripe", "--card", "amex"],
        ["tap", "--amount", "1", "--device", "watch", "--transit"],
        ["tap", "--amount", "1", "--device", "watch", "--reader", "pcsc:Any"],
        ["tap", "--amount", "12.401"],
        ["tap", "--amount", "1", "--currency", "ZZZ"],
        ["load", "--rate", "0", "--seconds", "1"],
        ["world", "save"],
        ["fault", "apply"],
        ["clock", "jump"],
        ["vectors", "/absent.json"],
        ["trace", "show", "/absent.apdu"],
    ],
)
def test_wrong_use_exits_with_two(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPLAB_DATA_DIR", str(tmp_path))
    assert main(arguments) == 2


@pytest.mark.parametrize("option", ["--amount", "--currency", "--card", "--data-dir"])
def test_two_dashes_are_no_value(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["tap", "--amount=1", f"{option}=--"])
    assert left.value.code == 2
    assert f"argument {option}: '--' is no value" in capsys.readouterr().err


def test_a_missing_reader_exits_with_three_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAPLAB_DATA_DIR", str(tmp_path))
    assert main(["tap", "--amount", "1", "--reader", "pcsc:Absent"]) == 3
    assert "tap-lab readers" in capsys.readouterr().err


def test_an_engine_that_is_not_there_exits_with_three(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAPLAB_DATA_DIR", str(tmp_path))
    assert main(["clock", "show", "--engine", "http://127.0.0.1:9"]) == 3


def test_board_and_load_work_on_a_running_engine(
    lab: Running, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--data-dir", str(lab.world.settings.data_dir), "--json"]
    plan = tmp_path / "plan.toml"
    plan.write_text('[[fault]]\nlink = "amex.auth"\neffect = "latency"\nms = 5\n')
    assert main(["fault", "apply", str(plan), *folder]) == 0
    assert json.loads(capsys.readouterr().out)["faults"][0]["link"] == "amex.auth"
    plan.write_text('[[fault]]\nlink = "amex.auth"\neffect = "nonsense"\n')
    assert main(["fault", "apply", str(plan), *folder]) == 2
    assert main(["fault", "reset", *folder]) == 0
    assert main(["load", "--rate", "40", "--seconds", "0.5", *folder]) == 0
    document = json.loads(capsys.readouterr().out.partition("\n}\n")[2])
    assert document["sent"] == document["approved"] == 20
    assert document["errors"] == 0


def test_a_phone_in_use_is_not_opened_twice(
    lab: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(lab.world.settings.data_dir)
    assert main(["tap", "--amount", "1", "--data-dir", folder]) == 3
    assert "--data-dir" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough_is_no_fault() -> None:
    """Over 0.25 s: a process of its own, because it is about its standard output."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "lab", "decode", PPSE],
        cwd=ROOT,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (1, b"")
