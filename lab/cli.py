"""`tap-lab`: the command line. Parses, chooses, and turns errors into exit codes.

0 success, 1 a business failure, 2 wrong use, 3 something needed is missing (with its remedy in one
line). Without a command it opens the window; Qt is imported only then.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.api import BackendError
from hardware.api import HardwareError
from lab.commands import (
    bench,
    board,
    card,
    decode,
    doctor,
    load,
    payment,
    pos,
    readers,
    scenario,
    serve,
    shots,
    tap,
    token,
    trace,
    vectors,
    webhook,
    world,
)
from lab.commands.shared import FAILED, MISSING, WRONG_USE, engine_url, remark
from lab.errors import EngineRefused, EngineUnreachable, LabError, SomethingMissing, WrongUse
from lab.settings import DEFAULT_READER, THEMES, Settings, default_data_dir, prepare_data_dir
from lab.terminal_files import read_terminal

INTERRUPTED = 130
SCALES = (0.5, 4.0)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, or the window; the exit code."""
    try:
        code = _run(_parsed(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()  # here, where a reader that has gone is no fault, not at the exit
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`); the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed. Ends the program with 2 where it cannot be meant, as argparse does."""
    top = parser()
    for argument in arguments:
        # argparse takes "--" out of an option's value too, and hands on an empty list instead.
        if argument.startswith("--") and argument.endswith("=--"):
            top.error(f"argument {argument.removesuffix('=--')}: '--' is no value")
    return top.parse_args(arguments)


def _run(chosen: argparse.Namespace) -> int:
    try:
        code: int = chosen.run(chosen)
    except WrongUse as wrong:
        remark(f"tap-lab: {wrong}")
        return WRONG_USE
    except (SomethingMissing, EngineUnreachable, BackendError) as missing:
        remark(f"tap-lab: {missing}")
        return MISSING
    except EngineRefused as refusal:
        remark(f"tap-lab: the engine refused ({refusal.code}): {refusal.detail}")
        return FAILED
    except (LabError, HardwareError) as fault:
        remark(f"tap-lab: {fault}")
        return FAILED
    return code


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="tap-lab",
        description="A lab for tap-to-pay: wallet, till and card networks you can break. "
        "Without a command it opens the window.",
        epilog="example: tap-lab --theme light --scale 1.25",
    )
    top.set_defaults(run=_window)
    top.add_argument("--data-dir", type=Path, help="folder of the laboratory")
    top.add_argument("--engine", metavar="URL", type=engine_url, help="use a running engine")
    top.add_argument("--seed", type=int, help="seed of a fresh world")
    top.add_argument("--reader", default=DEFAULT_READER, help="URL or name of the till's reader")
    top.add_argument("--terminal", type=Path, metavar="FILE", help="terminal configuration (TOML)")
    top.add_argument("--theme", choices=THEMES, default="dark")
    top.add_argument("--scale", type=_scale, default=1.0, help="size of everything (default 1)")
    top.add_argument("--presenter", action="store_true", help="larger, for a room")
    top.add_argument("--transit", action="store_true", help="the till is a gate: express cards pay")
    commands = top.add_subparsers(metavar="COMMAND")
    for module in (
        tap, pos, payment, card, token, readers, decode, trace, vectors, doctor, world, board, load,
        scenario, bench, shots, serve, webhook,
    ):  # fmt: skip
        module.add(commands)
    return top


def _scale(text: str) -> float:
    smallest, largest = SCALES
    if not smallest <= float(text) <= largest:
        raise argparse.ArgumentTypeError(f"{text} is not {smallest:g} to {largest:g}")
    return float(text)


def _window(chosen: argparse.Namespace) -> int:
    if chosen.terminal is not None:
        read_terminal(chosen.terminal)  # refused here, before a window opens
    folder = (chosen.data_dir or default_data_dir()).expanduser().resolve()
    settings = Settings(
        data_dir=prepare_data_dir(folder),
        engine_url=chosen.engine,
        seed=chosen.seed,
        reader=chosen.reader,
        terminal_file=chosen.terminal,
        theme=chosen.theme,
        scale=chosen.scale,
        presenter=chosen.presenter,
        transit=chosen.transit,
    )
    try:
        from lab.app import run_window
    except ImportError as absent:
        raise SomethingMissing(
            f"the window's libraries are not installed ({absent.name})",
            "python3 start.py installs them (with the wheel: pip install 'tap-lab[window]')",
        ) from absent
    return run_window(settings)


if __name__ == "__main__":
    sys.exit(main())
