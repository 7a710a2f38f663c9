"""The four links that end in this process, as the engine's fault board has them.

Theory of operation. The board in the engine holds every fault, whoever put it there: a window, a
file, another command, a loaded world. Those on `reader`, `card`, `phone.engine` and `pos.engine`
can only be carried out where these links are: here. Each view of the board that this process gets
is followed; a new one takes effect with the next card and the next request. Each firing is said as
an event, which the engine counts on its board. Knows no effect: the wrappers below do the work.
"""

from __future__ import annotations

from collections.abc import Callable

from backend.api import (
    BadRequest,
    Clock,
    EventLog,
    LinkFaults,
    Point,
    Scheduler,
    SeededStream,
    Strike,
)
from hardware.api import CardFaultPlan, FaultPlanError, FaultyReader, Fired, Reader
from lab.errors import EngineUnreachable
from lab.faulty_transport import PHONE_LINK, TILL_LINK, FaultyTransport
from lab.json_fields import Json, objects, text, whole

ACTOR = "faults"
LINES = frozenset({PHONE_LINK, TILL_LINK})
CARD_LINKS = frozenset({"reader", "card"})
CUTTING = frozenset({"timeout", "reset_peer", "lost_request", "lost_response"})
LOSING = frozenset({"timeout", "lost_response", "corrupt"})
_BOARDS_OWN = frozenset({"id", "fired"})


class OwnLinks:
    """What goes wrong between phone, card, till and engine, on this side."""

    def __init__(
        self,
        reader: Reader,
        transport: FaultyTransport,
        *,
        clock: Clock,
        scheduler: Scheduler,
        log: EventLog,
    ) -> None:
        """Nothing goes wrong yet.

        Args:
            reader: the till's; `reader` of this object is the one to use.
            transport: what phone and till send through.
            clock: lab time, for the faults' time lines.
            scheduler: waits where a card is slow; of the reader's time.
            log: hears each firing.
        """
        self._transport = transport
        self._clock = clock
        self._scheduler = scheduler
        self._log = log
        self._board: tuple[int, int, int] | None = None
        self._lines = LinkFaults(clock)
        self.on_change: Callable[[], None] = lambda: None
        self.reader = FaultyReader(reader, self._card_plan((), 0, 0, 0))

    def follow(self, view: Json) -> None:
        """Do as the board says, if it says something new.

        Args:
            view: what `GET /lab/faults` answers.
        """
        seed, revision = whole(view, "seed", 0), whole(view, "revision", 0)
        applied_at_us = whole(view, "applied_at_us", 0)
        # An engine that was started again counts from the beginning: its time tells them apart.
        if self._board == (seed, revision, applied_at_us):
            return
        lines = LinkFaults(self._clock, self._struck)
        try:
            lines.follow(view, LINES)
            plan = self._card_plan(objects(view, "faults"), seed, revision, applied_at_us)
        except (BadRequest, FaultPlanError, ValueError) as fault:
            # An engine of another version: what cannot be carried out must be seen, not guessed.
            self._log.emit("fault.not_understood", actor=ACTOR, data={"why": str(fault)})
            return
        self._board = (seed, revision, applied_at_us)
        self._lines = lines
        self._transport.use_faults(lines)
        self.reader.use_plan(plan)
        self.on_change()

    def is_cut(self, link: str) -> bool:
        """Whether nothing comes through on `phone.engine` or `pos.engine` at the moment."""
        elapsed_s = (self._clock.now_us() - self._lines.applied_at_us) / 1e6
        return any(
            armed.fault.link == link
            and armed.fault.effect in CUTTING
            and not armed.fault.is_chosen
            and armed.fault.from_s <= elapsed_s
            and (armed.fault.to_s is None or elapsed_s < armed.fault.to_s)
            for armed in self._lines.armed
        )

    async def reach_phone(self) -> None:
        """Let the faults of the phone's line have a message that is pushed to it.

        Raises:
            EngineUnreachable: it was lost on the way.
        """
        lost = self.is_cut(PHONE_LINK)
        struck = [] if lost else self._lines.strike(PHONE_LINK, Point.ANSWER)
        if lost or any(strike.fault.effect in LOSING for strike in struck):
            raise EngineUnreachable("the message did not reach the phone")
        await self._scheduler.sleep(sum(strike.delay_us for strike in struck) / 1e6)

    def _card_plan(
        self, faults: tuple[Json, ...], seed: int, revision: int, applied_at_us: int
    ) -> CardFaultPlan:
        ours = [fault for fault in faults if text(fault, "link", "") in CARD_LINKS]
        names = [text(fault, "id", "") for fault in ours]

        def fired(what: Fired) -> None:
            self._say(names[what.position], revision, what.spec.link.value, what.spec.effect.value)

        return CardFaultPlan.from_tables(
            [{key: fault[key] for key in fault if key not in _BOARDS_OWN} for fault in ours],
            stream=SeededStream(seed, "faults.card"),
            clock=self._clock,
            scheduler=self._scheduler,
            on_fired=fired,
            applied_at_us=applied_at_us,
        )

    def _struck(self, strike: Strike) -> None:
        self._say(strike.fault_id, strike.revision, strike.fault.link, strike.fault.effect)

    def _say(self, name: str, revision: int, link: str, effect: str) -> None:
        self._log.emit(
            "fault.fired",
            actor=ACTOR,
            data={"fault": name, "revision": revision, "link": link, "effect": effect},
        )
