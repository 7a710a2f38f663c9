"""The swarm at a till that goes offline and comes back: every tap that it keeps ends once.

The same faults, crashes and jumps as in `swarm`, with a shop that now and then takes payments
without its bank. Dice of its own decide that, so that the seeds of the other swarm stay what they
are.
"""

from __future__ import annotations

from collections import Counter

from backend.api import SeededStream
from lab.pos.offline import EXPIRED
from lab.pos.offline_rules import OfflineLimits, OfflineMode
from lab.simulation import SimulatedLab
from tests.simulation.checkers import Broken
from tests.simulation.swarm import Swarm

MODES = (OfflineMode.NOW, OfflineMode.NOW, OfflineMode.WHEN_DOWN, OfflineMode.NEVER)
LIMITS = OfflineLimits(single_major=80, total_major=2_000, count=30, expiry_h=24)


class OfflineSwarm(Swarm):
    """The hands, and a cashier who throws the switch.

    Attributes:
        stored: the taps that the till has kept.
    """

    def __init__(self, seed: int, lab: SimulatedLab) -> None:
        super().__init__(seed, lab)
        self._switch = SeededStream(seed, "swarm.offline")
        self.stored: dict[str, str] = {}
        self.world.pos.offline.limit(LIMITS)

    async def _step(self) -> None:
        desk = self.world.pos.offline
        if self._switch.random() < 0.4:
            desk.choose(self._switch.choice(MODES))
        await super()._step()
        self.stored |= {tap.order.tap_id: tap.key for tap in desk.stored}

    async def _switch_everything_off(self) -> None:
        self.world.pos.offline.choose(OfflineMode.NEVER)
        await super()._switch_everything_off()

    def _open(self) -> bool:
        return super()._open() or bool(self.world.pos.offline.stored)

    def ends(self) -> Counter[str]:
        """How the kept taps ended, each checked against the engine's own store.

        Raises:
            Broken: one has no end, two ends, or one that the engine does not know.
        """
        kept = self.world.pos.offline._kept
        assert kept is not None, "a laboratory's till has a file"
        if kept.all():
            raise Broken(f"{len(kept.all())} kept taps never ended")
        said = Counter(tap.tap_id for tap in kept.ended)
        outcomes = {tap.tap_id: tap.outcome for tap in kept.ended}
        for tap_id, times in said.items():
            if times != 1:
                raise Broken(f"{tap_id} ended {times} times")
        payments = self.checkers._engine("SELECT tap_id, state, reason FROM payments")
        heard = {row["tap_id"]: _heard_as(row["state"], row["reason"]) for row in payments}
        for tap_id in self.stored:
            outcome, state = outcomes.get(tap_id, "none"), heard.get(tap_id, EXPIRED)
            if outcome != state:
                raise Broken(f"{tap_id}: the till says {outcome}, the engine {state}")
        return Counter(outcomes.values())


def _heard_as(state: str, reason: str | None) -> str:
    """What the upload was answered: the cashier may have captured or voided the sale since."""
    if state == "captured" or reason == "voided":
        return "approved"
    return "declined" if state == "reversed" else state
