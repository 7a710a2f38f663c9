"""Things that pay: which transit card, sticker or phone triggers which card of the wallet.

A line a thing with its own "Forget"; a choice of wallet cards and one key to enrol the next thing
on the reader. Says what cannot be recognized and what is neither read nor charged.
"""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from lab.anycard.commands import AnyCardCommands
from lab.anycard.state import EnrolledView, EnrolState
from lab.design.blocks import Button, Label, Shape, clear_layout, column, row, rule
from lab.design.choices import Choice
from lab.design.look import MEDIUM, Look
from lab.design.sheet import Sheet
from lab.design.tokens import SPACE_S, SPACE_XS, TEXT_CAPTION_PX
from lab.words import tell, tr

WIDTH_PX = 560


class EnrolSheet(Sheet):
    """The list and the way to enrol."""

    def __init__(self, look: Look, commands: AnyCardCommands, window: QWidget) -> None:
        super().__init__(look, "enrolSheet", tr("enrol.title"), WIDTH_PX, window)
        self._look, self._commands = look, commands
        self._state = EnrolState()
        about = Label(look, "enrolAbout", tone="dim").wrapping()
        about.say(tr("enrol.about"))
        self.body.addWidget(about)
        self.body.addWidget(rule(look))
        self._list = column(look, None, SPACE_XS)
        self.body.addLayout(self._list)
        self.body.addWidget(rule(look))
        self.body.addLayout(self._build_new(look))
        self._said_row = QWidget()
        line = row(look, self._said_row)
        self._shape = Shape(look, 12)
        self._said = Label(look, "enrolSaid").wrapping()
        line.addWidget(self._shape)
        line.addWidget(self._said, 1)
        self.body.addWidget(self._said_row)

    def _build_new(self, look: Look) -> QHBoxLayout:
        line = row(look)
        self._card = Choice(look, "enrolCard", tr("enrol.card"))
        self._begin = Button(look, "enrolBegin", tr("enrol.begin"), kind="primary", weight=MEDIUM)
        self._begin.clicked.connect(self._begin_or_cancel)
        line.addWidget(self._card, 1)
        line.addWidget(self._begin)
        return line

    def show_state(self, state: EnrolState) -> None:
        """Draw the list and what became of the last thing."""
        before, self._state = self._state, state
        if before.things != state.things or self._list.count() == 0:
            self._show_things(state.things)
        if before.cards != state.cards:
            chosen = self._card.currentData()
            self._card.clear()
            for card in state.cards:
                self._card.addItem(card.name, card.id)
            self._card.setCurrentIndex(max(0, self._card.findData(chosen)))
        self._card.setEnabled(bool(state.cards) and not state.listening)
        self._begin.setEnabled((state.possible and bool(state.cards)) or state.listening)
        self._begin.say(tr("enrol.cancel" if state.listening else "enrol.begin"))
        text, kind = self._sentence(state)
        self._said_row.setVisible(bool(text))
        self._shape.show_kind(kind)
        self._said.say(text)

    def _sentence(self, state: EnrolState) -> tuple[str, str]:
        if state.listening:
            return tr("enrol.listening", reader=state.reader), "waiting"
        if state.said is not None:
            return tell(state.said), state.said.kind
        if not state.possible:
            return tr("enrol.emulated"), "waiting"
        if not state.cards:
            return tr("enrol.no_cards"), "waiting"
        return "", "neutral"

    def _show_things(self, things: tuple[EnrolledView, ...]) -> None:
        clear_layout(self._list)
        for thing in things:
            self._list.addWidget(self._line(thing))
        if not things:
            none = Label(self._look, "enrolNone", tone="dim")
            none.say(tr("enrol.none"))
            self._list.addWidget(none)

    def _line(self, thing: EnrolledView) -> QWidget:
        line = QWidget()
        line.setObjectName(f"enrolled_{thing.id}")
        box = row(self._look, line, SPACE_S)
        key = "enrol.thing.once" if thing.once else "enrol.thing"
        name = Label(self._look, "enrolledThing", weight=MEDIUM)
        name.say(tr(key, thing=thing.thing, card=thing.card))
        where = Label(self._look, "enrolledReader", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        where.say(thing.reader)
        forget = Button(self._look, "enrolForget", tr("enrol.forget"), kind="link",
                        size_px=TEXT_CAPTION_PX)  # fmt: skip
        forget.setAccessibleName(tr("enrol.forget.long", thing=thing.thing))
        forget.clicked.connect(lambda: self._commands.forget_thing(thing.id))
        box.addWidget(name)
        box.addWidget(where, 1)
        box.addWidget(forget)
        return line

    def _begin_or_cancel(self) -> None:
        if self._state.listening:
            self._commands.cancel_enrolling()
        else:
            self._commands.enrol_thing(str(self._card.currentData() or ""))
