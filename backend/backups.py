"""Backups of a data folder: taken beside a running engine, and put back when none runs.

A backup is a snapshot (see `backend.storage.snapshots`) in a folder of its own. While an engine
works on the data, the engine itself is asked for it, because only there nothing moves between the
two databases; otherwise the files are copied under the folder's lock. Putting one back checks every
file and every invariant first, and keeps what was there. The phone's secure element is no part of
it: its counters only go forward, so after putting back an older day they are ahead, which every
party accepts.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import orjson

from backend.runtime.clock import real_now_us, to_datetime, to_iso
from backend.runtime.errors import BadRequest, StorageError, UsageError
from backend.storage.data_folder import DataFolder, FolderInUse
from backend.storage.database import Database
from backend.storage.migrate import HEAD, stored_revision
from backend.storage.snapshots import COMPANIONS, DATABASES, MANIFEST, checked_files, write_snapshot

PATIENCE_S = 60.0
_SIDE_FILES = ("", "-wal", "-shm", "-journal")

Check = Callable[[Path], Mapping[str, object]]
"""Verifies a folder: `ok`, and `checks` with what is broken."""


def take_backup(data_dir: Path, target: Path, check: Check) -> dict[str, object]:
    """Copy a folder's data to a new folder `target` and verify the copy.

    Returns:
        Its manifest, and `verified`: whether every invariant holds in the copy.

    Raises:
        UsageError: there is nothing to copy, or `target` exists already.
        StorageError: the engine did not answer, or nothing could be written.
    """
    folder = DataFolder(data_dir)
    if stored_revision(folder.engine_database) is None:
        raise UsageError(f"{data_dir} has no engine's data: there is nothing to back up")
    target = target.expanduser().absolute()
    if target.exists():
        raise UsageError(f"{target} exists already: name a new folder")
    with contextlib.suppress(FolderInUse):
        folder.take()
        try:
            manifest = _copy_here(folder, target)
        finally:
            folder.give_back()
        return {**manifest, "verified": _is_sound(target, check)}
    manifest = _ask_engine(folder, target)
    return {**manifest, "verified": _is_sound(target, check)}


def put_back(source: Path, data_dir: Path, check: Check) -> dict[str, object]:
    """Replace a folder's data by a backup's; what was there is kept beside it.

    Should the machine die in the middle, put the backup back again.

    Returns:
        `restored`: names of the files; `kept`: the folder with what was there before, or None.

    Raises:
        UsageError: the backup is none, is damaged, or breaks an invariant; or an engine runs.
        StorageError: a file cannot be moved.
    """
    folder = DataFolder(data_dir)
    folder.take()
    staged = data_dir / ".putting-back"
    try:
        names = checked_files(source)
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(mode=0o700)
        for name in names:
            shutil.copy2(source / name, staged / name)
        if stored_revision(staged / "engine.db") == HEAD:
            report = check(staged)
            if not report["ok"]:
                raise UsageError(f"{source} breaks an invariant: run verify on it; nothing changed")
        kept = _set_aside(data_dir)
        for name in names:
            (staged / name).replace(data_dir / name)
    except OSError as error:
        raise StorageError(f"cannot put {source} back: {error}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        folder.give_back()
    return {"restored": names, "kept": None if kept is None else str(kept)}


def _copy_here(folder: DataFolder, target: Path) -> dict[str, object]:
    opened = {
        name: Database(folder.path / name, inline=True)
        for name in DATABASES
        if (folder.path / name).exists()
    }
    manifest = {
        "format": 2,
        "taken_at": to_iso(real_now_us()),
        "revision": stored_revision(folder.engine_database),
    }
    try:
        return write_snapshot(target, opened, folder.path, manifest)
    except BadRequest as error:
        raise StorageError(str(error)) from error
    finally:
        for database in opened.values():
            database.close()


def _ask_engine(folder: DataFolder, target: Path) -> dict[str, object]:
    where = folder.announcement()
    if where is None:
        raise StorageError(f"an engine is starting or stopping on {folder.path}: try again")
    name = f"backup-{real_now_us():x}"
    token = (folder.path / "engine.token").read_text().strip()
    try:
        answer = httpx.post(
            f"{where.url}/lab/world/snapshot",
            json={"directory": name},
            headers={"Authorization": f"Bearer {token}"},
            timeout=PATIENCE_S,
            trust_env=False,
        )
        answer.raise_for_status()
        made = folder.snapshots / name
        shutil.move(made, target)
    except (httpx.HTTPError, OSError) as error:
        raise StorageError(f"the engine at {where.url} made no backup: {error}") from error
    manifest: dict[str, object] = orjson.loads((target / MANIFEST).read_bytes())
    return manifest


def _is_sound(backup: Path, check: Check) -> bool:
    """Whether every invariant holds; looked at in a copy, for opening a database changes its file.

    Raises:
        StorageError: there is no room for the copy.
    """
    copy = backup.with_name(f".{backup.name}.checking")
    shutil.rmtree(copy, ignore_errors=True)
    try:
        shutil.copytree(backup, copy)
        return bool(check(copy)["ok"])
    except OSError as error:
        raise StorageError(f"{backup} is made, but cannot be checked: {error}") from error
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _set_aside(data_dir: Path) -> Path | None:
    """Move what a backup replaces, with the databases' side files, into a folder of its own."""
    found = [
        path
        for name in (*DATABASES, *COMPANIONS)
        for side in _SIDE_FILES
        if (path := data_dir / f"{name}{side}").exists()
    ]
    if not found:
        return None
    kept = data_dir / f"before-{to_datetime(real_now_us()):%Y%m%dT%H%M%S%f}"
    kept.mkdir(mode=0o700)
    for path in found:
        path.rename(kept / path.name)
    return kept
