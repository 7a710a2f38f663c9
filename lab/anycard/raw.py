"""The raw box: one typed command to the card in the field, its answer to the bench.

The card lies at the reader that has the bench's role, or else at the till's. The conversation
stays open between commands, so that SELECT holds, until the card leaves, the user
lets it go, the till wants its reader, or a minute passes. What would change a card waits to be
confirmed; what a stranger's card is never asked is not sent at all. Everything is masked as it is
heard. Runs in the I/O thread and blocks nobody: the reader's driver has a worker of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

from backend.api import Clock, Scheduler
from hardware.api import (
    ApduError,
    CardLink,
    CardLinkError,
    CommandApdu,
    NoCard,
    Reader,
    TlvError,
    Trace,
    TraceRecorder,
    Weight,
    effect_of,
    read_selection,
    record_exchange,
)
from lab.anycard.raw_commands import command_of, effect_words
from lab.anycard.state import RawState
from lab.anycard.till_reader import TillReader
from lab.bus import Bus
from lab.words import Message, message

WAIT_S = 10.0
IDLE_S = 60.0
EXCHANGES_MAX = 500
_SELECT = 0xA4
_SUCCESS = b"\x90\x00"


class RawFlow:
    """The raw box's presenter."""

    def __init__(
        self,
        *,
        reader: TillReader,
        clock: Clock,
        scheduler: Scheduler,
        bus: Bus,
    ) -> None:
        """A box without a conversation.

        Args:
            reader: whose field the card is in.
            clock: lab time, for the record.
            scheduler: of real time; lets an idle card go.
            bus: shows the state.
        """
        self._reader = reader
        self._clock = clock
        self._scheduler = scheduler
        self._bus = bus
        self._link: CardLink | None = None
        self._at_bench = contextlib.AsyncExitStack()
        self._recorder = TraceRecorder(clock=clock, reader=reader.url)
        self._count = self._conversations = 0
        self._lab_card = self._consented = False
        self._state = RawState(reader=reader.name)
        self.on_trace: Callable[[int, Trace], None] = lambda _conversation, _trace: None
        self.bench_reader: Callable[[], AbstractAsyncContextManager[Reader | None]] = _no_bench
        bus.publish(self._state)

    @property
    def state(self) -> RawState:
        """What the box shows."""
        return self._state

    async def send(self, typed: str, *, confirmed: bool = False) -> None:
        """Send what was typed; what would change a card only once it is confirmed."""
        if self._state.busy:
            return
        self._show(confirm=None, pending="", problem=None)
        try:
            command = command_of(typed)
        except ApduError as fault:
            self._show(problem=message("raw.not_sent", "bad", why=fault))
            return
        if not self._may_send(command, confirmed=confirmed):
            return
        self._show(busy=True)
        try:
            await self._exchange(command)
        finally:
            self._show(busy=False)

    def cancel(self) -> None:
        """Do not send what waits to be confirmed."""
        self._show(confirm=None, pending="", problem=None)

    async def let_go(self) -> None:
        """End the conversation."""
        self._link = None
        await self._at_bench.aclose()
        await self._reader.give_back()
        self._show(in_conversation=False, heard=(), lab_card=False)

    def reader_changed(self) -> None:
        """The till stands at another reader."""
        self._show(reader=self._reader.name)

    def taken_back(self) -> None:
        """The till has its reader again."""
        if self._link is not None:
            self._link = None
            self._show(
                in_conversation=False,
                heard=(),
                lab_card=False,
                problem=Message("raw.taken_back", "waiting"),
            )

    def _may_send(self, command: CommandApdu, *, confirmed: bool) -> bool:
        effect = effect_of(command, lab_card=self._lab_card)
        match effect.weight:
            case Weight.NONE:
                return True
            case Weight.NEVER:
                self._show(problem=effect_words(effect))
                return False
            case Weight.CONSENT if self._consented or confirmed:
                self._consented = True  # its owner agreed for as long as it lies here
                return True
            case _ if confirmed:
                return True
        self._show(confirm=effect_words(effect), pending=command.to_bytes().hex().upper())
        return False

    async def _exchange(self, command: CommandApdu) -> None:
        raw = command.to_bytes()
        started_us, start_us = self._clock.now_us(), self._clock.monotonic_us()
        try:
            link = await self._opened()
            started_us, start_us = self._clock.now_us(), self._clock.monotonic_us()
            answer = await link.transmit(raw)
        except CardLinkError as fault:
            await self.let_go()
            nobody = isinstance(fault, NoCard)
            why = Message("raw.no_card", "waiting") if nobody else _no_answer(fault)
            self._show(problem=why)
            return
        heard = record_exchange(
            self._count,
            raw,
            answer,
            started_us=started_us,
            duration_us=self._clock.monotonic_us() - start_us,
            keep_raw=False,
        )
        self._count += 1
        self._recorder.record(heard)
        self._note_selection(command, answer)
        self._show(
            done=self._state.done + 1,
            heard=(*self._state.heard, heard.masked_response)[-EXCHANGES_MAX:],
            lab_card=self._lab_card,
        )
        self.on_trace(self._conversations, self._recorder.finish(None))
        self._scheduler.spawn(self._let_go_when_idle(self._count), "raw box idle")

    async def _opened(self) -> CardLink:
        if self._link is not None and self._count < EXCHANGES_MAX:
            return self._link
        at_bench = await self._at_bench.enter_async_context(self.bench_reader())
        reader = at_bench or self._reader
        self._show(reader=reader.name)
        if at_bench is None:
            link = await self._reader.borrow(WAIT_S)
        else:
            link = await at_bench.wait_for_card(WAIT_S)
            self._at_bench.push_async_callback(link.release)
        self._link = link
        self._conversations += 1
        self._count = 0
        self._lab_card = self._consented = False
        self._recorder = TraceRecorder(clock=self._clock, reader=reader.url)
        self._show(in_conversation=True, heard=(), lab_card=False)
        return link

    def _note_selection(self, command: CommandApdu, answer: bytes) -> None:
        """Whose application is selected now: what may be sent next depends on it."""
        if command.ins != _SELECT:
            return
        self._lab_card = False
        if answer[-2:] == _SUCCESS:
            try:
                self._lab_card = read_selection(answer[:-2], command.data).lab_card
            except TlvError:
                return  # no file control information: nobody says that it is the lab's

    async def _let_go_when_idle(self, count: int) -> None:
        conversation = self._conversations
        await self._scheduler.sleep(IDLE_S)
        if self._link is not None and (conversation, count) == (self._conversations, self._count):
            await self.let_go()

    def _show(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # by name
        self._bus.publish(self._state)


def _no_bench() -> AbstractAsyncContextManager[Reader | None]:
    """No reader has the bench's role: the till's is borrowed."""
    return contextlib.nullcontext()


def _no_answer(fault: CardLinkError) -> Message:
    return message("raw.broken", "bad", why=fault)
