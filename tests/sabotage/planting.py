"""Plants a defect in a copy of the project and runs the check that is named for it.

The table `defects.toml` says what is changed and which check must go red: a check that cannot fail
proves nothing. The copy is made once; a defect is taken out again when its check has spoken. The
checks run as a person runs them, in a process of their own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("defects.toml")
COPIED = ("assets", "backend", "hardware", "lab", "tests", "pyproject.toml", "README.md")
TESTS_FAILED = 1
"""pytest's exit code for "some test failed"; others mean that no test spoke."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One change and the check that must notice it.

    Attributes:
        before: stands exactly once in the file.
        check: a test's node id, or the beginning of an import contract's name.
        quick: whether it is planted in every run.
    """

    name: str
    file: str
    before: str
    after: str
    check: str
    quick: bool = False

    @property
    def of_contract(self) -> bool:
        """Whether the check is an import contract."""
        return not self.check.startswith("tests/")

    def spoil(self, text: str) -> str:
        """The file with the defect in it.

        Raises:
            AssertionError: the place is gone or no longer the only one.
        """
        assert text.count(self.before) == 1, (
            f"stale: {self.file} has {text.count(self.before)} places for {self.name!r}"
        )
        return text.replace(self.before, self.after)


def read_defects() -> list[Defect]:
    """The table, in its order."""
    return [Defect(**entry) for entry in tomllib.loads(TABLE.read_text())["defect"]]


def contracts() -> list[str]:
    """Names of the import contracts."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return [contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]]


class Copy:
    """The project in a scratch place."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, place / name)  # compiled files too: times are kept
            else:
                shutil.copy2(source, place / name)

    @contextmanager
    def with_defect(self, defect: Defect) -> Iterator[None]:
        """While this is entered, the defect is there."""
        path = self.place / defect.file
        sound = path.read_text()
        path.write_text(defect.spoil(sound))
        _forget_compiled(path)
        try:
            yield
        finally:
            path.write_text(sound)
            _forget_compiled(path)

    def run_tests(self, *checks: str) -> subprocess.CompletedProcess[str]:
        """Run these checks, up to the first failure."""
        options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
        return self._run("-m", "pytest", *options, *checks)

    def broken_contracts(self) -> set[str]:
        """Names of the import contracts that do not hold now."""
        ran = self._run("-c", "from importlinter.cli import lint_imports_command as c; c()",
                        "--no-cache")  # fmt: skip
        assert "Contracts:" in ran.stdout, ran.stdout + ran.stderr
        told = [line for line in ran.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
        return {line.rsplit("BROKEN", 1)[0].strip() for line in told}

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        environment |= {"PYTHONPATH": str(self.place), "COLUMNS": "300"}
        return subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, *arguments],
            cwd=self.place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def _forget_compiled(path: Path) -> None:
    """A change of equal length within one second would else go unseen."""
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()
