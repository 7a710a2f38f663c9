"""Cards of the vault pay through the assembled engine: vault, switch, wire, host, issuer."""

from __future__ import annotations

import pytest

from backend.networks.remote_cards import REMOTE_CARDS
from backend.payments.idempotency import KeyMismatch
from backend.payments.machine import State
from backend.runtime.errors import BadRequest, NotFound
from tests.backend.gateway.shop import OTHER_SHOP, Shop

PUBLISHED = {
    # number: (security code, state, response code, reason)
    "4242424242424242": ("123", State.APPROVED, "00", None),
    "5555555555554444": ("123", State.APPROVED, "00", None),
    "378282246310005": ("1234", State.APPROVED, "00", None),
    "4012888888881881": ("123", State.APPROVED, "00", None),
    "4000000000000259": ("123", State.APPROVED, "00", None),
    "4000000000002685": ("123", State.APPROVED, "00", None),
    "4000000000000002": ("123", State.DECLINED, "05", "do_not_honor"),
    "4000000000009995": ("123", State.DECLINED, "51", "insufficient_funds"),
    "4000000000009979": ("123", State.DECLINED, "43", "stolen_card"),
    "4000000000000069": ("123", State.DECLINED, "54", "expired_card"),
    "4000000000000127": ("123", State.DECLINED, "N7", "incorrect_cvc"),
    "4000000000000119": ("123", State.DECLINED, "96", "processing_error"),
    "4000002500003155": ("123", State.DECLINED, "1A", "authentication_required"),
}


@pytest.mark.inv(172, 182, 311)
@pytest.mark.parametrize("number", PUBLISHED)
def test_each_published_number_does_what_it_stands_for(shop: Shop, number: str) -> None:
    code, state, response_code, reason = PUBLISHED[number]
    paid = shop.pay(shop.keep(number, cvc=code))
    assert (paid.state, paid.response_code, paid.reason) == (state, response_code, reason)
    assert (paid.auth_code is not None) == (state is State.APPROVED)
    assert (paid.last4, paid.atc, paid.token_ref) == (number[-4:], 0, None)
    held = shop.stored("SELECT amount_minor FROM host_holds WHERE state = 'held'", "networks")
    assert held == ([(1200,)] if state is State.APPROVED else [])
    assert shop.red() == []


@pytest.mark.inv(196, 207)
def test_who_will_dispute_is_said_with_the_approval(shop: Shop) -> None:
    for number, behaviour in REMOTE_CARDS.items():
        if behaviour.disputes_later is not None:
            paid = shop.pay(shop.keep(number))
            said = dict(shop.events(paid))["payment.approved"]
            assert said["disputes_later"] == behaviour.disputes_later
            assert said["code_matches"] is True
    said = dict(shop.events(shop.pay(shop.keep(cvc=None))))["payment.approved"]
    assert (said["disputes_later"], said["code_matches"]) == (None, None)


def test_amounts_steer_the_issuer_as_for_taps(shop: Shop) -> None:
    paid = shop.pay(shop.keep(), 1251)
    assert (paid.state, paid.reason) == (State.DECLINED, "insufficient_funds")
    assert paid.steered == "amount ends .51"


def test_one_limit_for_the_card_however_it_pays(shop: Shop) -> None:
    card = shop.keep()
    assert shop.pay(card, 30_000_00).state is State.APPROVED
    other = Shop(shop.world, shop.folder, OTHER_SHOP)
    paid = other.pay(other.keep(), 30_000_00)
    assert (paid.state, paid.reason) == (State.DECLINED, "insufficient_funds")


def test_what_travels_is_sealed_and_says_that_nobody_met(shop: Shop) -> None:
    paid = shop.pay(shop.keep())
    sent = next(data for kind, data in shop.events(paid) if kind == "message.sent")
    fields = sent["fields"]
    assert (fields["22"], fields["25"], fields["14"]) == ("810", "59", "3012")
    assert fields["48"] == "ec=07"
    assert not {"2", "23", "35", "55"} & fields.keys()
    assert fields["127"].endswith("characters sealed for the network")


@pytest.mark.inv(174, 178, 185, 188)
def test_a_sale_is_captured_and_refunded_at_its_network(shop: Shop) -> None:
    paid = shop.pay(shop.keep())
    shop.ordered("capture", paid, amount=1000)
    shop.pass_time(1)
    assert shop.stored("SELECT posted_minor FROM host_postings", "networks") == [(1000,)]
    shop.ordered("refunds", paid, amount=400)
    shop.pass_time(1)
    assert shop.stored("SELECT posted_minor FROM host_postings", "networks") == [(600,)]
    now = shop.again(paid)
    assert (now.state, now.captured_minor, now.refunded_minor) == (State.CAPTURED, 1000, 400)
    assert shop.red() == []


@pytest.mark.inv(179)
def test_an_approval_is_let_go_at_its_network(shop: Shop) -> None:
    paid = shop.pay(shop.keep())
    shop.ordered("void", paid)
    shop.pass_time(1)
    assert shop.again(paid).state is State.REVERSED
    assert shop.stored("SELECT held_minor FROM host_balances", "networks") == [(0,)]
    assert shop.red() == []


# -- once ------------------------------------------------------------------------------------------


