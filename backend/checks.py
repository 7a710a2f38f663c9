"""Opens a data folder to read it: the work behind `python -m backend verify` and `ledger export`.

Reads only, and may run beside an engine. The networks' own file is read as what the hosts
remember; it is another company's database and says so through a view of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypedDict

from sqlalchemy import select, text

from backend.runtime.errors import StorageError, UsageError
from backend.storage import host_access_rows
from backend.storage.data_folder import DataFolder
from backend.storage.database import Database, Statement, Transaction
from backend.storage.hledger_export import hledger_lines
from backend.storage.host_tables import host_authorizations
from backend.storage.migrate import HEAD, stored_revision
from backend.storage.verify import HostAuthorization, verify
from backend.vault.key_home import recorded_home

_HOST_AUTHORIZATIONS = Statement(
    select(
        host_authorizations.c.network,
        host_authorizations.c.rrn,
        host_authorizations.c.response_code,
        host_authorizations.c.reversed_at_us,
    )
)

_ACCESS_LOG = Statement(text("SELECT 1 FROM sqlite_master WHERE name = 'host_vault_accesses'"))


class CheckReport(TypedDict):
    """One invariant and whether it holds."""

    name: str
    ok: bool
    detail: str


class VerifyReport(TypedDict):
    """Every invariant over one data folder."""

    ok: bool
    checks: list[CheckReport]


def verify_folder(data_dir: Path) -> VerifyReport:
    """Check every invariant over the stored data of one folder.

    A folder of networks that run apart has their own log, and nothing else to check.

    Raises:
        UsageError: there is no engine's data in that folder, and no network's.
        StorageError: a file cannot be read.
    """
    folder = DataFolder(data_dir)
    if folder.networks_database.exists() and not folder.engine_database.exists():
        alone = [_vault_access_check(folder.networks_database), _key_check(data_dir)]
        return {"ok": all(check["ok"] for check in alone), "checks": alone}
    database = _open(folder)
    try:
        found = verify(database, host_view=_host_view(folder.networks_database))
    finally:
        database.close()
    checks: list[CheckReport] = [
        {"name": check.name, "ok": check.ok, "detail": check.detail} for check in found
    ]
    if folder.networks_database.exists():
        checks.append(_vault_access_check(folder.networks_database))
    checks.append(_key_check(data_dir))
    return {"ok": all(check["ok"] for check in checks), "checks": checks}


def export_ledger(data_dir: Path, write: Callable[[str], object]) -> int:
    """Write a folder's journal as hledger reads it, line by line; how many lines.

    Raises:
        UsageError: there is no engine's data in that folder.
        StorageError: the file cannot be read.
    """
    database = _open(DataFolder(data_dir))

    def export(tx: Transaction) -> int:
        written = 0
        for line in hledger_lines(tx):
            write(f"{line}\n")
            written += 1
        return written

    try:
        return database.read(export)
    finally:
        database.close()


def _open(folder: DataFolder) -> Database:
    """The engine's database, where it has one of this version."""
    revision = stored_revision(folder.engine_database)
    if revision is None:
        raise UsageError(f"{folder.path} has no engine's data: run python -m backend serve first")
    if revision != HEAD:
        raise StorageError(f"schema is at {revision}, not {HEAD}: run python -m backend migrate")
    return Database(folder.engine_database, inline=True)


def _host_view(path: Path) -> Callable[[], list[HostAuthorization]] | None:
    if not path.exists():
        return None

    def remembered() -> list[HostAuthorization]:
        hosts = Database(path, synchronous="NORMAL", inline=True)
        try:
            rows = hosts.read(lambda tx: tx.all(_HOST_AUTHORIZATIONS))
        finally:
            hosts.close()
        return [
            HostAuthorization(
                network=row["network"],
                rrn=row["rrn"],
                approved=row["response_code"] == "00",
                reversed=row["reversed_at_us"] is not None,
            )
            for row in rows
        ]

    return remembered


def _vault_access_check(path: Path) -> CheckReport:
    """Whether the networks' log of openings is whole; a file from before that log has none."""
    hosts = Database(path, synchronous="NORMAL", inline=True)
    try:
        found = hosts.read(lambda tx: host_access_rows.breaks(tx) if _has_log(tx) else [])
    finally:
        hosts.close()
    return {
        "name": "vault access log",
        "ok": not found,
        "detail": "; ".join(found) or "the chain holds",
    }


def _has_log(tx: Transaction) -> bool:
    return tx.one(_ACCESS_LOG) is not None


def _key_check(data_dir: Path) -> CheckReport:
    """Where the root key lives; a lab may run unprotected, but never without saying so."""
    home = recorded_home(data_dir)
    if home is None:
        return {"name": "key home", "ok": False, "detail": "vault.json is missing or damaged"}
    detail = "UNPROTECTED: anyone who reads the folder has the key" if home == "file" else home
    return {"name": "key home", "ok": True, "detail": detail}
