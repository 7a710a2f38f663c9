"""Keeps a card in the field of other people's readers: an NFC controller that plays a card.

Theory of operation: one blocking loop in one thread. The controller listens until a reader selects
it; then each frame goes through `isodep_target`, and each whole command to the card, which lives in
another thread. While the card thinks longer than half the frame waiting time, S(WTX) asks the
reader for more. The session ends when the reader lets go, falls silent, or ends its field; the next
selection is a card as fresh as in a new field, with a new random identifier. A controller that is
unplugged is opened again, with a pause that doubles. Waiting here is for real input and output, so
it is in real time. Knows no card's secrets and no application: bytes in, bytes out.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeAlias

from hardware.publish.powered_card import NO_DIAGNOSIS, PoweredCard
from hardware.publish.vpcd_client import PAUSE_S, WATCHDOG_S, Publication, PublicationChange
from hardware.publish.vpcd_wire import Control
from hardware.readers.isodep import Ats
from hardware.readers.isodep_initiator import Trouble
from hardware.readers.isodep_target import Command, Nothing, Over, Reaction, Reply, Target
from hardware.readers.nfc_controller import (
    Controller,
    Gone,
    Identity,
    NfcAddress,
    Selected,
)
from hardware.runtime.errors import NfcUnreachable, ReaderGone

ATS = bytes.fromhex("0578807000")
"""A wallet phone's without the card identifier, which is not kept: frames of 256 bytes, FWI 7."""
SAFE_FRAME_CODE = 5
"""FSDI where the controller answered RATS itself and does not say what the reader asked for: frames
of 64 bytes, the smallest that payment readers are known to take."""
LISTEN_S = 0.5
SILENCE_S, SILENCES_MAX = 2.0, 5
"""A reader that selected the card and says nothing so often for so long has lost interest; people
with a raw command in hand pause longer than tills."""
GOODBYE_S = 0.1
EXTENSION = 8
"""What S(WTX) asks for, in frame waiting times of 39 ms."""

Home: TypeAlias = Callable[[Callable[[], bytes | None]], "Future[bytes | None]"]


