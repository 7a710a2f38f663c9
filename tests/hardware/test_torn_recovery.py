"""A tap torn at GENERATE AC, and the same card again: one cryptogram, one counter (Book C-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.api import (
    CardFault,
    CardLinkError,
    CardMute,
    CardRemoved,
    Outcome,
    ReaderGone,
    TapRequest,
    TapResult,
    TerminalConfig,
    TornLog,
    parse_tlv,
)
from hardware.terminal.outcome import ending_of
from tests.hardware.breaking_link import BreakingLink
from tests.offline_issuer import Made, all_authorities

GENERATE, RECOVER = 0xAE, 0xD0
BREAKS = (CardRemoved("torn"), CardMute("torn"), CardFault("torn"), ReaderGone("torn"))


class Counter:
    """One Mastercard phone, one till with its log; plain, or signing with relay resistance."""

    def __init__(self, bench: Any, *, signing: bool = False) -> None:
        self.bench, self.log = bench, TornLog()
        self.token_ref = "tok-mastercard"
        offline = Made("mastercard", profile="3381").document() if signing else None
        bench.install("mastercard", offline=offline)
        if signing:
            bench.config = TerminalConfig(authorities=all_authorities())
        self.last = 7 if signing else 5
        if signing:
            self.last += 1  # relay resistance

    def tap(
        self,
        at: int = 0,
        broken: CardLinkError = BREAKS[0],
        *,
        after: bool = True,
        card: Any = None,
        **options: Any,
    ) -> TapResult:
        self.bench.arm(self.token_ref)
        link = self.bench.link(card)
        if at:
            link = BreakingLink(link, at, broken, after=after)
        result: TapResult = self.bench.tap(link, torn=self.log, **options)
        return result

    @property
    def counted(self) -> int:
        return next(
            token.atc for token in self.bench.element.tokens() if token.token_ref == self.token_ref
        )


@pytest.fixture(params=[False, True], ids=["plain", "signing"])
def counter(request: pytest.FixtureRequest, bench: Any) -> Counter:
    return Counter(bench, signing=request.param)


def instructions(result: TapResult) -> list[int]:
    return [exchange.command[1] for exchange in result.exchanges]


def objects_of(data: bytes) -> dict[int, bytes]:
    return {node.tag: node.value for node in parse_tlv(data)}


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: type(broken).__name__)
def test_torn_after_the_cryptogram_the_next_tap_hears_the_same_one(
    counter: Counter, broken: CardLinkError
) -> None:
    torn = counter.tap(counter.last, broken)
    assert torn.outcome in {Outcome.TRY_AGAIN, Outcome.ERROR}
    assert (torn.recovered, torn.cryptogram, counter.counted) == (False, "", 1)
    asked = torn.exchanges[-1].command
    again = counter.tap()
    assert (again.outcome, again.recovered) == (Outcome.ONLINE_REQUEST, True)
    assert instructions(again)[-1] == RECOVER
    assert GENERATE not in instructions(again)
    assert (again.atc, counter.counted) == (1, 1)
    # What goes online is what the torn tap asked, its number, its moment and its findings.
    sent = objects_of(again.emv_data)
    for tag in (0x95, 0x9A, 0x9F02, 0x9F37):
        assert sent[tag] in asked
    assert sent[0x9F37].hex().upper() == again.unpredictable_number
    assert sent[0x9F26].hex().upper() == again.cryptogram
    assert len(counter.log) == 0


def test_the_recovered_cryptogram_is_the_one_that_was_lost(counter: Counter) -> None:
    """Seen from the card: the answer that nobody heard, byte for byte."""
    heard: list[bytes] = []

    class Overheard:
        def __init__(self, card: Any) -> None:
            self.card = card

        def transmit(self, command: bytes) -> bytes:
            answer: bytes = self.card.transmit(command)
            if command[1] in {GENERATE, RECOVER}:
                heard.append(answer)
            return answer

    counter.tap(counter.last, card=Overheard(counter.bench.element.card()))
    again = counter.tap(card=Overheard(counter.bench.element.card()))
    assert again.recovered
    assert len(heard) == 2
    assert heard[0] == heard[1]


def test_torn_before_the_cryptogram_a_new_one_is_made(counter: Counter) -> None:
    torn = counter.tap(counter.last, after=False)
    assert (torn.outcome, counter.counted) == (Outcome.TRY_AGAIN, 0)
    again = counter.tap()
    assert instructions(again)[-2:] == [RECOVER, GENERATE]
    assert (again.outcome, again.recovered, again.atc) == (Outcome.ONLINE_REQUEST, False, 1)


def test_torn_anywhere_two_taps_spend_one_counter(counter: Counter) -> None:
    """Every command, before and after the card's work; then torn again in the second tap."""
    for at in range(1, counter.last + 1):
        for after in (False, True):
            for torn_again in (False, True):
                before = counter.counted
                counter.tap(at, after=after)
                if torn_again:
                    counter.tap(counter.last, after=after)
                result = counter.tap()
                assert result.outcome is Outcome.ONLINE_REQUEST, (at, after)
                assert counter.counted == before + 1 == result.atc, (at, after, torn_again)
                assert len(counter.log) == 0


