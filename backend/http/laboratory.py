"""What the `/lab` routes stand in front of, in one frozen value that the assembly fills."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from backend.cache.level_one import LevelOne
from backend.cache.tolerant import TolerantCache
from backend.faults.board import FaultBoard
from backend.metrics.latency import LatencyBook
from backend.networks.tsp_terms import Notice
from backend.runtime.clock import LabClock, to_iso
from backend.runtime.entropy import Entropy
from backend.runtime.errors import Conflict
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler
from backend.storage.data_folder import DataFolder, WorldRecord
from backend.storage.database import Database
from backend.storage.migrate import HEAD
from backend.storage.snapshots import DATABASES, write_snapshot
from backend.switch.switch import Switch
from backend.vault.key_home import KeyHome
from backend.wallet.cards import Cards
from backend.wallet.ports import Offload

SNAPSHOT_FORMAT = 2


class PaymentView(Protocol):
    """The lives of payments, JSON-ready."""

    def recent(self, limit: int, before_us: int | None = None) -> list[dict[str, object]]:
        """Payments, newest first."""

    def detail(self, payment_id: str) -> dict[str, object]:
        """One payment with events, hops, entries and follow-ups.

        Raises:
            NotFound: there is no such payment.
        """


@dataclass(frozen=True, slots=True)
class Laboratory:
    """The pieces of one world that a person may look at and move.

    Attributes:
        world: "live" or "simulated".
        authorities: public keys of the networks' certification authorities; asked to make those
            that are not there yet, or not.
        notices: what the banks sent to cardholders after a notice, asked of the networks.
        networks_database: the simulated hosts' own; None when they run apart.
        offload: where a long read runs, so that payments do not wait for it.
        flush_events: stores the events that are still on their way to the disk.
        started_at_us: lab time at which the engine was ready.
    """

    world: str
    data_dir: Path
    clock: LabClock
    scheduler: LabScheduler
    entropy: Entropy
    events: EventLog
    engine_database: Database
    networks_database: Database | None
    cards: Cards
    authorities: Callable[[bool], Awaitable[list[dict[str, str]]]]
    notices: Callable[[int], Awaitable[list[Notice]]]
    payments: PaymentView
    switch: Switch
    faults: FaultBoard
    latency: LatencyBook
    cache: TolerantCache
    near: LevelOne
    keys: KeyHome
    offload: Offload
    flush_events: Callable[[], Awaitable[None]]
    started_at_us: int

    def record(self) -> WorldRecord:
        """What of this world outlives the process, besides its databases."""
        clock, seed = self.clock, self.entropy.seed
        positions = self.entropy.positions()
        if not clock.is_moved:
            return WorldRecord(seed, positions=positions)
        return WorldRecord(seed, clock.offset_s, clock.rate, positions)

    def snapshot(self, name: str) -> tuple[Path, dict[str, object]]:
        """Copy the databases, with a manifest, into `snapshots/` of the data folder.

        Raises:
            Conflict: there is one of that name, or the network hosts run apart.
            BadRequest: it cannot be written.
        """
        if self.networks_database is None:
            raise Conflict(
                "networks_apart", "the network hosts run apart: copy their data folder yourself"
            )
        folder = DataFolder(self.data_dir)
        folder.keep_world(self.record())  # seed and streams belong to the same moment
        manifest = {
            "format": SNAPSHOT_FORMAT,
            "world": self.world,
            "seed": self.entropy.seed,
            "positions": self.entropy.positions(),
            "taken_at": to_iso(self.clock.now_us()),
            "clock": self.clock_state(),
            "faults": self.faults.view(),
            "breakers": self.switch.snapshot(),
            "revision": HEAD,
        }
        databases = dict(
            zip(DATABASES, (self.networks_database, self.engine_database), strict=True)
        )
        target = folder.snapshots / name
        whole = write_snapshot(target, databases, self.data_dir, manifest)
        self.events.emit("world.saved", actor="person", data={"directory": name})
        return target, whole

    def clock_state(self) -> dict[str, object]:
        """Where lab time is and how fast it goes."""
        clock = self.clock
        now_us = clock.now_us()
        return {
            "now_us": now_us,
            "now": to_iso(now_us),
            "rate": clock.rate,
            "clock_moved": clock.is_moved,
            "clock_offset_s": round(clock.offset_s, 3) if clock.is_moved else 0.0,
            "next_due_us": self.scheduler.next_due_us(),
        }
