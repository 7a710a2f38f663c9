"""The till's table and memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.errors import SomethingMissing
from lab.pos import display
from lab.pos.machine import RESTING, TRANSITIONS, PosEvent, advance
from lab.pos.state import Light, PosPhase
from lab.pos.till_memory import SALES_KEPT, SaleRecord, TillMemory
from lab.words import ENGLISH


def sale(number: int, state: str = "approved") -> SaleRecord:
    return SaleRecord(
        payment_id=f"pay_{number}",
        at_us=number,
        amount_minor=1240,
        currency="USD",
        network="visa",
        last4="4242",
        state=state,
        auth_code="A1B2C3",
        response_code="00",
        reason="",
        key=f"T0000001-{number:08d}",
    )


def test_every_phase_can_be_reached_and_left() -> None:
    seen, frontier = {PosPhase.IDLE}, [PosPhase.IDLE]
    while frontier:
        phase = frontier.pop()
        for (before, _), after in TRANSITIONS.items():
            if before is phase and after not in seen:
                seen.add(after)
                frontier.append(after)
    assert seen == set(PosPhase)
    assert {before for before, _ in TRANSITIONS} == set(PosPhase)


def test_a_card_being_read_cannot_be_cancelled_or_charged_again() -> None:
    for phase in (PosPhase.READING, PosPhase.AUTHORIZING):
        assert advance(phase, PosEvent.CANCEL) is None
        assert advance(phase, PosEvent.CHARGE) is None
        assert advance(phase, PosEvent.AMOUNT_TYPED) is None


def test_after_no_answer_the_same_amount_cannot_be_charged_by_one_key() -> None:
    assert advance(PosPhase.NOT_COMPLETED, PosEvent.CHARGE) is None
    assert advance(PosPhase.NOT_COMPLETED, PosEvent.LATE_NOT_PAID) is PosPhase.DECLINED


@pytest.mark.parametrize("phase", list(PosPhase))
def test_every_phase_has_words_lights_and_a_caption(phase: PosPhase) -> None:
    lights, caption = display.lights(phase)
    assert len(lights) == 4
    assert caption.key in ENGLISH
    assert display.headline(phase).key in ENGLISH


def test_four_lights_and_the_tone_mean_read_and_not_approved() -> None:
    assert display.lights(PosPhase.AUTHORIZING)[0] == (Light.ON,) * 4
    assert display.tone(PosPhase.AUTHORIZING) == "read"
    assert Light.ON not in display.lights(PosPhase.APPROVED)[0]
    assert display.tone(PosPhase.APPROVED) == ""
    assert display.tone(PosPhase.TRY_AGAIN) == "alert"


def test_known_reasons_have_their_words() -> None:
    assert set(ENGLISH) >= display.KNOWN_REASONS
    unknown = display.refusal("something_new", None, "visa")
    assert dict(unknown.values) == {"reason": "something new"}


@pytest.mark.inv(81)
def test_a_restarted_till_never_uses_a_key_again(tmp_path: Path) -> None:
    path = tmp_path / "till.json"
    keys = [TillMemory(path, "T0000001").next_attempt()[1] for _ in range(3)]
    assert keys == ["T0000001-00000001", "T0000001-00000002", "T0000001-00000003"]


def test_a_till_that_lost_its_count_does_not_begin_again(tmp_path: Path) -> None:
    path = tmp_path / "till.json"
    TillMemory(path, "T0000001").next_attempt()
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(SomethingMissing, match="reset"):
        TillMemory(path, "T0000001")


def test_the_sixth_sale_is_forgotten_and_a_late_answer_stays_in_its_place(tmp_path: Path) -> None:
    memory = TillMemory(tmp_path / "till.json", "T0000001")
    for number in range(SALES_KEPT + 1):
        memory.remember(sale(number))
    assert [kept.payment_id for kept in memory.sales] == [f"pay_{n}" for n in (5, 4, 3, 2, 1)]
    assert memory.revise("pay_3", state="reversed") is not None
    assert memory.revise("pay_0", state="reversed") is None
    again = TillMemory(tmp_path / "till.json", "T0000001")
    assert [kept.state for kept in again.sales] == ["approved"] * 2 + ["reversed"] + [
        "approved"
    ] * 2


def test_a_sale_whose_outcome_is_open_is_not_forgotten(tmp_path: Path) -> None:
    """Five taps later its reversal was told to nobody: the till said "not completed" for ever."""
    memory = TillMemory(tmp_path / "till.json", "T0000001")
    memory.remember(replace(sale(0), state="pending"))
    for number in range(1, SALES_KEPT + 3):
        memory.remember(sale(number))
    assert "pay_0" not in {kept.payment_id for kept in memory.sales}
    again = TillMemory(tmp_path / "till.json", "T0000001")
    assert again.revise("pay_0", state="reversed") is not None
    again.remember(sale(99))
    assert again.find("pay_0") is None


def test_the_receipt_shows_the_device_account_number_and_the_result() -> None:
    lines = dict(display.receipt(sale(1), "Corner Market", "T0000001").lines)
    assert lines["Visa contactless"] == "device ·4242"
    assert lines["Sale"] == "$12.40"
    assert lines["Auth code"] == "A1B2C3"


def test_resting_phases_are_those_in_which_nobody_waits() -> None:
    assert set(PosPhase) - RESTING == {
        PosPhase.PRESENT,
        PosPhase.READING,
        PosPhase.AUTHORIZING,
    }


def test_two_tills_of_one_folder_never_use_a_key_twice(tmp_path: Path) -> None:
    """A window and `tap --reader` are the same till: an engine would refuse the second sale."""
    window, command = (TillMemory(tmp_path / "till.json", "T1") for _ in range(2))
    keys = [till.next_attempt()[1] for till in (window, command, window, window, command)]
    assert len(set(keys)) == len(keys)
    window.remember(a_sale("pay_1"))
    command.remember(a_sale("pay_2"))
    assert [sale.payment_id for sale in TillMemory(tmp_path / "till.json", "T1").sales] == [
        "pay_2",
        "pay_1",
    ]


def a_sale(payment_id: str) -> SaleRecord:
    return SaleRecord(payment_id, 1, 100, "USD", "visa", "4242", "approved", "1", "00", "", "key")
