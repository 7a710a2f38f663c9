"""`tap-lab readers`: every reader with its URL, driver, card, and why one cannot be used."""

from __future__ import annotations

import argparse
import asyncio
import sys

from backend.api import LabClock, LabScheduler
from hardware.api import ReaderInfo, in_order
from lab.commands.shared import SUCCESS, Subparsers, command, write, write_json
from lab.readers import all_readers

WATCH_EVERY_S = 1.0


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "readers", "list card readers of all kinds",
                     "tap-lab readers --json", run)  # fmt: skip
    parser.add_argument("--watch", action="store_true", help="go on, a line for each change")


def run(chosen: argparse.Namespace) -> int:
    """List once, or go on until interrupted."""
    found = all_readers()
    if chosen.json and not chosen.watch:
        write_json({"readers": [_document(reader) for reader in found]})
        return SUCCESS
    for reader in found:
        write(_line(reader))
    sys.stdout.flush()
    if chosen.watch:
        asyncio.run(_watch(found))
    return SUCCESS


async def _watch(known: tuple[ReaderInfo, ...]) -> None:
    scheduler = LabScheduler(LabClock())
    while True:
        await scheduler.sleep(WATCH_EVERY_S)
        now = await asyncio.to_thread(all_readers)
        for gone in set(known) - set(now):
            write(f"- {_line(gone)}")
        for came in set(now) - set(known):
            write(f"+ {_line(came)}")
        sys.stdout.flush()  # whoever reads a pipe waits for the change, not for a full buffer
        known = now


def _line(reader: ReaderInfo) -> str:
    state = "usable" if reader.usable else f"not usable: {reader.why}"
    card = f", card {reader.card}" if reader.card else ""
    can = ", ".join(in_order(reader.capabilities))
    can = f"; {can}" if can else ""
    return f"{reader.url}  {reader.name} ({reader.driver}{card}{can}): {state}"


def _document(reader: ReaderInfo) -> dict[str, object]:
    return {
        "url": reader.url,
        "name": reader.name,
        "driver": reader.driver,
        "model": reader.model,
        "serial": reader.serial,
        "capabilities": list(in_order(reader.capabilities)),
        "card": reader.card,
        "usable": reader.usable,
        "why": reader.why,
    }
