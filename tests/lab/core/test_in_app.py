"""The sheet of a shop on the phone, against a real engine and the real secure element."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lab.console.rows import payment_detail
from lab.engine_shapes import PaymentRecord
from lab.json_fields import text
from lab.wallet.state import PhoneScreen
from lab.words import tell, tr
from tests.lab.core.running import Running

LINES = [{"label": "Sencha", "amount": 2000}, {"label": "Welcome", "amount": -200}]


def ask(lab: Running, **changes: object) -> str:
    """A shop asks, and the phone shows its sheet; the session's identifier."""
    order = {
        "merchantId": "mer_tea_house", "amount": 1800, "currency": "USD", "lineItems": LINES,
    }  # fmt: skip
    opened = lab.run(lab.world.client.open_merchant_session({**order, **changes}))
    session_id = str(opened["id"])
    lab.until(lambda: lab.world.wallet.state.in_app.session_id == session_id)
    assert lab.world.wallet.state.screen is PhoneScreen.IN_APP
    return session_id


def becomes(lab: Running, session_id: str, status: str) -> None:
    """Wait until the shop sees that."""

    async def seen() -> None:
        async with asyncio.timeout(20):
            while (await lab.world.client.merchant_session(session_id))["status"] != status:
                pass  # each look is a request of its own

    lab.run(seen())


def phone_shows(lab: Running, session_id: str, belief: str) -> None:
    """Wait until the engine knows what the phone shows."""

    async def seen() -> None:
        async with asyncio.timeout(20):
            while [
                row.phone for row in await lab.world.client.payments() if row.tap_id == session_id
            ] != [belief]:
                pass

    lab.run(seen())


def payments_of(lab: Running, session_id: str) -> list[PaymentRecord]:
    return [row for row in lab.run(lab.world.client.payments()) if row.tap_id == session_id]


def session(lab: Running, session_id: str) -> dict[str, Any]:
    return dict(lab.run(lab.world.client.merchant_session(session_id)))


@pytest.mark.inv(97, 98, 99, "C48")
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_look_pays_what_the_shop_asks(lab: Running, network: str) -> None:
    wallet = lab.world.wallet
    session_id = ask(lab, supportedNetworks=[network])
    sheet = wallet.state.in_app
    assert (sheet.merchant, sheet.total_text, sheet.step) == ("Tea House", "$18.00", "offer")
    assert sheet.lines == (("Sencha", "$20.00"), ("Welcome", "\N{MINUS SIGN}$2.00"))
    chosen = wallet.chosen()
    assert chosen is not None
    assert chosen.network == network
    assert lab.run(wallet.scan_face("success")) is True
    shown = session(lab, session_id)
    assert (shown["status"], shown["token"]["version"]) == ("approved", "EC_v1")
    (paid,) = payments_of(lab, session_id)
    assert (paid.state, paid.network) == ("approved", network)
    phone_shows(lab, session_id, "approved")
    # The sheet closes by itself, and the phone is not armed for anything.
    lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)
    assert wallet.armed_token is None


@pytest.mark.inv(95)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_shop_without_chip_data_gets_a_cryptogram(lab: Running, network: str) -> None:
    session_id = ask(lab, supportedNetworks=[network], merchantCapabilities=["supports3DS"])
    assert lab.run(lab.world.wallet.scan_face("success")) is True
    assert session(lab, session_id)["status"] == "approved"
    (paid,) = payments_of(lab, session_id)
    life: Any = lab.run(lab.world.client.payment(paid.id))
    (opened,) = [each for each in life["events"] if each["kind"] == "payment_token.opened"]
    assert (opened["data"]["data_type"], opened["data"]["eci"]) == ("3DSecure", "07")


@pytest.mark.inv(11, 95)
def test_the_payment_place_tells_what_the_merchant_saw(lab: Running) -> None:
    session_id = ask(lab, supportedNetworks=["visa"])
    assert lab.run(lab.world.wallet.scan_face("success")) is True
    (paid,) = payments_of(lab, session_id)
    seen = dict(payment_detail(lab.run(lab.world.client.payment(paid.id)), ()).merchant_saw)
    card = next(card for card in lab.world.wallet.cards if card.network == "visa")
    assert seen[tr("merchant_view.card_number")] == "not in the token"
    assert seen[tr("merchant_view.device_account_number")].endswith(card.token_last4)
    assert seen[tr("merchant_view.amount")] == "$18.00"
    assert seen[tr("merchant_view.data_type")] == "Chip data (EMV)"
    assert len(seen[tr("merchant_view.cryptogram")]) == 16


