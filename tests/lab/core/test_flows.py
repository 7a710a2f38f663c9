"""Phone, till and console against a real engine: the same flows that the window shows."""

from __future__ import annotations

import json

import pytest

from lab.adapter import LabAdapter, Runner
from lab.console.state import BenchState
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.pos.display import network_name
from lab.pos.state import PosPhase
from lab.wallet import phone_cache
from lab.wallet.add_card import CardDraft
from lab.wallet.state import PhoneScreen
from lab.words import tell, tr
from tests.lab.core.running import Running

SHOWED = {"phone.showed", "till.showed"}


def card_of(lab: Running, network: str) -> CardRecord:
    return next(card for card in lab.world.wallet.cards if card.network == network)


def test_the_demo_cards_are_there_with_their_names_and_art(lab: Running) -> None:
    views = {card.network: card for card in lab.world.wallet.state.cards}
    assert {view.art for view in views.values()} == {"everyday", "travel", "reserve"}
    assert sum(card.is_default for card in views.values()) == 1
    assert all(card.token_last4 != card.last4 for card in views.values())


@pytest.mark.inv(40)
def test_the_same_card_twice_is_refused_beside_its_field(lab: Running) -> None:
    wallet = lab.world.wallet
    lab.call(wallet.begin_add)
    for name, typed in (
        ("number", "4242 4242 4242 4242"),
        ("expiry", "12/30"),
        ("cvv", "123"),
        ("terms", "1"),
    ):
        lab.call(lambda name=name, typed=typed: wallet.edit_add(name, typed))
    assert wallet.state.add.network == "visa"
    lab.until(lambda: wallet.state.add.can_submit)  # its terms are there to be read
    assert lab.run(wallet.submit_add()) is None
    assert dict(wallet.state.add.errors)["number"].key == "wallet.add.already"


def test_a_bad_form_goes_nowhere(lab: Running) -> None:
    wallet = lab.world.wallet
    lab.call(wallet.begin_add)
    lab.call(lambda: wallet.edit_add("number", "4242424242424241"))
    assert lab.run(wallet.submit_add()) is None
    assert {name for name, _ in wallet.state.add.errors} == {"number", "expiry", "cvv", "terms"}
    lab.call(wallet.close)
    assert wallet.state.add.number_text == ""


@pytest.mark.inv(71, 171)
def test_the_phone_logs_a_tap_before_anybody_told_it_the_answer(lab: Running) -> None:
    wallet, cache = lab.world.wallet, lab.world.settings.data_dir / "phone.json"
    lab.call(lambda: wallet.card_read("tap_alone", 1240, "USD", "Corner Market"))
    lab.until(lambda: b"tap_alone" in cache.read_bytes())
    (row,) = json.loads(cache.read_bytes())["payments"][:1]
    assert row["state"] == "pending"
    assert (row["merchantName"], row["amount"], row["currency"]) == ("Corner Market", 1240, "USD")
    visa = next(card for card in wallet.cards if card.network == "visa")
    lab.call(lambda: wallet.open_card(visa.id))
    assert wallet.state.history[0].state == "pending"
    assert wallet.state.history[0].amount_text == "$12.40"


def test_a_whole_tap_is_approved_and_everybody_believes_it(lab: Running) -> None:
    world = lab.world
    sale = lab.run(world.hands.tap(1240, "USD"))
    assert sale.phase is PosPhase.APPROVED
    assert sale.answer.response_code == "00"
    assert len(sale.answer.auth_code) == 6
    assert sale.tap.kernel == 3
    assert sale.tap.apdu_count == 3
    assert world.wallet.armed_token is None
    lab.until(lambda: world.wallet.state.banner_payment_id == sale.answer.payment_id)
    assert tell(world.wallet.state.banner) == "$12.40 at Corner Market: paid"

    def believed() -> bool:
        rows = [row for row in world.console.state.payments if row.id == sale.answer.payment_id]
        return bool(rows) and (rows[0].phone, rows[0].till) == ("approved", "approved")

    lab.until(believed)
    lab.run(world.console.show_payment(sale.answer.payment_id))
    detail = world.console.state.payment
    kinds = [event.kind for event in detail.events]
    assert kinds.count("tap.apdu") == 3
    told = [(event.kind, event.data["belief"]) for event in detail.events if event.kind in SHOWED]
    assert sorted(told) == [
        ("phone.showed", "approved"), ("phone.showed", "read"), ("till.showed", "approved")
    ]  # fmt: skip
    bench = world.bus.latest(BenchState).shown
    assert [line.name.split()[0] for line in bench.apdus] == ["SELECT", "SELECT", "GET"]
    assert bench.decoded[0][0].tag == "6F"
    lab.until(lambda: world.bus.latest(BenchState).shown.title.endswith(" · $12.40 · Visa ·4242"))
    words = {node.tag: node.meaning for node in bench.decoded[0]}
    assert words["84"] == "2PAY.SYS.DDF01"
    assert words["4F"] == ""
    assert kinds.index("tap.started") < kinds.index("payment.approved")
    assert detail.sum_text == "$0.00"
    assert world.console.state.last_tap.payment_id == sale.answer.payment_id
    assert [hop.key for hop in detail.hops][:2] == ["hop.reader", "hop.till"]
    assert sum(hop.duration_us for hop in detail.hops) == world.console.state.last_tap.total_us


