"""The top bar: which world this is, which readers there are, and the places to look at."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QWidget
from typing_extensions import override

from lab.console.state import ConsoleState, ReaderView
from lab.design.blocks import Button, Label, Shape, clear_layout, row
from lab.design.choices import Switch
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_L, SPACE_M, SPACE_XS, TEXT_CAPTION_PX, TEXT_LEAD_PX
from lab.window.commands import LabCommands
from lab.window.reader_chip import ReaderChip
from lab.words import tr

PLACES = ("console", "payment", "bench", "money")
READERS_FROM_PX = ((1560, 3), (1360, 2), (1080, 1))
"""How many readers have room in a bar of so many pixels; shorter bars leave them to the bench."""
PREFLIGHT_FROM_PX = 1300  # narrower, the help sheet leads there


class Chip(QFrame):
    """A shape and a word on a rounded ground."""

    def __init__(self, look: Look, name: str, kind: str, text: str, tip: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self._look = look
        box = row(look, self, SPACE_XS + 2)
        box.setContentsMargins(look.px(10), look.px(3), look.px(10), look.px(3))
        mark = Shape(look, 10)
        mark.show_kind(kind)
        self.text = Label(look, f"{name}Text", size_px=TEXT_CAPTION_PX, weight=MEDIUM)
        self.text.say(text)
        box.addWidget(mark)
        box.addWidget(self.text)
        self.setToolTip(tip)
        self.setAccessibleName(f"{text}. {tip}" if tip else text)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._look.theme.raised))
        radius = self.height() / 2
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)


class TopBar(QFrame):
    """The top bar.

    `place_wanted` carries the name of a place, `reader_wanted` a reader's URL; `help_wanted` asks
    for the keys.
    """

    place_wanted = Signal(str)
    help_wanted = Signal()
    reader_wanted = Signal(str)
    preflight_wanted = Signal()

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("topBar")
        self.setProperty("surface", "bar")
        self._look = look
        self._lab = lab
        self._world: tuple[str, int, bool] | None = None
        self._readers: tuple[ReaderView, ...] | None = None
        self._shown_max = 0
        box = row(look, self, SPACE_M)
        box.setContentsMargins(look.px(SPACE_L), 0, look.px(SPACE_L), 0)
        name = Label(look, "productName", size_px=TEXT_LEAD_PX, weight=SEMIBOLD)
        name.say(tr("window.name"))
        box.addWidget(name)
        self._world_chips = row(look)
        self._reader_line = QWidget()
        self._reader_chips = row(look, self._reader_line)
        box.addLayout(self._world_chips)
        box.addWidget(self._reader_line)
        box.addStretch(1)
        self._group = QButtonGroup(self)
        for index, place in enumerate(PLACES):
            button = Button(
                look,
                f"place_{place}",
                f"{index + 1}  {tr('place.' + place)}",
                kind="tab",
                weight=MEDIUM,
            )
            button.setCheckable(True)
            button.setToolTip(f"Ctrl+{index + 1}")
            self._group.addButton(button, index)
            box.addWidget(button)
        self._group.idClicked.connect(lambda index: self.place_wanted.emit(PLACES[index]))
        box.addStretch(1)
        self._traffic = Switch(look, "quietTraffic", tr("window.quiet_traffic"))
        self._traffic.setToolTip(tr("window.quiet_traffic.tip"))
        self._traffic.clicked.connect(lambda on: lab.quiet_traffic(bool(on)))
        box.addWidget(self._traffic)
        self._ready = Button(look, "preflight", kind="quiet", icon_name="check")
        self._ready.named(tr("preflight.open"))
        self._ready.clicked.connect(self.preflight_wanted)
        box.addWidget(self._ready)
        self._help = Button(look, "help", "?", kind="quiet", weight=SEMIBOLD).named(
            tr("window.help")
        )
        self._help.clicked.connect(self.help_wanted)
        box.addWidget(self._help)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave readers to the bench when the bar is too short for them."""
        super().resizeEvent(event)
        room = self._room()
        self._reader_line.setVisible(room > 0)
        if room != self._shown_max and self._readers is not None:
            self._draw_readers(self._readers)
        self._ready.setVisible(self.width() >= self._look.px(PREFLIGHT_FROM_PX))

    def _room(self) -> int:
        fitting = (n for wide, n in READERS_FROM_PX if self.width() >= self._look.px(wide))
        return next(fitting, 0)

    def show_place(self, place: str) -> None:
        """Mark the place that is shown."""
        self._group.button(PLACES.index(place)).setChecked(True)

    def show_state(self, state: ConsoleState) -> None:
        """Draw world, seed and switches of `state`."""
        world = (state.world, state.seed, state.unprotected_keys)
        if world != self._world:
            self._world = world
            clear_layout(self._world_chips)
            self._world_chips.addWidget(self._world_chip(state))
            if state.unprotected_keys:
                self._world_chips.addWidget(
                    Chip(
                        self._look,
                        "unprotectedKeys",
                        "waiting",
                        tr("window.unprotected"),
                        tr("window.unprotected.tip"),
                    )
                )
        self._traffic.setChecked(state.quiet_traffic)

    def _world_chip(self, state: ConsoleState) -> Chip:
        if state.world == "live":
            return Chip(self._look, "world", "good", tr("window.live"), tr("window.live.tip"))
        return Chip(
            self._look,
            "world",
            "ours",
            tr("window.simulated", seed=state.seed),
            tr("window.simulated.tip"),
        )

    def show_readers(self, readers: tuple[ReaderView, ...]) -> None:
        """One chip a reader, the first few."""
        told = tuple(replace(reader, history=(), card="", uid="") for reader in readers)
        if told == self._readers:
            return  # a menu that is open stays open whatever lies on the readers
        self._readers = told
        self._draw_readers(told)

    def _draw_readers(self, readers: tuple[ReaderView, ...]) -> None:
        self._shown_max = self._room()
        clear_layout(self._reader_chips)
        with_role_first = sorted(readers, key=lambda reader: not reader.role)
        for reader in with_role_first[: self._shown_max]:
            self._reader_chips.addWidget(
                ReaderChip(self._look, reader, self._lab, self.reader_wanted.emit)
            )
        if len(readers) > self._shown_max:
            more = Label(self._look, "moreReaders", size_px=TEXT_CAPTION_PX, tone="dim")
            more.say(tr("window.more_readers", count=len(readers) - self._shown_max))
            self._reader_chips.addWidget(more)
