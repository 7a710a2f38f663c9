"""`tap-lab pos replay`: recorded dialogues against the till's own entry point and kernels.

A file of dialogues, or a trace (`.apdu`), whose recorded card is played. Nothing goes online and
nothing is kept: for each dialogue it says how far the till came and what it would have shown.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from backend.api import Entropy, LabClock
from hardware.api import (
    NO_AUTHORITIES,
    Authorities,
    HardwareError,
    RecordedDialogue,
    ReplayClock,
    ReplayLink,
    TapRequest,
    TapResult,
    TerminalConfig,
    TornLog,
    dialogue_of,
    read_dialogues,
    run_tap,
)
from lab.amounts import currency_of, parse_amount
from lab.authorities import own_authorities
from lab.commands.shared import (
    SUCCESS,
    Subparsers,
    command,
    terminal_option,
    write,
    write_json,
)
from lab.commands.vectors import read_json
from lab.errors import WrongUse
from lab.terminal_files import read_terminal
from lab.trace_files import read_trace

DIALOGUES_MAX = 10_000


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "pos", "play recorded card dialogues against the till's kernels",
                     "tap-lab pos replay tests/data/dialogues.json", run, alone=True)  # fmt: skip
    parser.add_argument("action", choices=("replay",))
    form = (
        'a trace (.apdu), or JSON: [{"id", "apdus": [{"c", "r"}]}]; a pair may have "ms", how long '
        'it took, and a dialogue "again", the pairs of the same card tapped once more'
    )
    parser.add_argument("file", type=Path, metavar="FILE", help=form)
    parser.add_argument("--id", metavar="ID", help="only the dialogue of that id")
    parser.add_argument("--amount", default="1.00", help="decimal amount (default %(default)s)")
    parser.add_argument("--currency", default="USD", help="ISO 4217 letters (default %(default)s)")
    terminal_option(parser)
    parser.add_argument("--authorities", type=Path, metavar="FILE",
                        help="authorities' keys (TOML) for recorded certificates")  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Play them all; what a dialogue ends in is a result, not a failure of the replay."""
    dialogues = _read(chosen.file, chosen.id)
    currency = currency_of(chosen.currency)
    request = TapRequest(
        parse_amount(chosen.amount, currency.code), currency.numeric, currency.exponent
    )
    path = getattr(chosen, "terminal", None)
    config = replace(
        TerminalConfig() if path is None else read_terminal(path),
        authorities=_believed(chosen.authorities),
    )
    results = [(each, _play(each, request, config)) for each in dialogues]
    if chosen.json:
        write_json([describe(dialogue, result) for dialogue, result in results])
    else:
        for dialogue, result in results:
            write(_line(dialogue, result))
    return SUCCESS


def describe(dialogue: RecordedDialogue, result: TapResult) -> dict[str, object]:
    """The document that `pos replay --json` promises for one dialogue."""
    return {
        "id": dialogue.identifier,
        "candidates": list(result.candidates),
        "kernel": result.kernel,
        "steps": list(result.steps),
        "outcome": result.outcome.value,
        "reason": result.reason,
        "ui": {"message_id": f"{result.ui.message_id:02X}", "status": result.ui.status.value},
        "cryptogram": result.cryptogram_type,
    }


def _read(path: Path, identifier: str | None) -> tuple[RecordedDialogue, ...]:
    try:
        if path.suffix == ".apdu":
            return (replace(dialogue_of(read_trace(path)), identifier=path.stem),)
        dialogues = read_dialogues(read_json(path))
    except HardwareError as fault:
        raise WrongUse(f"{path} is no dialogue file ({fault})") from fault
    if len(dialogues) > DIALOGUES_MAX:
        raise WrongUse(f"{path} has more than {DIALOGUES_MAX} dialogues")
    if identifier is not None:
        dialogues = tuple(each for each in dialogues if each.identifier == identifier)
        if not dialogues:
            raise WrongUse(f"{path} has no dialogue {identifier!r}")
    return dialogues


def _believed(path: Path | None) -> Authorities:
    """Recorded certificates are of the recording's own authorities."""
    if path is None:
        return NO_AUTHORITIES
    if not path.is_file():
        raise WrongUse(f"{path} is not there")
    return own_authorities(path)


def _play(dialogue: RecordedDialogue, request: TapRequest, config: TerminalConfig) -> TapResult:
    """One tap; two at the same till where the recording goes on, and then the second's result."""
    clock = ReplayClock(LabClock().now_us())
    torn = TornLog(config.torn_records_max, config.torn_lifetime_s)
    stream = Entropy(0).stream("pos replay")

    def tap(part: RecordedDialogue) -> TapResult:
        return asyncio.run(
            run_tap(
                ReplayLink(part, clock),
                config,
                request,
                clock=clock,
                stream=stream,
                recorded=True,
                torn=torn,
            )
        )

    result = tap(dialogue)
    return tap(replace(dialogue, exchanges=dialogue.again)) if dialogue.again else result


def _line(dialogue: RecordedDialogue, result: TapResult) -> str:
    said = f"{result.outcome.value} ({result.reason.replace('_', ' ')})"
    kernel = f"kernel {result.kernel}" if result.kernel is not None else "no kernel"
    cryptogram = result.cryptogram_type or "no cryptogram"
    message = f"message {result.ui.message_id:02X}"
    return f"{dialogue.identifier}: {said}, {kernel}, {cryptogram}, {message}"
