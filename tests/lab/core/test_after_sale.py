"""The till after the sale, with a real engine: refund, void, capture, the day; lost answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.json_fields import Json, objects
from lab.pos.after_sale import AfterSale
from lab.pos.after_sale_state import TRANSITIONS, SaleEvent, SaleStep, advance
from lab.pos.state import PosPhase
from lab.pos.till_keys import TillKeys
from lab.pos.till_memory import TillMemory
from lab.wallet.state import PhoneScreen
from lab.words import tell
from tests.lab.core.running import Running


def test_every_step_can_be_reached_and_left() -> None:
    seen = {SaleStep.CLOSED}
    for _ in SaleStep:
        seen |= {after for (before, _), after in TRANSITIONS.items() if before in seen}
    assert seen == set(SaleStep) == {before for before, _ in TRANSITIONS}


def test_nothing_but_its_answer_ends_an_order_that_is_under_way() -> None:
    ends = {event for event in SaleEvent if advance(SaleStep.WORKING, event) is not None}
    assert ends == {SaleEvent.DONE, SaleEvent.REFUSED, SaleEvent.NO_ANSWER}


def test_an_order_is_in_the_file_with_its_key_until_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "till.json"
    order = TillMemory(path, "T1").begin_order("refund", "pay_1", 240)
    after_restart = TillMemory(path, "T1")
    assert after_restart.open_order("pay_1") == order
    assert after_restart.begin_order("refund", "pay_1", 500) == order  # never a second one
    assert after_restart.next_attempt()[1] != order.key
    after_restart.end_order(order)
    assert TillMemory(path, "T1").open_order("pay_1") is None


@pytest.fixture
def sold(lab: Running) -> Callable[[int], str]:
    """Make a sale and choose it; its payment."""

    def sell(amount_minor: int = 1240) -> str:
        sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
        assert sale is not None
        assert sale.phase is PosPhase.APPROVED
        assert sale.answer is not None
        lab.call(lambda: lab.world.after_sale.choose(sale.answer.payment_id))
        return sale.answer.payment_id

    return sell


@pytest.fixture
def after(lab: Running) -> AfterSale:
    return lab.world.after_sale


@pytest.fixture
def keys(lab: Running) -> TillKeys:
    return TillKeys(lab.world.pos, lab.world.after_sale)


def typed(lab: Running, keys: TillKeys, digits: str) -> None:
    for digit in digits:
        lab.call(lambda digit=digit: keys.key(digit))


def refunds_of(lab: Running, payment_id: str) -> list[tuple[str, int]]:
    merchant_id = lab.world.pos.merchant_id
    found = lab.run(lab.world.client.refunds(payment_id, merchant_id=merchant_id))
    return [(refund.status, refund.amount_minor) for refund in found]


def broken(lab: Running, *faults: Json) -> None:
    lab.run(lab.world.client.put_faults(faults))


@pytest.mark.inv(112, 178, 188, 189, 193)
def test_a_sale_is_captured_and_a_part_goes_back(
    lab: Running, sold: Callable[..., str], after: AfterSale, keys: TillKeys
) -> None:
    """Over 0.25 s: a whole tap and three orders over a real engine."""
    payment_id = sold()
    assert after.state.orders == ("capture", "void")
    lab.run(after.capture())
    assert after.state.step is SaleStep.DONE
    assert after.state.orders == ("refund",)
    assert tell(after.state.headline) == "Money taken: $12.40"
    lab.call(after.ask_refund)
    assert after.state.display_text == "$12.40"  # everything is offered
    typed(lab, keys, "240")
    assert (after.state.display_text, after.state.confirm) == ("$2.40", "refund")
    assert lab.run(keys.charge()) is None
    assert tell(after.state.headline) == "$2.40 goes back"
    assert (after.state.state, after.state.back_text) == ("part_refunded", "$2.40")
    receipt = lab.world.pos.state.receipt
    assert receipt is not None
    assert ("Refund", "$2.40") in receipt.lines
    assert ("Payment", payment_id[-12:]) in receipt.lines
    assert lab.world.pos.state.recent[0].state == "part_refunded"
    lab.until(lambda: refunds_of_is_done(lab, payment_id))
    banner = lab.world.wallet.state.banner
    assert banner is not None
    assert tell(banner) == "Corner Market: $2.40 paid back"
    lab.run(lab.world.wallet.refresh())
    card = next(card for card in lab.world.wallet.cards if card.is_default)
    lab.call(lambda: lab.world.wallet.open_card(card.id))
    lab.until(lambda: lab.world.wallet.state.screen is PhoneScreen.CARD_DETAIL)
    assert lab.world.wallet.state.history[0].back_text == "$2.40"
    body = lab.run(lab.world.client.payment(payment_id))
    sentences = [entry["sentence"] for entry in objects(body, "entries")]
    assert any("2.40" in str(sentence) for sentence in sentences), sentences
    lab.call(after.close)


def refunds_of_is_done(lab: Running, payment_id: str) -> bool:
    known = lab.world.console.state.payments
    row = next((row for row in known if row.id == payment_id), None)
    return row is not None and row.phone == "refunded"


@pytest.mark.inv(191)
def test_more_than_was_paid_cannot_be_confirmed(
    lab: Running, sold: Callable[..., str], after: AfterSale, keys: TillKeys
) -> None:
    """Over 0.25 s: a whole tap and its capture."""
    sold()
    lab.run(after.capture())
    lab.call(after.ask_refund)
    typed(lab, keys, "1241")
    assert after.state.confirm == ""
    assert after.state.detail is not None
    assert after.state.detail.kind == "bad"
    lab.run(keys.charge())
    assert after.state.step is SaleStep.AMOUNT
    lab.call(keys.clear)
    assert after.state.display_text == "$0.00"
    lab.call(keys.clear)
    assert after.state.step is SaleStep.CHOSEN
    lab.call(keys.cancel)
    assert after.state.step is SaleStep.CLOSED


@pytest.mark.inv(179, 190)
def test_a_sale_is_cancelled_and_nothing_else_can_follow(
    lab: Running, sold: Callable[..., str], after: AfterSale
) -> None:
    """Over 0.25 s: a whole tap and its void."""
    payment_id = sold()
    lab.run(after.void())
    assert tell(after.state.headline) == "Sale cancelled: $12.40"
    assert (after.state.state, after.state.orders) == ("voided", ())
    lab.until(lambda: state_of(lab, payment_id) == "reversed")
    assert lab.world.pos.state.recent[0].state == "voided"
    lab.call(after.close)


def state_of(lab: Running, payment_id: str) -> str:
    rows = lab.world.console.state.payments
    return next((row.state for row in rows if row.id == payment_id), "")


@pytest.mark.inv(112)
def test_a_refund_whose_answer_is_lost_is_asked_again_and_done_once(
    lab: Running, sold: Callable[..., str], after: AfterSale, keys: TillKeys
) -> None:
    """Over 0.25 s: the client's own patience runs out over a line that loses every answer."""
    payment_id = sold()
    lab.run(after.capture())
    lab.call(after.ask_refund)
    typed(lab, keys, "300")
    client = lab.world.client
    client._patience_s, patience_s = 0.0, client._patience_s
    try:
        broken(lab, {"link": "pos.engine", "effect": "lost_response"})
        lab.run(keys.charge())
    finally:
        client._patience_s = patience_s
    assert after.state.step is SaleStep.OPEN
    assert after.state.confirm == "repeat"
    lab.call(after.close)
    lab.call(lambda: after.choose(payment_id))  # it is still open, with its amount
    assert (after.state.step, after.state.display_text) == (SaleStep.OPEN, "$3.00")
    broken(lab)
    lab.run(keys.charge())
    assert after.state.step is SaleStep.DONE
    assert [amount for _, amount in refunds_of(lab, payment_id)] == [300]
    lab.call(after.close)


