"""Verifying a card on the phone, against a real engine: every way in, every way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.errors import EngineRefused
from lab.pos.state import PosPhase
from lab.wallet.state import PhoneScreen
from lab.words import tell
from tests.lab.core.running import Running

NUMBER = "4000056655665556"


def add(lab: Running, code: str) -> None:
    """Fill in the form and send it; `code` decides what the bank says."""
    wallet = lab.world.wallet
    lab.call(wallet.begin_add)
    for name, typed in (("number", NUMBER), ("expiry", "1230"), ("cvv", code), ("terms", "1")):
        lab.call(lambda name=name, typed=typed: wallet.edit_add(name, typed))
    lab.until(lambda: wallet.state.add.can_submit)
    lab.run(wallet.submit_add())


def pending(lab: Running) -> str:
    (card,) = [card for card in lab.world.wallet.cards if card.last4 == NUMBER[-4:]]
    return card.id


def read_code(lab: Running) -> str:
    """What a person reads in the bank's message."""
    banner = lab.world.wallet.state.banner
    assert banner is not None
    code = dict(banner.values)["code"]
    assert code in tell(banner)
    return code


def type_and_submit(lab: Running, code: str) -> bool:
    lab.call(lambda: lab.world.wallet.verifying.type_code(code))
    return lab.run(lab.world.wallet.verifying.submit())


def other_than(code: str) -> str:
    return code[:-1] + str((int(code[-1]) + 1) % 10)


@pytest.fixture
def added(lab: Running) -> Iterator[Running]:
    """The shared world with one more card, which its issuer wants to be sure of."""
    add(lab, "610")
    yield lab
    for card in [card for card in lab.world.wallet.cards if card.last4 == NUMBER[-4:]]:
        lab.run(lab.world.wallet.remove(card.id))
    lab.call(lab.world.wallet.dismiss_banner)


@pytest.mark.inv(33, 34)
def test_a_card_is_verified_with_the_code_that_the_bank_sent(added: Running) -> None:
    wallet = added.world.wallet
    assert wallet.state.screen is PhoneScreen.VERIFY
    assert [way.method for way in wallet.state.verify.methods] == [
        "sms",
        "email",
        "bank_app",
        "call",
    ]
    added.run(wallet.verifying.choose("sms"))
    form = wallet.state.verify
    assert (form.step, form.code_digits, form.can_resend) == ("code", 6, False)
    assert form.destination.startswith("•• ")
    assert form.resend_in_s == 30
    code = read_code(added)
    assert not type_and_submit(added, other_than(code))
    assert wallet.state.verify.problem is not None
    assert "2" in tell(wallet.state.verify.problem)
    assert wallet.state.verify.code_text == ""
    assert type_and_submit(added, code)
    assert wallet.state.verify.step == "done"
    assert wallet.state.banner is None
    (view,) = [card for card in wallet.state.cards if card.id == wallet.state.selected_id]
    assert view.status == "active"
    sale = added.run(added.world.hands.tap(1240, "USD", view.id))
    assert sale is not None
    assert sale.phase is PosPhase.APPROVED


def test_what_was_left_half_done_is_taken_up_again(added: Running) -> None:
    wallet = added.world.wallet
    added.run(wallet.verifying.choose("email"))
    code = read_code(added)
    added.call(wallet.close)
    assert wallet.state.screen is PhoneScreen.STACK
    assert wallet.state.banner is None
    card_id = pending(added)
    added.call(lambda: wallet.open_card(card_id))
    added.until(lambda: bool(wallet.state.verify.methods))
    states = {way.method: way.state for way in wallet.state.verify.methods}
    assert (states["email"], states["sms"]) == ("sent", "ready")
    added.run(wallet.verifying.choose("email"))
    assert wallet.state.verify.step == "code", "the code that was sent still counts"
    assert type_and_submit(added, code)


def test_a_card_that_is_not_verified_cannot_pay(added: Running) -> None:
    wallet, card_id = added.world.wallet, pending(added)
    added.call(wallet.close)
    assert added.run(added.world.hands.tap(1240, "USD", card_id)) is None
    notice = wallet.state.notice
    assert notice is not None
    assert "cannot pay yet" in tell(notice)
    assert wallet.armed_token is None
    with pytest.raises(EngineRefused, match="not let it pay"):
        added.run(added.world.client.set_default(card_id))
    added.call(wallet.close)
    added.call(wallet.double_press)
    chosen = added.call(wallet.chosen)
    assert chosen is not None
    assert chosen.is_verified, "a pending card is never offered by itself"


def test_three_wrong_codes_by_every_way_end_at_the_bank(own_lab: Running) -> None:
    wallet = own_lab.world.wallet
    add(own_lab, "610")
    for method in ("sms", "email", "bank_app", "call"):
        own_lab.run(wallet.verifying.choose(method))
        wrong = other_than(read_code(own_lab))
        for _ in range(3):
            assert not type_and_submit(own_lab, wrong)
        if method != "call":
            form = wallet.state.verify
            assert form.step == "choose"
            assert {way.method: way.state for way in form.methods}[method] == "spent"
            assert form.problem is not None
    assert wallet.state.verify.step == "failed"
    (view,) = [card for card in wallet.state.cards if card.last4 == NUMBER[-4:]]
    assert view.status == "rejected"
    own_lab.call(wallet.close)
    own_lab.call(lambda: wallet.open_card(view.id))
    assert wallet.state.screen is PhoneScreen.CARD_DETAIL, "there is nothing left to type"
    add(own_lab, "610")
    problem = dict(wallet.state.add.errors)["number"]
    assert "its bank has to be called" in tell(problem), "no fresh tries by adding it again"


def test_a_code_is_only_digits_and_only_as_many_as_there_are(added: Running) -> None:
    wallet = added.world.wallet
    added.run(wallet.verifying.choose("bank_app"))
    added.call(lambda: wallet.verifying.type_code("12 34-5a"))
    assert wallet.state.verify.code_text == "12345"
    assert not wallet.state.verify.can_submit
    assert not added.run(wallet.verifying.submit())
    added.call(lambda: wallet.verifying.type_code("1234567890"))
    assert wallet.state.verify.code_text == "123456"
    added.run(wallet.verifying.resend())
    assert wallet.state.verify.code_text == "123456", "too early: nothing was asked"
    added.call(wallet.verifying.other_method)
    assert (wallet.state.verify.step, wallet.state.verify.code_text) == ("choose", "")


def test_a_bank_that_says_no_is_shown_beside_the_form(lab: Running) -> None:
    add(lab, "620")
    wallet = lab.world.wallet
    assert wallet.state.screen is PhoneScreen.ADD_CARD
    problem = dict(wallet.state.add.errors)["number"]
    assert "bank" in tell(problem)


def test_a_phone_whose_engine_is_gone_says_so_and_goes_on_later(own_lab: Running) -> None:
    wallet, client = own_lab.world.wallet, own_lab.world.client
    add(own_lab, "610")
    kept, client._endpoint = client._endpoint, lambda: None
    client._patience_s, patience_s = 0.0, client._patience_s
    own_lab.run(wallet.verifying.choose("sms"))
    form = wallet.state.verify
    assert form.problem is not None
    assert form.problem.key == "wallet.engine_unreachable"
    assert (form.step, form.busy) == ("choose", False)
    client._endpoint, client._patience_s = kept, patience_s
    own_lab.run(wallet.verifying.choose("sms"))
    assert type_and_submit(own_lab, read_code(own_lab))
    (card,) = wallet.state.cards
    assert (card.status, card.is_default) == ("active", True)