def test_recovery_torn_itself_is_taken_up_once_more(counter: Counter) -> None:
    counter.tap(counter.last)
    for after in (False, True):
        torn = counter.tap(counter.last, after=after)
        assert instructions(torn)[-1] == RECOVER
        assert torn.outcome is Outcome.TRY_AGAIN
    assert counter.tap().recovered
    assert counter.counted == 1


@pytest.mark.parametrize(
    "other", [TapRequest(1241, 840), TapRequest(1240, 978), TapRequest(1240, 840, 2, 0x20)]
)
def test_another_payment_is_another_cryptogram(counter: Counter, other: TapRequest) -> None:
    counter.tap(counter.last)
    result = counter.tap(request=other)
    assert RECOVER not in instructions(result)
    assert (result.outcome, result.atc, counter.counted) == (Outcome.ONLINE_REQUEST, 2, 2)
    # The card knows only its last one by now: the first is gone on both sides.
    assert not counter.tap().recovered


def test_a_torn_tap_is_forgotten_after_its_time(counter: Counter) -> None:
    counter.log = TornLog(lifetime_s=300)
    counter.tap(counter.last)
    counter.bench.time.elapsed_us += 300_000_000
    result = counter.tap()
    assert (RECOVER in instructions(result), result.atc) == (False, 2)
    counter.tap(counter.last)
    counter.bench.time.elapsed_us += 200_000_000
    assert counter.tap().recovered


def test_the_log_is_bounded_and_the_oldest_goes(counter: Counter) -> None:
    counter.log = TornLog(records_max=1)
    counter.tap(counter.last)
    other = counter.bench.install(
        "mastercard", tokenRef="tok-2", sessionId="session-2", dpan="5105105105105100"
    )
    counter.token_ref, first = other, counter.token_ref
    counter.tap(5)
    assert len(counter.log) == 1
    counter.token_ref = first
    assert RECOVER not in instructions(counter.tap())
    counter.token_ref = other
    assert counter.tap().recovered


def test_a_till_without_a_log_asks_anew(counter: Counter) -> None:
    counter.log = TornLog(records_max=0)
    counter.tap(counter.last)
    result = counter.tap()
    assert (RECOVER in instructions(result), result.atc) == (False, 2)


def test_a_card_without_a_recovery_list_is_not_remembered(bench: Any) -> None:
    log = TornLog()
    bench.arm(bench.install("amex"))
    assert bench.tap(BreakingLink(bench.link(), 5, BREAKS[0], after=True), torn=log).atc is None
    assert len(log) == 0


def test_the_cards_memory_survives_its_restart(counter: Counter) -> None:
    """The answer is in the element's file before it leaves."""
    counter.tap(counter.last)
    counter.bench.element.close()
    counter.bench.element = counter.bench.open()
    result = counter.tap()
    assert (result.recovered, result.atc, counter.counted) == (True, 1, 1)


def test_the_file_keeps_no_cryptogram_in_clear(counter: Counter) -> None:
    cryptogram = bytes.fromhex(counter.tap().cryptogram)
    counter.bench.element.close()
    files = list(counter.bench.folder.iterdir())
    assert all(cryptogram not in path.read_bytes() for path in files if path.is_file())
    counter.bench.element = counter.bench.open()


def test_new_keys_forget_the_last_answer(counter: Counter) -> None:
    counter.tap(counter.last)
    counter.bench.install("mastercard", sessionId="session-new", replaces=counter.token_ref)
    result = counter.tap()
    assert (result.outcome, result.recovered, result.atc) == (Outcome.ONLINE_REQUEST, False, 2)


# Seen from the card --------------------------------------------------------------------------


