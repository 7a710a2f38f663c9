"""The phone draws every screen whole, and each touch asks for what it says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtWidgets import QAbstractButton, QLabel, QLineEdit, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from lab.design.look import Look
from lab.wallet.state import AddCardForm, PhoneScreen, WalletState
from lab.wallet.view import PhoneView
from lab.wallet.view_cards import CardFace
from lab.wallet.view_offer import OfferPart
from tests.lab.window.conftest import clipped, settle
from tests.lab.window.example_commands import Asked
from tests.lab.window.example_states import OFFER, wallet_states

STATES = wallet_states()


@pytest.fixture
def opened() -> list[str]:
    return []


@pytest.fixture
def phone(on_screen: Callable[..., Any], look: Look, asked: Asked, opened: list[str]) -> PhoneView:
    return on_screen(PhoneView(look, asked, asked, opened.append), 280, 590)


def press(root: QWidget, name: str) -> None:
    root.findChild(QAbstractButton, name).click()


@pytest.mark.parametrize("size", [(280, 520), (280, 590), (422, 940)])
@pytest.mark.parametrize("name", STATES)
def test_every_screen_is_drawn_without_cut_text(
    phone: PhoneView, name: str, size: tuple[int, int]
) -> None:
    phone.resize(*size)
    phone.show_state(STATES[name])
    settle()
    assert clipped(phone) == []
    assert not phone.grab().isNull()


@pytest.mark.inv(393)
def test_every_screen_has_an_example() -> None:
    assert {state.screen for state in STATES.values()} == set(PhoneScreen)


def test_the_read_tick_never_says_approved(phone: PhoneView) -> None:
    phone.show_state(STATES["read"])
    said = " ".join(label.text() for label in phone.findChildren(QLabel) if label.isVisible())
    assert "Card read" in said
    assert "pproved" not in said


@pytest.mark.parametrize(
    ("state", "button", "call"),
    [
        ("first-start", "startDemo", ("start_with_demo_cards",)),
        ("first-start", "startAdd", ("begin_add",)),
        ("stack", "addCard", ("begin_add",)),
        ("stack", "doublePress", ("double_press",)),
        ("stack", "tapWithoutReader", ("space",)),
        ("stack", "card_c1", ("open_card", "c1")),
        ("card-detail-empty", "detailDefault", ("set_default", "c1")),
        ("card-detail", "detailExpress", ("set_express", "c3", True)),
        ("card-detail-express", "detailExpress", ("set_express", "c3", False)),
        ("card-detail", "detailBack", ("close",)),
        ("card-detail", "detailSuspend", ("suspend", "c3")),
        ("card-detail", "detailRefresh", ("refresh_token", "c3")),
        ("card-detail-suspended", "detailSuspend", ("reactivate", "c1")),
        ("stack", "openLetters", ("open_letters",)),
        ("stack", "openDevices", ("open_devices",)),
        ("devices", "devicesBack", ("close",)),
        ("devices", "signOut", ("sign_out",)),
        ("signed-out", "signIn", ("sign_in",)),
        ("banner-declined", "bankMessageOther", ("choose_other",)),
        ("lost", "deviceFound", ("device_found", "dev_phone", False)),
        ("lost", "deviceFoundAll", ("device_found", "dev_phone", True)),
        ("add-ready", "addSubmit", ("submit_add",)),
        ("add-empty", "addBack", ("close",)),
        ("pay-sheet", "choose_c1", ("choose", "c1")),
        ("pay-sheet", "scanSuccess", ("scan_face", "success")),
        ("pay-sheet", "scanFail", ("scan_face", "fail")),
        ("face-failed", "scanCancel", ("scan_face", "cancel")),
        ("hold-near", "holdTap", ("tap",)),
        ("banner", "bankMessageDismiss", ("dismiss_banner",)),
    ],
)
def test_a_touch_asks_for_what_it_says(
    phone: PhoneView, asked: Asked, state: str, button: str, call: tuple[object, ...]
) -> None:
    phone.show_state(STATES[state])
    press(phone, button)
    assert asked.calls == [call]


def test_a_spent_card_says_so_and_cannot_be_chosen_for_gates(phone: PhoneView) -> None:
    phone.show_state(STATES["card-detail-spent"])
    assert not phone.findChild(QWidget, "detailExpress").isEnabled()
    assert "has to be refreshed" in phone.findChild(QLabel, "detailNumbers").text()
    phone.show_state(STATES["card-detail-express"])
    assert phone.findChild(QWidget, "detailExpress").isEnabled()


def test_a_payment_is_opened_from_history_and_from_the_banks_message(
    phone: PhoneView, opened: list[str]
) -> None:
    phone.show_state(STATES["card-detail"])
    press(phone.findChild(QWidget, "history_pay_2"), "historyOpen")
    phone.show_state(STATES["banner"])
    press(phone, "bankMessageOpen")
    assert opened == ["pay_2", "pay_1"]


@pytest.mark.inv(394)
def test_history_shows_what_is_wanted_of_it(phone: PhoneView) -> None:
    def shown() -> list[str]:
        settle()
        lines = phone.findChildren(QWidget, QRegularExpression("^history_pay_"))
        return sorted(line.objectName() for line in lines if not line.isHidden())

    phone.show_state(STATES["card-detail"])
    assert shown() == [f"history_pay_{number}" for number in (1, 2, 3, 4)]
    for choice, wanted in (("paid", [1]), ("not_paid", [2, 4]), ("still_open", [3])):
        press(phone, f"history_{choice}")
        assert shown() == [f"history_pay_{number}" for number in wanted]
    paid = dataclasses.replace(STATES["card-detail"], history=STATES["card-detail"].history[:1])
    phone.show_state(paid)
    assert shown() == []
    empty = phone.findChild(QWidget, "historyEmpty")
    assert any("None of this" in label.text() for label in empty.findChildren(QLabel))
    phone.show_state(STATES["stack"])
    phone.show_state(STATES["card-detail"])
    assert len(shown()) == 4


def test_only_a_refusal_offers_another_card_and_only_one_that_can_pay(phone: PhoneView) -> None:
    other = phone.findChild(QAbstractButton, "bankMessageOther")
    phone.show_state(STATES["banner"])
    assert other.isHidden()
    declined = STATES["banner-declined"]
    phone.show_state(declined)
    assert not other.isHidden()
    stopped = tuple(dataclasses.replace(card, status="suspended") for card in declined.cards)
    phone.show_state(dataclasses.replace(declined, cards=stopped))
    assert other.isHidden()


@pytest.mark.inv(394)
def test_the_pay_sheet_says_the_amount_and_only_active_cards_can_be_chosen(
    phone: PhoneView, asked: Asked
) -> None:
    sheet = STATES["pay-sheet"]
    stopped = dataclasses.replace(sheet.cards[0], status="suspended")
    phone.show_state(dataclasses.replace(sheet, cards=(stopped, *sheet.cards[1:])))
    said = [label.text() for label in phone.findChildren(QLabel) if label.isVisible()]
    assert "$12.40" in said
    others = [card for card in sheet.cards if card.id != sheet.selected_id]
    choices = {card.id: phone.findChild(QAbstractButton, f"choose_{card.id}") for card in others}
    assert not choices[stopped.id].isEnabled()
    press(phone, f"choose_{others[-1].id}")
    assert asked.calls == [("choose", others[-1].id)]


@pytest.mark.inv(159)
def test_a_phone_says_that_it_does_not_know_yet_who_is_there(phone: PhoneView) -> None:
    def shown() -> list[str]:
        return [label.text() for label in phone.findChildren(QLabel) if label.isVisible()]

    phone.show_state(STATES["starting"])
    waiting = shown()
    phone.show_state(STATES["signed-out"])
    nobody = shown()
    phone.show_state(STATES["stack"])
    assert len({tuple(waiting), tuple(nobody), tuple(shown())}) == 3
    assert phone.findChild(QWidget, "stackPage").isVisible()


def test_typing_into_the_form_is_handed_on_and_errors_stand_beside_their_fields(
    phone: PhoneView, asked: Asked, qtbot: QtBot
) -> None:
    phone.show_state(STATES["add-empty"])
    qtbot.keyClicks(phone.findChild(QLineEdit, "addNumber"), "4242")
    assert asked.calls[-1] == ("edit_add", "number", "4242")
    phone.show_state(STATES["add-errors"])
    assert phone.findChild(QLabel, "addExpiryError").text() == "Month 01 to 12."
    assert not phone.findChild(QAbstractButton, "addSubmit").isEnabled()


def test_a_face_is_chosen_among_those_of_the_product(phone: PhoneView, asked: Asked) -> None:
    phone.show_state(STATES["add-empty"])
    assert phone.findChild(QWidget, "addOffer").isHidden()
    offered = dataclasses.replace(STATES["add-empty"], add=AddCardForm(**OFFER))
    phone.show_state(offered)
    assert phone.findChild(QLabel, "addProduct").text() == "Everyday"
    assert phone.findChild(QLabel, "addType").text() == "Debit card"
    assert phone.findChild(QAbstractButton, "addDesign_everyday-tide").isChecked()
    press(phone, "addDesign_everyday")
    assert asked.calls == [("edit_add", "design", "everyday")]
    one = dataclasses.replace(offered.add, designs=OFFER["designs"][:1], design="everyday")
    phone.show_state(dataclasses.replace(offered, add=one))
    offer = phone.findChild(OfferPart)
    assert offer._choices.count() == 0  # nothing to choose


def test_terms_are_told_as_one_or_nothing(phone: PhoneView, asked: Asked) -> None:
    phone.show_state(STATES["add-empty"])
    press(phone, "addTerms")
    press(phone, "addTerms")
    assert asked.calls == [("edit_add", "terms", "1"), ("edit_add", "terms", "")]


def test_terms_carry_their_version_and_cannot_be_accepted_unread(phone: PhoneView) -> None:
    phone.show_state(STATES["add-empty"])
    assert phone.findChild(QLabel, "addTermsText").text() == "Test numbers only. No money moves."
    assert phone.findChild(QAbstractButton, "addTerms").text().endswith("terms 1")
    phone.show_state(STATES["add-loading"])
    assert not phone.findChild(QAbstractButton, "addTerms").isEnabled()


def test_the_passcode_is_complete_before_it_is_sent_and_not_kept(
    phone: PhoneView, asked: Asked
) -> None:
    phone.show_state(STATES["passcode"])
    for digit in "1234":
        press(phone, f"passcodeKey{digit}")
    press(phone, "passcodeEnter")
    assert asked.calls == [("enter_passcode", "1234")]
    assert phone.findChild(QLineEdit, "passcode").text() == ""


def test_marks_are_said_to_a_screen_reader_too(phone: PhoneView) -> None:
    phone.show_state(STATES["stack-marked"])
    names = {face.card.id: face.accessibleName() for face in phone.findChildren(CardFace)}
    assert "suspended" in names["c1"]
    assert "pending" in names["c4"]
    assert "Default" in names["c3"]


@pytest.mark.inv(13, 369, 395)
def test_cached_cards_stay_visible_and_marked_while_the_phone_is_offline(phone: PhoneView) -> None:
    phone.show_state(STATES["stack-marked"])
    assert phone.findChild(QLabel, "phoneWhere").text() == "Phone offline"
    assert {face.card.id for face in phone.findChildren(CardFace) if face.isVisible()} == {
        "c1",
        "c2",
        "c3",
        "c4",
    }


def test_another_default_card_comes_to_the_front(phone: PhoneView) -> None:
    stack = STATES["stack"]
    phone.show_state(stack)
    phone.show_state(dataclasses.replace(stack, selected_id="c1"))
    faces = {face.card.id: face for face in phone.findChildren(CardFace) if face.isVisible()}
    assert faces["c1"].y() > faces["c3"].y()


def test_a_pile_that_just_does_not_fit_settles(phone: PhoneView) -> None:
    """A scroll bar that comes and goes for ever ended the process once."""
    phone.show_state(STATES["banner-declined"])
    for height in range(480, 620, 3):
        phone.resize(280, height)
        settle()
        assert phone.findChild(CardFace, "card_c3").height() > 100


def test_a_number_is_not_in_the_states_text() -> None:
    state = STATES["add-ready"]
    assert isinstance(state, WalletState)
    assert "4242 4242" not in repr(state)


def test_every_button_has_a_name_and_takes_focus_by_tab_only(phone: PhoneView) -> None:
    for state in STATES.values():
        phone.show_state(state)
    for button in phone.findChildren(QAbstractButton):
        assert button.objectName()
        assert button.accessibleName(), button.objectName()
        assert button.focusPolicy() in {Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus}


def test_a_code_is_typed_into_boxes_and_sent(phone: PhoneView, asked: Asked) -> None:
    phone.show_state(STATES["verify-code"])
    settle()
    boxes = phone.findChild(QLineEdit, "verifyCode")
    assert len(boxes.boxes()) == 6
    assert boxes.text() == "4711"
    boxes.setFocus()
    boxes.textEdited.emit("47110")
    assert asked.calls[-1] == ("type_code", "47110")
    assert not phone.findChild(QAbstractButton, "verifySubmit").isEnabled()
    press(phone, "verifyOther")
    assert asked.calls[-1] == ("other_method",)
    phone.show_state(STATES["verify-code-long"])
    settle()
    inside = boxes.boxes()
    assert len(inside) == 8
    assert inside[0].left() >= 0
    assert inside[-1].right() <= boxes.width()
    assert all(first.right() < second.left() for first, second in pairwise(inside))
    press(phone, "verifySubmit")
    assert asked.calls[-1] == ("submit_code",)
    press(phone, "verifyResend")
    assert asked.calls[-1] == ("resend_code",)


def test_a_way_that_is_used_up_cannot_be_chosen(phone: PhoneView, asked: Asked) -> None:
    phone.show_state(STATES["verify"])
    settle()
    press(phone, "method_sms")
    assert asked.calls[-1] == ("choose_method", "sms")
    assert not phone.findChild(QAbstractButton, "method_call").isEnabled()
    said = {label.text() for label in phone.findChildren(QLabel) if label.isVisible()}
    assert {"•• 42", "code sent", "used up"} <= said
    press(phone, "verifyRemove")
    assert asked.calls[-1] == ("remove", "c4")


@pytest.mark.parametrize(("name", "title"), [("done", "Ready to pay"), ("failed", "Not verified")])
def test_the_end_of_a_verification_says_which(phone: PhoneView, name: str, title: str) -> None:
    phone.show_state(STATES[f"verify-{name}"])
    settle()
    assert phone.findChild(QLabel, "verifyTitle").text() == title
    assert not phone.findChild(QAbstractButton, "verifySubmit").isVisible()


def test_a_device_is_lost_and_found_from_its_own_line(phone: PhoneView, asked: Asked) -> None:
    for state, button in (("devices", "deviceLost"), ("devices-lost", "deviceFound")):
        phone.show_state(STATES[state])
        settle()
        lines = phone.findChildren(QWidget, "device_dev_watch")
        press(next(line for line in lines if not line.isHidden()), button)
    assert asked.calls == [("device_lost", "dev_watch"), ("device_found", "dev_watch", False)]


def test_a_suspended_card_says_who_holds_it(phone: PhoneView) -> None:
    phone.show_state(STATES["card-detail-suspended"])
    said = phone.findChild(QLabel, "detailHeld").text()
    assert "by you" in said
    assert "your bank" in said
    assert "lost" in said
    assert "Waiting" in said
    assert not phone.findChild(QAbstractButton, "detailRefresh").isEnabled()
    phone.show_state(STATES["card-detail"])
    assert not phone.findChild(QLabel, "detailHeld").isVisible()


@pytest.mark.inv(394)
def test_a_card_is_removed_by_the_second_press_only(phone: PhoneView, asked: Asked) -> None:
    phone.show_state(STATES["card-detail"])
    press(phone, "detailRemove")
    assert asked.calls == []
    assert phone.findChild(QAbstractButton, "detailRemove").text() == "Really remove?"
    phone.show_state(STATES["stack"])
    phone.show_state(STATES["card-detail"])
    assert phone.findChild(QAbstractButton, "detailRemove").text() == "Remove"
    press(phone, "detailRemove")
    phone.show_state(STATES["card-detail"])
    press(phone, "detailRemove")
    assert asked.calls == [("remove", "c3")]


def test_a_cards_page_is_no_wider_than_the_narrowest_phone(phone: PhoneView) -> None:
    phone.show_state(STATES["card-detail-suspended"])
    settle()
    page = phone.findChild(QScrollArea, "detailScroll")
    assert page.widget().minimumSizeHint().width() <= page.viewport().width()
    assert page.verticalScrollBar().isVisible(), "else nothing is shown by this"
