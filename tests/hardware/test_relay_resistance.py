"""How near the card is: measured on the clock, bounded by the card's word, under its signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.api import (
    PHONE,
    CardFaultPlan,
    FaultyReader,
    Outcome,
    RelaySettings,
    TapResult,
    TerminalConfig,
    mask_command,
    mask_response,
    parse_tlv,
    run_tap,
)
from hardware.terminal.outcome import ending_of
from hardware.terminal.risk import ActionCodes
from tests.offline_issuer import CARD, Made, all_authorities

EXCHANGE = 0xEA
MEASURED, NOT_MEASURED, TIME, THRESHOLD = 0x02, 0x01, 0x04, 0x08


def till(**changes: Any) -> TerminalConfig:
    return replace(TerminalConfig(authorities=all_authorities()), **changes)


def install(bench: Any, profile: str = "3381") -> None:
    offline = Made("mastercard", profile=profile).document()
    bench.install("mastercard", offline=offline)


def relayed(bench: Any, run: Any, ms: float, config: TerminalConfig | None = None) -> TapResult:
    """A tap whose every exchange takes so much longer."""
    bench.arm("tok-mastercard")
    reader = bench.reader(PHONE)
    tables = [{"link": "card", "effect": "relay", "ms": ms}] if ms else []
    plan = CardFaultPlan.from_tables(
        tables, stream=bench.stream, clock=bench.time, scheduler=bench.time
    )
    reader.present(bench.element.card())
    link = run(FaultyReader(reader, plan).wait_for_card(1))
    result: TapResult = run(
        run_tap(link, config or till(), bench.request, clock=bench.time, stream=bench.stream)
    )
    assert not plan.never_fired()
    return result


def last_finding(result: TapResult) -> int:
    return bytes.fromhex(result.findings)[4]


def exchanges(result: TapResult) -> list[Any]:
    return [each for each in result.exchanges if each.command[1] == EXCHANGE]


def test_a_phone_that_is_there_is_near(bench: Any, run: Any) -> None:
    install(bench)
    result = relayed(bench, run, 0)
    assert (result.outcome, last_finding(result)) == (Outcome.ONLINE_REQUEST, MEASURED)
    (exchange,) = exchanges(result)
    assert exchange.name == "EXCHANGE RELAY RESISTANCE DATA"
    assert exchange.command[:5].hex() == "80ea000004"
    assert exchange.command[5:9].hex().upper() == result.unpredictable_number
    assert exchange.response[:2].hex() == "800a"
    assert 5_000 < exchange.duration_us < 7_000
    assert [each.command[1] for each in result.exchanges][2:4] == [0xA8, EXCHANGE]


def test_a_relayed_phone_is_asked_three_times_and_declined(bench: Any, run: Any) -> None:
    install(bench)
    result = relayed(bench, run, 100)
    assert (result.outcome, result.reason) == (Outcome.DECLINED, "relay_suspected")
    assert last_finding(result) == MEASURED | TIME | THRESHOLD
    assert result.cryptogram_type == "AAC"
    asked = exchanges(result)
    assert len({each.command for each in asked}) == len(asked) == 3
    # The last number is the one of the whole tap: the cryptogram covers it.
    last = asked[-1].command[5:9]
    assert last.hex().upper() == result.unpredictable_number
    assert last in result.exchanges[-1].command


def test_one_slow_answer_is_measured_again(bench: Any, run: Any) -> None:
    install(bench)
    bench.arm("tok-mastercard")
    table = {"link": "card", "effect": "slow", "ms": 100, "at_apdu": 4}
    plan = CardFaultPlan.from_tables(
        [table], stream=bench.stream, clock=bench.time, scheduler=bench.time
    )
    reader = bench.reader(PHONE)
    reader.present(bench.element.card())
    link = run(FaultyReader(reader, plan).wait_for_card(1))
    result = run(run_tap(link, till(), bench.request, clock=bench.time, stream=bench.stream))
    assert (result.outcome, last_finding(result)) == (Outcome.ONLINE_REQUEST, MEASURED)
    assert len(exchanges(result)) == 2


@pytest.mark.parametrize(
    ("own", "finding", "reason"),
    [
        (ActionCodes(), MEASURED | THRESHOLD, "online_request"),
        (ActionCodes(denial=bytes([0, 0, 0, 0, THRESHOLD])), MEASURED | THRESHOLD,
         "relay_suspected"),
    ],
)  # fmt: skip
def test_the_tills_own_code_decides_what_the_cards_leaves(
    bench: Any, run: Any, own: ActionCodes, finding: int, reason: str
) -> None:
    """37 ms more: within the card's time and its grace, beyond the threshold."""
    install(bench)
    combinations = tuple(replace(each, action_codes=own) for each in TerminalConfig().combinations)
    result = relayed(bench, run, 37, till(combinations=combinations))
    assert (last_finding(result), result.reason) == (finding, reason)


