"""What other people's readers asked the phone's published card, as a trace a session.

Hears commands and answers where the card lives, and frames from the controller's thread where there
is one, and writes one masked `.apdu` file for each session in which something was asked: the same
file a tap of our own till leaves. A frame belongs to the command that it carries or answers. Knows
no reader and no meaning of any command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backend.api import Clock
from hardware.api import (
    Address,
    Controller,
    Frame,
    Identity,
    NfcAddress,
    Overheard,
    TraceRecorder,
    Way,
    carrying_part,
    record_exchange,
    selection,
)

FRAMES_HELD_MAX = 4096


@dataclass(frozen=True, slots=True)
class TraceKept:
    """A session was written down, or could not be."""

    path: str
    problem: str = ""


@dataclass(slots=True)
class _Asked:
    command: bytes
    lab_us: int
    at_us: int
    answer: bytes = b""
    took_us: int = 0


class PublishedTrace:
    """Writes sessions of a published card down; a `Witness`."""

    def __init__(self, folder: Path, where: Address | NfcAddress, *, clock: Clock) -> None:
        """Nothing heard yet.

        Args:
            folder: where the files go.
            where: the card is published.
            clock: lab time for the date, steady time for the rest.
        """
        self.tell: Callable[[TraceKept], None] = lambda _kept: None
        """Hears of each file."""
        self._folder = folder
        self._reader = where.url if isinstance(where, NfcAddress) else f"vpcd:{where}"
        self._clock = clock
        self._recorder = TraceRecorder(clock=clock)
        self._uid = b""
        self._count = 0
        self._current: _Asked | None = None
        self._frames: list[tuple[int, Way, bytes, bool]] = []

    def powered(self, uid: bytes, atr: bytes) -> None:
        """A session begins."""
        card = f"{atr.hex().upper()} {uid.hex().upper()}"
        self._recorder = TraceRecorder(clock=self._clock, reader=self._reader, card=card)
        self._uid, self._count, self._current = uid, 0, None
        self._frames.clear()

    def overhearing(
        self, open_controller: Callable[[NfcAddress], Controller], loop: asyncio.AbstractEventLoop
    ) -> Callable[[NfcAddress], Controller]:
        """The same opening, with frames told to this trace where the card lives, in `loop`."""

        def on_frame(way: Way, frame: bytes) -> None:
            loop.call_soon_threadsafe(self.heard, self._clock.monotonic_us(), way, frame)

        return lambda address: Overheard(open_controller(address), on_frame)

    def heard(self, at_us: int, way: Way, data: bytes) -> None:
        """A frame, at that moment of the steady clock."""
        if not self._frames and not self._count and self._current is None:
            shown = Identity(self._uid, b"")
            told = selection(shown.atqa, shown.uid, shown.sak)
            self._frames += [(at_us, way_told, frame, True) for way_told, frame in told]
        if len(self._frames) < FRAMES_HELD_MAX:
            self._frames.append((at_us, way, data, False))

    def asked(self, command: bytes) -> None:
        """A command came: the one before is complete but for the frames that carry this one."""
        start = carrying_part([(way, data) for _, way, data, _ in self._frames], command)
        self._keep(start)
        now_us = self._clock.monotonic_us()
        self._current = _Asked(command, self._clock.now_us(), now_us)

    def answered(self, answer: bytes) -> None:
        """It was answered."""
        if self._current is not None:
            self._current.answer = answer
            self._current.took_us = self._clock.monotonic_us() - self._current.at_us

    def over(self) -> None:
        """The session is over: write it down, if anything was asked."""
        self._keep(len(self._frames))
        if not self._count:
            return
        trace = self._recorder.finish()
        stem = "served_" + "".join(filter(str.isdigit, trace.date))
        path = self._folder / f"{stem}.apdu"
        self._count = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_text(trace.to_text(), encoding="utf-8")
        except OSError as fault:  # the card goes on: a full disk is no reason to take it away
            self.tell(TraceKept(str(path), fault.strerror or str(fault)))
        else:
            self.tell(TraceKept(str(path)))

    def _keep(self, end: int) -> None:
        """Record the command that is going on, with its frames up to `end`."""
        asked = self._current
        if asked is None:
            return
        mine, self._frames = self._frames[:end], self._frames[end:]
        self._recorder.record(
            record_exchange(
                self._count,
                asked.command,
                asked.answer,
                started_us=asked.lab_us,
                duration_us=asked.took_us,
                keep_raw=False,
                frames=tuple(
                    Frame(at_us - asked.at_us, way, data, told) for at_us, way, data, told in mine
                ),
            )
        )
        self._count += 1
        self._current = None
