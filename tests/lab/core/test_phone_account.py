"""Signing out clears the phone, signing in loads it anew; history hears what the bank says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine_shapes import PaymentRecord
from lab.errors import EngineUnreachable
from lab.pos.state import PosPhase
from lab.simulation import SimulatedLab
from lab.wallet import phone_cache
from lab.wallet.phone_cache import PhoneMemory
from lab.wallet.state import PhoneScreen


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(5, tmp_path / "lab") as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        yield opened


def tap(lab: SimulatedLab, amount_minor: int = 1240) -> PosPhase:
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
    assert sale is not None
    return sale.phase


def cache_of(lab: SimulatedLab) -> Path:
    return lab.world.wallet._cache_file


@pytest.mark.inv(141, 143, 152)
def test_signing_out_ends_the_session_and_clears_what_the_phone_remembers(
    lab: SimulatedLab,
) -> None:
    wallet, element = lab.world.wallet, lab.world.element
    assert tap(lab) is PosPhase.APPROVED
    visa = next(card for card in wallet.cards if card.network == "visa")
    wallet.set_express(visa.id, chosen=True)
    cookie = lab.run(lab.world.client.session_cookie())
    assert cookie
    assert cache_of(lab).exists()
    lab.run(wallet.account.sign_out())
    assert wallet.state.screen is PhoneScreen.SIGNED_OUT
    assert (wallet.state.cards, wallet.state.history) == ((), ())
    assert phone_cache.load(cache_of(lab)) == PhoneMemory()
    assert (wallet.armed_token, element.express) == (None, None)
    assert not lab.world.client._http.cookies


@pytest.mark.inv(159)
def test_nobody_pays_and_nothing_is_shown_until_somebody_signs_in(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet
    lab.run(wallet.account.sign_out())
    lab.run(wallet.refresh())
    lab.run(wallet.connect())
    wallet.double_press()
    assert wallet.state.screen is PhoneScreen.SIGNED_OUT
    assert not lab.run(wallet.scan_face("success"))
    with pytest.raises(EngineUnreachable):  # so that it comes again
        lab.run(wallet.deliver({"id": "1", "kind": "note", "body": {"text": "hello"}}))


@pytest.mark.inv(395)
def test_signing_in_again_brings_cards_and_payments_back(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet
    assert tap(lab) is PosPhase.APPROVED
    wallet.close()
    before = wallet.state.cards
    lab.run(wallet.account.sign_out())
    lab.run(wallet.account.sign_in())
    assert wallet.state.screen is PhoneScreen.STACK
    assert {card.id for card in wallet.state.cards} == {card.id for card in before}
    assert all(card.is_here for card in wallet.state.cards)
    wallet.open_card(next(card.id for card in before if card.is_default))
    assert len(wallet.state.history) == 1
    wallet.close()
    assert tap(lab) is PosPhase.APPROVED


def test_after_a_refusal_another_card_is_offered_and_pays(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet
    assert tap(lab, 1251) is PosPhase.DECLINED
    tried = wallet.state.selected_id
    wallet.choose_other()
    assert wallet.state.screen is PhoneScreen.PAY_SHEET
    assert wallet.state.selected_id not in {"", tried}
    assert wallet.state.notice is not None
    assert wallet.state.notice.key == "wallet.pay.instead"
    assert lab.run(wallet.scan_face("success"))
    other = next(card for card in wallet.cards if card.id == wallet.state.selected_id)
    assert wallet.armed_token == other.token_ref


def test_a_payment_that_is_looked_at_hears_what_the_bank_says(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet
    card = next(card for card in wallet.cards if card.is_default)
    wallet.open_card(card.id)
    assert tap(lab, 1251) is PosPhase.DECLINED
    wallet.close()
    wallet.open_card(card.id)
    (pending,) = wallet.state.history
    assert pending.state == "pending"
    payment_id = lab.world.pos.state.payment_id
    record = PaymentRecord.from_json(lab.run(lab.world.client.payment(payment_id)))

    async def said() -> None:
        wallet.bank_says(record, "$12.51")

    lab.run(said())
    (known,) = wallet.state.history
    assert (known.payment_id, known.state) == (payment_id, "declined")
    lab.run(wallet.refresh())
    assert [row.state for row in wallet.state.history] == ["declined"]
