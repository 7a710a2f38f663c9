"""`tap-lab trace show|export`: a recorded conversation, decoded."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hardware.api import Trace, decode, name_frames
from lab.commands.decode import write_tree
from lab.commands.shared import SUCCESS, Subparsers, command, write, write_json
from lab.errors import WrongUse
from lab.trace_files import FORMATS, read_trace

STATUS_HEX = 4  # a status word is two bytes


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "trace", "show or export a recorded conversation",
                     "tap-lab trace show tap_0a1b.apdu", run, alone=True)  # fmt: skip
    parser.add_argument("action", choices=("show", "export"))
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), default="json", help="of an export (default json)"
    )
    parser.add_argument("--out", type=Path, help="file to export to (default: stdout)")


def run(chosen: argparse.Namespace) -> int:
    """Show or export."""
    trace = read_trace(chosen.file)
    if chosen.action == "export":
        _export(FORMATS[chosen.format](trace), chosen.out)
    elif chosen.json:
        write_json(trace.to_json())
    else:
        _show(trace)
    sys.stdout.flush()
    return SUCCESS


def _export(document: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(document)
        return
    try:
        out.write_bytes(document)
    except OSError as fault:
        raise WrongUse(f"{out} cannot be written ({fault.strerror})") from fault


def _show(trace: Trace) -> None:
    write(f"{trace.reader}, card {trace.card}, {trace.date}, kernel {trace.kernel or '-'}")
    for line in trace.lines:
        write(f"\n{line.index} {line.name} ({line.duration_us / 1000:.1f} ms)")
        write(f"  > {line.command}")
        write(f"  < {line.response or '(no answer)'}")
        for frame, name in zip(line.frames, name_frames(line.frames), strict=True):
            at = f"{frame.at_us / 1000:+10.2f} ms {frame.way.value}"
            write(f"    {at} {frame.data.hex().upper() or '-'}  {name}")
        for node in decode(bytes.fromhex(line.response[:-STATUS_HEX])):
            write_tree(node, 3)
