"""A copy of the laboratory's databases with a manifest, whole or not there.

The copies are made while the caller holds the event loop: nothing new is queued meanwhile, so the
engine's copy never knows of an answer whose authorization is missing in the networks' copy (the
networks' file is copied first for that reason; an intent without its answer is what `recover`
resolves anyway). Knows files, not what is in them.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import orjson

from backend.runtime.errors import BadRequest, Conflict
from backend.storage.database import Database

MANIFEST = "manifest.json"


def write_snapshot(
    folder: Path, databases: Mapping[str, Database], manifest: Mapping[str, object]
) -> Path:
    """Copy each database (in the given order) and the manifest into a new `folder`.

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
        (partial / MANIFEST).write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
        partial.rename(folder)
    except OSError as error:
        raise BadRequest("snapshot_failed", f"cannot write {folder}: {error.strerror}") from error
    return folder
