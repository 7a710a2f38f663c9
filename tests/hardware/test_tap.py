"""Whole taps: till, kernel, reader, phone; and every place where one can be torn out."""

from __future__ import annotations

from typing import Any

import pytest

from hardware.api import (
    INSTANT,
    PHONE,
    CardCollision,
    CardFault,
    CardMute,
    CardRemoved,
    Combination,
    NoCard,
    Outcome,
    ReaderGone,
    TapRequest,
    TerminalConfig,
    list_readers,
    parse_tlv,
)
from tests.hardware.breaking_link import BreakingLink


@pytest.mark.inv(66, 70, 85)
def test_a_visa_tap_goes_online(bench: Any) -> None:
    bench.arm()
    seen: list[str] = []
    result = bench.tap(on_exchange=lambda exchange: seen.append(exchange.name))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert result.ui.message_id == 0x1B
    assert (result.kernel, result.apdu_count) == (3, 3)
    assert result.candidates == ("A0000000031010",)
    assert seen == [
        "SELECT 2PAY.SYS.DDF01",
        "SELECT A0000000031010",
        "GET PROCESSING OPTIONS",
    ]
    assert (result.token, result.expiry, result.psn) == ("4242424242424242", "2912", "01")
    assert (result.atc, result.cryptogram_type, result.cdcvm) == (1, "ARQC", True)
    assert len(result.cryptogram) == 16
    assert len(result.unpredictable_number) == 8
    data = {node.tag: node.value for node in parse_tlv(result.emv_data)}
    assert data[0x9F26].hex().upper() == result.cryptogram
    assert data[0x9F37].hex().upper() == result.unpredictable_number
    assert data[0x9F02].hex() == "000000001240"
    assert data[0x9F6E].hex() == "20700000"
    assert data[0x9F19].hex() == "040010030273"
    assert data[0x9F24] == b"V" * 29
    assert set(data) == {
        0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A,
        0x9F03, 0x9F33, 0x9F34, 0x84, 0x5F34, 0x9F6E, 0x9F19, 0x9F24,
    }  # fmt: skip
    over_the_air = sum(len(e.command) + len(e.response) for e in result.exchanges)
    assert 250 <= over_the_air <= 500


def test_neither_result_nor_exchange_shows_the_number(bench: Any) -> None:
    bench.arm()
    result = bench.tap()
    assert result.token == "4242424242424242"
    assert "4242424242424242" in result.exchanges[-1].response.hex()
    assert "4242424242424242" not in repr(result)
    assert result.masked_token == "424242******4242"
    assert "4242424242424242" not in result.emv_data.hex()


def test_a_card_with_records_is_read_to_the_end(bench: Any) -> None:
    bench.arm()
    result = bench.tap(bench.link(bench.element.card(with_records=True)))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert result.apdu_count == 4
    assert result.exchanges[-1].name == "READ RECORD 1 SFI 2"
    assert "records" in result.steps
    assert bytes.fromhex("9F241D") in result.emv_data


def test_a_phone_takes_its_time_and_the_session_measures_it(bench: Any) -> None:
    bench.arm()
    result = bench.tap(bench.link(profile=PHONE))
    took_ms = [exchange.duration_us / 1000 for exchange in result.exchanges]
    for took, typical in zip(took_ms, (13, 32.5, 160), strict=True):
        assert typical * 0.9 <= took <= typical * 1.1
    assert result.reader_us == bench.time.elapsed_us
    assert result.exchanges[1].started_us > result.exchanges[0].started_us


def test_a_refusal_is_quicker_than_a_payment(bench: Any) -> None:
    result = bench.tap(bench.link(profile=PHONE))
    assert result.exchanges[-1].status == 0x6986
    assert result.exchanges[-1].duration_us < 60_000


