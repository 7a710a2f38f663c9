"""The door: everything it names is there, it opens lightly, and nothing behind it looks out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

from hardware import api

ROOT = Path(api.__file__).parent
LAYERS = [
    {"api"}, {"trace", "faults", "publish"}, {"terminal", "card"}, {"readers"}, {"crypto"}, {"emv"},
    {"apdu"}, {"runtime"},
]  # fmt: skip


def test_every_name_is_there_and_the_list_is_sorted_once() -> None:
    assert len(set(api.__all__)) == len(api.__all__)
    assert [name for name in api.__all__ if not hasattr(api, name)] == []


def test_the_door_loads_no_driver_and_no_window() -> None:
    # A fresh interpreter (about 0.2 s): this one has loaded everything already.
    program = (
        "import sys, hardware.api;"
        "print([m for m in ('joserfc','smartcard','nfc','PySide6','backend','lab')"
        " if m in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 -- our own interpreter, our own words
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT.parent,
    )
    assert done.stdout.strip() == "[]"


DRIVERS = {("pcsc_service.py", "smartcard"), ("nfcpy_driver.py", "nfc")}


def level(package: str) -> int:
    return next(i for i, names in enumerate(LAYERS) if package in names)


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def test_imports_go_down_only() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for module in imported(path):
            parts = module.split(".")
            foreign = parts[0] in {"backend", "lab", "PySide6", "smartcard", "nfc"}
            if foreign and (path.name, parts[0]) not in DRIVERS:
                wrong.append((own, module))
            if parts[0] != "hardware" or len(parts) < 2 or parts[1] == own:
                continue
            if level(parts[1]) <= level(own):
                wrong.append((own, module))
    assert wrong == []


def test_files_and_lines_keep_their_size() -> None:
    for path in ROOT.rglob("*.py"):
        lines = path.read_text().splitlines()
        assert len(lines) <= 400, path
        assert max(map(len, lines), default=0) <= 100, path