def test_the_banks_banner_leaves_with_the_next_sale_and_does_not_come_back(lab: Running) -> None:
    world = lab.world
    payment_id = lab.run(world.hands.tap(1240, "USD")).answer.payment_id
    lab.until(lambda: world.wallet.state.banner_payment_id == payment_id)
    lab.call(lambda: world.wallet.till_asks("$1.00", "Emulated reader"))
    assert world.wallet.state.banner is None
    record = PaymentRecord.from_json(lab.run(world.client.payment(payment_id)))
    lab.call(lambda: world.wallet.bank_says(record, "$12.40"))
    assert world.wallet.state.banner is None


def test_the_till_always_shows_its_currency(lab: Running) -> None:
    pos = lab.world.pos
    assert pos.state.amount_text == "$0.00"
    lab.call(lambda: pos.set_currency("JPY"))
    assert pos.state.amount_text == "¥0"
    lab.call(lambda: pos.set_currency("USD"))


@pytest.mark.parametrize("seconds", [30, 600, 120])
def test_the_chart_looks_back_as_far_as_it_is_asked_to(lab: Running, seconds: int) -> None:
    console = lab.world.console
    lab.run(console.set_window(seconds))
    assert console.state.latency.window_s == seconds
    lab.run(console.set_window(7))  # not on offer
    assert console.state.latency.window_s == seconds


@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_what_can_be_broken_carries_the_network(lab: Running, network: str) -> None:
    lab.call(lambda: lab.world.console.show_network(network))
    offered = lab.world.console.state.faults
    titles = [tr(fault.title) for fault in offered if fault.group == "network"]
    name = network_name(network)
    assert titles == [
        f"{name}: {what}"
        for what in ("slow", "no answer", "request lost", "answer lost", "line cut", "garbled")
    ]
    lab.call(lambda: lab.world.console.show_network("visa"))


def test_the_recorded_conversation_holds_no_account_number(lab: Running) -> None:
    sale = lab.run(lab.world.hands.tap(1100, "USD"))
    trace = (lab.world.settings.traces_dir / f"{sale.tap_id}.apdu").read_text()
    raw = "".join(exchange.response.hex() for exchange in sale.tap.exchanges)
    assert sale.tap.token in raw  # the control: it was there to be masked
    assert sale.tap.token not in trace
    assert sale.tap.token not in repr(sale)
    assert trace.count("\n") == 5 + 3


@pytest.mark.parametrize(
    ("amount_minor", "code"), [(1251, "51"), (1254, "54"), (1261, "61"), (1296, "96")]
)
def test_a_steered_decline_says_so(lab: Running, amount_minor: int, code: str) -> None:
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
    assert sale.phase is PosPhase.DECLINED
    assert sale.answer.response_code == code
    why = tell(lab.world.pos.state.detail)
    assert why.endswith(f"({code}): the amount ends .{code}")
    lab.run(lab.world.console.show_payment(sale.answer.payment_id))
    assert dict(lab.world.console.state.payment.facts)["Reason"] == why
    assert lab.world.pos.state.can_charge  # the amount is kept for another card
    assert lab.world.pos.state.amount_text == f"$12.{code}"


