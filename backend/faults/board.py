"""The fault board: the plan that is on, how often each of its faults fired, and since when.

Applying a plan replaces everything that was on and gives the board a new revision. Firings on the
engine's own links are counted where they are asked for (`strike`) and said as `fault.fired`; those
that the laboratory's side carries out are reported by it and counted here (`note_fired`), unless
the plan they belong to is no longer on. Knows no link's traffic.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backend.faults.armed import NOTHING_SEEN, Facts, LinkFaults, Strike
from backend.faults.catalogue import AVAILABLE, LABORATORY_LINKS, Available, Point
from backend.faults.plan import Fault, read_faults
from backend.runtime.clock import Clock
from backend.runtime.events import Emit

ACTOR = "faults"


class FaultBoard:
    """What goes wrong at the moment."""

    def __init__(
        self, *, clock: Clock, emit: Emit, seed: int, available: Available = AVAILABLE
    ) -> None:
        self._clock = clock
        self._emit = emit
        self._own_seed = seed
        self._available = available
        self._armed = LinkFaults(clock, self._say)
        self._armed.seed = seed
        self._reported: set[str] = set()

    @property
    def faults(self) -> list[Fault]:
        """What is switched on, as in the plan."""
        return [armed.fault for armed in self._armed.armed]

    @property
    def revision(self) -> int:
        """Which plan is on: rises with each, also over restarts of the engine."""
        return self._armed.revision

    def apply(self, bodies: Iterable[object], *, seed: int | None = None) -> list[Fault]:
        """Replace everything by this plan; all or nothing.

        Args:
            bodies: one object a fault, keys of the file format.
            seed: of the random streams; None takes the laboratory's.

        Raises:
            BadRequest: something in the plan is wrong; what was on stays on.
        """
        faults = read_faults(bodies, self._available)
        now_us = self._clock.now_us()
        self._armed.arm(
            faults,
            seed=self._own_seed if seed is None else seed,
            # lab time, so that a report to a board of an engine that died is known to be old
            revision=max(self._armed.revision + 1, now_us),
            applied_at_us=now_us,
        )
        self._reported.clear()
        self._emit("fault.applied", actor=ACTOR, data=self.view())
        return faults

    def reset(self) -> None:
        """Switch everything off."""
        self.apply([])

    def view(self) -> dict[str, object]:
        """What `GET /lab/faults` answers: which plan is on, and how often each fault fired."""
        return {
            "seed": self._armed.seed,
            "revision": self._armed.revision,
            "applied_at_us": self._armed.applied_at_us,
            "faults": [
                {**armed.fault.to_json(), "id": armed.fault_id, "fired": armed.fired}
                for armed in self._armed.armed
            ],
        }

    def concern(self, link: str) -> bool:
        """Whether anything is on there."""
        return self._armed.concern(link)

    def strike(self, link: str, point: Point, facts: Facts = NOTHING_SEEN) -> list[Strike]:
        """The faults that strike this message here and now, in the plan's order."""
        return self._armed.strike(link, point, facts)

    def note_fired(self, event_id: str, data: Mapping[str, object]) -> bool:
        """Count what the laboratory's side reports as an event `fault.fired`.

        Args:
            event_id: a report that comes twice counts once.
            data: the event's: `fault` and `revision`, as the board's view and event gave them.

        Returns:
            False when it belongs to no fault of the laboratory's that is on now.
        """
        if data.get("revision") != self._armed.revision or event_id in self._reported:
            return False
        for armed in self._armed.armed:
            if armed.fault_id == data.get("fault") and armed.fault.link in LABORATORY_LINKS:
                armed.fired += 1
                self._reported.add(event_id)
                return True
        return False

    def _say(self, strike: Strike) -> None:
        self._emit("fault.fired", actor=ACTOR, data=strike.to_json())
