"""What is open in the data folder: databases at their newest schema, disk faults, keys."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.assembly.ground import Ground
from backend.faults.disk import FaultyDisk
from backend.runtime.errors import UsageError
from backend.settings import Settings
from backend.storage.data_folder import DataFolder
from backend.storage.database import CommitPoints, Database
from backend.storage.migrate import migrate_engine, prepare_hosts
from backend.vault.key_home import KeyHome, open_key_home
from backend.vault.named_keys import NamedKeys


@dataclass(frozen=True, slots=True)
class Files:
    """What is open in the data folder."""

    engine: Database
    disk: FaultyDisk
    networks: Database | None
    keys: KeyHome
    named_keys: NamedKeys


def open_files(
    folder: DataFolder, settings: Settings, ground: Ground, points: CommitPoints | None = None
) -> Files:
    """Migrate and open the folder's databases, and its key home.

    A simulated world's disk loses nothing, so nobody waits for it.

    Raises:
        UsageError: the key cannot be had.
        StorageError: a file that is no database of ours.
    """
    if settings.networks_dir is not None and folder.networks_database.exists():
        raise UsageError(
            f"{folder.path} has networks of its own: take another --data-dir with --networks-dir"
        )
    migrate_engine(folder.engine_database)
    secret = ground.entropy.secret("vault.root")
    keys = open_key_home(folder.path, settings.environment, secret)
    disk = FaultyDisk()
    opened = partial(Database, inline=not ground.is_live, points=points)
    networks = None
    if settings.networks_dir is None:
        prepare_hosts(folder.networks_database)
        networks = opened(
            folder.networks_database, synchronous="NORMAL" if ground.is_live else "OFF"
        )
    return Files(
        opened(folder.engine_database, synchronous="FULL" if ground.is_live else "OFF", disk=disk),
        disk,
        networks,
        keys,
        NamedKeys(keys.root),
    )