@pytest.mark.parametrize("kernel", [5, 6, 7, 42])
def test_every_kernel_that_is_not_there_has_an_outcome(
    bench: Any, scripted_card: Any, kernel: int
) -> None:
    aid = bytes.fromhex("A0000009990101")
    entry = bytes.fromhex("610D4F07") + aid + bytes.fromhex("9F2A01") + bytes([kernel])
    entry = entry[:1] + bytes([len(entry) - 2]) + entry[2:]
    name = bytes.fromhex("840E") + b"2PAY.SYS.DDF01"
    discretionary = bytes.fromhex("BF0C") + bytes([len(entry)]) + entry
    proprietary = b"\xa5" + bytes([len(discretionary)]) + discretionary
    directory = b"\x6f" + bytes([len(name) + len(proprietary)]) + name + proprietary
    application = bytes.fromhex("6F0B8407") + aid + bytes.fromhex("A500")
    card = scripted_card(
        {
            bytes.fromhex("00A404000E"): directory + b"\x90\x00",
            bytes.fromhex("00A4040007"): application + b"\x90\x00",
        }
    )
    config = TerminalConfig(combinations=(Combination(aid, kernel),))
    result = bench.tap(bench.link(card), config=config)
    assert (result.reason, result.kernel) == ("kernel_not_available", kernel)
    assert result.outcome is Outcome.USE_ANOTHER_CARD


def test_an_empty_phone_has_nothing_to_offer(bench: Any) -> None:
    bench.element.remove("tok-visa")
    result = bench.tap()
    assert (result.outcome, result.reason) == (Outcome.USE_ANOTHER_CARD, "no_ppse")


def test_limits_act_before_a_card_is_asked(bench: Any) -> None:
    visa = bytes.fromhex("A0000000031010")
    config = TerminalConfig(combinations=(Combination(visa, 3, reader_limit_minor=1000),))
    result = bench.tap(config=config)
    assert (result.outcome, result.apdu_count) == (Outcome.TRY_ANOTHER_INTERFACE, 0)
    assert bench.tap(config=config, request=TapRequest(1000, 840)).apdu_count == 0
    bench.arm()
    allowed = bench.tap(config=config, request=TapRequest(999, 840))
    assert allowed.outcome is Outcome.ONLINE_REQUEST


@pytest.mark.parametrize(
    ("amount", "ttq"), [(0, "32804000"), (1, "32804000"), (4999, "32804000"), (5000, "32C04000")]
)
def test_the_amount_sets_the_two_moving_bits(bench: Any, amount: int, ttq: str) -> None:
    bench.arm()
    result = bench.tap(request=TapRequest(amount, 840))
    assert result.exchanges[-1].command[7:11].hex().upper() == ttq


@pytest.mark.inv(66)
def test_the_unpredictable_number_is_fresh(bench: Any) -> None:
    numbers = set()
    for _ in range(5):
        bench.arm()
        numbers.add(bench.tap().unpredictable_number)
    assert len(numbers) == 5


TEAR_POINTS_MS = [0, 6, 13, 20, 45, 50, 80, 120, 150, 190, 204]


@pytest.mark.parametrize("at_ms", TEAR_POINTS_MS)
def test_withdrawn_at_any_moment_the_till_says_try_again(
    bench: Any, run: Any, at_ms: float
) -> None:
    reader = bench.reader(PHONE)
    reader.present(bench.element.card())
    link = run(reader.wait_for_card(1))
    bench.arm()
    bench.time.plan(at_ms, reader.withdraw)
    result = bench.tap(link)
    if bench.time.planned:
        # The jitter let the tap end first; the card was never missed.
        assert result.outcome is Outcome.ONLINE_REQUEST
        return
    assert (result.outcome, result.reason) == (Outcome.TRY_AGAIN, "pulled_too_early")
    assert result.start_point == "B"
    assert result.token == ""
    # Either nothing happened, or the counter moved and the authentication is spent: never half.
    atc = bench.element.tokens()[0].atc
    assert (atc, bench.element.armed) in {(0, "tok-visa"), (1, None)}
    bench.arm()
    again = bench.tap()
    assert (again.outcome, again.atc) == (Outcome.ONLINE_REQUEST, atc + 1)


