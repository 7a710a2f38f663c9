"""Virtual PN532 boards on pseudo-terminals, with one field between them; as drivers see them.

Theory of operation: a board is a chip (`pn532_chip`) behind a pty whose path any driver opens as a
serial port. One thread serves every board: bytes from hosts, time-outs, and what tests want done
(`Bench.do`). Boards stand face to face: when one makes a field, whatever else is there and is a
card just now is in it, another board or a `SoftCard`. Between them a test's `Mischief` may lose,
spoil, empty, delay or change each frame. A pty's other end is a process on a busy machine, so
time-outs of the field are stretched by `STRETCH_S`, less than what drivers allow a serial line.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from enum import Enum
from typing import TypeVar

from backend.api import LabClock
from hardware.readers.isodep_target import Command, Nothing, Over, Reply, Target
from tests.pn532_chip import Chip, Shown

T = TypeVar("T")
STRETCH_S = 0.06
PATIENCE_S = 10.0
PHONE = Shown(bytes.fromhex("0400"), bytes.fromhex("08A1B2C3"), 0x20)
ATS = bytes.fromhex("0578807002")


class Way(Enum):
    """Which way a frame goes."""

    TO_CARD = "to card"
    TO_READER = "to reader"


class Loss(Enum):
    """What became of a frame instead of arriving."""

    LOST = "lost"
    SPOILED = "spoiled"


Mischief = Callable[[Way, bytes], "bytes | Loss"]


def harmless(_way: Way, frame: bytes) -> bytes:
    """Every frame arrives as it was sent."""
    return frame


class SoftCard:
    """A card in the field that is no board: answers commands at once."""

    def __init__(
        self, answer: Callable[[bytes], bytes], shown: Shown = PHONE, ats: bytes = ATS
    ) -> None:
        self.answer = answer
        self._shown = shown
        self._target = Target(ats)
        self.in_field = False
        self.bench: Bench | None = None
        self.commands: list[bytes] = []
        self.endless_extensions = False

    def selected(self) -> Shown | None:
        if self.in_field:
            return None
        self.in_field = True
        return self._shown

    def powered_off(self) -> None:
        self.in_field = False

    def asked(self, frame: bytes) -> None:
        assert self.bench is not None
        match self._target.receive(frame):
            case Reply(reply) | Over(reply):
                self.bench.reply(self, reply)
            case Command(apdu):
                self.commands.append(apdu)
                if self.endless_extensions:
                    self.bench.reply(self, self._target.extend(1))
                else:
                    self.bench.reply(self, self._target.answer(self.answer(apdu)))
            case Nothing():
                if self._target.thinking and self.endless_extensions:
                    self.bench.reply(self, self._target.extend(1))


class _Board:
    """One chip behind one pty."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        self.chip = Chip(self, self._to_host)

    def select(self) -> Shown | None:
        return self.bench.select(self)

    def send(self, frame: bytes) -> None:
        self.bench.send(frame)

    def reply(self, frame: bytes) -> None:
        self.bench.reply(self.chip, frame)

    def field_off(self) -> None:
        self.bench.field_off(self)

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        return self.bench.after(seconds + STRETCH_S, call)

    def _to_host(self, data: bytes) -> None:
        if self.bench.is_plugged(self):  # a chip in the middle of a command does not know
            os.write(self.master, data)


