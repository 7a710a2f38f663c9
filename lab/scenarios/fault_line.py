"""The time line of a scenario's faults: what is on the board at each moment, and what fired.

Theory of operation. The board knows one plan, whose clock and counts begin when it is applied. A
scenario's faults begin and end at different steps, so the board is written anew whenever the set
changes: what has run of a fault's own time is taken off its `from_s` and `to_s`, what had fired is
added up here, and a fault for the nth message that has struck is not put on again. An engine that
was killed has forgotten its faults: they are put back when it returns. Conditions that count
messages (`nth`) count from the last writing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from backend.api import Clock
from lab.client import EngineClient
from lab.console.presets import without_fired
from lab.json_fields import Json, number, number_or_none, section, whole, whole_or_none
from lab.scenarios.model import ApplyFaults, PlannedFault, Step
from lab.scenarios.result import FaultCount


@dataclass(frozen=True, slots=True)
class _On:
    """A fault on the board now."""

    fault: PlannedFault
    body: Mapping[str, object]


class FaultLine:
    """Writes the board as the story goes on."""

    def __init__(
        self, faults: tuple[PlannedFault, ...], client: EngineClient, clock: Clock, seed: int
    ) -> None:
        """Nothing is on yet.

        Args:
            faults: the time line: those that no step applies.
            client: the way to the board.
            clock: lab time.
            seed: of the faults' dice.
        """
        self._line = faults
        self._client = client
        self._clock = clock
        self._seed = seed
        self._found: tuple[Json, ...] = ()
        self._applied: tuple[PlannedFault, ...] = ()
        self._began_us: dict[str, int] = {}
        self._on: tuple[_On, ...] = ()
        self._counted: Counter[str] = Counter()  # before the last writing of the board
        self._fired: Counter[str] = Counter()  # since then

    def fired(self, name: str) -> int:
        """How often a fault has fired so far."""
        return self._counted[name] + self._fired[name]

    def counts(self, faults: tuple[PlannedFault, ...]) -> tuple[FaultCount, ...]:
        """The counts of all these faults."""
        return tuple(
            FaultCount(f.name, str(f.body["link"]), str(f.body["effect"]), self.fired(f.name))
            for f in faults
        )

    async def begin(self) -> None:
        """Take off what is on already, until `end`."""
        self._found = tuple(without_fired(fault) for fault in await self._client.faults())
        if self._found:
            await self._client.reset_faults()

    async def entering(self, step: Step) -> None:
        """A step begins: faults that are limited to other steps go, its own come."""
        if isinstance(step, ApplyFaults):
            self._applied = step.faults
            for fault in step.faults:
                self._began_us[fault.name] = self._clock.now_us()
        due = [fault for fault in self._line if not fault.during or step.name in fault.during]
        await self._write((*due, *self._applied))

    async def count(self) -> None:
        """Ask the board what has fired."""
        board = await self._client.faults()
        for on, entry in zip(self._on, board, strict=False):
            self._fired[on.fault.name] = max(self._fired[on.fault.name], whole(entry, "fired", 0))

    async def engine_is_back(self) -> None:
        """A killed engine runs again, without faults."""
        faults = tuple(on.fault for on in self._on)
        self._on = ()
        self._add_up()
        await self._write(faults, anyway=True)

    async def end(self) -> None:
        """Take everything off; what was on before is on again."""
        await self._write(())
        if self._found:
            await self._client.put_faults(self._found)

    async def _write(self, faults: tuple[PlannedFault, ...], *, anyway: bool = False) -> None:
        if not anyway and faults == tuple(on.fault for on in self._on):
            return
        if self._on:
            await self.count()
            self._add_up()
        self._on = tuple(
            _On(fault, body) for fault in faults if (body := self._left_of(fault)) is not None
        )
        await self._client.put_faults(tuple(on.body for on in self._on), seed=self._seed)

    def _add_up(self) -> None:
        self._counted.update(self._fired)
        self._fired.clear()

    def _left_of(self, fault: PlannedFault) -> dict[str, object] | None:
        """The plan's entry for what remains of a fault's time; None when nothing does."""
        began_us = self._began_us.setdefault(fault.name, self._clock.now_us())
        elapsed_s = (self._clock.now_us() - began_us) / 1e6
        body = dict(fault.body)
        struck = whole_or_none(section(body, "when"), "nth") is not None and self.fired(fault.name)
        if struck:
            return None
        from_s = max(0.0, number(body, "from_s", 0.0) - elapsed_s)
        body.pop("from_s", None)
        if from_s:
            body["from_s"] = from_s
        to_s = number_or_none(body, "to_s")
        if to_s is not None:
            if to_s <= elapsed_s:
                return None
            body["to_s"] = to_s - elapsed_s
        return body
