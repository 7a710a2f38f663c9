"""Adding a card: number, expiry, security code and terms, errors beside their fields.

The card number lives in the field and in the state's masked groups only; this module never logs,
copies or keeps it.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from lab.design.blocks import Button, Label, column, row, scroll, set_property
from lab.design.choices import Tick
from lab.design.look import BOLD, MEDIUM, Look
from lab.design.names import network_name
from lab.design.tokens import SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX, TEXT_TITLE_PX
from lab.wallet.state import AddCardForm, WalletState
from lab.wallet.view_offer import OfferPart
from lab.window.commands import WalletCommands
from lab.words import tell, tr

NUMBER_LENGTH_MAX = 23  # 19 digits in groups of four
EXPIRY_LENGTH_MAX = 5
CVV_LENGTH_MAX = 4


class Field(QWidget):
    """A caption, a line edit, and what is wrong with it."""

    def __init__(self, look: Look, name: str, caption: str, hint: str) -> None:
        super().__init__()
        box = column(look, self, SPACE_XS)
        label = Label(look, f"{name}Caption", size_px=TEXT_CAPTION_PX, tone="phone-dim")
        label.say(caption)
        self.edit = QLineEdit()
        self.edit.setObjectName(name)
        self.edit.setAccessibleName(caption)
        self.edit.setProperty("surface", "phone")
        self.edit.setFont(look.font(15, MEDIUM, tabular=True))
        self.edit.setPlaceholderText(hint)
        label.setBuddy(self.edit)
        self._error = Label(look, f"{name}Error", size_px=TEXT_CAPTION_PX, tone="bad").wrapping()
        self._error.setVisible(False)
        box.addWidget(label)
        box.addWidget(self.edit)
        box.addWidget(self._error)

    def show_value(self, text: str, error: str) -> None:
        """Show the flow's text (its grouping, its limits) and its complaint."""
        if self.edit.text() != text:
            from_end = len(self.edit.text()) - self.edit.cursorPosition()
            self.edit.setText(text)
            self.edit.setCursorPosition(max(0, len(text) - from_end))
        set_property(self.edit, "wrong", "yes" if error else "no")
        self._error.say(error)
        self._error.setVisible(bool(error))


class AddPage(QWidget):
    """The add-card form."""

    def __init__(self, look: Look, commands: WalletCommands) -> None:
        super().__init__()
        self.setObjectName("addPage")
        self._commands = commands
        box = column(look, self, SPACE_M)
        box.addLayout(back_row(look, "addBack", commands))
        holder = QWidget()
        form = column(look, holder, SPACE_S)
        form.addWidget(page_title(look, "addTitle", tr("phone.add")))
        self._number = Field(look, "addNumber", tr("phone.add.number"), "1234 5678 9012 3456")
        self._number.edit.setMaxLength(NUMBER_LENGTH_MAX)
        self._network = Label(look, "addNetwork", size_px=TEXT_CAPTION_PX, tone="blue")
        self._expiry = Field(look, "addExpiry", tr("phone.add.expiry"), "MM/YY")
        self._expiry.edit.setMaxLength(EXPIRY_LENGTH_MAX)
        self._cvv = Field(look, "addCvv", tr("phone.add.cvv"), "123")
        self._cvv.edit.setMaxLength(CVV_LENGTH_MAX)
        self._cvv.edit.setEchoMode(QLineEdit.EchoMode.Password)
        form.addWidget(self._number)
        form.addWidget(self._network)
        pair = row(look, None, SPACE_M)
        pair.addWidget(self._expiry, 1, Qt.AlignmentFlag.AlignTop)
        pair.addWidget(self._cvv, 1, Qt.AlignmentFlag.AlignTop)
        form.addLayout(pair)
        self._offer = OfferPart(look, lambda design: commands.edit_add("design", design))
        form.addWidget(self._offer)
        self._add_terms(look, form)
        form.addStretch(1)
        box.addWidget(scroll(holder, "addScroll"), 1)
        self._submit = Button(look, "addSubmit", kind="primary", weight=MEDIUM)
        self._submit.clicked.connect(commands.submit_add)
        box.addWidget(self._submit)
        self._connect()

    def _add_terms(self, look: Look, form: QVBoxLayout) -> None:
        self._terms_text = Label(
            look, "addTermsText", size_px=TEXT_CAPTION_PX, tone="phone-dim"
        ).wrapping()
        self._terms = Tick(look, "addTerms", tr("phone.add.terms"), tone="phone")
        self._terms_error = Label(
            look, "addTermsError", size_px=TEXT_CAPTION_PX, tone="bad"
        ).wrapping()
        self._form_error = Label(look, "addFormError", tone="bad").wrapping()
        for widget in (self._terms_text, self._terms, self._terms_error, self._form_error):
            form.addWidget(widget)

    def _connect(self) -> None:
        edit = self._commands.edit_add
        self._number.edit.textEdited.connect(lambda text: edit("number", text))
        self._expiry.edit.textEdited.connect(lambda text: edit("expiry", text))
        self._cvv.edit.textEdited.connect(lambda text: edit("cvv", text))
        self._terms.clicked.connect(lambda on: edit("terms", "1" if on else ""))
        for field in (self._number, self._expiry, self._cvv):
            field.edit.returnPressed.connect(self._submit_if_ready)

    def _submit_if_ready(self) -> None:
        if self._submit.isEnabled():
            self._commands.submit_add()

    def show_state(self, state: WalletState) -> None:
        """Draw `state`."""
        form: AddCardForm = state.add
        errors = {field: tell(what) for field, what in form.errors}
        self._number.show_value(form.number_text, errors.pop("number", ""))
        self._expiry.show_value(form.expiry_text, errors.pop("expiry", ""))
        self._cvv.show_value(form.cvv_text, errors.pop("cvv", ""))
        self._network.setVisible(bool(form.network))
        self._network.say(
            tr("phone.add.network", network=network_name(form.network)) if form.network else ""
        )
        self._offer.show_form(form)
        waiting = "phone.add.terms_asked" if form.asking else "phone.add.terms_text"
        self._terms_text.say(form.terms_text or tr(waiting))
        self._terms.setText(
            tr("phone.add.terms.version", version=form.terms_version)
            if form.terms_version
            else tr("phone.add.terms")
        )
        self._terms.setChecked(form.terms_accepted)
        wrong_terms = errors.pop("terms", "")
        self._terms_error.say(wrong_terms)
        self._terms_error.setVisible(bool(wrong_terms))
        rest = list(errors.values())
        if state.notice is not None:
            rest.append(tell(state.notice))
        self._form_error.say(" ".join(rest))
        self._form_error.setVisible(bool(rest))
        self._submit.setEnabled(form.can_submit and not form.busy)
        self._submit.say(tr("phone.add.busy" if form.busy else "phone.add.submit"))
        for field in (self._number, self._expiry, self._cvv):
            field.edit.setEnabled(not form.busy)
        self._terms.setEnabled(not form.busy and bool(form.terms_text))


def back_row(look: Look, name: str, commands: WalletCommands) -> QHBoxLayout:
    """The line with the way back to the stack."""
    head = row(look)
    back = Button(look, name, tr("phone.back"), kind="phone", icon_name="chevron-left")
    back.clicked.connect(commands.close)
    head.addWidget(back)
    head.addStretch(1)
    return head


def page_title(look: Look, name: str, text: str) -> Label:
    """A page's title."""
    title = Label(look, name, size_px=TEXT_TITLE_PX, weight=BOLD, tone="phone").wrapping()
    title.say(text)
    return title
