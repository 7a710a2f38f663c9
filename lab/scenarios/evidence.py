"""The evidence of a run as a folder that can be handed on: all that was seen, and with what.

One folder a run: the scenario as it was played, the verdict, the event log, the conversations with
the card (masked), ledger, fault counts, the stores' invariants, versions, the report, and a list of
checksums over it all. Nothing in it was not in the run's own result.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
from dataclasses import replace
from pathlib import Path

import orjson

from backend.api import schema_revision
from lab.errors import SomethingMissing
from lab.scenarios.report import to_html
from lab.scenarios.result import Result
from lab.scenarios.writer import to_toml

LIBRARIES = ("httpx", "sqlalchemy", "cryptography", "pyiso8583", "fastapi", "uvicorn")
SUMS = "SHA256SUMS"


def write_evidence(folder: Path, result: Result) -> Path:
    """Write one run's evidence into a folder of its own inside `folder`; that folder.

    Raises:
        SomethingMissing: it cannot be written.
    """
    target = folder / f"{slug(result.scenario.name)}-seed-{result.seed}"
    try:
        (target / "traces").mkdir(parents=True, exist_ok=True)
        for name, content in _files(result).items():
            (target / name).write_bytes(content)
        _write_sums(target)
    except OSError as fault:
        raise SomethingMissing(
            f"evidence cannot be written to {target} ({fault.strerror})", "name another folder"
        ) from fault
    return target


def slug(name: str) -> str:
    """A name as a file's: lower case, hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "scenario"


def _files(result: Result) -> dict[str, bytes]:
    played = replace(result.scenario, seed=result.seed, world=result.world)
    ledger = [
        {"account": account, "currency": currency, "balance_minor": minor}
        for account, currency, minor in result.ledger
    ]
    files = {
        "scenario.toml": to_toml(played).encode(),
        "result.json": _json(result.to_json()),
        "events.jsonl": b"".join(orjson.dumps(e.to_json()) + b"\n" for e in result.events),
        "ledger.json": _json({"balances": ledger}),
        "faults.json": _json({"faults": [fault.to_json() for fault in result.faults]}),
        "verify.json": _json({"checks": [each.to_json() for each in result.invariants]}),
        "versions.json": _json(_versions(result)),
        "report.html": to_html([result]).encode(),
    }
    return files | {f"traces/{name}": text.encode() for name, text in result.traces}


def _versions(result: Result) -> dict[str, object]:
    return {
        "tap-lab": _version("tap-lab"),
        "schema": schema_revision(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "seed": result.seed,
        "world": result.world,
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "a checkout, not installed" if name == "tap-lab" else "not installed"


def _write_sums(target: Path) -> None:
    paths = sorted(path for path in target.rglob("*") if path.is_file() and path.name != SUMS)
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(target).as_posix()}\n"
        for path in paths
    ]
    (target / SUMS).write_text("".join(lines), encoding="utf-8")


def _json(document: object) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