def test_yen_have_no_decimals_anywhere(lab: Running) -> None:
    pos = lab.world.pos
    lab.call(lambda: pos.set_currency("JPY"))
    for key in ("1", "2", "00"):
        lab.call(lambda key=key: pos.key(key))
    assert pos.state.amount_text == "¥1,200"
    sale = lab.run(lab.world.hands.space())
    assert sale.phase is PosPhase.APPROVED
    assert bytes.fromhex("5F2A020392") in sale.tap.emv_data
    assert bytes.fromhex("9F0206000000001200") in sale.tap.emv_data
    lab.call(lambda: pos.set_currency("USD"))


@pytest.mark.parametrize(("network", "kernel"), [("mastercard", 2), ("amex", 4)])
def test_the_other_networks_phones_pay_too(lab: Running, network: str, kernel: int) -> None:
    sale = lab.run(lab.world.hands.tap(7240, "USD", card_of(lab, network).id))
    assert (sale.phase, sale.tap.kernel, sale.tap.cdcvm) == (PosPhase.APPROVED, kernel, True)


def test_a_phone_that_is_not_armed_pays_nothing(lab: Running) -> None:
    world = lab.world
    lab.call(lambda: world.pos.set_amount(1240, "USD"))
    charge = lab.io.call_soon
    charge(lambda: world.real_scheduler.spawn(world.pos.charge(), "charge"))
    lab.until(lambda: world.pos.state.phase is PosPhase.PRESENT)
    lab.run(world.hands.hold())
    lab.until(lambda: world.pos.state.phase is PosPhase.SEE_PHONE)
    assert world.pos.state.amount_text == "$12.40"


def test_the_cashier_can_stop_waiting(lab: Running) -> None:
    world = lab.world
    lab.call(lambda: world.pos.set_amount(900, "USD"))
    lab.io.call_soon(lambda: world.real_scheduler.spawn(world.pos.charge(), "charge"))
    lab.until(lambda: world.pos.state.phase is PosPhase.PRESENT)
    lab.call(world.pos.cancel)
    lab.until(lambda: world.pos.state.phase is PosPhase.AMOUNT)
    assert world.pos.state.amount_text == "$9.00"


def test_three_failed_scans_ask_for_the_passcode(lab: Running) -> None:
    wallet = lab.world.wallet
    lab.call(wallet.double_press)
    for left in (2, 1, 0):
        assert not lab.run(wallet.scan_face("fail"))
        assert wallet.state.scans_left == left
    assert wallet.state.screen is PhoneScreen.PASSCODE
    assert not lab.call(lambda: wallet.enter_passcode("999999"))
    assert wallet.state.notice.key == "wallet.passcode_wrong"
    assert lab.call(lambda: wallet.enter_passcode("000000"))
    assert wallet.state.screen is PhoneScreen.HOLD_NEAR
    assert wallet.armed_token is not None
    lab.call(wallet.close)
    assert wallet.armed_token is None


def test_a_cancelled_scan_goes_back_to_the_sheet(lab: Running) -> None:
    wallet = lab.world.wallet
    lab.call(wallet.double_press)
    assert not lab.run(wallet.scan_face("cancel"))
    assert wallet.state.screen is PhoneScreen.PAY_SHEET


def test_a_late_bank_leaves_no_hold_and_the_receipt_learns_it(lab: Running) -> None:
    world = lab.world
    lab.run(world.console.set_fault("visa.slow", on=True, parameters={"ms": 700, "jitter_ms": 0}))
    assert [deviation.kind for deviation in world.console.state.deviations] == ["fault"]
    sale = lab.run(world.hands.tap(1300, "USD"))
    assert sale.phase is PosPhase.NOT_COMPLETED
    assert sale.answer.status == "pending"
    assert "Do not tap again" in tell(world.pos.state.headline)
    lab.until(lambda: world.pos.state.phase is PosPhase.DECLINED)
    assert world.pos.state.recent[0].state == "reversed"
    assert dict(world.pos.state.receipt.lines)["Result"] == "reversed"
    lab.run(world.console.look())
    assert next(f for f in world.console.state.faults if f.id == "visa.slow").fired >= 1
    lab.run(world.console.back_to_normal())
    assert world.console.state.deviations == ()
    assert world.console.state.fault_spans[-1].to_us is not None