def asked_card(bench: Any) -> tuple[Any, bytes]:
    """A card whose last cryptogram was torn off, at the place where it may be asked again."""
    counter = Counter(bench)
    counter.tap(5)
    record = counter.log.find("5555555555554444", b"\x01", bench.time.now_us())
    assert record is not None
    bench.arm("tok-mastercard")
    card = bench.element.card()
    for command in ("00A4040007A000000004101000", "80A8000002830000"):
        assert card.transmit(bytes.fromhex(command))[-2:] == b"\x90\x00"
    return card, bytes([0x80, RECOVER, 0, 0, len(record.asked)]) + record.asked + b"\x00"


def test_recovery_ends_the_authentication_and_the_conversation(bench: Any) -> None:
    card, command = asked_card(bench)
    assert bench.element.armed == "tok-mastercard"
    assert card.transmit(command)[-2:] == b"\x90\x00"
    assert bench.element.armed is None
    assert card.transmit(command).hex() == "6985"
    generate = bytes.fromhex("80AE8000") + bytes([33]) + bytes(33)
    assert card.transmit(generate).hex() == "6985"


def test_the_wallet_hears_of_a_recovered_cryptogram(bench: Any) -> None:
    _card, command = asked_card(bench)
    heard: list[tuple[str, int]] = []
    card = bench.element.card(on_cryptogram=lambda *said: heard.append(said))
    for sent in ("00A4040007A000000004101000", "80A8000002830000"):
        card.transmit(bytes.fromhex(sent))
    card.transmit(command)
    assert heard == [("tok-mastercard", 1)]


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        (lambda command: command[:5] + bytes(10) + command[-1:], "6985"),  # other values
        (lambda command: command[:4] + b"\x09" + command[6:], "6700"),
        (lambda command: command[:2] + b"\x01" + command[3:], "6a86"),
        (lambda command: b"\x00" + command[1:], "6e00"),
        (lambda command: command[:4], "6700"),
    ],
)
def test_what_is_not_the_last_question_is_refused(
    bench: Any, changed: Callable[[bytes], bytes], status: str
) -> None:
    card, command = asked_card(bench)
    assert card.transmit(changed(command)).hex() == status
    assert card.transmit(command)[-2:] == b"\x90\x00", "it may still be asked rightly"


@pytest.mark.parametrize(("network", "status"), [("visa", "6985"), ("amex", "6d00")])
def test_other_networks_recover_nothing(bench: Any, network: str, status: str) -> None:
    if network == "amex":
        bench.install("amex")
    bench.arm(f"tok-{network}")
    card = bench.element.card()
    good = {
        "visa": "00A4040007A000000003101000",
        "amex": "00A4040006A0000000250100",
    }
    assert card.transmit(bytes.fromhex(good[network]))[-2:] == b"\x90\x00"
    if network == "amex":
        card.transmit(bytes.fromhex("80A8000007830522000000000000")[:13])
    assert card.transmit(bytes.fromhex("80D000000A") + bytes(10)).hex() == status


# Any answer ----------------------------------------------------------------------------------


class Answering:
    """A card that answers RECOVER AC with given bytes and everything else as it does."""

    def __init__(self, card: Any, answer: bytes) -> None:
        self.card, self.answer = card, answer

    def transmit(self, command: bytes) -> bytes:
        return self.answer if command[1] == RECOVER else self.card.transmit(command)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    answer=st.one_of(
        st.binary(min_size=1, max_size=258),
        st.binary(max_size=80).map(lambda data: data + b"\x90\x00"),
        st.binary(max_size=80).map(lambda data: b"\x77" + bytes([len(data)]) + data + b"\x90\x00"),
    )
)
def test_whatever_recovery_answers_there_is_an_outcome(bench: Any, answer: bytes) -> None:
    """Over 0.25 s: sixty pairs of taps."""
    if "tok-mastercard" not in {token.token_ref for token in bench.element.tokens()}:
        bench.install("mastercard")
    counter = Counter.__new__(Counter)
    counter.bench, counter.log, counter.token_ref = bench, TornLog(), "tok-mastercard"
    counter.tap(5)
    spent = counter.counted
    result = counter.tap(card=Answering(bench.element.card(), answer))
    assert ending_of(result.reason).outcome is result.outcome
    if result.outcome is Outcome.ONLINE_REQUEST and not result.recovered:
        assert result.atc == spent + 1
    ready = counter.tap()
    assert ready.outcome is Outcome.ONLINE_REQUEST
