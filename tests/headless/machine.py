"""A machine without window and drivers, as far as Python can tell, and the commands run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BLIND = Path(__file__).parent / "without_window"


@dataclass
class Machine:
    """One data folder and a book of who asked for what.

    Attributes:
        python: the interpreter.
        blind: whether the libraries are hidden from it (a real environment need not be).
    """

    folder: Path
    python: str = sys.executable
    blind: bool = True
    book: Path = field(init=False)

    def __post_init__(self) -> None:
        self.book = self.folder / "asked-for.txt"
        self.book.touch()

    def environment(self) -> dict[str, str]:
        """What its processes see."""
        places = [str(BLIND)] if self.blind else []
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*places, str(ROOT)]),
            "TAPLAB_ASKED_FOR": str(self.book),
            "TAPLAB_DATA_DIR": str(self.folder / "lab"),
            "TAPLAB_KEY_HOME": "file",
        }

    @contextmanager
    def engine(self) -> Iterator[None]:
        """While this is entered, an engine runs on the folder: commands attach to it."""
        command = [self.python, "-m", "backend", "serve", "--profile", "instant"]
        with subprocess.Popen(  # noqa: S603 - our own interpreter
            command, cwd=ROOT, env=self.environment(), stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout is not None
            try:
                ready = json.loads(running.stdout.readline())
                assert ready["pid"] == running.pid
                yield
            finally:
                running.terminate()
        assert running.returncode == 0

    def run(self, *arguments: str, module: str = "lab") -> subprocess.CompletedProcess[str]:
        """One command in a process of its own."""
        return subprocess.run(  # noqa: S603 - our own interpreter
            [self.python, "-m", module, *arguments],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def told(self, *arguments: str, module: str = "lab") -> dict[str, object]:
        """The JSON document of a command that succeeds."""
        ran = self.run(*arguments, "--json", module=module)
        assert ran.returncode == 0, (arguments, ran.stdout[-1500:], ran.stderr[-3000:])
        document: dict[str, object] = json.loads(ran.stdout)
        return document

    def asked_for(self) -> list[str]:
        """What was looked for or imported so far, without who it was."""
        lines = [line.partition(" ")[2] for line in self.book.read_text().splitlines()]
        return [line for line in lines if line != "starts"]

    def processes(self) -> int:
        """How many processes have read the blindfold."""
        lines = self.book.read_text().splitlines()
        return len({line.split()[0] for line in lines if line.endswith("starts")})