def test_the_day_is_closed_with_count_and_total(
    lab: Running, sold: Callable[..., str], after: AfterSale
) -> None:
    """Over 0.25 s: two whole taps."""
    lab.run(after.close_day())
    lab.call(after.close)
    sold(1240)
    sold(760)
    lab.run(after.close_day())
    assert tell(after.state.headline) == "The day is closed"
    assert after.state.detail is not None
    assert tell(after.state.detail) == "2 sales: $20.00"
    lab.until(lambda: lab.world.pos.state.recent[0].state == "captured")
    lab.run(after.close_day())
    assert after.state.detail is not None
    assert tell(after.state.detail) == "No sale was waiting"
    lab.call(after.close)


def test_without_an_engine_nothing_is_changed_and_nothing_stays_open(
    lab: Running, sold: Callable[..., str], after: AfterSale
) -> None:
    """Over 0.25 s: a whole tap."""
    payment_id = sold()
    client = lab.world.client
    kept, client._endpoint = client._endpoint, lambda: None
    client._patience_s, patience_s = 0.0, client._patience_s
    try:
        lab.run(after.void())
    finally:
        client._endpoint, client._patience_s = kept, patience_s
    assert after.state.step is SaleStep.FAILED
    assert after.state.detail is not None
    assert tell(after.state.detail) == "The payment service is away. Nothing was changed"
    assert after.state.orders == ("capture", "void")
    lab.run(after.void())
    assert after.state.step is SaleStep.DONE
    lab.until(lambda: state_of(lab, payment_id) == "reversed")
    lab.call(after.close)


def test_the_keys_go_back_to_the_next_sale(
    lab: Running, sold: Callable[..., str], after: AfterSale, keys: TillKeys
) -> None:
    """Over 0.25 s: two whole taps."""
    sold()
    typed(lab, keys, "5")
    assert after.state.step is SaleStep.CLOSED
    assert lab.world.pos.state.amount_text == "$0.05"
    lab.call(keys.clear)
    sold()
    lab.call(after.close)
    assert lab.world.pos.state.phase is PosPhase.APPROVED


def test_what_the_engine_refuses_is_said_and_nothing_stays_open(
    lab: Running, sold: Callable[..., str], after: AfterSale
) -> None:
    """Over 0.25 s: a whole tap; somebody else captured the sale before the till looked again."""
    payment_id = sold()
    client, merchant_id = lab.world.client, lab.world.pos.merchant_id
    order = client.order("capture", payment_id, merchant_id=merchant_id, key="elsewhere-1")

    async def both() -> None:
        await order
        await after.capture()

    lab.run(both())
    assert after.state.step is SaleStep.FAILED
    assert after.state.detail is not None
    assert after.state.detail.key == "sale.why.already_captured"
    lab.until(lambda: lab.world.pos.state.recent[0].state == "captured")
    lab.call(after.close)
