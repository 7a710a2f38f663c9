"""`tap-lab serve`: the engine alone, the same as `python -m backend serve`."""

from __future__ import annotations

import argparse
import os
import sys

from lab.commands.shared import Subparsers


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="run the engine alone",
        description="Run the engine alone; every option is that of python -m backend serve.",
        epilog="example: tap-lab serve --port 8800",
        add_help=False,
        prefix_chars="\0",  # every option is the engine's: argparse must not look for its own
    )
    parser.add_argument("options", nargs=argparse.REMAINDER)
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Become the engine."""
    command = [sys.executable, "-m", "backend", "serve", *chosen.options]
    os.execv(sys.executable, command)  # noqa: S606 -- our own interpreter, no shell