def test_without_the_protocol_on_both_sides_nothing_is_measured(bench: Any, run: Any) -> None:
    install(bench, profile="3380")
    result = relayed(bench, run, 0)
    assert (exchanges(result), last_finding(result)) == ([], NOT_MEASURED)
    install_again = Made("mastercard", profile="3381").document()
    bench.install("mastercard", sessionId="again", replaces="tok-mastercard", offline=install_again)
    result = relayed(bench, run, 100, till(relay_resistance=None))
    assert (exchanges(result), last_finding(result)) == ([], 0)
    assert result.outcome is Outcome.ONLINE_REQUEST


def test_the_signature_holds_both_numbers_and_the_times(bench: Any, run: Any) -> None:
    install(bench)
    result = relayed(bench, run, 0)
    (exchange,) = exchanges(result)
    (template,) = parse_tlv(result.exchanges[-1].response[:-2])
    signature = next(node.value for node in template.children if node.tag == 0x9F4B)
    block = pow(int.from_bytes(signature, "big"), 3, CARD.p * CARD.q).to_bytes(128, "big")
    assert block[3] == 0x26 + 14
    assert block[42:56] == exchange.command[5:9] + exchange.response[2:12]


# Bounds --------------------------------------------------------------------------------------


class Timed:
    """A card with its own relay answer, which takes a given time on the tap's clock."""

    def __init__(self, bench: Any, *, takes_us: int, answer: bytes | None = None) -> None:
        self.card, self.time = bench.element.card(), bench.time
        self.takes_us, self.answer = takes_us, answer

    def transmit(self, command: bytes) -> bytes:
        answer: bytes = self.card.transmit(command)
        if command[1] == EXCHANGE:
            self.time.elapsed_us += self.takes_us
            return answer if self.answer is None else self.answer
        return answer


def timed_tap(bench: Any, takes_us: int, answer: bytes | None = None, **own: int) -> TapResult:
    if "tok-mastercard" not in {token.token_ref for token in bench.element.tokens()}:
        install(bench)
    bench.arm("tok-mastercard")
    card = Timed(bench, takes_us=takes_us, answer=answer)
    config = till(relay_resistance=RelaySettings(**own))
    result: TapResult = bench.tap(bench.link(card), config=config)
    return result


def said(time_min: int, time_max: int, transmission: int) -> bytes:
    times = (time_min, time_max, transmission)
    return b"\x80\x0a\x01\x02\x03\x04" + b"".join(t.to_bytes(2, "big") for t in times) + b"\x90\x00"


AIR_US = (0x12 + 0x18) * 100


@pytest.mark.parametrize(
    ("takes_100us", "finding", "attempts"),
    [
        (400 + 50, MEASURED | THRESHOLD, 1),  # the last unit in time, but far from the least
        (400 + 51, MEASURED | THRESHOLD | TIME, 3),
        (20 + 300, MEASURED, 1),
        (20 + 301, MEASURED | THRESHOLD, 1),
        (0, MEASURED, 1),
    ],
)
def test_every_bound_is_a_whole_unit(
    bench: Any, takes_100us: int, finding: int, attempts: int
) -> None:
    result = timed_tap(bench, AIR_US + takes_100us * 100)
    assert last_finding(result) == finding
    assert len(exchanges(result)) == attempts
    nearly = timed_tap(bench, AIR_US + takes_100us * 100 + 99)
    assert last_finding(nearly) == finding, "a part of a unit does not count"


@pytest.mark.parametrize(
    ("takes_100us", "outcome"), [(79, Outcome.ERROR), (80, Outcome.ONLINE_REQUEST)]
)
def test_faster_than_it_can_be_is_no_card(bench: Any, takes_100us: int, outcome: Outcome) -> None:
    # Unsigned here: the answer is not what the card would sign.
    unsigned = Made("mastercard", profile="3281").document()
    bench.install("mastercard", offline=unsigned)
    result = timed_tap(bench, AIR_US + takes_100us * 100, said(100, 400, 0x18))
    assert result.outcome is outcome
    assert (result.reason == "relay_too_fast") is (outcome is Outcome.ERROR)


