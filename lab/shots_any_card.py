"""Pictures of any card and of pre-flight, in the picture maker's one session.

The stranger's card is this folder's own phone with the lab's mark changed into an issuer's number:
what a bank's card says, without a bank's card. Everything else is as it happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtWidgets import QLineEdit

from hardware.api import Card
from lab.anycard.raw import RawFlow
from lab.pos.state import PosPhase
from lab.preflight.state import NAMES as CHECKS
from lab.window.main_window import MainWindow
from lab.world import World

NAMES = ("37-foreign-card", "38-raw-command", "39-things-that-pay", "40-pre-flight")
LAB_MARK, ISSUERS_NUMBER = bytes.fromhex("4203999901"), bytes.fromhex("4203424242")
SELECT_DIRECTORY = "00A404000E325041592E5359532E444446303100"
SELECT_VISA = "00A4040007A000000003101000"
GENERATE_AC = "80AE80000400000000"


class StrangersCard:
    """A card that carries no lab mark."""

    def __init__(self, card: Card) -> None:
        """Answer as `card` does, but for the mark."""
        self._card = card

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command."""
        return self._card.transmit(command).replace(LAB_MARK, ISSUERS_NUMBER)


def play(
    world: World,
    window: MainWindow,
    shot: Callable[[str, Callable[[], object]], None],
    io: Callable[[Callable[[], object]], None],
    until: Callable[[Callable[[], bool]], None],
) -> None:
    """The pictures, and everything as it was afterwards.

    Args:
        world: the laboratory.
        window: the window on it.
        shot: goes there and takes the picture.
        io: calls a flow where flows run.
        until: waits for a state.
    """
    session = _Session(world, window, io, until)
    for name, go in zip(
        NAMES, (session.stranger, session.raw, session.enrolled, session.preflight), strict=True
    ):
        shot(name, go)
    window.any_card.shut_sheets()
    io(world.anycard.raw.let_go)


class _Session:
    def __init__(
        self,
        world: World,
        window: MainWindow,
        io: Callable[[Callable[[], object]], None],
        until: Callable[[Callable[[], bool]], None],
    ) -> None:
        self._world, self._window, self._io, self._until = world, window, io, until

    def stranger(self) -> None:
        """A bank's card at the till."""
        world = self._world
        self._io(lambda: world.console.bench.compare(""))
        card = StrangersCard(world.element.card())

        async def charge() -> None:
            world.pos.set_amount(1240, "USD")
            world.reader.present(card)
            try:
                await world.pos.charge()
            finally:
                world.reader.withdraw()

        self._io(charge)
        self._until(lambda: world.pos.state.phase is PosPhase.OTHER_CARD)
        self._until(lambda: world.anycard.stranger.state.account is not None)
        self._window.go_to("bench")

    def raw(self) -> None:
        """A conversation by hand, with a command that waits to be confirmed."""
        raw = self._world.anycard.raw
        self._io(self._world.anycard.stranger.done)
        field = self._window.findChild(QLineEdit, "rawField")
        assert field is not None
        for command in (SELECT_DIRECTORY, SELECT_VISA):
            done = raw.state.done
            self._io(partial(raw.send, command))
            self._until(partial(_answered, raw, done))
        self._window.drain.drain_now()
        field.setText(GENERATE_AC)
        self._io(partial(raw.send, GENERATE_AC))
        self._until(lambda: raw.state.confirm is not None)

    def enrolled(self) -> None:
        """The sheet of things that pay."""
        self._window.any_card.show_enrolled()

    def preflight(self) -> None:
        """Everything looked at."""
        flow, window = self._world.preflight, self._window
        window.any_card.shut_sheets()
        window.any_card.show_preflight()
        self._until(lambda: len(flow.state.lines) == len(CHECKS) and not flow.state.running)


def _answered(raw: RawFlow, done: int) -> bool:
    return raw.state.done > done
