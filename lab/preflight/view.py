"""Pre-flight on the screen: a line a check with its shape, and a key where something can be done.

Opened without blocking; the lines appear as they are known. Knows sizes and sounds, since only a
window does.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QGridLayout, QWidget

from lab.design.blocks import Button, Label, Shape, tight
from lab.design.look import MEDIUM, Look
from lab.design.sheet import Sheet
from lab.design.tokens import SPACE_M, SPACE_XS, TEXT_CAPTION_PX
from lab.preflight.commands import PreflightCommands
from lab.preflight.state import NAMES, PreflightLine, PreflightState
from lab.words import tell, tr

WIDTH_PX = 720
NAME_PX = 90
ROW_PX = 30


class PreflightSheet(Sheet):
    """All checks."""

    def __init__(self, look: Look, commands: PreflightCommands, window: QWidget) -> None:
        super().__init__(look, "preflightSheet", tr("preflight.title"), WIDTH_PX, window)
        self._look, self._commands, self._over = look, commands, window
        self._verdict = Label(look, "preflightVerdict", tone="dim", weight=MEDIUM)
        self.body.addWidget(self._verdict)
        grid = QGridLayout()
        tight(grid, look.px(SPACE_XS))
        grid.setHorizontalSpacing(look.px(SPACE_M))
        grid.setColumnStretch(2, 1)
        self._rows = {
            name: _Row(look, name, grid, line, self._act) for line, name in enumerate(NAMES)
        }
        self.body.addLayout(grid)
        again = Button(look, "preflightAgain", tr("preflight.again"))
        again.clicked.connect(self.look_again)
        self.foot.addWidget(again)

    def look_again(self) -> None:
        """Look at everything, in the window as it is now."""
        window = self._over
        self._commands.preflight(window.width(), window.height(), self._look.scale)

    def show_state(self, state: PreflightState) -> None:
        """Draw the lines there are."""
        known = {line.name: line for line in state.lines}
        for name, line in self._rows.items():
            line.show_line(known.get(name))
        if state.running:
            self._verdict.say(tr("preflight.running"), "dim")
        elif state.lines:
            bad = sum(line.text.kind == "bad" for line in state.lines)
            waiting = sum(line.text.kind == "waiting" for line in state.lines)
            key = "bad" if bad else "waiting" if waiting else "good"
            count = bad or waiting
            self._verdict.say(tr(f"preflight.verdict.{key}", count=count), key)

    def _act(self, action: str) -> None:
        if action == "beep":
            QApplication.beep()
        elif action == "fill":
            self._over.setWindowState(self._over.windowState() ^ Qt.WindowState.WindowFullScreen)
            self.look_again()
        else:
            self._commands.preflight_act(action)


class _Row:
    """One line: shape, name, sentence, key."""

    def __init__(
        self,
        look: Look,
        name: str,
        grid: QGridLayout,
        line: int,
        act: Callable[[str], None],
    ) -> None:
        self._action = ""
        self._shape = Shape(look, 14)
        self._name = Label(look, f"preflight_{name}", weight=MEDIUM)
        self._name.say(tr(f"preflight.{name}.name"))
        self._name.setMinimumWidth(look.px(NAME_PX))
        self._text = Label(look, f"preflight_{name}_text").wrapping()
        self._key = Button(look, f"preflight_{name}_key", "", kind="link",
                           size_px=TEXT_CAPTION_PX)  # fmt: skip
        self._key.clicked.connect(lambda: act(self._action))
        middle = Qt.AlignmentFlag.AlignVCenter
        grid.setRowMinimumHeight(line, look.px(ROW_PX))
        grid.addWidget(self._shape, line, 0, middle)
        grid.addWidget(self._name, line, 1, middle)
        grid.addWidget(self._text, line, 2, middle)
        grid.addWidget(self._key, line, 3, middle)

    def show_line(self, line: PreflightLine | None) -> None:
        """Say it; None is not known yet."""
        self._action = "" if line is None else line.action
        self._shape.show_kind("neutral" if line is None else line.text.kind)
        self._text.say(tr("preflight.looking") if line is None else tell(line.text))
        self._key.setVisible(bool(self._action))
        if self._action:
            self._key.say(tr(f"preflight.action.{self._action}"))
