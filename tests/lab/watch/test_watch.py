"""The watch, whole way: its own tokens, worn or not, lost, offline; the phone is another device.

Over 0.25 s each: a laboratory with three cards and a watch is made for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.client import EngineClient
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.json_fields import Json
from lab.pos.state import PosPhase
from lab.scenarios.model import Tap
from lab.scenarios.shopping import pay_in_app
from lab.simulation import SimulatedLab
from lab.wallet.presence import Presence
from lab.wallet.state import PhoneScreen
from lab.watch.flow import WATCH_ID, WatchFlow
from lab.watch.state import WatchScreen

PASSCODE = "000000"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(5, tmp_path / "lab") as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        opened.run(opened.world.watch.pair())
        yield opened


def watch_of(lab: SimulatedLab) -> WatchFlow:
    flow = lab.world.watch.flow
    assert flow is not None
    return flow


def phones(lab: SimulatedLab, network: str = "visa") -> CardRecord:
    return next(card for card in lab.world.wallet.cards if card.network == network)


def give(lab: SimulatedLab, network: str = "visa") -> CardRecord:
    """The phone's card on the watch, too."""
    lab.run(lab.world.watch.add_card(phones(lab, network).id))
    return next(card for card in watch_of(lab).cards if card.network == network)


def wear(lab: SimulatedLab) -> WatchFlow:
    flow = watch_of(lab)
    flow.wrist.put_on()
    assert flow.wrist.enter(PASSCODE)
    return flow


def settle(lab: SimulatedLab, seconds: float = 2) -> None:
    lab.run(lab.world.real_scheduler.sleep(seconds))


def tap(lab: SimulatedLab, device: str, amount_minor: int = 1240) -> PosPhase:
    assert lab.world.watch.take(device)
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
    assert sale is not None
    lab.world.wallet.close()
    return sale.phase


@pytest.mark.inv(165, 167, 389)
def test_phone_and_watch_pay_with_tokens_of_their_own(lab: SimulatedLab) -> None:
    mine, other = phones(lab), give(lab)
    assert lab.world.wallet.state.notice is not None
    assert lab.world.wallet.state.notice.key == "wallet.watch.added"
    assert (mine.last4, mine.device_id) == (other.last4, "dev_phone")
    assert other.device_id == WATCH_ID
    assert len({mine.token_ref, other.token_ref}) == len({mine.token_last4, other.token_last4}) == 2
    flow = wear(lab)
    assert flow.state.screen is WatchScreen.CARDS
    assert tap(lab, "watch") is PosPhase.APPROVED
    assert flow.state.screen is WatchScreen.READ
    settle(lab)
    assert flow.state.told is not None
    assert flow.state.told.key == "wallet.bank.approved"
    assert lab.world.wallet.state.banner is None, "the phone's card did not pay"
    paid = lab.run(lab.world.client.payments())[0]
    assert paid.token_ref == other.token_ref
    settle(lab, 6)
    assert flow.state.told is None, "it was shown long enough"
    assert tap(lab, "phone") is PosPhase.APPROVED
    settle(lab)
    assert flow.state.told is None, "that was not this watch"
    assert lab.run(lab.world.client.payments())[0].token_ref == mine.token_ref
    atcs = {token.token_ref: token.atc for token in lab.world.element.tokens()}
    assert atcs[mine.token_ref] == 1, "two counters"


@pytest.mark.inv(389)
def test_a_watch_pays_only_on_the_wrist_that_unlocked_it(lab: SimulatedLab) -> None:
    give(lab)
    flow = watch_of(lab)
    assert flow.state.screen is WatchScreen.OFF
    assert not flow.double_press()
    assert flow.state.notice is not None
    assert flow.state.notice.key == "watch.not_worn"
    flow.wrist.put_on()
    assert flow.state.screen is WatchScreen.LOCKED
    for digit in "00000x1":  # what is no digit is no key
        flow.wrist.type_digit(digit)
    assert flow.state.notice is not None
    assert flow.state.notice.key == "watch.code_wrong"
    assert not flow.double_press()
    for digit in PASSCODE:
        flow.wrist.type_digit(digit)
    assert flow.state.screen is WatchScreen.CARDS
    assert flow.double_press()
    assert flow.armed_token is not None
    flow.wrist.take_off()
    assert (flow.armed_token, flow.state.screen) == (None, WatchScreen.OFF)
    assert not flow.double_press()


