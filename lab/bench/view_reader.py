"""One reader in full: its role, how it is, what it can do, what lies on it, what happened to it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QGridLayout, QHBoxLayout, QWidget

from lab.bench.reader_words import ROLES, reader_kind, reader_state, role_word
from lab.bench.state import ReaderEvent
from lab.clock_text import time_of_day
from lab.console.state import ReaderView
from lab.design.blocks import Button, Label, Panel, Shape, clear_layout, column, row, rule, scroll
from lab.design.look import MEDIUM, SEMIBOLD, Look
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS
from lab.window.commands import LabCommands
from lab.words import tell, tr

FACT_NAME_PX = 116


class ReaderPanel(Panel):
    """One reader; `show_reader` says which."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__(look, "readerDetail", " ")
        self._look = look
        self._lab = lab
        self._reader: ReaderView | None = None
        self._mark = Shape(look, 12)
        self.head.insertWidget(0, self._mark)
        self.head.addStretch(1)
        self._forget = Button(look, "forgetReader", tr("reader.forget"), kind="quiet")
        self._forget.clicked.connect(self._forget_it)
        self.head.addWidget(self._forget)
        self.body.addLayout(self._role_line())
        self.body.addWidget(rule(look))
        self._facts = QGridLayout()
        self._facts.setHorizontalSpacing(look.px(SPACE_M))
        self._facts.setVerticalSpacing(look.px(6))
        self._facts.setColumnMinimumWidth(0, look.px(FACT_NAME_PX))
        self._facts.setColumnStretch(1, 1)
        self.body.addLayout(self._facts)
        self.body.addWidget(rule(look))
        head = Label(look, "readerHistoryTitle", weight=SEMIBOLD)
        head.say(tr("reader.history"))
        self.body.addWidget(head)
        self._history = QWidget()
        self._lines = column(look, self._history, SPACE_XS)
        self._lines.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(scroll(self._history, "readerHistory"), 1)

    def _role_line(self) -> QHBoxLayout:
        look = self._look
        line = row(look, None, SPACE_XS)
        asked = Label(look, "roleQuestion", tone="dim")
        asked.say(tr("reader.role"))
        line.addWidget(asked)
        line.addSpacing(look.px(SPACE_S))
        self._roles = QButtonGroup(self)
        for number, role in enumerate(ROLES):
            button = Button(look, f"role_{role or 'none'}", role_word(role), kind="choice",
                            weight=MEDIUM)  # fmt: skip
            button.setCheckable(True)
            self._roles.addButton(button, number)
            line.addWidget(button)
        self._roles.idClicked.connect(self._choose)
        line.addStretch(1)
        return line

    def show_reader(self, reader: ReaderView) -> None:
        """Draw one reader."""
        before, self._reader = self._reader, reader
        if reader == before:
            return
        self._mark.show_kind(reader_kind(reader))
        self.title.say(reader.name)
        self._forget.setVisible(reader.named)
        for number, role in enumerate(ROLES):
            button = self._roles.button(number)
            button.setChecked(role == reader.role)
            button.setEnabled(role == "" or role in reader.roles)
            button.setToolTip("" if button.isEnabled() else tr(f"reader.cannot.{role}"))
        self._show_facts(reader)
        if before is None or before.history != reader.history or before.url != reader.url:
            self._show_history(reader.history)

    def _show_facts(self, reader: ReaderView) -> None:
        while (item := self._facts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        model = reader.model or tr("reader.model.unknown")
        facts = [
            ("state", reader_state(reader), _tone(reader)),
            ("driver", reader.driver, "text"),
            *([("model", model, "text")] if reader.url != "sim:" else []),
            ("address", reader.url, "text"),
            *([("serial", reader.serial, "text")] if reader.serial else []),
            ("card", reader.card or tr("bench.reader.no_card"), "text"),
            *([("uid", reader.uid, "text")] if reader.uid else []),
            ("can", self._abilities(reader), "text"),
            *(("quirk", tr(f"reader.quirk.{quirk}"), "dim") for quirk in reader.quirks),
        ]
        for line, (name, value, tone) in enumerate(facts):
            again = line > 0 and facts[line - 1][0] == name
            self._fact(line, "" if again else name, self._value(name, value, tone))

    def _fact(self, line: int, name: str, value: QWidget) -> None:
        top = Qt.AlignmentFlag.AlignTop
        if name:
            called = Label(self._look, f"fact_{name}_name", tone="dim")
            called.say(tr(f"reader.detail.{name}"))
            self._facts.addWidget(called, line, 0, top)
        self._facts.addWidget(value, line, 1, top)

    def _value(self, name: str, value: str, tone: str) -> Label:
        mono = name in {"address", "uid", "serial"} or (name == "card" and value.isalnum())
        label = Label(self._look, f"fact_{name}", tone=tone, mono=mono).wrapping()
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.say(value)
        return label

    @staticmethod
    def _abilities(reader: ReaderView) -> str:
        able = [tr(f"reader.cap.{ability}") for ability in reader.capabilities]
        if "lights" not in reader.capabilities:
            able.append(tr("reader.no_lights"))
        return " · ".join(able)

    def _show_history(self, history: tuple[ReaderEvent, ...]) -> None:
        clear_layout(self._lines)
        for event in history:
            self._lines.addWidget(self._event(event))
        if not history:
            nothing = Label(self._look, "noHistory", tone="dim").wrapping()
            nothing.say(tr("reader.history.empty"))
            self._lines.addWidget(nothing)

    def _event(self, event: ReaderEvent) -> QWidget:
        line = QWidget()
        box = row(self._look, line, SPACE_S)
        when = Label(self._look, "eventTime", tone="dim", tabular=True)
        when.say(time_of_day(event.at_us))
        mark = Shape(self._look, 9)
        mark.show_kind(event.what.kind)
        what = Label(self._look, "eventText").eliding()
        what.say(tell(event.what))
        box.addWidget(when)
        box.addWidget(mark)
        box.addWidget(what, 1)
        return line

    def _choose(self, number: int) -> None:
        if self._reader is not None:
            self._roles.button(ROLES.index(self._reader.role)).setChecked(True)  # until it is so
            self._lab.set_reader_role(self._reader.url, ROLES[number])

    def _forget_it(self) -> None:
        if self._reader is not None:
            self._lab.forget_reader(self._reader.url)


def _tone(reader: ReaderView) -> str:
    kind = reader_kind(reader)
    return "text" if kind == "good" else kind
