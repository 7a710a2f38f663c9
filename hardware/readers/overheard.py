"""A controller that plays a card and tells what it hears and says, frame by frame.

A wrapper at the boundary: whoever publishes a card knows nothing of it. Only the card's side is
told of, as a reader's link remembers its frames itself. Told in the thread that calls the
controller, while the other side waits: whoever listens must be quick.
"""

from __future__ import annotations

from collections.abc import Callable

from hardware.readers.frames import Way
from hardware.readers.isodep_initiator import Heard, Trouble
from hardware.readers.nfc_controller import Controller, Found, Gone, Identity, Selected


class Overheard:
    """A controller with somebody listening to its card's side; the same port."""

    def __init__(self, controller: Controller, on_frame: Callable[[Way, bytes], None]) -> None:
        self._controller = controller
        self._on_frame = on_frame

    @property
    def name(self) -> str:
        """The controller's."""
        return self._controller.name

    @property
    def can_emulate(self) -> bool:
        """The controller's."""
        return self._controller.can_emulate

    def sense(self) -> Found | None:
        """The controller's."""
        return self._controller.sense()

    def exchange(self, card: Found, frame: bytes, wait_us: int) -> Heard:
        """The controller's."""
        return self._controller.exchange(card, frame, wait_us)

    def field_off(self) -> None:
        """The controller's."""
        self._controller.field_off()

    def listen(self, identity: Identity, limit_s: float) -> Selected | None:
        """Be a card until a reader selects it; its first frame is told."""
        selected = self._controller.listen(identity, limit_s)
        if selected is not None:
            self._on_frame(Way.TO_CARD, selected.frame)
        return selected

    def respond(self, reader: Selected, frame: bytes | None, limit_s: float) -> Heard | Gone:
        """Send a frame to the reader and hear its next; both are told."""
        if frame:
            self._on_frame(Way.FROM_CARD, frame)
        heard = self._controller.respond(reader, frame, limit_s)
        match heard:
            case bytes():
                self._on_frame(Way.TO_CARD, heard)
            case Trouble.GARBLED:
                self._on_frame(Way.GARBLED, b"")
            case Trouble.SILENCE:
                self._on_frame(Way.SILENCE, b"")
            case Gone():
                self._on_frame(Way.FIELD_OFF, b"")
        return heard

    def close(self) -> None:
        """The controller's."""
        self._controller.close()
