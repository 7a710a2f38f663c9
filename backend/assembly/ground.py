"""What a world stands on: its clock, scheduler and randomness, continued from the last run.

Knows the folder's record of a world and nothing of the engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from backend.runtime.clock import MAX_JUMP_S, LabClock
from backend.runtime.entropy import Entropy
from backend.runtime.errors import UsageError
from backend.runtime.scheduler import LabScheduler, VirtualClock
from backend.storage import event_rows
from backend.storage.data_folder import DataFolder, WorldRecord
from backend.storage.database import Database
from backend.storage.event_recorder import ENGINE

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ground:
    """What a world stands on.

    Attributes:
        world: "live" or "simulated"; decides about threads and sockets too.
    """

    world: str
    clock: LabClock
    scheduler: LabScheduler
    entropy: Entropy

    @property
    def is_live(self) -> bool:
        """Whether there are threads and sockets."""
        return self.world == "live"

    async def offload(self, work: Callable[[], T]) -> T:
        """Run what takes long beside the event loop, where there are threads."""
        return await asyncio.to_thread(work) if self.is_live else work()


def live_ground(folder: DataFolder, seed: int | None) -> Ground:
    """Real time, continued from the folder's last run; another seed than the kept one starts anew.

    Raises:
        UsageError: the folder's record is damaged.
    """
    kept = folder.world()
    entropy = entropy_of(kept, seed)
    return _ground("live", folder, LabClock(), entropy, kept)


def simulated_ground(folder: DataFolder, below: VirtualClock, entropy: Entropy) -> Ground:
    """A virtual loop's time, continued from the folder's last run; the entropy is the world's.

    Raises:
        UsageError: the folder's record is damaged.
    """
    return _ground("simulated", folder, LabClock(below), entropy, folder.world())


def entropy_of(kept: WorldRecord | None, seed: int | None, *, simulated: bool = False) -> Entropy:
    """The world's randomness from where it was; another seed than the kept one starts anew."""
    if kept is not None and seed in {None, kept.seed}:
        return Entropy(kept.seed, simulated=simulated, positions=kept.positions)
    return Entropy(seed, simulated=simulated)


def _ground(
    world: str, folder: DataFolder, clock: LabClock, entropy: Entropy, kept: WorldRecord | None
) -> Ground:
    if kept is not None and (kept.jumped_s or kept.rate != 1.0):
        _restore(clock, kept)
    folder.keep_world(
        WorldRecord(
            entropy.seed,
            clock.offset_s if clock.is_moved else 0.0,
            clock.rate,
            entropy.positions(),
        )
    )
    return Ground(world, clock, LabScheduler(clock), entropy)


def _restore(clock: LabClock, kept: WorldRecord) -> None:
    try:
        clock.restore(0.0, kept.rate)
        _jump(clock, max(0.0, kept.jumped_s))
    except ValueError as error:
        raise UsageError(f"world.json is damaged ({error}): delete it") from error


def _jump(clock: LabClock, seconds: float) -> None:
    """Any distance forward: many jumps add up to more than one may be."""
    while seconds > 0:
        clock.jump(min(seconds, MAX_JUMP_S))
        seconds -= MAX_JUMP_S


def catch_up(clock: LabClock, database: Database) -> None:
    """A moved clock goes on where its last event was, even if the last run was killed."""
    if clock.is_moved:
        behind_us = database.read(lambda tx: event_rows.last_time_us(tx, ENGINE)) - clock.now_us()
        if behind_us > 0:
            _jump(clock, behind_us / 1e6)
