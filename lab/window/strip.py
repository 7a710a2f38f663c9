"""The lines under the top bar, there only when something is the matter.

The engine's state when it is not up, the "Not normal" strip with one removable chip a deviation,
and the frame that says that one is looking back.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QWidget
from typing_extensions import override

from backend.api import to_datetime
from lab.console.state import ConsoleState, Deviation
from lab.design.blocks import Button, Label, clear_layout, row
from lab.design.icons import icon_pixmap
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_L, SPACE_S, TEXT_CAPTION_PX
from lab.window.commands import LabCommands
from lab.words import tell, tr

ENGINE_ICONS = {"starting": "refresh-cw", "restarting": "refresh-cw", "down": "server-off"}
HATCH_PX = 8


class EngineLine(QFrame):
    """Why nothing can be paid just now; everything else stays usable."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("engineLine")
        self.setProperty("surface", "alert")
        self._look = look
        box = row(look, self)
        box.setContentsMargins(look.px(SPACE_L), look.px(4), look.px(SPACE_L), look.px(4))
        self._icon = QLabel()
        box.addWidget(self._icon)
        self._word = Label(look, "engineWord", weight=MEDIUM, tone="waiting")
        box.addWidget(self._word)
        self._why = Label(look, "engineWhy").eliding()
        box.addWidget(self._why, 1)
        self.hide()

    def show_state(self, state: ConsoleState) -> None:
        """Draw the engine's state, or nothing while it is up."""
        self.setVisible(state.engine != "up")
        if state.engine == "up":
            return
        name = ENGINE_ICONS.get(state.engine, "server-off")
        self._icon.setPixmap(icon_pixmap(name, self._look.theme.amber, self._look.px(16)))
        self._word.say(tr(f"engine.{state.engine}"))
        text = state.engine_text
        self._why.say(tell(text) if text is not None else tr(f"engine.{state.engine}.why"))


class Strip(QFrame):
    """Everything that is not normal, each with its way back."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("strip")
        self.setProperty("surface", "strip")
        self.setAccessibleName(tr("strip.name"))
        self._look = look
        self._lab = lab
        self._shown: tuple[Deviation, ...] = ()
        box = row(look, self, SPACE_S)
        box.setContentsMargins(look.px(SPACE_L), 0, look.px(SPACE_L), 0)
        title = Label(look, "stripTitle", size_px=TEXT_CAPTION_PX, weight=MEDIUM, tone="ours")
        title.say(tr("strip.name"))
        box.addWidget(title)
        holder = QWidget()
        self._chips = row(look, holder, SPACE_S)
        box.addWidget(holder)
        self._more = Label(look, "stripMore", size_px=TEXT_CAPTION_PX, tone="ours").eliding()
        box.addWidget(self._more, 1)
        back = Button(
            look,
            "backToNormal",
            tr("strip.back"),
            kind="ours",
            size_px=TEXT_CAPTION_PX,
            weight=MEDIUM,
        )
        back.clicked.connect(lab.back_to_normal)
        box.addWidget(back)
        self.hide()

    def show_deviations(self, deviations: tuple[Deviation, ...]) -> None:
        """Draw one chip a deviation; hide when there are none."""
        self.setVisible(bool(deviations))
        if deviations == self._shown:
            return
        self._shown = deviations
        clear_layout(self._chips)
        shown = deviations[: self._room()]
        for deviation in shown:
            chip = Button(
                self._look,
                f"deviation_{deviation.id}",
                tell(deviation.text),
                kind="ours",
                size_px=TEXT_CAPTION_PX,
            )
            chip.show_icon("x", self._look.theme.violet, 14)
            chip.setToolTip(tr("strip.remove", what=tell(deviation.text)))
            chip.clicked.connect(self._remover(deviation.id))
            self._chips.addWidget(chip)
        rest = deviations[len(shown) :]
        self._more.say(
            tr("strip.more", count=len(rest), what=", ".join(tell(one.text) for one in rest))
            if rest
            else ""
        )

    def _room(self) -> int:
        """How many chips fit a strip of this width."""
        return max(1, (self.window().width() - self._look.px(320)) // self._look.px(200))

    def _remover(self, deviation_id: str) -> Callable[[], None]:
        return lambda: self._lab.remove_deviation(deviation_id)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        violet = QColor(self._look.theme.violet)
        painter = QPainter(self)
        painter.fillRect(
            0,
            0,
            self._look.px(HATCH_PX),
            self.height(),
            QBrush(violet, Qt.BrushStyle.BDiagPattern),
        )


class LookingLine(QFrame):
    """One looks at an earlier moment; live goes on."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("lookingLine")
        self.setProperty("surface", "raised")
        box = row(look, self)
        box.setContentsMargins(look.px(SPACE_L), look.px(4), look.px(SPACE_L), look.px(4))
        icon = QLabel()
        icon.setPixmap(icon_pixmap("clock", look.theme.blue, look.px(16)))
        box.addWidget(icon)
        self._text = Label(look, "lookingText", tone="blue", tabular=True).eliding()
        box.addWidget(self._text, 1)
        back = Button(look, "backToNow", tr("looking.back"), kind="link", weight=MEDIUM)
        back.clicked.connect(lambda: lab.look_back(None))
        box.addWidget(back)
        self.hide()

    def show_moment(self, at_us: int | None) -> None:
        """Draw the moment looked at, or nothing."""
        self.setVisible(at_us is not None)
        if at_us is not None:
            self._text.say(tr("looking.at", time=f"{to_datetime(at_us):%H:%M:%S}"))
