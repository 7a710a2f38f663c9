"""Once a month the vault's keys are wrapped anew, and codes that nobody used are dropped.

A schedule on lab time, and the same rotation on demand. One unit of work stores all of it, so a
killed process leaves either the old wrapping or the new one; who reads meanwhile reads either. A
key home that does not answer changes nothing: it is said, and tried again within the hour. Source
of the month: NIST SP 800-57 part 1 leaves the period to the owner, the design says monthly (C51).
Knows no card.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from backend.runtime.alarm import Alarm
from backend.runtime.clock import Clock
from backend.runtime.errors import StorageError
from backend.runtime.events import Emit
from backend.runtime.scheduler import Scheduler
from backend.runtime.store import Store
from backend.vault.data_keys import DataKeys
from backend.vault.ports import VaultRows

Tx = TypeVar("Tx")
SECOND_US = 1_000_000
LOOK_S = 3_600
CODE_LIFE_S = 3_600
ROTATION_DAYS = 30
ROTATION_US = ROTATION_DAYS * 86_400 * SECOND_US
ACTOR = "vault"


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did.

    Attributes:
        kek: version of the key-encryption key from now on.
        data_keys: how many data keys it wraps, the new one included.
        home: where it lives.
    """

    kek: int
    data_keys: int
    home: str

    def to_json(self) -> dict[str, object]:
        """For programs and events."""
        return {"kek": self.kek, "data_keys": self.data_keys, "home": self.home}


@dataclass(frozen=True, slots=True)
class RotationPorts(Generic[Tx]):
    """Everything that rotation takes from outside."""

    store: Store[Tx]
    rows: VaultRows[Tx]
    keys: DataKeys[Tx]
    clock: Clock
    scheduler: Scheduler
    emit: Emit


class Rotation(Generic[Tx]):
    """Wraps the vault's keys anew."""

    def __init__(self, ports: RotationPorts[Tx]) -> None:
        self._ports = ports
        self._alarm = Alarm(ports.scheduler, "vault timer")
        self._turning = asyncio.Lock()

    async def rotate(self) -> Rotated:
        """Wrap every data key under a new key-encryption key, and begin a new data key.

        Raises:
            StorageError: the key's home or the database refused; nothing changed.
        """
        ports = self._ports
        async with self._turning:
            while True:
                stored = ports.store.read(ports.rows.keys)
                anew = ports.keys.rewrapped(stored)
                work = partial(ports.keys.store_rotation, read=stored, anew=anew)
                if await ports.store.write(work):  # else a first key was made meanwhile
                    break
        done = Rotated(anew[-1].kek, len(anew), anew[-1].home)
        ports.emit("vault.rotated", actor=ACTOR, data=done.to_json())
        return done

    async def run_forever(self) -> None:
        """Rotate and tidy up whenever it is time; runs until cancelled."""
        await self._alarm.run_forever(self._look)

    def _look(self) -> int:
        """Start what is due; when to look again."""
        ports, now_us = self._ports, self._ports.clock.now_us()
        next_look_us = now_us + LOOK_S * SECOND_US
        oldest_code_us = now_us - CODE_LIFE_S * SECOND_US
        try:
            newest = ports.store.read(ports.rows.newest_key)
            first_code_us = ports.store.read(ports.rows.first_code_us)
        except StorageError as error:
            self._report(error)
            return next_look_us
        if first_code_us is not None and first_code_us < oldest_code_us:
            ports.scheduler.spawn(self._forget_codes(oldest_code_us), "unused security codes")
        if newest is None:
            return next_look_us
        due_at_us = newest.created_at_us + ROTATION_US
        if due_at_us > now_us:
            return min(next_look_us, due_at_us)
        ports.scheduler.spawn(self._turn(), "vault rotation")
        return next_look_us

    async def _turn(self) -> None:
        try:
            await self.rotate()
        except StorageError as error:
            self._report(error)

    async def _forget_codes(self, before_us: int) -> None:
        ports = self._ports
        try:
            await ports.store.write(lambda tx: ports.rows.forget_codes(tx, before_us))
        except StorageError as error:
            self._report(error)

    def _report(self, error: StorageError) -> None:
        self._ports.emit("vault.refused", actor=ACTOR, data={"detail": str(error)})
