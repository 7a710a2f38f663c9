"""`tap-lab shots --out DIR`: the screens named in the guide as pictures, made by the real thing."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from lab.commands.shared import FAILED, SUCCESS, Subparsers, command, remark, write, write_json
from lab.errors import SomethingMissing, WrongUse


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "shots", "render every screen to PNG, offscreen",
                     "tap-lab shots --out pictures", run, alone=True)  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--only", action="append", metavar="NAME", help="only these screens")


def run(chosen: argparse.Namespace) -> int:
    """Render; exit 1 when a screen that is built could not be reached."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        from lab import shots
    except ImportError as absent:
        raise SomethingMissing(
            f"the window's libraries are not installed ({absent.name})",
            "python3 start.py installs them (with the wheel: pip install 'tap-lab[window]')",
        ) from absent
    try:
        chosen.out.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise WrongUse(f"{chosen.out} cannot be made ({fault.strerror})") from fault
    report = shots.render(chosen.out, frozenset(chosen.only or ()))
    if chosen.json:
        write_json(report.to_json())
    else:
        for name in report.made:
            write(f"{chosen.out / name}.png")
    for name, why in report.failed.items():
        remark(f"{name}: {why}")
    remark(f"not built yet: {', '.join(report.not_built)}")
    return FAILED if report.failed else SUCCESS
