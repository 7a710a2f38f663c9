"""The doctor's checks. Each looks at one thing and says what to do about it; none changes anything.

Looks at the machine as data (`Machine`), so that every finding can be shown in a test.
"""

from __future__ import annotations

import importlib.util
import shutil
import socket
import sqlite3
import sys
from contextlib import closing

import orjson

from lab.doctor import cache_checks, reader_checks
from lab.doctor.finding import Finding
from lab.doctor.machine import Machine
from lab.json_fields import as_object, text
from lab.resources import ASSETS, FONT_FILES
from lab.settings import Settings

FREE_BYTES_MIN = 200 * 1024 * 1024


def examine(settings: Settings, machine: Machine | None = None) -> tuple[Finding, ...]:
    """Every check, in the order that a person would look."""
    where = machine or Machine()
    return (
        _python(),
        _library(
            "window",
            "PySide6",
            "python3 start.py installs it (with the wheel: pip install 'tap-lab[window]')",
        ),
        _fonts(),
        _library(
            "PC/SC library",
            "smartcard",
            "python3 start.py installs it (with the wheel: pip install 'tap-lab[drivers]')",
        ),
        *reader_checks.all_of(where),
        _loopback(),
        _database(settings),
        *cache_checks.all_of(where),
        _space(settings),
        _key_home(settings),
    )


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version} on {sys.platform}")


def _library(name: str, module: str, remedy: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(name, "note", f"{module} is not installed", remedy)
    return Finding(name, "ok", f"{module} is installed")


def _fonts() -> Finding:
    absent = [name for name in FONT_FILES if not (ASSETS / "fonts" / name).is_file()]
    if absent:
        missing = f"{', '.join(absent)} missing"
        return Finding("fonts", "problem", missing, "install the package again")
    return Finding("fonts", "ok", f"{len(FONT_FILES)} bundled")


def _loopback() -> Finding:
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
    except OSError as fault:
        return Finding("ports", "problem", f"no port on 127.0.0.1 ({fault})", "allow loopback")
    return Finding("ports", "ok", "127.0.0.1 gives free ports")


def _database(settings: Settings) -> Finding:
    path = settings.data_dir / "engine.db"
    if not path.exists():
        return Finding("database", "ok", "none yet: the first command makes it")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as damage:
        verdict = str(damage)
    if verdict == "ok":
        return Finding("database", "ok", f"{path.name} is sound")
    return Finding(
        "database", "problem", f"{path.name}: {verdict}", "tap-lab world load FILE, or world reset"
    )


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.data_dir).free
    if free < FREE_BYTES_MIN:
        return Finding("disk", "problem", f"{free // 2**20} MiB free", "make room for the ledger")
    return Finding("disk", "ok", f"{free // 2**20} MiB free")


def _key_home(settings: Settings) -> Finding:
    path = settings.data_dir / "vault.json"
    try:
        home = text(as_object(orjson.loads(path.read_bytes()), path.name), "home")
    except FileNotFoundError:
        return Finding("keys", "ok", "none yet: the first command makes them")
    except ValueError as damage:
        return Finding("keys", "problem", f"vault.json: {damage}", "restore it from a copy")
    if home == "file":
        return Finding(
            "keys",
            "problem",
            "UNPROTECTED: the root key lies in a file beside the data",
            "unlock the desktop's keyring or set TAPLAB_PASSPHRASE, then start on a new folder",
        )
    place = "PKCS#11 token" if home == "pkcs11" else home
    return Finding("keys", "ok", f"protected by the {place}")