@pytest.mark.inv(100, 109, 110)
def test_the_same_order_is_carried_out_once(shop: Shop) -> None:
    card = shop.keep()
    paid = shop.pay(card, key="k")
    assert shop.pay(card, key="k") == paid
    with pytest.raises(KeyMismatch):
        shop.pay(card, 1300, key="k")
    assert shop.stored("SELECT count(*) FROM payments") == [(1,)]
    other = Shop(shop.world, shop.folder, OTHER_SHOP)
    assert other.pay(other.keep(), key="k").id != paid.id


@pytest.mark.parametrize("card_id", ["card_nowhere", "another's"])
def test_another_merchants_card_does_not_exist(shop: Shop, card_id: str) -> None:
    card = shop.keep()
    other = Shop(shop.world, shop.folder, OTHER_SHOP)
    wanted = card.id if card_id == "another's" else card_id
    with pytest.raises(NotFound) as refused:
        other.pay(card, card_id=wanted)
    assert refused.value.code == "card_unknown"
    assert shop.stored("SELECT count(*) FROM payments") == [(0,)]
    opened = "SELECT count(*) FROM audit_logs WHERE action = 'card.opened'"
    assert shop.stored(opened) == [(0,)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"amount_minor": 0}, "amount_not_positive"),
        ({"amount_minor": -5}, "amount_not_positive"),
        ({"amount_minor": 10**12}, "amount_too_large"),
        ({"currency": "XXZ"}, "currency_unknown"),
        ({"intent_id": "a b"}, "intent_invalid"),
        ({"key": "k" * 1_000}, "idempotency_key_invalid"),
        ({"key": ""}, "idempotency_key_required"),
    ],
)
def test_an_order_that_cannot_be_changes_nothing(shop: Shop, wrong: dict, code: str) -> None:
    card = shop.keep()
    with pytest.raises(BadRequest) as refused:
        shop.pay(card, **wrong)
    assert refused.value.code == code
    assert shop.stored("SELECT count(*) FROM payments") == [(0,)]


# -- when the way is bad ---------------------------------------------------------------------------


def test_an_open_breaker_sends_nothing_and_the_order_may_try_again(shop: Shop) -> None:
    card = shop.keep()
    shop.force("open")
    refused = shop.pay(card, key="k")
    assert (refused.state, refused.reason) == (State.NOT_SENT, "breaker_open")
    shop.force("auto")
    paid = shop.pay(card, key="k")
    assert (paid.id, paid.state) == (refused.id, State.APPROVED)
    assert dict(shop.events(paid))["payment.approved"]["code_matches"] is True
    assert shop.red() == []


@pytest.mark.parametrize("lost", ["lost_request", "lost_response"])
def test_an_answer_that_never_came_is_found_out_and_undone(shop: Shop, lost: str) -> None:
    card = shop.keep()
    shop.fault(link="visa.auth", effect=lost, when={"nth": 1})
    paid = shop.pay(card)
    assert paid.state is State.UNKNOWN
    assert shop.red() == []
    shop.pass_time(3_600)
    assert shop.again(paid).state is State.REVERSED
    assert shop.stored("SELECT coalesce(sum(held_minor), 0) FROM host_balances", "networks") == [
        (0,)
    ]
    assert shop.red() == []


def test_a_repeated_request_holds_once(shop: Shop) -> None:
    shop.fault(link="visa.auth", effect="duplicate")
    assert shop.pay(shop.keep()).state is State.APPROVED
    assert shop.stored("SELECT held_minor FROM host_balances", "networks") == [(1200,)]


def test_a_customer_waits_longer_than_a_till(shop: Shop) -> None:
    shop.fault(link="visa.auth", effect="latency", ms=3_000)
    assert shop.pay(shop.keep()).state is State.APPROVED


def test_a_network_whose_key_cannot_be_had_is_not_asked(shop: Shop) -> None:
    card = shop.keep()
    shop.fault(link="visa.tsp", effect="reset_peer")
    refused = shop.pay(card, key="k")
    assert (refused.state, refused.reason) == (State.NOT_SENT, "network_unavailable")
    shop.fault()
    assert shop.pay(card, key="k").state is State.APPROVED


def test_a_damaged_record_sends_nothing_and_says_so(shop: Shop) -> None:
    card = shop.keep()
    shop.database._writer.execute("UPDATE vault_cards SET sealed_number = zeroblob(44)")
    refused = shop.pay(card)
    assert (refused.state, refused.reason) == (State.NOT_SENT, "vault_unavailable")
    said = dict(shop.events(refused))["vault.refused"]
    assert "does not open" in said["detail"]
    assert shop.stored("SELECT count(*) FROM host_authorizations", "networks") == [(0,)]


def test_a_network_with_another_key_is_asked_for_it(shop: Shop) -> None:
    """A host that was set up anew: the first block is in vain, the next one is not."""
    card = shop.keep()
    assert shop.pay(card).state is State.APPROVED
    keys = shop.engine.cards.payments._network_keys
    keys["visa"] = shop.world.run(shop.engine.cards.payments._ports.network_key("amex"))
    refused = shop.pay(card)
    assert (refused.state, refused.reason) == (State.DECLINED, "not_sealed")
    assert shop.pay(card).state is State.APPROVED