BREAKS = [
    (CardRemoved("x"), "try_again", "pulled_too_early"),
    (CardMute("x"), "try_again", "card_silent"),
    (ReaderGone("x"), "error", "reader_gone"),
    (CardFault("x"), "error", "card_fault"),
    (CardCollision("x"), "present_one_card", "present_one_card"),
    (NoCard("x"), "error", "link_failed"),
]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", [1, 2, 3, 4])
@pytest.mark.parametrize(("fault", "outcome", "reason"), BREAKS)
def test_every_break_at_every_exchange_has_its_outcome(
    bench: Any, fault: Exception, outcome: str, reason: str, at: int, *, after: bool
) -> None:
    bench.arm()
    card = bench.element.card(with_records=True)
    result = bench.tap(BreakingLink(bench.link(card), at, fault, after=after))
    assert (result.outcome, result.reason, result.apdu_count) == (outcome, reason, at)
    spent = at == 4 or (at == 3 and after)
    assert bench.element.tokens()[0].atc == int(spent)
    assert (bench.element.armed is None) is spent
    assert result.emv_data == b""


def test_a_real_card_is_not_asked_for_a_cryptogram(bench: Any, scripted_card: Any) -> None:
    real = without_mark(bench, scripted_card)
    result = bench.tap(bench.link(real))
    assert (result.outcome, result.reason) == (Outcome.USE_ANOTHER_CARD, "real_card")
    assert result.lab_card is False
    assert [command[1] for command in real.commands] == [0xA4, 0xA4]


def test_with_consent_a_real_card_is_read_and_forgotten(bench: Any, scripted_card: Any) -> None:
    real = without_mark(bench, scripted_card)
    result = bench.tap(bench.link(real), consent=True)
    assert (result.outcome, result.reason) == (Outcome.READ_ONLY, "real_card_read_only")
    assert (result.token, result.cryptogram, result.emv_data) == ("", "", b"")
    assert result.masked_token == "424242******4242"
    assert all(b"\x42" * 4 not in exchange.response for exchange in result.exchanges)


def test_a_recording_needs_no_mark(bench: Any, scripted_card: Any) -> None:
    result = bench.tap(bench.link(without_mark(bench, scripted_card)), recorded=True)
    assert result.outcome is Outcome.ONLINE_REQUEST


def without_mark(bench: Any, scripted_card: Any) -> Any:
    """The answers of a lab card whose mark was changed into an issuer's number."""
    bench.arm()
    card = bench.element.card()
    result = bench.tap(bench.link(card))
    directory, application, options = (exchange.response for exchange in result.exchanges)
    real = application.replace(bytes.fromhex("4203999901"), bytes.fromhex("4203424242"))
    assert real != application
    return scripted_card(
        {
            bytes.fromhex("00A404000E"): directory,
            bytes.fromhex("00A4040007"): real,
            bytes.fromhex("80A8"): options,
        }
    )


def test_a_reader_waits_for_a_card_and_no_longer(bench: Any, run: Any) -> None:
    reader = bench.reader(INSTANT)
    with pytest.raises(NoCard):
        run(reader.wait_for_card(0.5))
    assert bench.time.elapsed_us == 500_000
    bench.time.plan(200, lambda: reader.present(bench.element.card()))
    link = run(reader.wait_for_card(0.5))
    assert link.uid[:1] == b"\x08"
    reader.present(bench.element.card())
    with pytest.raises(CardCollision):
        run(link.transmit(b"\x00\xa4\x04\x00"))
    with pytest.raises(CardCollision):
        run(reader.wait_for_card(0.5))
    run(reader.close())
    with pytest.raises(ReaderGone):
        run(reader.wait_for_card(0.5))
    with pytest.raises(ReaderGone):
        run(link.transmit(b"\x00\xa4\x04\x00"))


def test_a_released_conversation_is_over_and_silence_is_a_fault(
    bench: Any, run: Any, scripted_card: Any
) -> None:
    link = bench.link(scripted_card({b"": b""}))
    with pytest.raises(CardFault):
        run(link.transmit(b"\x00\xa4\x04\x00"))
    run(link.release())
    with pytest.raises(CardRemoved):
        run(link.transmit(b"\x00\xa4\x04\x00"))


def test_the_emulated_reader_is_always_listed() -> None:
    (reader,) = list_readers()
    assert (reader.url, reader.usable, reader.why) == ("sim:", True, "")
    assert len(list_readers([lambda: [reader, reader]])) == 3
