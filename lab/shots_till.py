"""Pictures of the till after the sale, in the picture maker's one session."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial

from PySide6.QtWidgets import QAbstractButton

from lab.pos.after_sale_state import SaleStep
from lab.window.main_window import MainWindow
from lab.world import World

NAMES = ("41-pos-last-payments", "42-pos-chosen-sale", "43-pos-refund", "44-pos-refund-receipt")
REFUND_DIGITS = "240"
Work = Callable[[], Coroutine[object, object, object] | None]


def play(
    world: World,
    window: MainWindow,
    shot: Callable[[str, Callable[[], object]], None],
    io: Callable[[Work], None],
    until: Callable[[Callable[[], bool]], None],
) -> None:
    """The pictures, and the till at rest afterwards.

    Args:
        world: the laboratory.
        window: the window on it.
        shot: goes there and takes the picture.
        io: calls a flow where flows run.
        until: waits for a state.
    """
    after = world.after_sale

    def chosen() -> None:
        """The newest sale that waits for its capture."""
        sale = next(sale for sale in world.pos.state.recent if sale.state == "approved")
        io(lambda: after.choose(sale.payment_id))
        until(lambda: after.state.step is SaleStep.CHOSEN)

    def refund() -> None:
        """A part of it, typed on the till's own keypad."""
        io(after.capture)
        until(lambda: after.state.step is SaleStep.DONE)
        io(after.ask_refund)
        for digit in REFUND_DIGITS:
            io(partial(after.key, digit))
        until(lambda: after.state.display_text.endswith("2.40"))
        _turn_to(window, "tabRecent")

    def receipt() -> None:
        """Given back, and the paper that says so."""
        io(after.confirm)
        until(lambda: after.state.step is SaleStep.DONE)

    steps = (lambda: _turn_to(window, "tabRecent"), chosen, refund, receipt)
    for name, go in zip(NAMES, steps, strict=True):
        shot(name, go)
    io(after.close)
    _turn_to(window, "tabReceipt")


def take_and_give_back(
    world: World,
    payment_id: str,
    io: Callable[[Work], None],
    until: Callable[[Callable[[], bool]], None],
) -> None:
    """A sale's money taken, and a part of it given back, so that its life shows both."""
    after = world.after_sale
    io(partial(after.choose, payment_id))
    until(lambda: after.state.payment_id == payment_id)
    io(after.capture)
    until(lambda: after.state.step is SaleStep.DONE)
    io(partial(after.refund, int(REFUND_DIGITS)))
    until(lambda: bool(after.state.back_text))
    io(after.close)


def _turn_to(window: MainWindow, tab: str) -> None:
    button = window.findChild(QAbstractButton, tab)
    assert button is not None
    button.click()