def test_too_many_passcodes_want_it_off_the_wrist(lab: SimulatedLab) -> None:
    flow = watch_of(lab)
    flow.wrist.put_on()
    assert not any(flow.wrist.enter("123456") for _ in range(5))
    assert flow.state.notice is not None
    assert flow.state.notice.key == "watch.code_spent"
    assert not flow.wrist.enter(PASSCODE)
    flow.wrist.take_off()
    flow.wrist.put_on()
    assert flow.wrist.enter(PASSCODE)
    assert flow.state.screen is WatchScreen.EMPTY


def test_arming_lasts_a_minute_and_another_card_can_be_chosen(lab: SimulatedLab) -> None:
    give(lab)
    give(lab, "amex")
    flow = wear(lab)
    assert flow.double_press()
    first = flow.armed_token
    flow.next_card()
    assert flow.armed_token not in {None, first}
    flow.next_card()
    assert flow.armed_token == first
    settle(lab, 61)
    assert (flow.armed_token, flow.state.screen) == (None, WatchScreen.CARDS)
    assert flow.state.notice is not None
    assert flow.state.notice.key == "watch.over"


@pytest.mark.inv(162, 163, 164, 165)
def test_a_lost_watch_is_no_lost_phone(lab: SimulatedLab) -> None:
    give(lab)
    flow, wallet = wear(lab), lab.world.wallet
    lab.run(wallet.actions.lost(WATCH_ID))
    settle(lab)
    assert flow.state.screen is WatchScreen.LOST
    assert not flow.double_press()
    assert wallet.state.screen is not PhoneScreen.LOST
    assert tap(lab, "phone") is PosPhase.APPROVED
    lab.run(wallet.actions.found(WATCH_ID, reactivate_cards=True))
    settle(lab)
    assert flow.state.screen is WatchScreen.CARDS
    assert tap(lab, "watch") is PosPhase.APPROVED


@pytest.mark.inv(165)
def test_a_lost_phone_is_no_lost_watch(lab: SimulatedLab) -> None:
    give(lab)
    wear(lab)
    lab.run(lab.world.wallet.actions.lost("dev_phone"))
    settle(lab)
    assert lab.world.wallet.state.screen is PhoneScreen.LOST
    assert tap(lab, "watch") is PosPhase.APPROVED


@pytest.mark.inv(166)
def test_a_watch_that_was_off_pays_meanwhile_and_catches_up(lab: SimulatedLab) -> None:
    visa = give(lab)
    flow, client = wear(lab), lab.world.client
    lab.run(client.put_faults(({"link": "watch.engine", "effect": "timeout"},)))
    settle(lab, 1)
    assert flow.state.offline
    assert not lab.world.wallet.state.offline, "the phone has a line of its own"
    lab.run(lab.world.watch.add_card(phones(lab, "amex").id))
    assert lab.world.wallet.state.notice is not None
    assert lab.world.wallet.state.notice.key == "wallet.watch.waits"
    assert [card.network for card in flow.cards] == ["visa"]
    assert tap(lab, "watch") is PosPhase.APPROVED, "its keys are in it"
    lab.run(client.beside_links().suspend(visa.id))
    lab.run(client.reset_faults())
    settle(lab, 30)
    assert not flow.state.offline
    assert {card.network: card.status for card in flow.cards} == {
        "visa": "suspended",
        "amex": "active",
    }
    assert all(card.is_here for card in flow.state.cards)


def test_a_card_that_its_person_stops_disarms_the_watch(lab: SimulatedLab) -> None:
    visa = give(lab)
    flow = wear(lab)
    assert flow.double_press()
    lab.run(lab.world.client.suspend(visa.id))
    settle(lab)
    assert flow.armed_token is None
    assert flow.state.screen is WatchScreen.CARDS


def test_removing_a_card_from_the_watch_leaves_the_phones(lab: SimulatedLab) -> None:
    visa = give(lab)
    lab.run(lab.world.client.remove_card(visa.id))
    settle(lab)
    assert watch_of(lab).cards == ()
    assert not watch_of(lab).holds(visa.token_ref)
    assert phones(lab).status == "active"


