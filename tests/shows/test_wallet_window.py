"""The wallet by hand: a window, an engine as a process, and every touch a touch.

Long, because a person walks through every screen in one go and an engine is started for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from lab.pos.state import PosPhase
from lab.wallet.state import PhoneScreen
from lab.watch.flow import WATCH_ID
from lab.watch.state import WatchScreen
from tests.shows.wallet_hands import WalletHands, opened

pytestmark = [
    pytest.mark.window,
    pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise", extend=True),
]
NUMBER = "4000056655665556"
METHODS = ("sms", "email", "bank_app", "call")


@pytest.fixture
def hands(qtbot: QtBot, tmp_path: Path) -> Iterator[WalletHands]:
    with opened(qtbot, tmp_path / "lab") as made:
        yield made


@pytest.mark.inv(159, 389, 393, 394, 395, 396)
def test_a_person_walks_through_every_screen_of_phone_and_watch(hands: WalletHands) -> None:
    hands.press("startDemo")
    hands.until(lambda: len(hands.phone.cards) == 3 and not hands.phone.busy)
    a_green_card_comes_and_goes(hands)
    for method in METHODS:
        a_yellow_card_is_verified(hands, method)
    a_yellow_card_is_thought_better_of(hands)
    a_red_card_is_refused(hands)
    a_payment_is_declined_and_another_card_pays(hands)
    three_strangers_look_and_the_passcode_helps(hands)
    a_card_is_stopped_let_go_renewed_and_made_the_default(hands)
    the_phone_is_offline_and_pays(hands)
    a_watch_is_put_beside_it_and_pays(hands)
    the_watch_is_lost_and_the_phone_is_not(hands)
    the_phone_is_lost_and_found(hands)
    the_person_leaves_and_comes_back(hands)


def a_green_card_comes_and_goes(hands: WalletHands) -> None:
    hands.fill_in(NUMBER, "123", key_by_key=True)
    hands.until(lambda: len(hands.phone.cards) == 4 and hands.phone.screen is PhoneScreen.STACK)
    assert "ready" in hands.said("stackNotice").lower()
    remove(hands, newest(hands))


def newest(hands: WalletHands) -> str:
    return next(card.id for card in hands.phone.cards if card.last4 == NUMBER[-4:])


def remove(hands: WalletHands, card_id: str) -> None:
    hands.open_card(card_id)
    hands.press("detailRemove")
    assert len(hands.phone.cards) == 4, "one press asks whether the person is sure"
    hands.press("detailRemove")
    hands.until(lambda: len(hands.phone.cards) == 3 and hands.phone.screen is PhoneScreen.STACK)


def a_yellow_card_is_verified(hands: WalletHands, method: str) -> None:
    hands.fill_in(NUMBER, "610")
    hands.until(lambda: hands.phone.verify.methods)
    hands.press(f"method_{method}")
    hands.until(lambda: hands.phone.verify.step == "code" and hands.phone.banner is not None)
    assert hands.phone.banner is not None
    code = dict(hands.phone.banner.values)["code"]
    hands.press("bankMessageDismiss")
    wrong = f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"
    hands.type_code(wrong)
    hands.until(lambda: hands.phone.verify.problem is not None and not hands.phone.verify.busy)
    hands.type_code(code)
    hands.until(lambda: hands.phone.verify.step == "done")
    hands.press("verifyDone")
    hands.at(PhoneScreen.STACK)
    assert newest(hands) in {card.id for card in hands.phone.cards if card.can_pay}
    remove(hands, newest(hands))


def a_yellow_card_is_thought_better_of(hands: WalletHands) -> None:
    hands.fill_in(NUMBER, "610")
    hands.until(lambda: hands.phone.verify.methods)
    hands.press("method_sms")
    hands.until(lambda: hands.phone.verify.step == "code")
    hands.press("verifyOther")
    hands.until(lambda: hands.phone.verify.step == "choose")
    hands.press("verifyRemove")
    hands.until(lambda: len(hands.phone.cards) == 3)


def a_red_card_is_refused(hands: WalletHands) -> None:
    hands.fill_in(NUMBER, "620")
    hands.until(lambda: hands.phone.add.errors)
    assert "bank does not want" in hands.said("addNumberError")
    hands.press("addBack")
    hands.at(PhoneScreen.STACK)


def a_payment_is_declined_and_another_card_pays(hands: WalletHands) -> None:
    assert hands.charge("1240") is PosPhase.APPROVED
    hands.until(lambda: hands.phone.banner is not None)
    assert "Corner Market" in hands.said("bankMessageText")
    hands.press("bankMessageDismiss")
    hands.put_away()
    assert hands.charge("1251") is PosPhase.DECLINED
    hands.until(lambda: hands.phone.banner is not None)
    assert "No money moved" in hands.said("bankMessageText")
    tried = hands.phone.selected_id
    hands.press("bankMessageOther")
    hands.at(PhoneScreen.PAY_SHEET)
    assert hands.phone.selected_id != tried
    hands.press("scanSuccess")
    hands.at(PhoneScreen.HOLD_NEAR)
    hands.press("holdClose")
    hands.at(PhoneScreen.STACK)


def three_strangers_look_and_the_passcode_helps(hands: WalletHands) -> None:
    hands.press("doublePress")
    hands.at(PhoneScreen.PAY_SHEET)
    for left in (2, 1):
        hands.press("scanFail")
        hands.until(lambda left=left: hands.phone.scans_left == left)
    hands.press("scanFail")
    hands.at(PhoneScreen.PASSCODE)
    hands.press(*(f"passcodeKey{digit}" for digit in "000000"), "passcodeEnter")
    hands.at(PhoneScreen.HOLD_NEAR)
    hands.press("holdClose")
    hands.at(PhoneScreen.STACK)


def a_card_is_stopped_let_go_renewed_and_made_the_default(hands: WalletHands) -> None:
    amex = hands.card("amex")
    hands.open_card(amex.id)
    hands.press("detailSuspend")
    hands.offered("detailSuspend", "Reactivate")
    assert hands.card("amex").status == "suspended"
    hands.press("detailSuspend")
    hands.until(lambda: hands.card("amex").status == "active" and not hands.phone.busy)
    hands.offered("detailSuspend", "Suspend")
    hands.press("detailRefresh")
    hands.until(lambda: hands.card("amex").token_ref != amex.token_ref and not hands.phone.busy)
    hands.press("detailDefault")
    hands.until(lambda: hands.card("amex").is_default)
    hands.press("detailBack")
    hands.at(PhoneScreen.STACK)


def the_phone_is_offline_and_pays(hands: WalletHands) -> None:
    hands.faults({"link": "phone.engine", "effect": "timeout"})
    hands.until(lambda: hands.phone.offline)
    assert hands.said("phoneWhere") == "Phone offline"
    assert not hands.find(QAbstractButton, "addCard").isEnabled()
    assert hands.charge("1240") is PosPhase.APPROVED, "the secure element needs nobody"
    hands.faults()
    hands.until(lambda: not hands.phone.offline and hands.phone.banner is not None)
    hands.press("bankMessageDismiss")
    hands.put_away()


def a_watch_is_put_beside_it_and_pays(hands: WalletHands) -> None:
    hands.press("openDevices")
    hands.at(PhoneScreen.DEVICES)
    hands.press("pairWatch")
    hands.until(lambda: len(hands.phone.devices) == 2)
    hands.press("devicesBack")
    hands.at(PhoneScreen.STACK)
    hands.open_card(hands.card("visa").id)
    hands.press("detailWatch")
    hands.until(lambda: hands.watch.state.cards and hands.watch.state.cards[0].is_here)
    hands.until(lambda: hands.phone.cards and not hands.find(QWidget, "detailWatch").isEnabled())
    hands.press("detailBack", "inHand_watch")
    hands.until(lambda: hands.watch.state.in_hand)
    hands.press("watchWear")
    hands.until(lambda: hands.watch.state.screen is WatchScreen.LOCKED)
    hands.press(*(f"watchKey{digit}" for digit in "000000"))
    hands.until(lambda: hands.watch.state.screen is WatchScreen.CARDS)
    hands.press("watchPress")
    hands.until(lambda: hands.watch.state.screen is WatchScreen.READY)
    assert hands.charge("1240") is PosPhase.APPROVED
    hands.until(lambda: hands.watch.state.told is not None)
    assert hands.phone.banner is None, "the bank tells the device that paid"
    hands.press("watchCut")
    hands.until(lambda: hands.watch.state.offline and hands.watch.state.is_cut)
    assert hands.charge("1240") is PosPhase.APPROVED
    hands.press("watchCut")
    hands.until(lambda: not hands.watch.state.offline)
    hands.press("watchWear")
    hands.until(lambda: hands.watch.state.screen is WatchScreen.OFF)
    assert not hands.find(QAbstractButton, "watchPress").isEnabled()


def the_watch_is_lost_and_the_phone_is_not(hands: WalletHands) -> None:
    hands.press("inHand_phone", "openDevices")
    hands.at(PhoneScreen.DEVICES)
    line = hands.find(QWidget, f"device_{WATCH_ID}")
    line.findChild(QAbstractButton, "deviceLost").click()
    hands.until(lambda: hands.watch.state.screen is WatchScreen.LOST)
    assert hands.phone.screen is PhoneScreen.DEVICES
    hands.press("devicesBack")
    assert hands.charge("1240") is PosPhase.APPROVED
    hands.put_away()
    hands.press("openDevices")
    hands.at(PhoneScreen.DEVICES)
    hands.press("deviceFoundAll")
    hands.until(lambda: hands.watch.state.screen is WatchScreen.OFF)


def the_phone_is_lost_and_found(hands: WalletHands) -> None:
    line = hands.find(QWidget, "device_dev_phone")
    line.findChild(QAbstractButton, "deviceLost").click()
    hands.at(PhoneScreen.LOST)
    assert {card.status for card in hands.phone.cards} == {"suspended"}
    hands.press("deviceFoundAll")
    hands.at(PhoneScreen.STACK)
    hands.until(lambda: all(card.can_pay for card in hands.phone.cards))


def the_person_leaves_and_comes_back(hands: WalletHands) -> None:
    hands.press("openDevices")
    hands.at(PhoneScreen.DEVICES)
    hands.press("signOut")
    hands.at(PhoneScreen.SIGNED_OUT)
    assert hands.find(QWidget, "signedOutPage").isVisible()
    hands.until(lambda: hands.phone.cards == ())
    hands.press("signIn")
    hands.until(lambda: hands.phone.screen is PhoneScreen.STACK and len(hands.phone.cards) == 3)
