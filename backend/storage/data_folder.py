"""The files of a data folder and who may use them.

One engine a folder: it holds `engine.lock` for its life (released by the operating system even
when it is killed), shows its address in `engine.json` while it is ready, and its local token in
`engine.token`, which only the owner may read and which stays the same over restarts, so that a
window reconnects. `world.json` keeps seed, random streams and clock; faults are deliberately not
in it, because a restart never keeps a fault silently.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from backend.runtime.entropy import Stream, read_positions
from backend.runtime.errors import UsageError
from backend.vault.private_file import is_private, read_private, write_private

TOKEN_BYTES = 32
_TOKEN = re.compile(rb"[0-9a-f]{64}\n?")


class FolderInUse(UsageError):
    """Another engine works on this folder; the text says where."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """What `engine.json` says."""

    url: str
    pid: int
    started_at: str


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """What `networks.json` says: where network hosts that run apart listen, or last listened.

    Attributes:
        iso: network to (host, port) of its ISO 8583 listener.
        tsp_url: base address of the token services.
    """

    iso: dict[str, tuple[str, int]]
    tsp_url: str


@dataclass(frozen=True, slots=True)
class WorldRecord:
    """What a world keeps over restarts besides its databases.

    Attributes:
        jumped_s: how far lab time is ahead of real time.
        rate: lab seconds per real second.
        positions: where each random stream of the seed is.
    """

    seed: int
    jumped_s: float = 0.0
    rate: float = 1.0
    positions: Mapping[str, int] = field(default_factory=dict)


class DataFolder:
    """One data folder."""

    def __init__(self, path: Path) -> None:
        """Take note of the folder, and make it if it is not there.

        Raises:
            UsageError: it cannot be made or written.
        """
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise UsageError(f"--data-dir {path}: {error.strerror}") from error
        if not os.access(path, os.W_OK):
            raise UsageError(f"--data-dir {path}: not writable")
        self._lock = FileLock(path / "engine.lock")

    @property
    def engine_database(self) -> Path:
        """The engine's own database."""
        return self.path / "engine.db"

    @property
    def networks_database(self) -> Path:
        """The simulated networks' database."""
        return self.path / "networks.db"

    @property
    def snapshots(self) -> Path:
        """Where copies of the world are put."""
        return self.path / "snapshots"

    def take(self) -> None:
        """Take the folder for this process's life.

        Raises:
            FolderInUse: another engine has it.
        """
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            other = self.announcement()
            where = f"at {other.url} (pid {other.pid})" if other else "that is starting or stopping"
            raise FolderInUse(f"{self.path} is in use by the engine {where}") from error

    def give_back(self) -> None:
        """Let another engine take the folder."""
        self._lock.release()

    def token(self, secret: Stream) -> str:
        """The local token; made on first use, and again if others could have read it."""
        path = self.path / "engine.token"
        stored = read_private(path)
        if stored is not None and _TOKEN.fullmatch(stored) and is_private(path):
            return stored.decode().strip()
        fresh = secret.bytes(TOKEN_BYTES).hex()
        write_private(path, fresh.encode() + b"\n")
        return fresh

    def announce(self, announcement: Announcement) -> None:
        """Say where the engine is, now that it is ready."""
        write_private(self.path / "engine.json", json.dumps(asdict(announcement)).encode() + b"\n")

    def retract(self) -> None:
        """The engine is going."""
        (self.path / "engine.json").unlink(missing_ok=True)

    def announcement(self) -> Announcement | None:
        """Where an engine says it is; None when it says nothing readable."""
        try:
            body = json.loads((self.path / "engine.json").read_text())
            return Announcement(str(body["url"]), int(body["pid"]), str(body["started_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # not there, or being replaced

    def announce_hosts(self, addresses: HostAddresses) -> None:
        """Say where this folder's network hosts listen; kept, so that they come back there."""
        write_private(self.path / "networks.json", json.dumps(asdict(addresses)).encode() + b"\n")

    def hosts(self) -> HostAddresses | None:
        """Where network hosts say they listen; None when they say nothing readable."""
        try:
            body = json.loads((self.path / "networks.json").read_text())
            iso = {str(name): (str(host), int(port)) for name, (host, port) in body["iso"].items()}
            return HostAddresses(iso, str(body["tsp_url"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # not there, or being replaced

    def world(self) -> WorldRecord | None:
        """Seed, streams and clock of the last run; None in a fresh folder.

        Raises:
            UsageError: the file is damaged.
        """
        text = read_private(self.path / "world.json")
        if text is None:
            return None
        try:
            body = json.loads(text)
            return WorldRecord(
                int(body["seed"]),
                float(body["jumped_s"]),
                float(body["rate"]),
                read_positions(body.get("positions", {})),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{self.path / 'world.json'} is damaged: delete it") from error

    def keep_world(self, record: WorldRecord) -> None:
        """Remember seed, streams and clock."""
        write_private(self.path / "world.json", json.dumps(asdict(record)).encode() + b"\n")