class NfcClient:
    """One card in one controller."""

    def __init__(
        self,
        address: NfcAddress,
        open_controller: Callable[[NfcAddress], Controller],
        card: PoweredCard,
        *,
        at_home: Home,
        tell: Callable[[Publication], None],
        watchdog_s: float = WATCHDOG_S,
        silence_s: float = SILENCE_S,
        pause_s: tuple[float, float] = PAUSE_S,
    ) -> None:
        """A client that does nothing yet.

        Args:
            address: of the controller.
            open_controller: opens it; blocks.
            card: what is published.
            at_home: runs work where the card lives, one at a time and in order.
            tell: hears what becomes of the publication, in the client's thread.
            watchdog_s: longest wait for the card, in seconds.
            silence_s: longest wait for the reader before it is listened to anew.
            pause_s: shortest and longest pause before a lost controller is opened again.
        """
        self._address = address
        self._open_controller = open_controller
        self._card = card
        self._at_home = at_home
        self._tell = tell
        self._watchdog_s = watchdog_s
        self._silence_s = silence_s
        self._pause_s = pause_s
        self._stopping = threading.Event()
        self._published_before = False
        self._wait_s = Ats.parse(ATS).waiting_us / 1_000_000

    def run(self) -> None:
        """Publish until `stop`; blocks, so give it a thread.

        Raises:
            NfcUnreachable: the controller cannot be a card, or was never there. Once it has been,
                one that goes away is waited for.
        """
        pause_s, longest_s = self._pause_s
        while not self._stopping.is_set():
            try:
                controller = self._opened()
            except ReaderGone as absent:
                if not self._published_before:
                    raise NfcUnreachable(str(absent)) from absent
            else:
                pause_s = self._pause_s[0]
                try:
                    self._serve(controller)
                except ReaderGone as gone:
                    self._tell(Publication(PublicationChange.READER_GONE, str(gone)))
                finally:
                    self._home(Control.POWER_OFF)
                    controller.close()
            self._stopping.wait(pause_s)
            pause_s = min(pause_s * 2, longest_s)

    def stop(self) -> None:
        """Take the card out of the field; `run` returns within a second or two. From any thread."""
        self._stopping.set()

    def _opened(self) -> Controller:
        controller = self._open_controller(self._address)
        if not controller.can_emulate:
            name = controller.name
            controller.close()
            raise NfcUnreachable(f"{name} cannot be a card: take a PN532, PN533 or RC-S380")
        return controller

    def _serve(self, controller: Controller) -> None:
        """Be selected again and again until told to stop."""
        self._published_before = True
        self._tell(Publication(PublicationChange.PUBLISHED, self._address.url))
        self._home(Control.RESET)
        while not self._stopping.is_set():
            selected = controller.listen(Identity(self._card.uid, ATS), LISTEN_S)
            if selected is not None:
                self._converse(controller, selected)
                self._home(Control.RESET)

    def _converse(self, controller: Controller, reader: Selected) -> None:
        """One conversation, from the reader's first block to its end."""
        target = Target(ATS)
        target.activate(SAFE_FRAME_CODE)
        reaction = target.receive(reader.frame)
        silences = 0
        while not self._stopping.is_set() and silences < SILENCES_MAX:
            heard = self._react(controller, reader, target, reaction)
            silences = silences + 1 if heard is Trouble.SILENCE else 0
            match heard:
                case bytes():
                    reaction = target.receive(heard)
                case Trouble():
                    reaction = Nothing()
                case Gone():
                    return

    def _react(
        self, controller: Controller, reader: Selected, target: Target, reaction: Reaction
    ) -> bytes | Trouble | Gone:
        """Do what a frame led to; what the reader says next."""
        match reaction:
            case Reply(frame):
                return controller.respond(reader, frame, self._silence_s)
            case Over(frame):
                controller.respond(reader, frame, GOODBYE_S)
                return Gone.FIELD_OFF
            case Command(apdu):
                return self._think(controller, reader, target, apdu)
            case Nothing():
                return controller.respond(reader, None, self._silence_s)

    def _think(
        self, controller: Controller, reader: Selected, target: Target, command: bytes
    ) -> bytes | Trouble | Gone:
        """Let the card answer, and keep the reader waiting meanwhile (rule 9)."""
        done = self._at_home(lambda: self._card.handle(command))
        left_s, granted_s = self._watchdog_s, self._wait_s
        while True:
            step_s = min(granted_s / 2, left_s)
            try:
                answer = done.result(step_s)
            except TimeoutError:
                left_s -= step_s
            else:
                return controller.respond(
                    reader, target.answer(answer or NO_DIAGNOSIS), self._silence_s
                )
            if left_s <= 0:
                done.cancel()  # answered already: what has not begun must not happen
                detail = f"{self._watchdog_s:g} s"
                self._tell(Publication(PublicationChange.TOO_SLOW, detail))
                return controller.respond(reader, target.answer(NO_DIAGNOSIS), self._silence_s)
            heard = controller.respond(reader, target.extend(EXTENSION), self._silence_s)
            granted_s = self._wait_s * EXTENSION
            while isinstance(heard, bytes):
                match target.receive(heard):
                    case Nothing():  # granted
                        break
                    case Reply(frame):
                        heard = controller.respond(reader, frame, self._silence_s)
                    case changed:  # the reader asks something else, or lets go
                        done.cancel()
                        return self._react(controller, reader, target, changed)
            if isinstance(heard, Gone):
                return heard

    def _home(self, control: Control) -> None:
        """Power the card off or on anew, where it lives."""
        with contextlib.suppress(TimeoutError):  # it will notice when it has done thinking
            self._at_home(lambda: self._card.handle(control)).result(self._watchdog_s)
