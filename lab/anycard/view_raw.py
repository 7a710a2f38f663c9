"""The raw box: a command in hex, decoded while it is typed, sent to the card in the field.

Common commands complete by their digits or their name; arrow up brings earlier ones back. What
would change a card is said before it is sent, and waits for a second word. The answer is shown by
the bench above, like any other exchange.
"""

from __future__ import annotations

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLineEdit, QListView
from typing_extensions import override

from lab.anycard.commands import AnyCardCommands
from lab.anycard.raw_commands import completions, parse_typed
from lab.anycard.state import Parsed, RawState
from lab.design.blocks import Button, Label, Panel, Shape, row
from lab.design.look import MEDIUM, Look
from lab.design.tokens import TEXT_CAPTION_PX
from lab.words import Message, tell, tr

HISTORY_MAX = 100
PARTS_MAX = 6
OFFERED_MAX = 8


class RawField(QLineEdit):
    """The field: completion below it, history on the arrows.

    Signals:
        sent: Enter was pressed.
    """

    sent = Signal()

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setObjectName("rawField")
        self.setFont(look.font(TEXT_CAPTION_PX, mono=True))
        self.setPlaceholderText(tr("raw.field"))
        self.setAccessibleName(tr("raw.field"))
        self.setToolTip(tr("raw.field.tip"))
        self._history: list[str] = []
        self._at = 0
        self._offered: dict[str, str] = {}
        self._model = QStringListModel(self)
        self._completer = QCompleter(self._model, self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.setMaxVisibleItems(OFFERED_MAX)
        self._completer.setWidget(self)
        self._popup = QListView()
        self._popup.setObjectName("rawCompletions")
        self._popup.setFont(look.font(TEXT_CAPTION_PX))
        self._completer.setPopup(self._popup)
        self._completer.activated.connect(self._take)
        self.textEdited.connect(self._offer)
        self.returnPressed.connect(self.sent)

    def remember(self) -> None:
        """Keep what stands here for the arrows, and begin anew."""
        typed = self.text().strip()
        if typed and self._history[-1:] != [typed]:
            self._history = [*self._history, typed][-HISTORY_MAX:]
        self._at = len(self._history)
        self.clear()

    def _offer(self, typed: str) -> None:
        offers = completions(typed) if typed.strip() else ()
        # A command that stands here whole needs no offer.
        self._offered = {f"{name} · {code}": code for code, name in offers}
        self._model.setStringList(list(self._offered))
        if offers and not any(code == typed.strip().upper() for code, _ in offers):
            self._completer.complete()
        else:
            self._popup.hide()

    def _take(self, chosen: str) -> None:
        self.setText(self._offered.get(chosen, self.text()))

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if not step or self._popup.isVisible():
            super().keyPressEvent(event)
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                event.accept()  # it sends this command, and must not charge at the till
            return
        self._at = min(max(0, self._at + step), len(self._history))
        self.setText(self._history[self._at] if self._at < len(self._history) else "")


class RawPanel(Panel):
    """Field, Send, what the command means, and what it would do.

    Signals:
        enrol_wanted: show which things pay.
    """

    enrol_wanted = Signal()

    def __init__(self, look: Look, commands: AnyCardCommands) -> None:
        super().__init__(look, "rawPanel")
        self._commands = commands
        self._state = RawState()
        self._parsed = Parsed()
        self.body.addLayout(self._build_line(look))
        self._meaning = Label(look, "rawMeaning", size_px=TEXT_CAPTION_PX, tone="dim").eliding()
        self.body.addWidget(self._meaning)
        said = row(look)
        self._shape = Shape(look, 10)
        self._notice = Label(look, "rawNotice", size_px=TEXT_CAPTION_PX, weight=MEDIUM).wrapping()
        self._confirm = Button(look, "rawConfirm", tr("raw.send_all_the_same"),
                               size_px=TEXT_CAPTION_PX)  # fmt: skip
        self._confirm.clicked.connect(lambda: commands.confirm_command(self._state.pending))
        self._cancel = Button(look, "rawCancel", tr("raw.not"), kind="quiet",
                              size_px=TEXT_CAPTION_PX)  # fmt: skip
        self._cancel.clicked.connect(commands.cancel_command)
        said.addWidget(self._shape)
        said.addWidget(self._notice, 1)
        said.addWidget(self._confirm)
        said.addWidget(self._cancel)
        self.body.addLayout(said)
        self._say()

    def _build_line(self, look: Look) -> QHBoxLayout:
        line = row(look)
        name = Label(look, "rawName", size_px=TEXT_CAPTION_PX, tone="dim")
        name.say(tr("raw.name"))
        self._field = RawField(look)
        self._field.textChanged.connect(self._typed)
        self._field.sent.connect(self._send)
        self._send_key = Button(look, "rawSend", tr("raw.send"), kind="primary",
                                size_px=TEXT_CAPTION_PX)  # fmt: skip
        self._send_key.clicked.connect(self._send)
        self._to = Label(look, "rawTo", size_px=TEXT_CAPTION_PX, tone="dim")
        self._let_go = Button(look, "rawLetGo", tr("raw.let_go"), kind="quiet",
                              size_px=TEXT_CAPTION_PX)  # fmt: skip
        self._let_go.clicked.connect(self._commands.let_card_go)
        things = Button(look, "enrolOpen", tr("enrol.open"), kind="link", size_px=TEXT_CAPTION_PX)
        things.clicked.connect(self.enrol_wanted)
        for widget, stretch in (
            (name, 0), (self._field, 1), (self._send_key, 0), (self._to, 0), (self._let_go, 0),
            (things, 0),
        ):  # fmt: skip
            line.addWidget(widget, stretch)
        return line

    def show_state(self, state: RawState) -> None:
        """Say where commands go and what became of the last one."""
        answered = state.done > self._state.done
        self._state = state
        if answered:
            self._field.remember()
        self._parse()
        self._say()

    def _typed(self, _text: str) -> None:
        if self._state.confirm is not None or self._state.problem is not None:
            self._commands.cancel_command()  # another command: what was said of that one is over
        self._parse()
        self._say()

    def _parse(self) -> None:
        state = self._state
        self._parsed = parse_typed(self._field.text(), state.heard, lab_card=state.lab_card)

    def _send(self) -> None:
        if not self._state.busy and self._field.text().strip():
            self._commands.send_command(self._field.text())

    def _say(self) -> None:
        state = self._state
        key = "raw.holds" if state.in_conversation else "raw.to"
        self._to.say(tr(key, reader=state.reader))
        self._let_go.setVisible(state.in_conversation)
        self._send_key.setEnabled(not state.busy and bool(self._parsed.name))
        asks = state.confirm is not None
        self._confirm.setVisible(asks)
        self._cancel.setVisible(asks)
        told = self._parsed.problem or " · ".join(_parts(self._parsed))
        self._meaning.setVisible(bool(told))
        self._meaning.say(told)
        notice = self._what_to_notice()
        self._notice.setVisible(notice is not None)
        self._shape.setVisible(notice is not None)
        if notice is not None:
            self._shape.show_kind(notice.kind)
            self._notice.say(tell(notice), notice.kind)

    def _what_to_notice(self) -> Message | None:
        """What waits for a word, went wrong or is under way; else what the command would do."""
        state = self._state
        if state.confirm is not None or state.problem is not None:
            return state.confirm or state.problem
        if state.busy:
            return Message("raw.busy", "waiting")
        return self._parsed.effect


def _parts(parsed: Parsed) -> list[str]:
    """The command in words: its name, then the objects inside, the first few."""
    parts = [parsed.name] if parsed.name else []
    for node in parsed.nodes:
        if node.tag and node.kind == "object":
            value = node.meaning or node.value
            parts.append(f"{node.tag} {node.name}: {value}" if value else f"{node.tag} {node.name}")
    hidden = len(parts) - PARTS_MAX
    return parts if hidden <= 0 else [*parts[:PARTS_MAX], f"+{hidden}"]
