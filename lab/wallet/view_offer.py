"""What card a number is: its face, its name, and the faces that its holder can choose from.

A part of the add-card form. Draws what the form's state says; knows no network and no number.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QLabel, QWidget

from lab.design.blocks import Button, Label, clear_layout, column, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import SPACE_M, SPACE_XS, TEXT_CAPTION_PX
from lab.wallet.card_art import art_pixmap, card_height
from lab.wallet.state import AddCardForm
from lab.words import tr

FACE_PX = 108
THUMBNAIL_PX = 40
CHOICE_PX = 34


class OfferPart(QWidget):
    """Hidden until the network has said what card it is."""

    def __init__(self, look: Look, choose: Callable[[str], None]) -> None:
        super().__init__()
        self.setObjectName("addOffer")
        self._look = look
        self._choose = choose
        self._shown: tuple[tuple[tuple[str, str], ...], str] = ((), "")
        line = row(look, self, SPACE_M)
        self._face = QLabel()
        self._face.setObjectName("addFace")
        self._face.setFixedSize(look.px(FACE_PX), card_height(look.px(FACE_PX)))
        line.addWidget(self._face, 0, Qt.AlignmentFlag.AlignTop)
        words = column(look, None, SPACE_XS)
        self._product = Label(look, "addProduct", weight=MEDIUM, tone="phone").eliding()
        self._type = Label(look, "addType", size_px=TEXT_CAPTION_PX, tone="phone-dim").eliding()
        words.addWidget(self._product)
        words.addWidget(self._type)
        words.addStretch(1)
        line.addLayout(words, 1)
        self._choices = column(look, None, SPACE_XS)
        words.addLayout(self._choices)
        self.setVisible(False)

    def show_form(self, form: AddCardForm) -> None:
        """Draw `form`'s offer; nothing while there is none."""
        self.setVisible(bool(form.product))
        if not form.product:
            return
        self._product.say(form.product)
        self._type.say(tr(f"phone.add.type.{form.card_type}"))
        names = dict(form.designs)
        self._face.setPixmap(
            art_pixmap(form.design, self._look.px(FACE_PX), self.devicePixelRatioF())
        )
        self._face.setAccessibleName(tr("phone.add.face", name=names.get(form.design, "")))
        self._offer(form)

    def _offer(self, form: AddCardForm) -> None:
        if (form.designs, form.design) == self._shown:
            for index in range(self._choices.count()):
                item = self._choices.itemAt(index)
                if item is not None and (button := item.widget()) is not None:
                    button.setEnabled(not form.busy)
            return
        self._shown = (form.designs, form.design)
        clear_layout(self._choices)
        if len(form.designs) == 1:
            return
        for design, name in form.designs:
            button = Button(self._look, f"addDesign_{design}", f" {name}", kind="phone-choice")
            button.setCheckable(True)
            button.setChecked(design == form.design)
            button.setFixedHeight(self._look.px(CHOICE_PX))
            ratio = self.devicePixelRatioF()
            button.setIcon(QIcon(art_pixmap(design, self._look.px(THUMBNAIL_PX), ratio)))
            button.setIconSize(QSize(self._look.px(THUMBNAIL_PX), self._look.px(25)))
            button.clicked.connect(self._chooser(design))
            self._choices.addWidget(button)

    def _chooser(self, design: str) -> Callable[[], None]:
        return lambda: self._choose(design)
