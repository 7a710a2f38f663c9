"""Whatever is typed at the command line: exit 2 or 3, one clear line, nothing half written.

In this process, so that an exception that nobody caught is this test's failure.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from lab.cli import main
from tests.shows.laboratory import Laboratory

WRONG_USE, MISSING = 2, 3


def told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and the words on stderr; nothing may be on stdout."""
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as left:  # argparse
        code = int(str(left.code))
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    lines = [line for line in said.err.splitlines() if line.startswith("tap-lab")]
    assert len(lines) == 1, said.err
    return code, lines[0]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        *(
            ["tap", f"--amount={amount}"]
            for amount in (
                "12.405", "-5", "0", "0.00", "1e9", "abc", "", "1,50", "NaN", "inf", "٣",
                "99999999999.99", "0x10", "1.2.3",
            )
        ),
        ["tap", "--amount=100.5", "--currency", "JPY"],
        ["tap", "--amount=1.2345", "--currency", "BHD"],
        ["tap", "--amount=1", "--currency", "XXX"],
        ["tap", "--amount=1", "--currency", "ZZZ"],
        ["tap", "--amount=1", "--currency", ""],
        ["tap", "--amount=1", "--card", "discover"],
        ["tap", "--amount=1", "--seed", "abc"],
        ["tap", "--amount=1", "--engine", "nowhere"],
        ["tap", "--amount=1", "--engine", "http://127.0.0.1:99999"],
        ["tap", "--amount=1", "--engine", "ftp://127.0.0.1"],
        ["load", "--rate", "nan", "--seconds", "1"],
        ["load", "--rate", "10", "--seconds", "inf"],
        ["load", "--rate", "10", "--seconds", "-1"],
        ["load", "--rate", "1e9", "--seconds", "1"],
        ["decode", ""],
        ["decode", "zz"],
        ["decode", "9F2"],
        ["clock", "jump"],
        ["clock", "jump", "abc"],
        ["clock", "jump", "nan"],
        ["clock", "rate", "inf"],
        ["world", "save"],
        ["world", "save", "/absent/folder/world.taplab"],
        ["world", "load", "/absent"],
        ["world", "load", "/"],
        ["world", "reset", "/tmp/a-file-that-was-meant-for-load"],  # noqa: S108 - never opened
        ["fault", "apply"],
        ["fault", "apply", "/absent.toml"],
        ["fault", "apply", "/"],
        ["trace", "show", "/absent.apdu"],
        ["trace", "export", "/"],
        ["vectors", "/absent.json"],
        ["shots", "--out", "/dev/null/pictures"],
        ["--scale", "0"],
        ["--scale", "nan"],
        ["--theme", "purple"],
        ["nonsense"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_nonsense_is_wrong_use(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TAPLAB_DATA_DIR", str(tmp_path))
    code, line = told(words, capsys)
    assert code == WRONG_USE, line
    assert everything(tmp_path) == {}


@pytest.mark.parametrize(
    "plan",
    [
        b"\xff\xfe\x00junk",
        b"fault = 5",
        b'[[faults]]\nlink = "visa.auth"\neffect = "timeout"\n',
        b"[[fault]]\n",
        b'[[fault]]\nlink = "visa.auth"\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "nonsense"\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "latency"\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "latency"\nms = -5\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "latency"\nms = nan\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "latency"\nms = "5"\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "latency"\nms = 5\nfrom_s = 2020-01-01\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "timeout"\nprobability = 1.5\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "timeout"\nwhen = {nth = 0}\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "timeout"\nsurprise = 1\n',
        b'[[fault]]\nlink = "visa.auth"\neffect = "timeout"\n' * 65,
        b"#" * 300_000,
    ],
    ids=lambda plan: plan[:60].decode(errors="replace"),
)
def test_a_plan_that_is_none_changes_nothing(
    plan: bytes, shared_lab: Laboratory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared_lab.faults({"link": "amex.auth", "effect": "latency", "ms": 5})
    file = tmp_path / "plan.toml"
    file.write_bytes(plan)
    folder = str(shared_lab.folder)
    code, line = told(["fault", "apply", str(file), "--data-dir", folder], capsys)
    assert code == WRONG_USE, line
    assert "plan.toml" in line
    on = shared_lab.run(shared_lab.world.client.faults())
    assert [(fault["link"], fault["ms"]) for fault in on] == [("amex.auth", 5)]


def test_options_before_the_command_count(
    shared_lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A folder named before the command was once passed over, in favour of the person's own."""
    monkeypatch.setenv("TAPLAB_DATA_DIR", str(tmp_path / "own"))
    shared_lab.faults({"link": "amex.auth", "effect": "latency", "ms": 5})
    assert main(["--data-dir", str(shared_lab.folder), "fault", "list", "--json"]) == 0
    assert len(orjson.loads(capsys.readouterr().out)["faults"]) == 1
    assert not (tmp_path / "own").exists()
    code, line = told(["--reader", "pcsc:Absent", "tap", "--amount", "1"], capsys)
    assert (code, "pcsc:Absent" in line) == (MISSING, True)


@pytest.mark.parametrize("place", ["/proc/absent", "/dev/null", "/dev/null/folder"])
def test_a_folder_that_cannot_be_says_what_to_do(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, line = told(["tap", "--amount", "1", "--data-dir", place], capsys)
    assert code == MISSING
    assert "--data-dir" in line


@pytest.mark.parametrize("name", ["engine.db", "world.json"])
def test_a_damaged_file_is_named_within_seconds(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over 0.25 s: an engine is started three times and gives its reason."""
    (tmp_path / name).write_bytes(os.path.sep.encode() * 300)
    code, line = told(["clock", "show", "--data-dir", str(tmp_path)], capsys)
    assert code == MISSING
    assert name in line
    assert (tmp_path / name).read_bytes() == os.path.sep.encode() * 300
