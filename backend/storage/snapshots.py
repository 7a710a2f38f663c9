"""A copy of the laboratory's databases with a manifest, whole or not there.

The copies are made while the caller holds the event loop: nothing new is queued meanwhile, so the
engine's copy never knows of an answer whose authorization is missing in the networks' copy (the
networks' file is copied first for that reason; an intent without its answer is what `recover`
resolves anyway). Beside them lie the small files without which the copies are of no use: which key
opens them, and which world they are. Knows files, not what is in them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import orjson

from backend.runtime.errors import BadRequest, Conflict, UsageError
from backend.storage.database import Database

MANIFEST = "manifest.json"
DATABASES = ("networks.db", "engine.db")  # in this order
COMPANIONS = ("vault.json", "vault.key", "world.json")
_CHUNK = 1 << 20


def write_snapshot(
    folder: Path,
    databases: Mapping[str, Database],
    companions: Path,
    manifest: Mapping[str, object],
) -> dict[str, object]:
    """Copy each database (in the given order) and its companions into a new `folder`.

    Args:
        folder: made here.
        databases: by the name of their file.
        companions: the data folder, whose small files are taken along if they are there.
        manifest: stored beside the copies, with the SHA-256 of each.

    Returns:
        The manifest as it was stored.

    Raises:
        Conflict: there is such a folder already.
        BadRequest: the folder cannot be written.
    """
    if folder.exists():
        raise Conflict("snapshot_exists", f"there is a snapshot {folder.name} already")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True, mode=0o700)
        for name, database in databases.items():
            database.snapshot(partial / name)
        for name in COMPANIONS:
            if (companions / name).is_file():
                shutil.copy2(companions / name, partial / name)
        files = {path.name: sha256_of(path) for path in sorted(partial.iterdir())}
        whole = {**manifest, "files": files}
        (partial / MANIFEST).write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
        partial.rename(folder)
    except OSError as error:
        raise BadRequest("snapshot_failed", f"cannot write {folder}: {error.strerror}") from error
    return whole


def checked_files(folder: Path) -> list[str]:
    """Names of a snapshot's files, each of which is what was written.

    Raises:
        UsageError: no snapshot, or a file is missing, damaged or none of ours.
    """
    try:
        manifest = orjson.loads((folder / MANIFEST).read_bytes())
        files = dict(manifest["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{folder} is no backup: it has no readable {MANIFEST}") from error
    if missing := {DATABASES[-1], "vault.json"} - set(files):
        raise UsageError(f"{folder} is no backup: it lacks {', '.join(sorted(missing))}")
    for name, expected in files.items():
        if name not in (*DATABASES, *COMPANIONS):
            raise UsageError(f"{folder} is no backup: it lists {name!r}")
        path = folder / name
        if not path.is_file() or sha256_of(path) != expected:
            raise UsageError(f"{folder} is damaged: {name} is not what was written")
    return list(files)


def sha256_of(path: Path) -> str:
    """Hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