@pytest.mark.parametrize(
    ("estimate", "doubtful"),
    [(0x18, False), (0, False), (0x0C, False), (0x0B, True), (0x30, False), (0x31, True)],
)
def test_estimates_of_the_answers_time_must_be_alike(
    bench: Any, estimate: int, *, doubtful: bool
) -> None:
    unsigned = Made("mastercard", profile="3281").document()
    bench.install("mastercard", offline=unsigned)
    result = timed_tap(bench, AIR_US, said(0, 400, estimate))
    assert bool(last_finding(result) & THRESHOLD) is doubtful


def test_a_long_estimate_does_not_make_a_card_look_nearer(bench: Any) -> None:
    unsigned = Made("mastercard", profile="3281").document()
    bench.install("mastercard", offline=unsigned)
    result = timed_tap(bench, AIR_US + 45_100, said(0, 400, 0xFFFF), mismatch_percent=0)
    assert last_finding(result) & TIME


def test_changed_times_break_the_signature(bench: Any) -> None:
    result = timed_tap(bench, AIR_US, said(0, 400, 0x18))
    assert (result.outcome, result.reason) == (Outcome.DECLINED, "unauthentic_relay_data")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    answer=st.one_of(
        st.binary(min_size=1, max_size=258),
        st.binary(max_size=20).map(lambda data: b"\x80" + bytes([len(data)]) + data + b"\x90\x00"),
        st.binary(min_size=10, max_size=10).map(lambda data: b"\x80\x0a" + data + b"\x90\x00"),
    ),
    takes_us=st.integers(0, 10_000_000),
)
def test_whatever_is_answered_there_is_an_outcome(bench: Any, answer: bytes, takes_us: int) -> None:
    """Over 0.25 s: sixty taps."""
    result = timed_tap(bench, takes_us, answer)
    assert ending_of(result.reason).outcome is result.outcome
    assert len(exchanges(result)) <= 3
    if result.outcome is Outcome.ONLINE_REQUEST:
        assert result.exchanges[3].response[6:12] == answer[6:12]


# What may be kept ----------------------------------------------------------------------------


@pytest.mark.parametrize("entropy", ["42424242", "00000000", "5A205720", "99999999"])
def test_no_relay_exchange_looks_like_a_card_number(entropy: str) -> None:
    """One in a few dozen did, and the bench then showed times that nobody had said."""
    for time_max in range(20, 1000):
        answer = bytes.fromhex(f"800A{entropy}0014{time_max:04X}00189000")
        assert mask_response(answer) == answer
    command = bytes.fromhex(f"80EA000004{entropy}00")
    assert mask_command(command) == command


def test_a_number_in_such_an_answer_is_hidden_all_the_same() -> None:
    """Times that run backwards are none."""
    answer = bytes.fromhex("800A5555555555554444FFFF9000")
    assert mask_response(answer) != answer


# Seen from the card --------------------------------------------------------------------------


def test_the_card_counts_and_refuses(bench: Any) -> None:
    install(bench)
    bench.arm("tok-mastercard")
    card = bench.element.card()
    ask = bytes.fromhex("80EA00000401020304")
    assert card.transmit(ask).hex() == "6985"
    for command in ("00A4040007A000000004101000", "80A8000002830000"):
        assert card.transmit(bytes.fromhex(command))[-2:] == b"\x90\x00"
    assert card.transmit(bytes.fromhex("80EA000003010203")).hex() == "6700"
    assert card.transmit(bytes.fromhex("80EA01000401020304")).hex() == "6a86"
    answers = [card.transmit(ask) for _ in range(4)]
    assert [answer[-2:].hex() for answer in answers] == ["9000", "9000", "9000", "6985"]
    assert len({answer[2:6] for answer in answers[:3]}) == 3


def test_a_card_without_the_protocol_does_not_know_the_command(bench: Any) -> None:
    bench.arm(bench.install("mastercard"))
    card = bench.element.card()
    for command in ("00A4040007A000000004101000", "80A8000002830000"):
        card.transmit(bytes.fromhex(command))
    assert card.transmit(bytes.fromhex("80EA00000401020304")).hex() == "6d00"
