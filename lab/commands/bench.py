"""`tap-lab bench`: the benchmark suite as JSON. It reports; it never fails for a missed target."""

from __future__ import annotations

import argparse
import asyncio

from lab.bench_suite import measures
from lab.bench_suite.stacks import Stacks
from lab.commands.card import controller_address, vpcd_address
from lab.commands.shared import SUCCESS, Subparsers, command, remark, settings_of, write, write_json


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "bench", "measure taps and payments a second",
                     "tap-lab bench --json --rounds 5", run, alone=True)  # fmt: skip
    parser.add_argument("--rounds", type=int, default=5, help="medians are over so many")
    parser.add_argument("--taps", type=int, default=60, help="taps a round")
    parser.add_argument("--payments", type=int, default=400, help="payments a round")
    parser.add_argument("--vpcd", type=vpcd_address, metavar="HOST:PORT",
                        help="measure taps over PC/SC too: where vpcd listens")  # fmt: skip
    parser.add_argument("--boards", nargs=2, type=controller_address, metavar=("READER", "CARD"),
                        help="measure taps by radio too: two NFC controllers face to face",
                        )  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Measure in a data folder of its own, which is thrown away."""
    remark("measuring; other programs on this machine change the figures")
    boards = (chosen.boards[0].url, chosen.boards[1]) if chosen.boards else None
    document = asyncio.run(
        measures.measure(
            settings_of(chosen),
            rounds=max(1, chosen.rounds),
            taps=max(1, chosen.taps),
            payments=max(1, chosen.payments),
            where=Stacks(chosen.vpcd, boards),
        )
    )
    if chosen.json:
        write_json(document)
    else:
        for row in measures.rows_of(document):
            write(row)
    return SUCCESS
