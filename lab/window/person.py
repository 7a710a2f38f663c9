"""The person's side of the table: the phone, and beside it the watch where there is one.

Where the window is high enough both are seen; else the one that is in the hand. Which one that is
is chosen above them, and Space and the till mean that one.
"""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QWidget
from typing_extensions import override

from lab.design.blocks import Button, Label, column, row
from lab.design.look import Look
from lab.design.tokens import SPACE_S, TEXT_CAPTION_PX
from lab.in_hand import PHONE, WATCH
from lab.wallet.view import PhoneView
from lab.watch.state import WatchState
from lab.watch.view import WatchView
from lab.window.commands import LabCommands
from lab.words import tr

BOTH_FROM_PX = 840
"""Height from which the phone, above the watch, still has the room that it needs."""
SWITCH_PX = 28


class PersonColumn(QWidget):
    """Phone and watch."""

    def __init__(self, look: Look, phone: PhoneView, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("person")
        self._look = look
        self._phone = phone
        self._watch = WatchView(look, lab)
        self._state = WatchState()
        box = column(look, self, SPACE_S)
        self._switch = QWidget()
        self._switch.setAccessibleName(tr("watch.hand.name"))
        self._switch.setLayout(self._choices(lab))
        for widget in (self._switch, phone, self._watch):
            box.addWidget(widget, 1 if widget is phone else 0)
        self._share()

    def _choices(self, lab: LabCommands) -> QHBoxLayout:
        line = row(self._look)
        caption = Label(self._look, "inHand", size_px=TEXT_CAPTION_PX, tone="dim")
        caption.say(tr("watch.hand.caption"))
        line.addWidget(caption)
        self._group = QButtonGroup(self)
        self._choice: dict[str, Button] = {}
        for device in (PHONE, WATCH):
            button = Button(
                self._look,
                f"inHand_{device}",
                tr(f"watch.hand.{device}"),
                kind="tab",
                size_px=TEXT_CAPTION_PX,
            )
            button.setCheckable(True)
            button.setFixedHeight(self._look.px(SWITCH_PX))
            button.clicked.connect(lambda _on=False, device=device: self._take(lab, device))
            self._group.addButton(button)
            self._choice[device] = button
            line.addWidget(button, 1)
        return line

    def show_watch(self, state: WatchState) -> None:
        """Draw the watch, and what is in the hand."""
        self._state = state
        self._watch.show_state(state)
        self._choice[WATCH if state.in_hand else PHONE].setChecked(True)
        self._share()

    def _take(self, lab: LabCommands, device: str) -> None:
        """Ask for it; what is marked changes when it is in the hand (a tap may be under way)."""
        lab.take_in_hand(device)
        self.show_watch(self._state)

    def _share(self) -> None:
        is_there, both = self._state.is_there, self.height() >= self._look.px(BOTH_FROM_PX)
        self._switch.setVisible(is_there)
        self._phone.setVisible(not is_there or both or not self._state.in_hand)
        self._watch.setVisible(is_there and (both or self._state.in_hand))
        self._watch.stand(upright=not both)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share()
