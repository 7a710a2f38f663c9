"""`tap-lab vectors FILE`: checks card's and issuer's cryptography against published vectors."""

from __future__ import annotations

import argparse
from pathlib import Path

import orjson

from lab.commands.shared import FAILED, SUCCESS, Subparsers, command, write, write_json
from lab.errors import WrongUse
from lab.json_fields import as_object
from lab.vector_sides import check_both

FILE_BYTES_MAX = 16 * 1024 * 1024


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "vectors", "check the cryptography against a vector file",
                     "tap-lab vectors tests/data/vectors-sample.json", run, alone=True)  # fmt: skip
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="JSON: named cases with inputs and expected outputs"
    )


def run(chosen: argparse.Namespace) -> int:
    """Check; exit 1 when one fails or is not supported."""
    report = check_both(as_object(read_json(chosen.file), chosen.file.name))
    if chosen.json:
        write_json(report)
    else:
        write(f"passed {report['passed']}, failed {report['failed']}")
        write(f"checked on the issuer's side too: {report['issuer_checked']}")
        write(f"unsupported: {report['unsupported'] or 'none'}")
    return FAILED if report["failed"] or report["unsupported"] else SUCCESS


def read_json(path: Path) -> object:
    """A JSON file of bounded size.

    Raises:
        WrongUse: it cannot be read, is too large, or is no JSON.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WrongUse(f"{path} is larger than {FILE_BYTES_MAX} bytes")
        return orjson.loads(path.read_bytes())
    except OSError as fault:
        raise WrongUse(f"{path} cannot be read ({fault.strerror})") from fault
    except ValueError as fault:
        raise WrongUse(f"{path} is no JSON ({fault})") from fault
