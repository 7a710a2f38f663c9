"""A card's later life on the phone, whole way: phone, engine, network and secure element agree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine_shapes import CardRecord
from lab.pos.state import PosPhase
from lab.simulation import SimulatedLab
from lab.wallet.state import PhoneScreen
from lab.words import tell

TSP_AWAY = ({"link": "visa.tsp", "effect": "reset_peer"},)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(5, tmp_path / "lab") as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        yield opened


def card_of(lab: SimulatedLab, network: str) -> CardRecord:
    return next(card for card in lab.world.wallet.cards if card.network == network)


def settle(lab: SimulatedLab, seconds: float = 2) -> None:
    lab.run(lab.world.real_scheduler.sleep(seconds))


def tap(lab: SimulatedLab, card: CardRecord) -> PosPhase:
    sale = lab.run(lab.world.hands.tap(1240, "USD", card.id))
    assert sale is not None
    lab.world.wallet.close()
    return sale.phase


@pytest.mark.inv(52, 53)
def test_a_card_is_suspended_and_reactivated_on_the_phone(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    wallet.open_card(visa.id)
    lab.run(wallet.actions.suspend(visa.id))
    (shown,) = [card for card in wallet.state.cards if card.id == visa.id]
    assert (shown.status, shown.suspended_by) == ("suspended", ("CARDHOLDER",))
    assert wallet.state.notice is not None
    wallet.double_press()
    assert wallet.state.notice is not None
    assert wallet.state.notice.key == "wallet.pay.suspended"
    wallet.close()
    assert tap(lab, visa) is PosPhase.DECLINED
    lab.run(wallet.actions.reactivate(visa.id))
    assert card_of(lab, "visa").status == "active"
    assert tap(lab, visa) is PosPhase.APPROVED


def test_suspending_the_armed_card_disarms_the_phone(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    wallet.open_card(visa.id)
    wallet.double_press()
    assert lab.run(wallet.scan_face("success"))
    assert wallet.armed_token == visa.token_ref
    lab.run(wallet.actions.suspend(visa.id))
    assert wallet.armed_token is None


@pytest.mark.inv(55, 65)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_new_number_takes_the_old_ones_place_in_the_phone(
    lab: SimulatedLab, network: str
) -> None:
    wallet, element, old = lab.world.wallet, lab.world.element, card_of(lab, network)
    lab.run(wallet.actions.set_default(old.id))
    places = [token.token_ref for token in element.tokens()]
    lab.run(wallet.actions.refresh_token(old.id))
    settle(lab)
    new = card_of(lab, network)
    assert (new.id, new.last4, new.is_default) == (old.id, old.last4, True)
    assert new.token_ref != old.token_ref
    installed = [token.token_ref for token in element.tokens()]
    assert len(installed) == len(places)
    assert new.token_ref in installed
    assert old.token_ref not in installed
    assert element.default == new.token_ref
    assert tap(lab, new) is PosPhase.APPROVED


def test_a_refresh_that_waits_for_its_network_says_so_and_comes(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    lab.run(lab.world.client.put_faults(TSP_AWAY))
    lab.run(wallet.actions.refresh_token(visa.id))
    assert wallet.state.notice is not None
    assert wallet.state.notice.key == "wallet.refresh.waits"
    assert card_of(lab, "visa").pending_operation == "refresh"
    assert tap(lab, visa) is PosPhase.APPROVED, "the old number pays until then"
    lab.run(lab.world.client.reset_faults())
    settle(lab, 600)
    assert card_of(lab, "visa").token_ref != visa.token_ref
    assert tap(lab, card_of(lab, "visa")) is PosPhase.APPROVED


@pytest.mark.inv(166)
def test_what_the_bank_does_to_a_card_drops_as_its_message(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    client = lab.world.client
    lab.run(client.change_token(visa.token_ref, "suspend"))
    settle(lab, 1)
    assert wallet.state.banner is not None
    assert wallet.state.banner.key == "wallet.bank.card_stopped"
    assert card_of(lab, "visa").suspended_by == ("ISSUER",)
    lab.run(wallet.actions.reactivate(visa.id))
    assert wallet.state.notice is not None
    assert wallet.state.notice.key == "wallet.stopped_by_bank"
    lab.run(client.change_token(visa.token_ref, "replace-card"))
    settle(lab, 1)
    assert wallet.state.banner.key == "wallet.bank.card_replaced"
    assert card_of(lab, "visa").last4 != "4242"
    lab.run(client.release_card(visa.id))
    settle(lab, 1)
    assert tap(lab, visa) is PosPhase.APPROVED
    lab.run(client.change_token(visa.token_ref, "delete"))
    settle(lab, 1)
    assert wallet.state.banner.key == "wallet.bank.card_removed"
    assert visa.token_ref not in {token.token_ref for token in lab.world.element.tokens()}


@pytest.mark.inv(162, 163, 164)
def test_a_phone_that_is_lost_says_so_until_it_is_found(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    wallet.actions.open_devices()
    (device,) = wallet.state.devices
    assert (device.is_this, device.cards, device.stopped) == (True, 3, 0)
    lab.run(wallet.actions.lost(device.id))
    assert wallet.state.screen is PhoneScreen.LOST
    assert wallet.state.devices[0].stopped == 3
    settle(lab, 5)
    assert wallet.state.screen is PhoneScreen.LOST
    lab.run(wallet.actions.reactivate(visa.id))
    assert wallet.state.notice is not None
    assert wallet.state.notice.key == "wallet.device_lost"
    lab.run(wallet.actions.found(device.id, reactivate_cards=False))
    assert wallet.state.screen is PhoneScreen.STACK
    assert {card.status for card in wallet.cards} == {"suspended"}
    assert tap(lab, visa) is PosPhase.DECLINED
    lab.run(wallet.actions.lost(device.id))
    lab.run(wallet.actions.found(device.id, reactivate_cards=True))
    assert {card.status for card in wallet.cards} == {"active"}
    assert tap(lab, visa) is PosPhase.APPROVED


def test_a_phone_that_was_off_catches_up(lab: SimulatedLab) -> None:
    wallet, visa = lab.world.wallet, card_of(lab, "visa")
    client = lab.world.client
    lab.run(client.put_faults(({"link": "phone.engine", "effect": "timeout"},)))
    beside = client.beside_links()
    lab.run(beside.refresh_card(visa.id))
    lab.run(beside.suspend(card_of(lab, "amex").id))
    settle(lab, 1)
    assert card_of(lab, "visa").token_ref == visa.token_ref
    lab.run(client.reset_faults())
    settle(lab, 30)
    assert card_of(lab, "amex").status == "suspended"
    assert card_of(lab, "visa").token_ref != visa.token_ref
    assert tap(lab, card_of(lab, "visa")) is PosPhase.APPROVED
    assert not wallet.state.offline


def test_back_to_normal_lets_a_card_go_whoever_holds_it(lab: SimulatedLab) -> None:
    world = lab.world
    visa, amex = card_of(lab, "visa"), card_of(lab, "amex")
    lab.run(world.client.change_token(visa.token_ref, "suspend"))
    lab.run(world.client.device_lost("dev_phone"))
    settle(lab, 1)
    lab.run(world.console.look())
    assert len([d for d in world.console.state.deviations if d.kind == "card"]) == 3
    lab.run(world.console.back_to_normal())
    settle(lab, 1)
    lab.run(world.console.look())
    assert [d for d in world.console.state.deviations if d.kind == "card"] == []
    assert {tap(lab, card) for card in (visa, amex)} == {PosPhase.APPROVED}


def fill_in(
    lab: SimulatedLab, code: str, number: str = "4000056655665556", design: str = ""
) -> CardRecord | None:
    """Fill in the form as a person does, and send it."""
    wallet = lab.world.wallet

    async def typed() -> CardRecord | None:
        wallet.begin_add()
        for name, text in (("number", number), ("expiry", "1230"), ("cvv", code)):
            wallet.edit_add(name, text)
        assert wallet.state.add.asking
        await lab.world.real_scheduler.sleep(1)
        wallet.edit_add("design", design)
        assert not wallet.state.add.can_submit
        wallet.edit_add("terms", "1")
        assert wallet.state.add.can_submit
        return await wallet.submit_add()

    return lab.run(typed())


def test_a_card_remembers_the_terms_that_stood_in_its_form(lab: SimulatedLab) -> None:
    card = fill_in(lab, "123")
    assert card is not None
    listed = lab.run(lab.world.client._api("GET", "/api/cards"))["cards"]
    (mine,) = [each for each in listed if each["id"] == card.id]
    assert (mine["termsVersion"], mine["cardType"]) == ("standard-debit-1", "debit")


def test_a_face_that_was_chosen_is_the_cards(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet
    everyday = next(card for card in wallet.cards if card.network == "visa")
    lab.run(wallet.remove(everyday.id))
    card = fill_in(lab, "123", number="4242424242424242", design="everyday-tide")
    assert card is not None
    (view,) = [view for view in wallet.state.cards if view.id == card.id]
    assert (view.label, view.art) == ("Everyday", "everyday-tide")


def test_terms_that_nobody_could_read_are_not_accepted(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet

    async def typed() -> None:
        wallet.begin_add()
        for name, text in (("number", "4111111111111111"), ("expiry", "1230"), ("cvv", "123"),
                           ("terms", "1")):  # fmt: skip
            wallet.edit_add(name, text)
        assert await wallet.submit_add() is None
        assert wallet.state.screen is PhoneScreen.ADD_CARD

    lab.run(typed())
    assert len(wallet.cards) == 3


def test_another_number_takes_terms_and_faces_back(lab: SimulatedLab) -> None:
    wallet = lab.world.wallet

    async def typed() -> None:
        wallet.begin_add()
        wallet.edit_add("number", "4242424242424242")
        await lab.world.real_scheduler.sleep(1)
        assert [name for name, _ in wallet.state.add.designs] == ["everyday", "everyday-tide"]
        wallet.edit_add("terms", "1")
        wallet.edit_add("number", "5555555555554444")
        form = wallet.state.add
        assert (form.product, form.terms_text, form.terms_accepted) == ("", "", False)
        wallet.edit_add("number", "4111111111111111")  # before the first answer is there
        await lab.world.real_scheduler.sleep(1)
        assert wallet.state.add.product == "Standard"

    lab.run(typed())


@pytest.mark.parametrize(("code", "who"), [("620", "bank"), ("621", "network"), ("622", "wallet")])
def test_a_card_that_is_refused_says_by_whom_and_stays_in_its_form(
    lab: SimulatedLab, code: str, who: str
) -> None:
    wallet = lab.world.wallet
    assert fill_in(lab, code) is None
    assert wallet.state.add.terms_text
    (said,) = [tell(what) for field, what in wallet.state.add.errors if field == "number"]
    assert who in said
    assert wallet.state.screen is PhoneScreen.ADD_CARD
    assert len(wallet.cards) == 3
