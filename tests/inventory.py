"""Which rows of the requirements inventory are shown by a test, and which are open.

`python3 start.py test --inventory [--json] [GROUP …]`. Collects the tests without running one, the
long ones too, reads their `inv(…)` marks and holds them against `tests/data/inventory.toml`. Knows
nothing of what a row asks: whether a test truly shows it is for its reader to judge.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

CONTRADICTIONS = frozenset(f"C{number}" for number in range(1, 58))
"""Points on which the designs contradict each other; a mark may name how one was settled."""
ROOT = Path(__file__).resolve().parent.parent
ROWS_FILE = ROOT / "tests" / "data" / "inventory.toml"
SAID_MAX = 2_000  # the end of what pytest says is why


@dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        group: its letter.
        superseded: what took its place; empty when it is asked for.
        partly: what took the place of a part of it; the rest is asked for.
    """

    number: int
    group: str
    name: str
    superseded: str = ""
    partly: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All rows in order, and the groups' names by letter."""

    groups: Mapping[str, str]
    rows: tuple[Row, ...]

    @property
    def numbers(self) -> frozenset[object]:
        """Every row's number."""
        return frozenset(row.number for row in self.rows)


def load(path: Path = ROWS_FILE) -> Inventory:
    """Read the rows."""
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    whole = document.pop("superseded")
    partly = document.pop("superseded_in_part")
    rows = (
        Row(int(number), letter, name, whole.get(number, ""), partly.get(number, ""))
        for letter, group in document.items()
        for number, name in group["rows"].items()
    )
    return Inventory({letter: group["name"] for letter, group in document.items()}, tuple(rows))


def rows_of(item: pytest.Item) -> tuple[object, ...]:
    """The rows that a test says it shows; its class and its module may say so too."""
    return tuple(row for mark in item.iter_markers("inv") for row in mark.args)


def unknown_rows(items: Iterable[pytest.Item]) -> list[str]:
    """Marks that name no row, one sentence each."""
    known = load().numbers | CONTRADICTIONS
    return [
        f"{item.nodeid} is marked inv({row}), and there is no row {row}"
        for item in items
        for row in rows_of(item)
        if row not in known
    ]


class Collector:
    """A pytest plugin that only listens.

    Attributes:
        shown: tests by row, each once however many cases it has.
    """

    def __init__(self) -> None:
        self.shown: dict[int, list[str]] = {}

    @pytest.hookimpl(tryfirst=True)  # before the long ones are put aside
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take the marks down."""
        for item in items:
            test = item.nodeid.partition("[")[0]
            for row in rows_of(item):
                if not isinstance(row, int):
                    continue
                tests = self.shown.setdefault(row, [])
                if test not in tests:
                    tests.append(test)


def collect(paths: Sequence[str] = ()) -> dict[int, list[str]]:
    """Tests by row.

    Args:
        paths: where to look; everywhere when none is given.

    Raises:
        RuntimeError: pytest could not collect; with what it said.
    """
    collector, said = Collector(), io.StringIO()
    with contextlib.redirect_stdout(said):
        status = pytest.main(
            ["--collect-only", "-qq", "-p", "no:randomly", *paths], plugins=[collector]
        )
    if status != pytest.ExitCode.OK:
        raise RuntimeError(said.getvalue()[-SAID_MAX:])
    return collector.shown


def as_json(inventory: Inventory, shown: Mapping[int, Sequence[str]]) -> dict[str, object]:
    """Everything as one document."""
    counted = [row for row in inventory.rows if not row.superseded]
    return {
        "rows": len(inventory.rows),
        "shown": sum(1 for row in counted if row.number in shown),
        "open": [row.number for row in counted if row.number not in shown],
        "superseded": [row.number for row in inventory.rows if row.superseded],
        "groups": [
            {
                "group": letter,
                "name": name,
                "rows": [
                    {
                        "row": row.number,
                        "name": row.name,
                        "state": state_of(row, shown),
                        "superseded": row.superseded or row.partly or None,
                        "tests": list(shown.get(row.number, ())),
                    }
                    for row in inventory.rows
                    if row.group == letter
                ],
            }
            for letter, name in inventory.groups.items()
        ],
    }


def state_of(row: Row, shown: Mapping[int, Sequence[str]]) -> str:
    """One word: shown, open or superseded."""
    if row.superseded:
        return "superseded"
    return "shown" if row.number in shown else "open"


def as_text(inventory: Inventory, shown: Mapping[int, Sequence[str]]) -> str:
    """The same for a terminal: a group, its rows, the tests of each."""
    lines: list[str] = []
    for letter, name in inventory.groups.items():
        rows = [row for row in inventory.rows if row.group == letter]
        states = [state_of(row, shown) for row in rows]
        lines += [
            "",
            f"{letter}  {name}: {states.count('shown')} shown, {states.count('open')} open",
        ]
        for row, state in zip(rows, states, strict=True):
            why = row.superseded or row.partly
            lines.append(
                f"  {row.number:>3}  {state:<10} {row.name}" + (f" ({why})" if why else "")
            )
            lines += [f"         {test}" for test in shown.get(row.number, ())]
    total = as_json(inventory, shown)
    opened = total["open"]
    assert isinstance(opened, list)
    lines += ["", f"{total['shown']} rows shown, {len(opened)} open, of {total['rows']}"]
    return "\n".join(lines[1:])


def of_groups(inventory: Inventory, letters: Sequence[str]) -> Inventory:
    """Only these groups; all when none is named.

    Raises:
        KeyError: a letter is no group's.
    """
    if not letters:
        return inventory
    groups = {letter: inventory.groups[letter] for letter in letters}
    return Inventory(groups, tuple(row for row in inventory.rows if row.group in groups))


def main(arguments: Sequence[str]) -> int:
    """Print it; 1 when the tests cannot be collected, 2 on wrong use."""
    parser = argparse.ArgumentParser(
        prog="start.py test --inventory",
        description="rows of the requirements inventory that tests show, and rows that are open",
        epilog="example: python3 start.py test --inventory B C",
    )
    parser.add_argument("group", nargs="*", metavar="GROUP", help="letters; all when none is given")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    chosen = parser.parse_args(arguments)
    try:
        inventory = of_groups(load(), [letter.upper() for letter in chosen.group])
    except KeyError as unknown:
        parser.error(f"there is no group {unknown.args[0]}")
    try:
        shown = collect([str(ROOT / "tests")])
    except RuntimeError as failed:
        sys.stderr.write(f"{failed}\nthe tests cannot be collected\n")
        return 1
    told = (
        json.dumps(as_json(inventory, shown), indent=1)
        if chosen.json
        else as_text(inventory, shown)
    )
    sys.stdout.write(told + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
