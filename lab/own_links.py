"""The five links that end in this process, as the engine's fault board has them.

Theory of operation. The board in the engine holds every fault, whoever put it there: a window, a
file, another command, a loaded world. Those on `reader`, `card` and the lines of phone, watch and
till can only be carried out where these links are: here. Each view of the board that this process
gets is followed; a new one takes effect with the next card and the next request. Each firing is an
event, which the engine counts on its board. A board that an earlier command has worked under
goes on where that command left it. Knows no effect: the wrappers below do the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
from lab.console.presets import without_fired
from lab.errors import EngineUnreachable
from lab.fault_progress import FaultProgress
from lab.faulty_transport import PHONE_LINK, TILL_LINK, WATCH_LINK, FaultyTransport
from lab.json_fields import Json, objects, text, whole

ACTOR = "faults"
LINES = frozenset({PHONE_LINK, WATCH_LINK, TILL_LINK})
CARD_LINKS = frozenset({"reader", "card"})
CUTTING = frozenset({"timeout", "reset_peer", "lost_request", "lost_response"})
LOSING = frozenset({"timeout", "lost_response", "corrupt"})
CARD_STREAM = "faults.card"


@dataclass(frozen=True, slots=True)
class _Board:
    """A view of the board, as far as it names itself and concerns reader and card."""

    seed: int
    revision: int
    applied_at_us: int
    cards: tuple[Json, ...] = field(compare=False)

    @staticmethod
    def of(view: Json) -> _Board:
        return _Board(
            whole(view, "seed"),
            whole(view, "revision"),
            whole(view, "applied_at_us"),
            tuple(f for f in objects(view, "faults") if text(f, "link", "") in CARD_LINKS),
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(text(fault, "id", "") for fault in self.cards)


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
        earlier: FaultProgress,
    ) -> None:
        """Nothing goes wrong yet.

        Args:
            reader: the till's; `reader` of this object is the one to use.
            transport: what phone and till send through.
            clock: lab time, for the faults' time lines.
            scheduler: waits where a card is slow; of the reader's time.
            log: hears each firing.
            earlier: how far an earlier command has come, under whichever board.
        """
        self._transport = transport
        self._clock = clock
        self._scheduler = scheduler
        self._log = log
        self._progress = earlier
        self._board = _Board(0, 0, 0, ())
        self._lines = LinkFaults(clock)
        self._card_stream = SeededStream(0, CARD_STREAM)
        self._line_streams: dict[str, SeededStream] = {}
        self._cards = self._card_plan(self._board, 0)
        self.on_change: Callable[[], None] = lambda: None
        self.reader = FaultyReader(reader, self._cards)

    def follow(self, view: Json) -> None:
        """Do as the board says, if it says something new.

        Args:
            view: what `GET /lab/faults` answers.
        """
        try:
            board = _Board.of(view)
            # An engine that was started again counts anew: its time tells the boards apart.
            if board == self._board:
                return
            lines = LinkFaults(self._clock, self._struck)
            lines.follow(view, LINES)
            earlier = self._progress
            if not earlier.is_of(board.seed, board.revision, board.applied_at_us):
                earlier = FaultProgress()
            plan = self._card_plan(board, earlier.positions.get(CARD_STREAM, 0))
        except (BadRequest, FaultPlanError, ValueError) as fault:
            # An engine of another version: what cannot be carried out must be seen, not guessed.
            self._log.emit("fault.not_understood", actor=ACTOR, data={"why": str(fault)})
            return
        self._board, self._lines, self._cards = board, lines, plan
        self._transport.use_faults(lines)
        self.reader.use_plan(plan)
        self._go_on(earlier)
        self.on_change()

    def progress(self) -> FaultProgress:
        """How far the faults that are on have come, for the next command."""
        if self._board.revision == 0:
            return self._progress  # no board was seen: what was kept may still be of use
        counts = dict(zip(self._board.names, self._cards.counts, strict=True))
        lines = self._lines.armed
        return FaultProgress(
            seed=self._board.seed,
            revision=self._board.revision,
            applied_at_us=self._board.applied_at_us,
            matched={name: count.could_fire for name, count in counts.items()}
            | {armed.fault_id: armed.matched for armed in lines},
            fired={name: count.fired for name, count in counts.items()}
            | {armed.fault_id: armed.fired for armed in lines},
            positions={CARD_STREAM: self._card_stream.position}
            | {line: stream.position for line, stream in self._line_streams.items()},
            unplugged=self.reader.unplugged,
        )

    def _go_on(self, earlier: FaultProgress) -> None:
        """Count and draw from where an earlier command stopped."""
        for name, count in zip(self._board.names, self._cards.counts, strict=True):
            count.could_fire = earlier.matched.get(name, 0)
            count.fired = earlier.fired.get(name, 0)
        for line in sorted(LINES):
            position = earlier.positions.get(line, 0)
            stream = SeededStream(self._board.seed, f"faults.{line}", position)
            self._line_streams[line] = stream
            for armed in (one for one in self._lines.armed if one.fault.link == line):
                armed.stream = stream
                armed.matched = earlier.matched.get(armed.fault_id, 0)
                armed.fired = earlier.fired.get(armed.fault_id, 0)
        if earlier.unplugged and self._cards.keeps_unplugged():
            self.reader.unplug()

    def is_cut(self, link: str) -> bool:
        """Whether nothing comes through on one of the lines at the moment."""
        elapsed_s = (self._clock.now_us() - self._lines.applied_at_us) / 1e6
        return any(
            armed.fault.link == link
            and armed.fault.effect in CUTTING
            and not armed.fault.is_chosen
            and armed.fault.from_s <= elapsed_s
            and (armed.fault.to_s is None or elapsed_s < armed.fault.to_s)
            for armed in self._lines.armed
        )

    async def reach(self, line: str) -> None:
        """Let the faults of a phone's or watch's line have a message that is pushed to it.

        Raises:
            EngineUnreachable: it was lost on the way.
        """
        lost = self.is_cut(line)
        struck = [] if lost else self._lines.strike(line, Point.ANSWER)
        if lost or any(strike.fault.effect in LOSING for strike in struck):
            raise EngineUnreachable("the message did not reach the device")
        await self._scheduler.sleep(sum(strike.delay_us for strike in struck) / 1e6)

    def _card_plan(self, board: _Board, position: int) -> CardFaultPlan:
        def fired(what: Fired) -> None:
            spec, name = what.spec, board.names[what.position]
            self._say(name, board.revision, spec.link.value, spec.effect.value)

        self._card_stream = SeededStream(board.seed, CARD_STREAM, position)
        return CardFaultPlan.from_tables(
            [without_fired(fault) for fault in board.cards],
            stream=self._card_stream,
            clock=self._clock,
            scheduler=self._scheduler,
            on_fired=fired,
            applied_at_us=board.applied_at_us,
        )

    def _struck(self, strike: Strike) -> None:
        self._say(strike.fault_id, strike.revision, strike.fault.link, strike.fault.effect)

    def _say(self, name: str, revision: int, link: str, effect: str) -> None:
        self._log.emit(
            "fault.fired",
            actor=ACTOR,
            data={"fault": name, "revision": revision, "link": link, "effect": effect},
        )
