"""The money place on a whole laboratory: what the engine booked is what its rows say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.money.state import MoneyState, Row, Section
from lab.pos.state import PosPhase
from lab.simulation import SimulatedLab

MERCHANT = "mer_corner_market"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[SimulatedLab]:
    with SimulatedLab(5, tmp_path / "lab") as opened:
        opened.run(opened.world.wallet.start_with_demo_cards())
        yield opened


def sell(lab: SimulatedLab, amount_minor: int = 1240) -> str:
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD"))
    assert sale is not None
    assert sale.phase is PosPhase.APPROVED
    lab.world.wallet.close()
    assert sale.answer is not None
    return sale.answer.payment_id


def shown(lab: SimulatedLab, section: Section) -> MoneyState:
    lab.run(lab.world.money.show_section(section))
    return lab.world.money.state


def only(state: MoneyState) -> Row:
    (row,) = state.page.rows
    return row


@pytest.mark.inv(215, 216)
def test_the_ledger_says_each_entry_and_that_all_is_zero(lab: SimulatedLab) -> None:
    payment_id = sell(lab)
    lab.run(lab.world.after_sale.close_day())
    page = shown(lab, Section.LEDGER).page
    entries = {(row.cells[1].split(":")[1], *row.cells[3:]) for row in page.rows}
    assert entries == {
        ("customer-card", "$12.40", ""),
        ("pending-settlement", "", "$12.40"),
        ("pending-settlement", "$12.40", ""),
        ("merchant-pending", "", "$11.74"),
        ("processing-fees", "", "$0.66"),
    }
    assert {row.payment_id for row in page.rows} == {payment_id}
    assert page.total is not None
    assert (page.total.key, dict(page.total.values)) == ("money.zero", {"sums": "USD $0.00"})
    figures = {figure.label: figure.value for figure in page.figures}
    assert figures["money.account.merchant-pending"] == "$11.74"


@pytest.mark.inv(224, 225, 397)
def test_a_day_is_settled_from_its_key(lab: SimulatedLab) -> None:
    assert shown(lab, Section.SETTLEMENT).page.rows == ()
    sell(lab)
    lab.run(lab.world.after_sale.close_day())
    lab.run(lab.world.money.act("settle"))
    batch = next(row for row in lab.world.money.state.page.rows if row.id.startswith("stl_"))
    assert batch.cells[1:8] == (MERCHANT, "1", "$12.40", "$0.66", "$0.00", "$0.00", "$11.74")
    lab.run(lab.world.money.choose(batch.id))
    detail = lab.world.money.state.detail
    assert detail is not None
    assert dict(detail.facts)["captures"] == "1"


@pytest.mark.inv(196, 197, 199)
def test_a_sale_is_disputed_and_answered_from_its_keys(lab: SimulatedLab) -> None:
    money = lab.world.money
    shown(lab, Section.DISPUTES)
    lab.run(money.act("dispute"))
    assert money.state.page.rows == ()  # nothing is captured yet: said, and nothing done
    payment_id = sell(lab)
    lab.run(lab.world.after_sale.close_day())
    lab.run(money.act("dispute"))
    row = only(money.state)
    assert (row.payment_id, row.cells[3:5], row.kind) == (
        payment_id,
        ("$12.40", "$15.00"),
        "waiting",
    )
    lab.run(money.choose(row.id))
    lab.run(money.act("lose"))
    lab.run(lab.world.real_scheduler.sleep(5))
    assert only(shown(lab, Section.DISPUTES)).kind == "bad"


def test_webhooks_merchants_and_audit_have_their_rows(lab: SimulatedLab) -> None:
    money = lab.world.money
    assert shown(lab, Section.WEBHOOKS).page.empty == "money.webhooks.none"
    order = {"merchant_id": MERCHANT, "url": "http://127.0.0.1:9/x", "enabled_events": ["*"]}
    lab.run(lab.world.client.make_webhook_endpoint(order))
    sell(lab)
    lab.run(lab.world.real_scheduler.sleep(5))
    page = shown(lab, Section.WEBHOOKS).page
    assert page.rows
    lab.run(money.choose(page.rows[0].id))
    assert money.state.detail is not None
    assert '"object"' in money.state.detail.text
    lab.run(money.act("resend"))
    assert MERCHANT in {row.id for row in shown(lab, Section.MERCHANTS).page.rows}
    lab.run(money.choose(MERCHANT))
    assert money.state.detail is not None
    assert any(name == "key" for name, _ in money.state.detail.facts)
    assert any("payment" in row.cells[2] for row in shown(lab, Section.AUDIT).page.rows)


def test_the_place_asks_only_while_somebody_looks(lab: SimulatedLab) -> None:
    money, wait = lab.world.money, lab.world.real_scheduler.sleep
    lab.run(money.set_open(is_open=True))
    lab.run(wait(2))
    sell(lab)
    lab.run(wait(2))
    seen = money.state.page.rows
    assert seen
    lab.run(money.set_open(is_open=False))
    sell(lab)
    lab.run(wait(3))
    assert money.state.page.rows == seen
