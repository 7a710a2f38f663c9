"""`tap-lab doctor`: what is missing on this machine, each finding with its remedy."""

from __future__ import annotations

import argparse

from lab.commands import doctor_preflight
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    settings_of,
    write,
    write_json,
)
from lab.doctor.checks import examine

_SIGNS = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "doctor", "check this machine and data folder",
                     "tap-lab doctor --json", run)  # fmt: skip
    parser.add_argument("--preflight", action="store_true",
                        help="instead: is everything ready to be shown (reader, engine, faults, "
                        "clock, sleep), with --reader at the reader named")  # fmt: skip
    parser.add_argument("--reader", help="with --preflight: URL or name of the till's reader")


def run(chosen: argparse.Namespace) -> int:
    """Examine; exit 1 when there is a problem. Notes are about what works without."""
    if chosen.preflight:
        return doctor_preflight.run(chosen)
    findings = examine(settings_of(chosen))
    healthy = all(finding.level != "problem" for finding in findings)
    if chosen.json:
        write_json(
            {
                "ok": healthy,
                "findings": [
                    {
                        "name": finding.name,
                        "level": finding.level,
                        "detail": finding.detail,
                        "remedy": finding.remedy,
                    }
                    for finding in findings
                ],
            }
        )
    else:
        for finding in findings:
            write(f"{_SIGNS[finding.level]} {finding.name}: {finding.detail}")
            if finding.remedy:
                write(f"        -> {finding.remedy}")
    return SUCCESS if healthy else FAILED
