"""`python -m tests.stack_figures`: the benchmark over every stack, on virtual hardware.

Makes a private smart-card service and two virtual PN532 boards face to face, and runs `tap-lab
bench` against them in a process of its own; options are passed on. Says what is missing where a
stack cannot be made here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.pcsc_stack import Missing, PcscStack
from tests.pn532_bench import Bench

ROOT = Path(__file__).resolve().parents[1]


def main(options: list[str]) -> int:
    """Run the benchmark; its exit code."""
    where: list[str] = []
    with ExitStack() as held:
        try:
            stack = PcscStack()
            held.callback(stack.close)
            stack.start()
            where += ["--vpcd", ":".join(map(str, stack.vpcd_address()))]
        except Missing as missing:
            sys.stderr.write(f"no PC/SC: {missing}\n")
        if hasattr(os, "openpty"):
            boards = Bench(2)
            held.callback(boards.close)
            where += ["--boards", f"pn532:{boards.path(0)}", f"pn532:{boards.path(1)}"]
        command = [sys.executable, "-m", "lab", "bench", *where, *options]
        return subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603 - our own


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
