"""`tap-lab card ca`: the laboratory's certification authorities, so that others can check cards.

Public keys only. With `--toml` as the file that a till reads (`authorities.toml` in a data folder).
"""

from __future__ import annotations

import argparse

from hardware.api import write_authorities
from lab.authorities import read_key
from lab.commands.engine_only import Engine, with_engine
from lab.commands.shared import (
    SUCCESS,
    Subparsers,
    command,
    settings_of,
    write,
    write_json,
)
from lab.json_fields import Json, text

_LINE_DIGITS = 64


def add(commands: Subparsers) -> None:
    """Add `ca` to the commands about the card."""
    parser = command(
        commands,
        "ca",
        "show the certification authorities that vouch for the laboratory's cards",
        "tap-lab card ca --json",
        run,
    )
    parser.add_argument(
        "--toml",
        action="store_true",
        help="as the authorities.toml that another folder's till reads",
    )


def run(chosen: argparse.Namespace) -> int:
    """Show them; they are made if no card needed them yet."""

    async def work(engine: Engine) -> tuple[Json, ...]:
        return await engine.client.authorities(make=True)

    told = with_engine(settings_of(chosen), work)
    if chosen.json:
        write_json({"authorities": list(told)})
    elif chosen.toml:
        write(write_authorities(tuple(map(read_key, told))).rstrip("\n"))
    else:
        for body in told:
            _show(body)
    return SUCCESS


def _show(body: Json) -> None:
    modulus = text(body, "modulus")
    write(f"{text(body, 'network')}: RID {text(body, 'rid')}, index {text(body, 'index')}")
    write(f"  exponent {text(body, 'exponent')}, expires {text(body, 'expires')} (MMYY)")
    write(f"  modulus  {modulus[:_LINE_DIGITS]}")
    for at in range(_LINE_DIGITS, len(modulus), _LINE_DIGITS):
        write(f"           {modulus[at : at + _LINE_DIGITS]}")
    write(f"  SHA-1    {text(body, 'sha1')}")
