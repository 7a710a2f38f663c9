"""`tap-lab scenario` as a script or a CI job uses it: exit codes, JSON, files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest

from lab.cli import main
from lab.resources import scenario_files
from lab.scenarios.loader import load_file, load_text
from lab.scenarios.model import ApplyFaults, Tap

ROOT = Path(__file__).resolve().parents[3]
PASSES = 'name = "p"\n[[step]]\ndo = "tap"\namount = "12.40"\n[[expect]]\nbank = "held"\n'
FAILS = PASSES.replace("held", "released")
NEVER = PASSES + '[[fault]]\nlink = "amex.auth"\neffect = "timeout"\n'
LATE = (
    PASSES + '[[fault]]\nname = "slow"\nlink = "visa.auth"\neffect = "latency"\nms = 900\n'
    'probability = 0.4\n[[fault]]\nname = "needless"\nlink = "visa.auth"\neffect = "latency"\n'
    "ms = 1\n"
)


def write(tmp_path: Path, text: str, name: str = "s.toml") -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, object]]:
    code = main(["scenario", "run", "--json", *arguments])
    return code, orjson.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("text", "code", "verdict"),
    [(PASSES, 0, "passed"), (FAILS, 1, "failed"), (NEVER, 1, "invalid")],
)
def test_the_exit_code_says_whether_it_passed(
    text: str, code: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, document = run(capsys, write(tmp_path, text))
    assert (ended, document["result"]) == (code, verdict)
    assert len(str(document["event_log_sha256"])) == 64


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-file.toml"],
        ["no-such-name"],
        ["visa-silent", "--junit", "/no/such/folder/x.xml"],
        ["visa-silent", "--seeds", "1..3", "--seed", "4"],
    ],
)
def test_wrong_use_is_told_before_anything_is_played(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scenario", "run", *arguments]) == 2
    assert capsys.readouterr().err.startswith("tap-lab: ")


@pytest.mark.parametrize("seeds", ["5", "9..1", "a..b", "1..", "0..999999999"])
def test_a_range_of_seeds_that_is_none_is_refused(seeds: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["scenario", "run", "visa-silent", "--seeds", seeds])
    assert ended.value.code == 2


def test_one_bad_file_among_good_ones_stops_everything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path, PASSES.replace("amount", "amuont"), "bad.toml")
    assert main(["scenario", "run", write(tmp_path, PASSES), bad]) == 2
    told = capsys.readouterr()
    assert "bad.toml:4: step 1: unknown key 'amuont'; did you mean 'amount'?" in told.err
    assert told.out == ""


def test_a_failure_is_told_with_the_command_that_repeats_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, FAILS)
    assert main(["scenario", "run", path, "--seed", "42"]) == 1
    out = capsys.readouterr().out
    assert "expected released, was held" in out
    assert f"tap-lab scenario run {path} --seed 42" in out


def test_all_the_files_that_were_asked_for_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    junit, report, evidence = tmp_path / "o.xml", tmp_path / "o.html", tmp_path / "evidence"
    code, document = run(
        capsys, write(tmp_path, PASSES), "lost-answer", "--junit", str(junit),
        "--report", str(report), "--evidence", str(evidence),
    )  # fmt: skip
    assert (code, document["passed"]) == (0, 2)
    assert len(ET.parse(junit).getroot().findall("testsuite")) == 2  # noqa: S314 - our own
    assert report.read_text().count("<article>") == 2
    assert {path.name for path in evidence.iterdir()} == {
        "p-seed-1",
        "the-bank-s-answer-is-lost-seed-7",
    }


def test_seeds_find_the_first_that_fails_and_shrink_what_it_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = run(capsys, write(tmp_path, LATE), "--seeds", "1..20", "--shrink")
    seeds, shrunk = document["seeds"], document["shrunk"]
    assert isinstance(seeds, dict)
    assert isinstance(shrunk, dict)
    assert (code, document["result"]) == (1, "failed")
    assert seeds["first_failing"] == seeds["played"]  # nothing after it was played
    assert [fault["name"] for fault in shrunk["faults"]] == ["slow"]
    smallest = load_text(shrunk["scenario"], "shrunk.toml")
    assert smallest.faults[0].body["ms"] < 600  # type: ignore[operator] # a number, as loaded


def test_the_same_seed_says_the_same_in_another_process(tmp_path: Path) -> None:
    """Two fresh interpreters with other hash seeds: that is what the promise is about."""
    path = write(tmp_path, LATE)
    told = set()
    for hash_seed in ("1", "2"):
        ended = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "lab", "scenario", "run", path, "--seed", "5", "--json"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            timeout=60,
            check=False,
        )
        told.add(orjson.loads(ended.stdout)["event_log_sha256"])
    assert len(told) == 1


def test_the_shipped_ones_are_listed_and_go_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenario", "list", "--json"]) == 0
    listed = orjson.loads(capsys.readouterr().out)["scenarios"]
    assert [each["name"] for each in listed] == [path.stem for path in scenario_files()]
    code, document = run(capsys, "sent-twice")
    assert (code, document["name"]) == (0, "A request arrives twice")


def test_every_action_has_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("run", "record", "list"):
        with pytest.raises(SystemExit) as ended:
            main(["scenario", action, "--help"])
        assert ended.value.code == 0
        assert f"example: tap-lab scenario {action}" in capsys.readouterr().out


def tap_lab(*arguments: str, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as another terminal has it."""
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "lab", *arguments],
        cwd=ROOT,
        env={**os.environ, "TAPLAB_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_live_scenario_can_be_played_in_a_folder_that_is_in_use_before_and_after(
    tmp_path: Path,
) -> None:
    """Twice in one data folder: earlier payments and their balances are not this run's."""
    live = PASSES.replace('name = "p"', 'name = "p"\nworld = "live"') + (
        "[[expect]]\nholds = 1\nbalances = { USD = { customer-card = 1240 } }\n"
    )
    path, folder = write(tmp_path, live), tmp_path / "lab"
    for _ in range(2):
        ended = tap_lab("scenario", "run", path, "--data-dir", str(folder), data_dir=tmp_path)
        assert (ended.returncode, ended.stdout[:6]) == (0, "passed"), ended.stdout + ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent to one process there")
def test_recording_from_another_terminal_until_ctrl_c(tmp_path: Path) -> None:
    """Three commands on one engine, as three terminals have them; processes, so seconds."""
    folder = tmp_path / "lab"
    plan = write(tmp_path, '[[fault]]\nlink = "visa.auth"\neffect = "timeout"\n', "plan.toml")

    out = tmp_path / "recorded.toml"
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "lab", "scenario", "record", str(out)],
        cwd=ROOT,
        env={**os.environ, "TAPLAB_DATA_DIR": str(folder)},
        stderr=subprocess.PIPE,
        text=True,
    ) as recorder:
        assert recorder.stderr is not None
        assert "recording to" in recorder.stderr.readline()
        assert tap_lab("fault", "apply", plan, data_dir=folder).returncode == 0
        tapped = tap_lab("tap", "--amount", "3.01", "--profile", "instant", data_dir=folder)
        assert tapped.returncode == 1
        recorder.send_signal(signal.SIGINT)
        recorder.stderr.read()
        assert recorder.wait(60) == 0
    steps = load_file(out).steps
    assert {ApplyFaults, Tap} <= {type(step) for step in steps}
    assert main(["scenario", "run", str(out)]) == 0