def test_the_same_card_comes_once(lab: SimulatedLab) -> None:
    give(lab)
    lab.run(lab.world.watch.add_card(phones(lab).id))
    assert lab.world.wallet.state.notice is not None
    assert lab.world.wallet.state.notice.key == "wallet.add.already"
    assert len(watch_of(lab).cards) == 1


def test_a_declined_payment_is_told_on_the_watch(lab: SimulatedLab) -> None:
    give(lab)
    flow = wear(lab)
    assert tap(lab, "watch", 1251) is PosPhase.DECLINED
    settle(lab)
    assert flow.state.told is not None
    assert flow.state.told.key == "wallet.bank.declined"
    record = PaymentRecord.from_json(lab.run(lab.world.client.payment(flow.state.told_payment_id)))
    assert record.card_id == flow.cards[0].id


def test_without_a_watch_there_is_nothing_to_take(tmp_path: Path) -> None:
    with SimulatedLab(5, tmp_path / "lab") as lab:
        lab.run(lab.world.wallet.start_with_demo_cards())
        assert not lab.world.watch.take("watch")
        lab.run(lab.world.watch.add_card(phones(lab).id))
        assert lab.world.wallet.state.notice is not None
        assert lab.world.wallet.state.notice.key == "wallet.watch.away"
        assert not lab.world.settings.watch_element_file.exists()


def test_it_is_there_again_locked_with_its_cards(tmp_path: Path) -> None:
    with SimulatedLab(5, tmp_path / "lab") as lab:
        lab.run(lab.world.wallet.start_with_demo_cards())
        lab.run(lab.world.watch.pair())
        give(lab)
        wear(lab)
        assert tap(lab, "watch") is PosPhase.APPROVED
    with SimulatedLab(5, tmp_path / "lab") as lab:
        flow = watch_of(lab)
        settle(lab)
        assert flow.state.screen is WatchScreen.OFF
        assert [card.network for card in flow.cards] == ["visa"]
        wear(lab)
        assert tap(lab, "watch") is PosPhase.APPROVED


@pytest.mark.inv(155, "C49")
def test_the_phones_session_knows_its_device_and_the_watchs_may_not_pay_in_apps(
    lab: SimulatedLab,
) -> None:
    async def me(client: EngineClient) -> Json:
        return await client._api("GET", "/api/auth/me")

    phone = lab.run(me(lab.world.client))
    assert (phone["deviceId"], phone["deviceVerified"]) == ("dev_phone", True)
    assert "payments:in_app" in phone["permissions"]
    client = lab.world.watch._client
    assert client is not None
    watch = lab.run(me(client))
    assert (watch["deviceId"], watch["deviceVerified"]) == (WATCH_ID, True)
    assert "payments:in_app" not in watch["permissions"], "it sees no face"


@pytest.mark.inv(155, "C49")
def test_a_phone_whose_session_was_replaced_proves_itself_again_and_pays(
    lab: SimulatedLab,
) -> None:
    lab.world.client.forget_session()  # as after a broken push connection
    taken = lab.run(pay_in_app(lab.world, Tap("app", 1800, "USD", "visa", in_app=True)))
    assert taken.outcome == "approved"


@pytest.mark.inv(155, "C49")
def test_a_phone_that_the_engine_does_not_believe_pays_at_tills_only(lab: SimulatedLab) -> None:
    world = lab.world
    own = world.element.word_key()
    other = world.watch._element
    assert other is not None
    taken = Presence(
        "dev_phone", kind="phone", name="Phone", face_enrolled=True,
        client=world.client, element=other, log=world.log,
    )  # fmt: skip
    assert other.word_key() != own
    lab.run(taken.show())  # a session that proved itself may show another key
    lab.run(world.wallet.account.sign_out())
    lab.run(world.wallet.account.sign_in())
    assert any(event.kind == "device.unproven" for event in lab.events)
    assert tap(lab, "phone") is PosPhase.APPROVED
    paid = lab.run(pay_in_app(world, Tap("app", 1800, "USD", "visa", in_app=True)))
    assert paid.outcome != "approved"