@pytest.mark.inv(171)
def test_a_row_that_came_first_goes_again_when_nothing_came_of_it(own_lab: Running) -> None:
    lab, wallet = own_lab, own_lab.world.wallet  # its clock is moved, which is not moved back
    lab.run(wallet.start_with_demo_cards())
    before = {text(each, "id") for each in wallet._memory.payments}
    session_id = ask(lab)
    lab.run(lab.world.client.move_clock({"jump_s": 301}))  # the shop waits no longer
    assert lab.run(wallet.scan_face("success")) is False
    assert wallet.state.in_app.step == "refused"
    assert payments_of(lab, session_id) == []
    assert {text(each, "id") for each in wallet._memory.payments} == before
    lab.call(wallet.close)


@pytest.mark.inv(396)
def test_each_intention_has_a_key_of_its_own(lab: Running) -> None:
    for _ in range(2):  # the same purchase, twice meant
        session_id = ask(lab)
        assert lab.run(lab.world.wallet.scan_face("success")) is True
        becomes(lab, session_id, "approved")
        lab.until(lambda: lab.world.wallet.state.screen is PhoneScreen.STACK)
    shop = [row for row in lab.run(lab.world.client.payments()) if row.tap_id == session_id]
    assert len(shop) == 1
    ids = {row.id for row in lab.run(lab.world.client.payments()) if row.amount_minor == 1800}
    assert len(ids) >= 2


@pytest.mark.inv("C49")
def test_only_a_look_that_succeeds_signs(lab: Running) -> None:
    wallet = lab.world.wallet
    session_id = ask(lab)
    assert lab.run(wallet.scan_face("cancel")) is False
    assert lab.run(wallet.scan_face("fail")) is False
    assert wallet.state.in_app.notice is not None
    lab.run(wallet.scan_face("fail"))
    lab.run(wallet.scan_face("fail"))
    assert wallet.state.screen is PhoneScreen.PASSCODE
    assert lab.call(lambda: wallet.enter_passcode("999999")) is False
    assert session(lab, session_id)["status"] == "waiting"
    assert lab.call(lambda: wallet.enter_passcode("000000")) is True
    becomes(lab, session_id, "approved")
    lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)


def test_a_refusal_offers_another_card(lab: Running) -> None:
    wallet = lab.world.wallet
    lines: list[object] = []
    session_id = ask(lab, amount=1851, lineItems=lines)  # ends in .51: insufficient funds
    assert lab.run(wallet.scan_face("success")) is False
    sheet = wallet.state.in_app
    assert (sheet.step, wallet.state.screen) == ("refused", PhoneScreen.IN_APP)
    assert sheet.notice is not None
    assert "Choose another card" in tell(sheet.notice)
    other = next(card for card in wallet.cards if card != wallet.chosen())
    lab.call(lambda: wallet.choose(other.id))
    assert wallet.chosen() == other
    lab.run(wallet.scan_face("success"))
    rows = payments_of(lab, session_id)
    assert {row.card_id for row in rows} >= {other.id}
    assert len(rows) == 2
    lab.call(wallet.close)


def test_what_was_not_sent_is_sent_again_under_its_key(lab: Running) -> None:
    wallet = lab.world.wallet
    session_id = ask(lab, supportedNetworks=["visa"])
    lab.run(lab.world.client.force_breaker("visa", "open"))
    assert lab.run(wallet.scan_face("success")) is False
    assert wallet.state.in_app.step == "not_sent"
    lab.run(lab.world.client.force_breaker("visa", "closed"))
    assert lab.run(wallet.scan_face("success")) is True
    rows = payments_of(lab, session_id)
    assert [row.state for row in rows] == ["approved"]  # one payment, one counter
    lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)


def test_either_side_can_call_it_off(lab: Running) -> None:
    wallet = lab.world.wallet
    first = ask(lab)
    lab.call(wallet.close)
    becomes(lab, first, "cancelled")
    assert wallet.state.screen is PhoneScreen.STACK
    second = ask(lab)
    lab.run(lab.world.client.cancel_merchant_session(second))
    lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)
    assert wallet.state.notice is not None
    assert "took its order back" in tell(wallet.state.notice)


def test_a_shop_that_takes_none_of_the_cards(lab: Running) -> None:
    wallet = lab.world.wallet
    visa = next(card for card in wallet.cards if card.network == "visa")
    lab.run(wallet.actions.suspend(visa.id))
    ask(lab, supportedNetworks=["visa"])
    assert wallet.state.in_app.notice is not None
    assert lab.run(wallet.scan_face("success")) is False
    lab.call(wallet.close)
    lab.run(wallet.actions.reactivate(visa.id))
    lab.until(lambda: all(card.status == "active" for card in wallet.cards))
