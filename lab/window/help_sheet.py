"""The sheet behind "?": every key of the window, by what it is for.

Opened without blocking (`open()`), so that the window goes on living under it.
"""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from lab.design.blocks import Button, Label, column, row, tight
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_L, SPACE_M, SPACE_S, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.words import tr

KEYS = (
    ("help.group.till", ("digits", "enter", "backspace", "delete")),
    ("help.group.tap", ("space",)),
    ("help.group.places", ("places", "escape", "freeze", "arrows")),
    ("help.group.bench", ("find", "copy", "copy_tree", "raw_history")),
    ("help.group.lab", ("normal", "record", "preflight", "help")),
)


class HelpSheet(QDialog):
    """All keys, in groups.

    Signals:
        preflight_wanted: look whether everything is ready.
    """

    preflight_wanted = Signal()

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("helpSheet")
        self.setProperty("surface", "window")
        self.setWindowTitle(tr("help.title"))
        self.setModal(False)
        box = column(look, self, SPACE_M)
        box.setContentsMargins(*(look.px(SPACE_L),) * 4)
        grid = QGridLayout()
        tight(grid, look.px(SPACE_S))
        grid.setHorizontalSpacing(look.px(SPACE_L))
        line = 0
        for group, names in KEYS:
            title = Label(look, group, size_px=TEXT_LEAD_PX, weight=SEMIBOLD)
            title.say(tr(group))
            grid.addWidget(title, line, 0, 1, 2)
            for name in names:
                line += 1
                key = Label(
                    look, f"key_{name}", size_px=TEXT_CAPTION_PX, weight=MEDIUM, tone="blue"
                )
                key.say(tr(f"help.{name}.key"))
                text = Label(look, f"does_{name}")
                text.say(tr(f"help.{name}"))
                grid.addWidget(key, line, 0)
                grid.addWidget(text, line, 1)
            line += 1
        box.addLayout(grid)
        close = Button(look, "helpClose", tr("help.close"), kind="primary")
        close.clicked.connect(self.close)
        preflight = Button(look, "helpPreflight", tr("preflight.title"))
        preflight.clicked.connect(self.close)
        preflight.clicked.connect(self.preflight_wanted)
        foot = row(look)
        foot.addWidget(preflight)
        foot.addStretch(1)
        foot.addWidget(close)
        box.addLayout(foot)
