"""`tap-lab world save|load|reset`: the whole laboratory state."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from backend.api import LabClock, LabScheduler
from lab import saved_faults, world_file
from lab.commands.shared import (
    SUCCESS,
    Subparsers,
    command,
    in_world,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.errors import SomethingMissing, WrongUse
from lab.json_fields import Json, objects, section
from lab.settings import Settings
from lab.world import World

ENGINE_LEAVES_S = 10.0


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(
        commands,
        "world",
        "save, load or reset the whole laboratory",
        "tap-lab world save before-the-demo.taplab",
        run,
    )
    parser.add_argument("action", choices=("save", "load", "reset"))
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE")


def run(chosen: argparse.Namespace) -> int:
    """Do it; exit 3 when something else uses the folder."""
    if chosen.action == "save" and chosen.file and not chosen.file.absolute().parent.is_dir():
        raise WrongUse(f"there is no folder {chosen.file.absolute().parent}")
    settings = settings_of(chosen)
    if chosen.action == "reset":
        if chosen.file is not None:
            raise WrongUse("world reset takes no FILE: did you mean load?")
        asyncio.run(reset(settings))
        return _said(chosen, {"reset": str(settings.data_dir)}, "a clean start")
    if chosen.file is None:
        raise WrongUse(f"world {chosen.action} needs a FILE")
    if chosen.action == "save":
        manifest = in_world(settings, lambda world: save(world, chosen.file))
        if manifest["contains_its_key"]:
            remark("UNPROTECTED: the file contains its own key, as this data folder does")
        return _said(chosen, {"saved": str(chosen.file)}, f"saved {chosen.file}")
    loaded = asyncio.run(load(settings, chosen.file))
    if faults := faults_of(loaded):
        remark(f"{len(faults)} fault(s) of that world come back with the next window or command")
    return _said(chosen, {"loaded": str(chosen.file)}, f"loaded {chosen.file}")


async def save(world: World, target: Path) -> dict[str, object]:
    """Save a running world; nothing is stopped."""
    name = f"save-{world.entropy.secret('snapshot').bytes(4).hex()}"
    await world.forwarding.flush()
    await world.client.snapshot(name)
    folder = world.settings.data_dir / "snapshots" / name
    try:
        with tempfile.TemporaryDirectory(dir=world.settings.data_dir) as scratch:
            elements = Path(scratch)
            world.element.backup(elements / world_file.SECURE_ELEMENT)
            world.watch.backup(elements / world_file.WATCH_ELEMENT)
            return world_file.pack(
                target,
                world.settings.data_dir,
                folder,
                elements,
                saved_at_us=world.clock.now_us(),
                entropy=world.entropy,
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def load(settings: Settings, source: Path) -> Json:
    """Replace a folder's laboratory by a saved one; the manifest.

    Raises:
        WrongUse: no saved world.
        SomethingMissing: the folder is in use, or the key is not here.
    """
    clock = LabClock()
    with world_file.unpacked(source, settings.data_dir) as (folder, manifest):
        world_file.check_elements(folder, clock)
        world_file.demand_free(settings.data_dir, clock)
        async with engine_out(settings):
            world_file.replace_stores(folder, settings.data_dir)
            saved_faults.keep(settings.data_dir, faults_of(manifest))
    return manifest


def faults_of(manifest: Json) -> tuple[Json, ...]:
    """The faults that were on when a world was saved."""
    return objects(section(section(manifest, "engine"), "faults"), "faults")


async def reset(settings: Settings) -> None:
    """Back to a clean start.

    Raises:
        SomethingMissing: the folder is in use.
    """
    world_file.demand_free(settings.data_dir, LabClock())
    async with engine_out(settings):
        world_file.clear(settings.data_dir)
        saved_faults.keep(settings.data_dir, ())


class engine_out:  # noqa: N801 -- reads as a verb in `async with`
    """While this is entered, no engine works on the folder: the one that did was ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = FileLock(settings.data_dir / "engine.lock")

    async def __aenter__(self) -> None:
        """End the folder's engine and hold its lock.

        Raises:
            SomethingMissing: it does not go.
        """
        scheduler = LabScheduler(LabClock())
        if not self._free():
            pid = world_file.engine_pid(self._settings.data_dir)
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
            try:
                async with scheduler.deadline(ENGINE_LEAVES_S):
                    while not self._free():
                        await scheduler.sleep(0.02)
            except TimeoutError as late:
                raise SomethingMissing(
                    f"the engine of {self._settings.data_dir} does not stop",
                    f"end process {pid} and try again",
                ) from late

    async def __aexit__(self, *_: object) -> None:
        """Let engines in again."""
        self._lock.release()

    def _free(self) -> bool:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True


def _said(chosen: argparse.Namespace, document: dict[str, object], words: str) -> int:
    if chosen.json:
        write_json(document)
    else:
        write(words)
    return SUCCESS
