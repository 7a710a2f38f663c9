"""What every command has: common options, settings, output, and a world to work in.

Data goes to stdout (one JSON document with `--json`), everything else to stderr.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

import orjson

from lab.settings import DEFAULT_READER, Settings, default_data_dir, prepare_data_dir
from lab.world import World, opened

T = TypeVar("T")
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 -- no public name

SUCCESS, FAILED, WRONG_USE, MISSING = 0, 1, 2, 3


def command(
    commands: Subparsers,
    name: str,
    does: str,
    example: str,
    run: Callable[[argparse.Namespace], int],
    *,
    alone: bool = False,
) -> argparse.ArgumentParser:
    """A command with the common options, a sentence and an example.

    Args:
        commands: where it is added.
        name: what is typed.
        does: what it does.
        example: one that works as it stands, or with the file that it names.
        run: does it; the exit code.
        alone: it uses neither data folder nor engine: their options are taken, as for every
            command, but not offered.
    """
    parser = commands.add_parser(
        name, help=does, description=does + ".", epilog=f"example: {example}"
    )
    parser.set_defaults(run=run)
    shared_options(parser, alone=alone)
    return parser


def shared_options(parser: argparse.ArgumentParser, *, alone: bool = False) -> None:
    """The options that every command takes; a command that is alone does not offer them all."""

    def offered(text: str) -> str:
        return argparse.SUPPRESS if alone else text

    add = parser.add_argument
    folder = "folder of the laboratory (default: the user's data folder)"
    # Suppressed: a default here would overwrite what stood before the command's name.
    add("--data-dir", type=Path, metavar="DIR", default=argparse.SUPPRESS, help=offered(folder))
    add("--engine", metavar="URL", type=engine_url, default=argparse.SUPPRESS,
        help=offered("use a running engine instead of starting one"))  # fmt: skip
    add("--seed", type=int, default=argparse.SUPPRESS, help=offered("seed of a fresh world"))
    add("--json", action="store_true", help="one JSON document on stdout")


def engine_url(text: str) -> str:
    """An engine's address, for argparse.

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port beyond 65535
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"{text!r} is no address such as http://127.0.0.1:8800")
    return text


def profile_option(parser: argparse.ArgumentParser) -> None:
    """How long phone and networks take."""
    parser.add_argument(
        "--profile",
        choices=("lab", "instant"),
        default="lab",
        help="lab: phone and networks take their time; instant: none (default %(default)s)",
    )


def terminal_option(parser: argparse.ArgumentParser) -> None:
    """What the till may do, as a file."""
    parser.add_argument(
        "--terminal",
        type=Path,
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="terminal configuration (TOML, see docs/terminal-configuration.md)",
    )


def settings_of(chosen: argparse.Namespace, *, pace: float = 0.0) -> Settings:
    """The settings that the options amount to; the data folder exists afterwards."""
    folder = chosen.data_dir or default_data_dir()
    return Settings(
        data_dir=prepare_data_dir(folder.expanduser().resolve()),
        engine_url=chosen.engine,
        seed=chosen.seed,
        profile=getattr(chosen, "profile", "lab"),
        pace=pace,
        reader=getattr(chosen, "reader", None) or DEFAULT_READER,
        terminal_file=getattr(chosen, "terminal", None),
        mag_stripe=getattr(chosen, "mag_stripe", False),
        transit=getattr(chosen, "transit", False),
    )


def in_world(settings: Settings, work: Callable[[World], Awaitable[T]]) -> T:
    """Run `work` in a world whose engine is up and whose phone has signed in."""

    async def run() -> T:
        async with opened(settings) as world:
            await world.ready()
            return await work(world)

    return asyncio.run(run())


def write_json(document: Mapping[str, object] | Sequence[object]) -> None:
    """One JSON document on stdout."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    sys.stdout.buffer.write(orjson.dumps(document, option=options))
    sys.stdout.buffer.flush()


def write(line: str) -> None:
    """A line of data on stdout."""
    sys.stdout.write(line + "\n")


def remark(line: str) -> None:
    """A line for the person, on stderr."""
    sys.stderr.write(line + "\n")
