"""Files that only their owner may read: written whole or not at all.

Knows nothing of what is inside. A file is created with mode 0600 under a name of its own, flushed,
and renamed into place, so that a reader or a crash never meets half of it (POSIX rename(2)).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

OWNER_ONLY = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, readable by its owner only."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_private(path: Path) -> bytes | None:
    """The file's content; None when there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def is_private(path: Path) -> bool:
    """Whether nobody but the owner may touch the file (always true where modes mean nothing)."""
    return os.name == "nt" or not path.stat().st_mode & OTHERS
