"""The pictures of a shop that goes on without its bank: what it risks, and what it lost."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QAbstractButton, QWidget

from lab.errors import LabError
from lab.pos.offline_rules import OfflineMode
from lab.pos.state import PosPhase
from lab.world import World

NAMES = ("45-pos-offline", "46-pos-declined-later")
Shot = Callable[[str, Callable[[], None]], None]
Tap = Callable[[int, PosPhase], None]


def play(
    world: World,
    window: QWidget,
    shot: Shot,
    io: Callable[[Callable[[], object]], None],
    until: Callable[[Callable[[], bool]], None],
    tap: Tap,
) -> None:
    """Two taps offline, one of which the bank will not pay; then back on line.

    Args:
        world: the laboratory.
        window: whose till is turned to its offline page.
        shot: makes a picture once something has been done.
        io: runs work where the flows live.
        until: waits for it.
        tap: a whole tap that must end so.
    """

    def turn_to(page: str) -> None:
        tab = window.findChild(QAbstractButton, page)
        if tab is None:
            raise LabError(f"the till has no {page}")
        tab.click()

    def kept() -> None:
        turn_to("tabOffline")
        io(lambda: world.pos.offline.choose(OfflineMode.NOW))
        tap(1240, PosPhase.STORED)
        tap(1251, PosPhase.STORED)

    def back() -> None:
        io(lambda: world.pos.offline.choose(OfflineMode.NEVER))
        until(lambda: not world.pos.offline.stored and bool(world.pos.state.offline.lost))

    shot(NAMES[0], kept)
    shot(NAMES[1], back)
    io(world.pos.offline.seen)
    turn_to("tabReceipt")