def test_a_held_open_breaker_blocks_and_says_that_nothing_was_sent(lab: Running) -> None:
    world = lab.world
    lab.run(world.console.force_breaker("visa", "open"))
    sale = lab.run(world.hands.tap(1240, "USD"))
    assert sale.answer.status == "not_sent"
    assert sale.phase is PosPhase.DECLINED
    tile = next(tile for tile in world.console.state.tiles if tile.name == "visa")
    assert (tile.breaker, tile.forced) == ("open", True)
    lab.run(world.console.remove_deviation("breaker:visa"))
    assert lab.run(world.hands.tap(1240, "USD")).phase is PosPhase.APPROVED


def test_looking_back_shows_what_was_there_by_then(lab: Running) -> None:
    world = lab.world
    lab.run(world.hands.tap(1240, "USD"))
    sale = lab.run(world.hands.tap(1300, "USD"))
    payment_id = sale.answer.payment_id
    lab.until(lambda: payment_id in {row.id for row in world.console.state.payments})
    rows = world.console.state.payments
    lab.call(lambda: world.console.look_back(rows[0].at_us - 1))
    assert world.console.state.payments == rows[1:]
    lab.call(lambda: world.console.look_back(None))
    assert world.console.state.payments[0].id == payment_id


def test_the_default_card_can_be_changed(lab: Running) -> None:
    wallet = lab.world.wallet
    visa, amex = card_of(lab, "visa"), card_of(lab, "amex")
    lab.run(wallet.actions.set_default(amex.id))
    assert card_of(lab, "amex").is_default
    assert lab.world.element.default == amex.token_ref
    lab.run(wallet.actions.set_default(visa.id))
    assert card_of(lab, "visa").is_default


def test_what_the_phone_remembers_holds_no_number(lab: Running) -> None:
    lab.run(lab.world.hands.tap(1240, "USD"))
    lab.run(lab.world.wallet.refresh())
    path = lab.world.settings.phone_cache_file
    assert {card.network for card in phone_cache.load(path).cards} == {
        "visa",
        "mastercard",
        "amex",
    }
    assert b"4242424242424242" not in path.read_bytes()
    assert phone_cache.load(path).payments
    lab.call(lambda: lab.world.wallet.open_card(card_of(lab, "visa").id))
    assert lab.world.wallet.state.history[0].merchant == "Corner Market"


def test_a_card_that_was_added_can_be_removed(lab: Running) -> None:
    wallet = lab.world.wallet
    card = lab.run(wallet.add(CardDraft("4111111111111111", "1230", "123", terms=True)))
    assert card.token_ref in {token.token_ref for token in lab.world.element.tokens()}
    lab.run(wallet.remove(card.id))
    assert card.id not in {known.id for known in wallet.cards}
    assert card.token_ref not in {token.token_ref for token in lab.world.element.tokens()}


def test_quiet_traffic_is_synthetic_and_can_be_stopped(lab: Running) -> None:
    world = lab.world
    adapter = LabAdapter(world, Runner(world, lab.io.call_soon).post)
    adapter.quiet_traffic(True)
    lab.until(lambda: world.console.state.quiet_traffic)
    lab.until(lambda: any(row.synthetic for row in world.console.state.payments))
    lab.run(world.wallet.refresh())
    assert len(world.wallet.cards) == 3  # the synthetic cards are not this phone's
    assert "traffic" in {deviation.kind for deviation in world.console.state.deviations}
    lab.run(world.console.remove_deviation("traffic"))
    assert not world.console.state.quiet_traffic
    assert world.settings.traffic_element_file.exists()


@pytest.mark.parametrize(
    ("fault_id", "belief"),
    [("reader.unplugged", PosPhase.FAILED), ("card.pulled", PosPhase.TRY_AGAIN)],
)
def test_try_it_breaks_our_own_links_and_taps(
    lab: Running, fault_id: str, belief: PosPhase
) -> None:
    world = lab.world
    adapter = LabAdapter(world, Runner(world, lab.io.call_soon).post)
    adapter.try_it(fault_id)
    lab.until(lambda: world.pos.state.phase is belief)
    assert world.console.is_on(fault_id)
    lab.run(world.forwarding.flush())
    lab.run(world.console.look())
    assert [row.fired for row in world.console.state.faults if row.on] == [1]
