"""Fault plans as files, for window and command line; a plan outlives the command that read it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import main
from lab.errors import NotDone, WrongUse
from lab.fault_files import PLAN_BYTES_MAX, read_plan, write_plan
from lab.pos.state import PosPhase
from tests.lab.core.running import Running

PLAN = """
[[fault]]
link = "card"
effect = "pull"
at_apdu = 2
moment = "before"
when = {nth = 2}

[[fault]]
link = "pos.engine"
effect = "latency"
ms = 30
"""


def test_a_plan_is_written_and_read_back(tmp_path: Path) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    first.write_text(PLAN)
    plan = read_plan(first)
    board = tuple({**fault, "id": "f1", "fired": 3} for fault in plan)
    write_plan(second, board)
    assert read_plan(second) == plan
    assert [fault["link"] for fault in plan] == ["card", "pos.engine"]
    with pytest.raises(NotDone, match="cannot be written"):
        write_plan(tmp_path / "absent" / "x.toml", board)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[[fault]\n", "no fault plan"),
        ("fault = 7\n", "fault"),
        ("[[step]]\n", "step"),
        ('[[fault]]\nlink = "card"\neffect = "pul"\n', "pull"),
        ('[[fault]]\nlink = "card"\neffect = "pull"\nat_apdu = 0\n', "at_apdu"),
        ('[[fault]]\nlink = "reader"\neffect = "pull"\n', "unplug"),
        ('[[fault]]\nlink = "card"\neffect = "pull"\nwhen = "before"\n', "when"),
        ("#" * (PLAN_BYTES_MAX + 1), "larger"),
        (b"\xff\xfe", "no fault plan"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(
    tmp_path: Path, content: str | bytes, why: str
) -> None:
    path = tmp_path / "plan.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongUse, match=why):
        read_plan(path)
    with pytest.raises(WrongUse, match="cannot be read"):
        read_plan(tmp_path / "absent.toml")


def test_the_window_takes_a_plan_and_gives_one(lab: Running, tmp_path: Path) -> None:
    console, path, out = lab.world.console, tmp_path / "plan.toml", tmp_path / "out.toml"
    path.write_text(PLAN)
    lab.run(console.import_faults(path))
    assert [row.id for row in console.state.faults if row.on] == ["card.pulled"]
    assert len(console.state.deviations) == 2
    lab.run(console.export_faults(out))
    assert read_plan(out) == read_plan(path)
    path.write_text(PLAN.replace("pull", "pul"))
    with pytest.raises(WrongUse):
        lab.run(console.import_faults(path))
    lab.run(console.look())
    assert len(console.state.deviations) == 2  # what was on stays on
    phases = [lab.run(lab.world.hands.tap(1240, "USD")).phase for _ in range(2)]
    assert phases == [PosPhase.APPROVED, PosPhase.TRY_AGAIN]


@pytest.fixture
def engine_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose engine runs on its own, so that faults outlive a command."""
    folder = tmp_path / "lab"
    serving = subprocess.Popen(  # noqa: S603 -- our own engine
        [sys.executable, "-m", "lab", "serve", "--data-dir", str(folder), "--seed", "7"],
        stdout=subprocess.PIPE,
    )
    assert serving.stdout is not None
    assert b"url" in serving.stdout.readline()
    yield folder
    serving.terminate()
    serving.wait(10)
    serving.stdout.close()


def test_a_fault_of_one_command_strikes_in_the_next(
    engine_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over 0.25 s: an engine, and seven commands on it."""
    folder = ["--data-dir", str(engine_folder), "--json"]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)

    def said(*arguments: str) -> tuple[int, dict[str, object]]:
        code = main([*arguments, *folder])
        return code, json.loads(capsys.readouterr().out)

    tap = ("tap", "--amount", "12.40", "--profile", "instant")
    assert said("fault", "apply", str(plan))[0] == 0
    assert said(*tap)[1]["outcome"] == "approved"
    code, second = said(*tap)
    assert (code, second["outcome"], second["reason"]) == (1, "try_again", "pulled_too_early")
    assert said(*tap)[1]["outcome"] == "approved"
    faults = said("fault", "list")[1]["faults"]
    assert [(fault["link"], fault["fired"]) for fault in faults] == [("card", 1), ("pos.engine", 2)]
    assert said("fault", "reset")[1] == {"faults": []}
