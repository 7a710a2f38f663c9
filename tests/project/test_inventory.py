"""The list of requirements is whole, and what is told of it comes from the tests' own marks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.inventory import Inventory, Row, as_json, as_text, load, of_groups, state_of

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = """
import pytest

pytestmark = pytest.mark.inv(25, "C49")


@pytest.mark.inv(26, 27)
@pytest.mark.parametrize("case", [1, 2])
def test_quick(case):
    raise AssertionError("an inventory runs no test")


@pytest.mark.inv(27)
@pytest.mark.full("kill")
def test_long():
    raise AssertionError("an inventory runs no test")
"""


def test_every_row_is_there_once() -> None:
    inventory = load()
    assert [row.number for row in inventory.rows] == list(range(1, 398))
    assert len(inventory.groups) == 35
    assert all(row.name for row in inventory.rows)
    assert {row.number for row in inventory.rows if row.superseded} == {67, 68}
    assert {row.number for row in inventory.rows if row.partly} == {25, 213}


def small() -> Inventory:
    rows = (Row(1, "A", "one"), Row(2, "A", "two"), Row(3, "B", "three", superseded="by four"))
    return Inventory({"A": "First", "B": "Second"}, rows)


def test_a_row_is_shown_open_or_superseded() -> None:
    shown = {1: ["tests/test_it.py::test_one"], 3: ["tests/test_it.py::test_three"]}
    assert [state_of(row, shown) for row in small().rows] == ["shown", "open", "superseded"]
    told = as_json(small(), shown)
    assert (told["rows"], told["shown"], told["open"], told["superseded"]) == (3, 1, [2], [3])
    text = as_text(small(), shown)
    assert "A  First: 1 shown, 1 open" in text
    assert "tests/test_it.py::test_one" in text
    assert text.endswith("1 rows shown, 1 open, of 3")


def test_only_the_groups_that_were_asked_for() -> None:
    assert [row.number for row in of_groups(small(), ["A"]).rows] == [1, 2]
    assert of_groups(small(), []) == small()
    with pytest.raises(KeyError):
        of_groups(small(), ["Z"])


def collected(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """What a fresh pytest collects of one file, under this project's own conftest."""
    (folder / "test_sample.py").write_text(source)
    program = (
        "import json, sys; from tests.inventory import collect; "
        f"json.dump(collect(['-p', 'tests.conftest', {str(folder)!r}]), sys.stdout)"
    )
    return subprocess.run(  # noqa: S603 -- our own interpreter and program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )


# a second: a pytest of its own collects
def test_marks_are_read_from_modules_and_from_long_tests_and_nothing_runs(tmp_path: Path) -> None:
    done = collected(tmp_path, SAMPLE)
    assert done.returncode == 0, done.stderr
    shown = {int(row): [t.rpartition("::")[2] for t in tests] for row, tests in
             json.loads(done.stdout).items()}  # fmt: skip
    assert shown == {25: ["test_quick", "test_long"], 26: ["test_quick"],
                     27: ["test_quick", "test_long"]}  # fmt: skip


# a second: a pytest of its own collects
def test_a_mark_without_a_row_stops_the_run(tmp_path: Path) -> None:
    done = collected(tmp_path, SAMPLE.replace("26, 27", "26, 398"))
    assert done.returncode != 0
    assert "there is no row 398" in done.stderr