class Bench:
    """Boards, a field, and the thread that serves them."""

    def __init__(self, boards: int = 1) -> None:
        self._clock = LabClock()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._dead: set[int] = set()
        self._count = 0
        self._jobs: list[Callable[[], None]] = []
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._boards = [_Board(self) for _ in range(boards)]
        self._plugged = set(self._boards)
        for board in self._boards:
            self._selector.register(board.master, selectors.EVENT_READ, board)
        self._reader: _Board | None = None
        self._card: Chip | SoftCard | None = None
        self.on_table: list[SoftCard] = []
        self.mischief: Mischief = harmless
        self._ending = False
        self._thread = threading.Thread(target=self._serve, name="pn532 bench", daemon=True)
        self._thread.start()

    def path(self, board: int = 0) -> str:
        """The serial port of a board."""
        return self._boards[board].path

    def chip(self, board: int = 0) -> Chip:
        return self._boards[board].chip

    def do(self, work: Callable[[], T]) -> T:
        """Do something where the boards live."""
        done: Future[T] = Future()
        self._jobs.append(lambda: done.set_result(work()))
        self._wake.send(b"x")
        return done.result(PATIENCE_S)

    def put(self, card: SoftCard) -> None:
        """Lay a card on the table."""
        card.bench = self
        self.do(lambda: self.on_table.append(card))

    def take_away(self) -> None:
        """Take every soft card away, in the middle of whatever goes on."""
        self.do(self.remove_cards)

    def remove_cards(self) -> None:
        """The same from the bench's own thread, as mischief may want it."""
        if isinstance(self._card, SoftCard):
            self._card.in_field = False
            self._card = None
        self.on_table.clear()

    def unplug(self, board: int = 0) -> None:
        """Pull a board's cable."""
        self.do(lambda: self._unplug(self._boards[board]))

    def unplug_now(self, board: int = 0) -> None:
        """The same from the bench's own thread, while a card answers."""
        self._unplug(self._boards[board])

    def close(self) -> None:
        self.do(self._end)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the bench's thread does not end"
        for board in self._boards:
            os.close(board.slave)
        self._selector.close()
        self._wake.close()
        self._woken.close()

    def is_plugged(self, board: _Board) -> bool:
        return board in self._plugged

    # The field, in the bench's thread ----------------------------------------------------------

    def select(self, reader: _Board) -> Shown | None:
        self._reader = reader
        chips = [board.chip for board in self._boards if board is not reader]
        for card in (*self.on_table, *chips):
            if shown := card.selected():
                self._card = card
                return shown
        return None

    def send(self, frame: bytes) -> None:
        arrived = self.mischief(Way.TO_CARD, frame)
        if isinstance(arrived, bytes) and self._card is not None:
            self._card.asked(arrived)

    def reply(self, card: Chip | SoftCard, frame: bytes) -> None:
        arrived = self.mischief(Way.TO_READER, frame)
        if self._reader is None or card is not self._card or arrived is Loss.LOST:
            return
        self._reader.chip.heard(arrived if isinstance(arrived, bytes) else None)

    def field_off(self, reader: _Board) -> None:
        if reader is self._reader and self._card is not None:
            card, self._card = self._card, None
            card.powered_off()

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        self._count += 1
        number = self._count
        at_us = self._clock.monotonic_us() + round(seconds * 1e6)
        heapq.heappush(self._timers, (at_us, number, call))
        return lambda: self._dead.add(number)

    def _serve(self) -> None:
        while not self._ending:
            for key, _ in self._selector.select(self._next_s()):
                if key.data is None:
                    self._woken.recv(4096)
                else:
                    self._read(key.data)
            while self._jobs:
                self._jobs.pop(0)()
            while self._timers and self._timers[0][0] <= self._clock.monotonic_us():
                _, number, call = heapq.heappop(self._timers)
                if number not in self._dead:
                    call()
                self._dead.discard(number)

    def _next_s(self) -> float | None:
        if not self._timers:
            return None
        return max(0.0, (self._timers[0][0] - self._clock.monotonic_us()) / 1e6)

    def _read(self, board: _Board) -> None:
        if board in self._plugged:  # else pulled by a job of this very round
            with contextlib.suppress(BlockingIOError):
                board.chip.from_host(os.read(board.master, 4096))

    def _unplug(self, board: _Board) -> None:
        if board in self._plugged:
            self._plugged.remove(board)
            self._selector.unregister(board.master)
            self.field_off(board)
            os.close(board.master)  # the other end keeps the port's number from being given away

    def _end(self) -> None:
        for board in self._boards:
            self._unplug(board)
        self._ending = True


@contextlib.contextmanager
def bench(boards: int = 1) -> Iterator[Bench]:
    """A bench until left."""
    made = Bench(boards)
    try:
        yield made
    finally:
        made.close()
