"""The table of outcomes against Book B: start points, messages and lights of every reason."""

from __future__ import annotations

from typing import Any

import pytest

from hardware.api import (
    ENDINGS,
    CardCollision,
    CardMute,
    CardRemoved,
    Outcome,
    StartPoint,
    UiMessage,
    UiStatus,
    build_tlv,
    parse_tlv,
)
from hardware.terminal.outcome import ending_of
from tests.hardware.breaking_link import BreakingLink

RESTARTS = {Outcome.TRY_AGAIN, Outcome.SEE_PHONE, Outcome.PRESENT_ONE_CARD}
MESSAGES = {
    Outcome.APPROVED: {UiMessage.APPROVED},
    Outcome.ONLINE_REQUEST: {UiMessage.AUTHORISING},
    Outcome.DECLINED: {UiMessage.DECLINED},
    Outcome.TRY_AGAIN: {UiMessage.PRESENT_AGAIN},
    Outcome.TRY_ANOTHER_INTERFACE: {UiMessage.INSERT_OR_SWIPE},
    Outcome.USE_ANOTHER_CARD: {UiMessage.USE_ANOTHER_CARD},
    Outcome.SEE_PHONE: {UiMessage.SEE_PHONE},
    Outcome.PRESENT_ONE_CARD: {UiMessage.PRESENT_ONE_CARD},
    Outcome.READ_ONLY: {UiMessage.CARD_READ_OK},
    Outcome.ERROR: {UiMessage.USE_ANOTHER_CARD, UiMessage.PROCESSING_ERROR},
}
"""Book A, table 9-3: what each outcome says to the cardholder."""
READ = {Outcome.APPROVED, Outcome.ONLINE_REQUEST, Outcome.DECLINED, Outcome.READ_ONLY}


@pytest.mark.parametrize("reason", list(ENDINGS))
def test_every_reason_restarts_speaks_and_lights_as_its_outcome_does(reason: str) -> None:
    ending = ENDINGS[reason]
    restarts = ending.outcome in RESTARTS
    assert ending.start_point is (StartPoint.B if restarts else StartPoint.NONE)
    assert ending.ui.message in MESSAGES[ending.outcome]
    if ending.outcome in READ:
        assert ending.ui.status is UiStatus.CARD_READ_OK
    elif restarts:
        assert ending.ui.status is UiStatus.READY_TO_READ
    else:
        assert ending.ui.status is UiStatus.PROCESSING_ERROR


@pytest.mark.parametrize(
    ("network", "status"),
    [("visa", "6000"), ("mastercard", "6800"), ("amex", "6800")],
)
def test_what_the_till_did_is_in_its_status_information(
    bench: Any, network: str, status: str
) -> None:
    """Card risk management and verification; kernels 2 and 4 manage their own risk too (9B)."""
    bench.arm(f"tok-{network}" if network == "visa" else bench.install(network))
    assert bench.tap().status_information == status


def test_reasons_about_a_tag_follow_their_family() -> None:
    assert ending_of("missing_9F26") == ENDINGS["missing"]
    assert ending_of("unauthentic_signature") == ENDINGS["unauthentic"]
    with pytest.raises(AssertionError):
        ending_of("nonsense_1")


def entry(aid: str, priority: int, kernel: str = "") -> bytes:
    objects = build_tlv(0x4F, bytes.fromhex(aid)) + build_tlv(0x87, bytes([priority]))
    if kernel:
        objects += build_tlv(0x9F2A, bytes.fromhex(kernel))
    return build_tlv(0x61, objects)


def directory(*entries: bytes) -> bytes:
    inside = build_tlv(0xA5, build_tlv(0xBF0C, b"".join(entries)))
    return build_tlv(0x6F, build_tlv(0x84, b"2PAY.SYS.DDF01") + inside) + b"\x90\x00"


VISA = "A0000000031010"
PPSE = bytes.fromhex("00A404000E")


def answers_of(bench: Any) -> dict[bytes, bytes]:
    """A good Visa tap, by the beginning of each command."""
    bench.arm()
    good = [exchange.response for exchange in bench.tap().exchanges]
    select = bytes.fromhex("00A4040007" + VISA)
    return {PPSE: good[0], select: good[1], bytes.fromhex("80A8"): good[2]}


@pytest.mark.parametrize("status", ["6985", "6A82", "6283", "9000"])
@pytest.mark.parametrize("aid", ["A0000000651010", "A000000333010101", "A0000000041010"])
def test_start_point_c_is_the_next_candidate(
    bench: Any, scripted_card: Any, status: str, aid: str
) -> None:
    """Whatever is wrong with the first application's SELECT, the second is tried."""
    answers = answers_of(bench)
    answers[PPSE] = directory(entry(aid, 1), entry(VISA, 2))
    card = scripted_card({bytes.fromhex("00A40400" + f"{len(aid) // 2:02X}" + aid):
                          bytes.fromhex(status), **answers})  # fmt: skip
    result = bench.tap(bench.link(card))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert (result.kernel, len(result.candidates)) == (3, 2)


@pytest.mark.parametrize(
    ("kernel", "outcome"),
    [
        ("03", Outcome.ONLINE_REQUEST),
        ("00", Outcome.ONLINE_REQUEST),  # none in particular: the identifier's own
        ("43", Outcome.ONLINE_REQUEST),  # international, as 03 is
        ("05", Outcome.USE_ANOTHER_CARD),  # another network's kernel for this identifier
        ("81", Outcome.USE_ANOTHER_CARD),  # domestic, and too short to name one
        ("810840", Outcome.USE_ANOTHER_CARD),  # domestic: not here
        ("C00001", Outcome.USE_ANOTHER_CARD),
    ],
)
def test_the_kernel_a_directory_entry_asks_for(
    bench: Any, scripted_card: Any, kernel: str, outcome: Outcome
) -> None:
    answers = answers_of(bench)
    answers[PPSE] = directory(entry(VISA, 1, kernel))
    result = bench.tap(bench.link(scripted_card(answers)))
    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("fault", "outcome", "start_point"),
    [
        (CardRemoved("x"), Outcome.TRY_AGAIN, StartPoint.B),
        (CardMute("x"), Outcome.TRY_AGAIN, StartPoint.B),
        (CardCollision("x"), Outcome.PRESENT_ONE_CARD, StartPoint.B),
    ],
)
def test_a_broken_field_restarts_where_cards_are_looked_for(
    bench: Any, fault: Exception, outcome: Outcome, start_point: StartPoint
) -> None:
    bench.arm()
    result = bench.tap(BreakingLink(bench.link(), 1, fault, after=False))
    assert (result.outcome, result.start_point) == (outcome, start_point)
    assert result.emv_data == b""


def test_only_an_outcome_of_the_card_carries_a_data_record(bench: Any, scripted_card: Any) -> None:
    answers = answers_of(bench)
    gpo = bytes.fromhex("80A8")
    whole = bench.tap(bench.link(scripted_card(answers)))
    assert {0x9F26, 0x9F36, 0x95} <= {node.tag for node in parse_tlv(whole.emv_data)}
    refused = bench.tap(bench.link(scripted_card({**answers, gpo: bytes.fromhex("6985")})))
    assert (refused.emv_data, refused.token) == (b"", "")
