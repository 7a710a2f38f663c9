"""One tile a network: passing, blocked or testing first, the breaker's word second.

A click puts the network into the main chart; a menu forces the breaker, which the strip then
shows as something that we did.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QMenu, QWidget
from typing_extensions import override

from lab.console.state import NetworkTile
from lab.design.blocks import Button, Label, Panel, Shape, row, set_property
from lab.design.look import SEMIBOLD, Look
from lab.design.names import network_name
from lab.design.tokens import SPACE_S, TEXT_CAPTION_PX, TEXT_LEAD_PX, TEXT_TITLE_PX
from lab.window.commands import LabCommands
from lab.words import tr

KINDS = {"closed": "good", "open": "bad", "half_open": "waiting"}
BESIDE_WORD_PX = 64  # the shape, margins and spaces
FORCES = ("open", "closed", "auto")


class Tile(Panel):
    """One network at a glance."""

    def __init__(self, look: Look, lab: LabCommands, name: str) -> None:
        super().__init__(look, f"tile_{name}")
        self._look = look
        self._lab = lab
        self._name = name
        self._tile: NetworkTile | None = None
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.body.setSpacing(look.px(2))
        self.body.addWidget(self._name_line(look))
        middle = row(look)
        self._shape = Shape(look, 14)
        middle.addWidget(self._shape)
        self._word = Label(look, "tileWord", size_px=TEXT_TITLE_PX, weight=SEMIBOLD)
        middle.addWidget(self._word)
        self._numbers = Label(
            look, "tileNumbers", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True
        )
        self._numbers.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        middle.addWidget(self._numbers, 1)
        self.body.addLayout(middle)
        self._second = Label(
            look, "tileBreaker", size_px=TEXT_CAPTION_PX, tone="dim", tabular=True
        ).eliding()
        self.body.addWidget(self._second)

    def _name_line(self, look: Look) -> QWidget:
        line = QWidget()
        head = row(look, line, 4)
        self._show = Button(
            look,
            f"showNetwork_{self._name}",
            network_name(self._name),
            kind="link",
            size_px=TEXT_LEAD_PX,
        )
        self._show.setToolTip(tr("console.tile.show", network=network_name(self._name)))
        self._show.clicked.connect(self._show_network)
        head.addWidget(self._show)
        head.addStretch(1)
        force = Button(look, f"force_{self._name}", kind="quiet", icon_name="zap").named(
            tr("console.tile.force", network=network_name(self._name))
        )
        self._menu = QMenu(self)
        for state in FORCES:
            action = self._menu.addAction(tr(f"console.force.{state}"))
            action.triggered.connect(self._forcer(state))
        force.clicked.connect(
            lambda: self._menu.popup(force.mapToGlobal(force.rect().bottomLeft()))
        )
        head.addWidget(force)
        return line

    def _forcer(self, state: str) -> Callable[[], None]:
        return lambda: self._lab.force_breaker(self._name, state)

    def _show_network(self) -> None:
        self._lab.show_network(self._name)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self._show_network()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show the numbers where they fit beside the word."""
        taken_px = self._word.sizeHint().width() + self._look.px(BESIDE_WORD_PX)
        self._numbers.setVisible(self.width() >= taken_px + self._numbers.sizeHint().width())

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def show_tile(self, tile: NetworkTile) -> None:
        """Draw `tile`, unless it is what is drawn already."""
        if tile == self._tile:
            return
        self._tile = tile
        kind = KINDS.get(tile.breaker, "neutral")
        self._shape.show_kind(kind)
        word = tr(f"console.network.{tile.breaker}")
        self._word.say(word, kind if kind != "neutral" else "text")
        self.setAccessibleName(f"{network_name(tile.name)}: {word}")
        set_property(self, "alarm", kind if kind != "good" else "none")
        self._numbers.say(
            tr("console.tile.numbers", error=f"{tile.error_rate:.0%}", rejected=tile.rejected)
        )
        self._fit()
        parts = [tr(f"console.breaker.{tile.breaker}")]
        if tile.forced:
            parts.append(tr("console.breaker.forced"))
        if tile.breaker == "open" and tile.retry_in_ms is not None:
            parts.append(tr("console.breaker.probe", seconds=-(-tile.retry_in_ms // 1000)))
        if tile.p95_ms is not None:
            parts.append(f"p95 {tile.p95_ms:.0f} ms")
        elif not tile.n:
            parts.append(tr("console.tile.no_payments"))
        self._second.say(" · ".join(parts))


class TileRow(QWidget):
    """All networks side by side."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("tiles")
        self._look = look
        self._lab = lab
        self._tiles: dict[str, Tile] = {}
        self._box = row(look, self, SPACE_S)

    def show_tiles(self, tiles: tuple[NetworkTile, ...]) -> None:
        """Draw `tiles`, making one for each network that is new."""
        names = {tile.name for tile in tiles}
        for gone in [name for name in self._tiles if name not in names]:
            self._tiles.pop(gone).deleteLater()
        for tile in tiles:
            if tile.name not in self._tiles:
                made = Tile(self._look, self._lab, tile.name)
                self._tiles[tile.name] = made
                self._box.addWidget(made, 1)
            self._tiles[tile.name].show_tile(tile)
