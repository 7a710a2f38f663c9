"""Mag-stripe mode of kernels 2 and 4, and what kernel 3 says to a card of that age."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import (
    CardRemoved,
    Outcome,
    ProvisioningRefused,
    StartPoint,
    TapRequest,
    TapResult,
    build_tlv,
    parse_tlv,
    shows_stripe,
    stripe_card,
)
from hardware.card.stripe_data import read_stripe_data
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.config import Modes
from hardware.terminal.outcome import ending_of
from hardware.terminal.stripe_data import (
    STRIPE_LENGTHS,
    Digits,
    complete_track_1,
    complete_track_2,
    read_places,
)
from tests import stripe_issuer
from tests.hardware.breaking_link import BreakingLink
from tests.stripe_issuer import LAYOUT, Layout

NUMBER = "5555555555554444"
PPSE, SELECT, GPO, RECORD, CHECKSUM = (
    bytes.fromhex(start) for start in ("00A404000E", "00A404", "80A8", "00B2", "802A8E80")
)


def objects_of(data: bytes) -> dict[int, bytes]:
    return {node.tag: node.value for node in parse_tlv(data)[0].children}


def counter(element: Any, token_ref: str) -> int:
    found: int = next(each.atc for each in element.tokens() if each.token_ref == token_ref)
    return found


class Swiped:
    """A phone whose Mastercard is shown in mag-stripe mode, and its answers, to be spoiled."""

    def __init__(self, bench: Any, scripted_card: Any) -> None:
        self.bench, self.scripted_card = bench, scripted_card
        stripe = stripe_issuer.personality(NUMBER)
        self.token = bench.install("mastercard", cvn="10", stripe=stripe)

    def tap(self, *, armed: bool = True, **options: Any) -> TapResult:
        if armed:
            self.bench.arm(self.token)
        card = stripe_card(self.bench.element, token_ref=self.token)
        result: TapResult = self.bench.tap(self.bench.link(card), **options)
        return result

    def scripted(self, **changed: bytes) -> TapResult:
        """A good tap's answers with some replaced."""
        good = self.tap()
        steps = ("ppse", "select", "gpo", "record", "checksum")
        answers = dict(zip(steps, [each.response for each in good.exchanges], strict=True))
        answers |= changed
        starts = (PPSE, SELECT, GPO, RECORD, CHECKSUM)
        card = self.scripted_card(
            {start: answers[step] for start, step in zip(starts, steps, strict=True)}
        )
        result: TapResult = self.bench.tap(self.bench.link(card))
        assert result.outcome is ending_of(result.reason).outcome
        return result

    def record(self, layout: Layout = LAYOUT, **options: bool) -> bytes:
        return stripe_issuer.record(NUMBER, layout, **options) + b"\x90\x00"


@pytest.fixture
def swiped(bench: Any, scripted_card: Any) -> Swiped:
    return Swiped(bench, scripted_card)


def answer(tag: int, objects: dict[int, bytes]) -> bytes:
    built = build_tlv(tag, [build_tlv(each, value) for each, value in objects.items()])
    return built + b"\x90\x00"


def test_the_track_carries_what_an_outsider_computes(swiped: Swiped) -> None:
    swiped.tap()
    result = swiped.tap()
    assert (result.outcome, result.kernel, result.atc) == (Outcome.ONLINE_REQUEST, 2, 2)
    assert [each.command[1] for each in result.exchanges] == [0xA4, 0xA4, 0xA8, 0xB2, 0x2A]
    number = int(result.exchanges[-1].command[5:9].hex())
    assert 0 < number < 10_000
    code = stripe_issuer.code(stripe_issuer.track_2(NUMBER), 2, number)
    assert result.track_2 == f"{NUMBER}D29122010002{number:04d}{code % 10_000:04d}9"
    assert (result.cryptogram, result.cryptogram_type, result.emv_data) == ("", None, b"")
    assert (result.token, result.expiry) == (NUMBER, "2912")


def test_both_tracks_have_codes_of_their_own(swiped: Swiped) -> None:
    result = swiped.tap()
    told = objects_of(result.exchanges[-1].response[:-2])
    number = int(result.exchanges[-1].command[5:9].hex())
    for tag, track in ((0x9F60, stripe_issuer.track_1), (0x9F61, stripe_issuer.track_2)):
        expected = stripe_issuer.code(track(NUMBER), 1, number)
        assert int.from_bytes(told[tag], "big") == expected


@pytest.mark.parametrize(("amount", "way"), [(4999, "none"), (5000, "device")])
def test_the_device_verifies_its_owner_from_the_limit_on(
    swiped: Swiped, amount: int, way: str
) -> None:
    assert swiped.tap(request=TapRequest(amount, 840)).cvm.value == way


def test_a_double_tap(swiped: Swiped) -> None:
    first = swiped.tap(armed=False)
    assert (first.outcome, first.reason) == (Outcome.SEE_PHONE, "see_phone")
    assert (first.ui.message_id, first.start_point) == (0x20, StartPoint.B)
    second = swiped.tap()
    assert (second.outcome, second.atc) == (Outcome.ONLINE_REQUEST, 1)


@pytest.mark.parametrize(
    ("interaction", "reason"),
    [
        ("000100", "see_phone"), ("000200", "see_phone"), ("000400", "see_phone"),
        ("000800", "see_phone"), ("000001", "see_phone"), ("000000", "card_declined"),
        ("001000", "card_declined"),
    ],
)  # fmt: skip
def test_what_a_phone_without_a_code_wants(swiped: Swiped, interaction: str, reason: str) -> None:
    told = answer(0x77, {0x9F36: b"\x00\x07", 0xDF4B: bytes.fromhex(interaction)})
    assert swiped.scripted(checksum=told).reason == reason


def test_room_for_no_number_at_all(swiped: Swiped) -> None:
    result = swiped.scripted(record=swiped.record(Layout(number=0x1E00), with_track_1=False))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert result.exchanges[-1].command[5:9] == bytes(4)
    code = int.from_bytes(objects_of(result.exchanges[-1].response[:-2])[0x9F61], "big")
    # no digit of number, so the last digit says 0 and, with the device's owner known, 5
    assert result.track_2[-13:] == f"{result.atc:04d}0000{code % 10_000:04d}5"


def test_places_are_filled_from_their_ends(swiped: Swiped) -> None:
    """Three digits of code, three of number apart from each other, three of counter."""
    layout = Layout(code=0x0038, number=0x03C6, counted=3)
    result = swiped.scripted(record=swiped.record(layout))
    assert result.outcome is Outcome.ONLINE_REQUEST
    last = result.exchanges[-1]
    number, told = int(last.command[5:9].hex()), objects_of(last.response[:-2])
    code = f"{int.from_bytes(told[0x9F61], 'big'):05d}"[-3:]
    digits = f"{number:03d}"
    assert number < 1000
    assert result.track_2[-13:] == f"000001{digits[0]}{code}{digits[1:]}8"


@pytest.mark.parametrize("tag", [0x9F65, 0x9F66, 0x9F67, 0x9F6B, 0x9F62, 0x9F63, 0x9F64])
def test_records_without_what_they_must_have(swiped: Swiped, tag: int) -> None:
    objects = objects_of(stripe_issuer.record(NUMBER))
    del objects[tag]
    result = swiped.scripted(record=answer(0x70, objects))
    assert (result.outcome, result.reason) == (Outcome.ERROR, f"missing_{tag:X}")


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (0x9F67, "09", "bad_9F67"),  # more digits of counter than both have together
        (0x9F67, "06", "bad_9F67"),  # more than a counter has
        (0x9F66, "3FFF", "bad_9F66"),  # ten digits of number
        (0x9F66, "3DE0", "bad_9F6B"),  # a fourteenth digit where there are thirteen
        (0x9F65, "007E", "bad_9F65"),  # six digits of a code that has five
        (0x9F65, "8000", "bad_9F6B"),
        (0x9F63, "00000000FE0F", "bad_9F63"),  # another number of digits than track 2
        (0x9F62, "800000000000", "bad_56"),
        (0x9F65, "01", "bad_9F65"),
        (0x9F6B, "5555555555554444D2912", "bad_9F6B"),
        (0x56, "42353535", "bad_56"),
        (0x56, "423535355E202F5E323931325858584142434445464748494A4B4C4D", "bad_56"),
        (0x9F69, "9F6A", "bad_9F69"),
    ],
)
def test_broken_records_end_where_the_book_says(
    swiped: Swiped, tag: int, value: str, reason: str
) -> None:
    value += "F" * (len(value) % 2)
    objects = objects_of(stripe_issuer.record(NUMBER)) | {tag: bytes.fromhex(value)}
    result = swiped.scripted(record=answer(0x70, objects))
    assert (result.outcome, result.reason) == (Outcome.ERROR, reason)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (bytes.fromhex("6985"), "checksum_refused"),
        (bytes.fromhex("6A80"), "checksum_refused"),
        (bytes.fromhex("6986"), "see_phone"),
        (b"\x90\x00", "checksum_malformed"),
        (answer(0x80, {}), "checksum_malformed"),
        (answer(0x77, {}), "missing_9F36"),
        (answer(0x77, {0x9F36: b"\x00\x01"}), "missing_9F61"),
        (answer(0x77, {0x9F36: b"\x00\x01", 0x9F61: b"\x00\x01"}), "missing_9F60"),
        (answer(0x77, {0x9F36: b"\x01", 0x9F61: b"\x00\x01"}), "bad_9F36"),
        (answer(0x77, {0x9F36: b"\x00\x01", 0x9F61: b"\x01"}), "bad_9F61"),
        (answer(0x77, {0x9F36: b"\x00\x01", 0x9F65: b"\x00\x01"}), "duplicate_9F65"),
    ],
)
def test_what_can_be_wrong_with_the_code(swiped: Swiped, told: bytes, reason: str) -> None:
    assert swiped.scripted(checksum=told).reason == reason


def test_a_list_of_the_cards_own_is_followed(swiped: Swiped) -> None:
    wanted = bytes.fromhex("9F6A049F02069F7E01")
    objects = objects_of(stripe_issuer.record(NUMBER)) | {0x9F69: wanted}
    result = swiped.scripted(record=answer(0x70, objects))
    data = result.exchanges[-1].command[5:-1]
    assert (data[4:10].hex(), data[10]) == ("000000001240", 0x01)


def test_a_till_without_emv_mode_reads_a_newer_card_as_an_old_one(swiped: Swiped) -> None:
    config = swiped.bench.config
    only = tuple(replace(one, modes=Modes.MAG_STRIPE_ONLY) for one in config.combinations)
    swiped.bench.config = replace(config, combinations=only)
    both = answer(0x77, {0x82: b"\x02\x80", 0x94: bytes.fromhex("0801010010010100")})
    result = swiped.scripted(gpo=both)
    assert (result.outcome, result.cryptogram_type) == (Outcome.ONLINE_REQUEST, None)
    # of the two records only this mode's is read
    assert [each.command[1] for each in result.exchanges] == [0xA4, 0xA4, 0xA8, 0xB2, 0x2A]


@pytest.mark.parametrize(
    ("qualifiers", "way"), [("32004000", "signature"), ("36004000", "online_pin")]
)
def test_plastic_above_the_limit(swiped: Swiped, qualifiers: str, way: str) -> None:
    swiped.bench.config = replace(swiped.bench.config, ttq=bytes.fromhex(qualifiers))
    swiped.bench.request = TapRequest(5000, 840)
    plastic = answer(0x77, {0x82: b"\x00\x00", 0x94: bytes.fromhex("08010100")})
    assert swiped.scripted(gpo=plastic).cvm.value == way


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_torn_anywhere(swiped: Swiped, at: int, *, after: bool) -> None:
    swiped.bench.arm(swiped.token)
    card = stripe_card(swiped.bench.element, token_ref=swiped.token)
    link = BreakingLink(swiped.bench.link(card), at, CardRemoved("pulled"), after=after)
    assert swiped.bench.tap(link).reason == "pulled_too_early"
    # the counter has gone on only where the code had left the card
    assert counter(swiped.bench.element, swiped.token) == int(at == 5 and after)


def test_a_real_card_is_not_asked_for_a_code(swiped: Swiped) -> None:
    good = swiped.tap()
    unmarked = good.exchanges[1].response.replace(
        bytes.fromhex("4203999901"), bytes.fromhex("4203545454")
    )
    result = swiped.scripted(select=unmarked)
    assert (result.reason, result.apdu_count) == ("real_card", 2)


# The card alone ------------------------------------------------------------------------------


def conversation(swiped: Swiped, *commands: str) -> list[str]:
    card = stripe_card(swiped.bench.element, token_ref=swiped.token)
    return [card.transmit(bytes.fromhex(command))[-2:].hex() for command in commands]


SELECTED = ("00A4040007A000000004101000", "80A8000002830000")
COMPUTE = "802A8E80040000123400"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("802A8E80050000123400", "6700"), ("802A9E80040000123400", "6a86"),
        ("00B2011400", "6a83"), ("00B2010C00", "9000"), ("80AE80000400001234", "6d00"),
        ("80A8000002830000", "6985"), ("90A8000002830000", "6e00"), ("FFCA000000", "6d00"),
    ],
)  # fmt: skip
def test_the_card_answers_every_command_with_a_status(
    swiped: Swiped, command: str, status: str
) -> None:
    swiped.bench.arm(swiped.token)
    assert conversation(swiped, *SELECTED, command)[-1] == status
    assert counter(swiped.bench.element, swiped.token) == 0


def test_one_code_a_conversation_and_an_authentication(swiped: Swiped) -> None:
    swiped.bench.arm(swiped.token)
    assert conversation(swiped, *SELECTED, COMPUTE, COMPUTE)[-2:] == ["9000", "6985"]
    card = stripe_card(swiped.bench.element, token_ref=swiped.token)
    told = [card.transmit(bytes.fromhex(each)) for each in (*SELECTED, COMPUTE)][-1]
    assert 0x9F61 not in objects_of(told[:-2])
    assert counter(swiped.bench.element, swiped.token) == 1


def test_the_counter_is_on_disk_before_a_code_leaves(swiped: Swiped) -> None:
    seen: list[int] = []

    def told(token_ref: str, atc: int) -> None:
        seen.append(atc - counter(swiped.bench.element, token_ref))

    swiped.bench.arm(swiped.token)
    card = stripe_card(swiped.bench.element, token_ref=swiped.token, on_cryptogram=told)
    for command in (*SELECTED, COMPUTE):
        card.transmit(bytes.fromhex(command))
    assert seen == [0]


def test_a_phone_keeps_its_stripe_when_it_is_opened_again(swiped: Swiped) -> None:
    first = swiped.tap()
    swiped.bench.element.close()
    swiped.bench.element = swiped.bench.open()
    swiped.bench.sensor = swiped.bench.element.face_sensor(passcode="246810")
    second = swiped.tap()
    assert (first.atc, second.atc) == (1, 2)
    assert second.outcome is Outcome.ONLINE_REQUEST


def test_a_token_without_a_stripe_is_shown_as_ever(bench: Any) -> None:
    token = bench.install("mastercard", cvn="10")
    assert not shows_stripe(bench.element, token)
    bench.arm(token)
    result = bench.tap(bench.link(stripe_card(bench.element, token_ref=token)))
    assert (result.outcome, result.cryptogram_type) == (Outcome.ONLINE_REQUEST, "ARQC")
    assert not shows_stripe(bench.element, "nobody's")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mk", "00"), ("mk", None), ("mk", "zz"), ("ivcvc3Track1", "000000"),
        ("ivcvc3Track2", ""), ("record", "7000"), ("record", "70"), ("record", "5701"),
        ("record", "70189F6B095555555555554444D19F6B095555555555554444D1"),
    ],
)  # fmt: skip
def test_a_stripe_that_is_none_is_refused(name: str, value: object) -> None:
    document = stripe_issuer.personality(NUMBER) | {name: value}
    with pytest.raises(ProvisioningRefused):
        read_stripe_data(document)
    with pytest.raises(ProvisioningRefused):
        read_stripe_data([document])


# Kernels 4 and 3 -----------------------------------------------------------------------------


def amex_tap(bench: Any, *, armed: bool = True) -> TapResult:
    token = bench.install("amex", cvn="01")
    if armed:
        bench.arm(token)
    result: TapResult = bench.tap(bench.link(stripe_card(bench.element, token_ref=token)))
    return result


def test_amex_carries_counter_code_and_number(bench: Any, oracle: Any) -> None:
    result = amex_tap(bench)
    assert (result.outcome, result.kernel, result.atc) == (Outcome.ONLINE_REQUEST, 4, 1)
    number = int(result.exchanges[-1].command[5:9].hex())
    assert number < 60
    told = objects_of(result.exchanges[-1].response[:-2])
    covered = bytes(25) + bytes.fromhex(f"{number:08d}") + bytes.fromhex("1040")
    key = bytes.fromhex("11223344556677889900AABBCCDDEEF0")
    data = covered + told[0x9F36] + told[0x9F10][3:7]
    assert told[0x9F26] == oracle.cryptogram(key, data, visa_padding=True)
    code = int.from_bytes(told[0x9F26][-3:], "big") % 100_000
    assert result.track_2 == f"378282246310005D291220100001{code:05d}{number:04d}"
    assert result.emv_data == b""


def test_an_amex_phone_that_knows_nobody_says_see_phone(bench: Any) -> None:
    assert amex_tap(bench, armed=False).reason == "see_phone"


def test_an_amex_till_with_emv_mode_alone(bench: Any) -> None:
    config = bench.config
    only = tuple(replace(one, modes=Modes.EMV_ONLY) for one in config.combinations)
    bench.config = replace(config, combinations=only)
    assert amex_tap(bench).reason == "magstripe_mode_only"


def test_kernel_3_ends_for_a_card_of_the_stripe_age(bench: Any, scripted_card: Any) -> None:
    bench.arm()
    good = bench.tap()
    answers = {PPSE: good.exchanges[0].response, SELECT: good.exchanges[1].response}
    old = answer(0x77, {0x82: b"\x00\x80", 0x94: bytes.fromhex("08010100")})
    track = answer(0x70, {0x57: bytes.fromhex("4242424242424242D29122010000000000")})
    result = bench.tap(bench.link(scripted_card(answers | {GPO: old, RECORD: track})))
    assert (result.outcome, result.reason) == (Outcome.ERROR, "msd_not_supported")


# Any record ----------------------------------------------------------------------------------


@given(
    code=st.binary(min_size=0, max_size=3),
    both=st.binary(min_size=0, max_size=3),
    count=st.binary(min_size=0, max_size=2),
    track=st.binary(max_size=20) | st.sampled_from([stripe_issuer.track_2(NUMBER)]),
    counter=st.integers(0, 0xFFFF),
    told=st.integers(0, 0xFFFF),
)
def test_any_bitmaps_give_a_whole_track_or_a_reason(
    code: bytes, both: bytes, count: bytes, track: bytes, counter: int, told: int
) -> None:
    data = CardData()
    data.expect(STRIPE_LENGTHS)
    try:
        for tag, value in ((0x9F65, code), (0x9F66, both), (0x9F67, count), (0x9F6B, track)):
            data.put(tag, value)
        before = data.track_2(0x9F6B)
        places = read_places(data, 0x9F65, 0x9F66, 0x9F67)
        digits = Digits(told, counter % 10 ** len(places.number), counter,
                        len(places.number), verified_on_device=False)  # fmt: skip
        whole = complete_track_2(before, places, digits)
    except BrokenRule as broken:
        ending = ending_of(broken.reason)
    else:
        ending = None
    if ending is not None:
        assert ending.outcome is Outcome.ERROR
        return
    head = f"{before.number}D{before.expiry}{before.service_code}"
    assert whole.startswith(head)
    assert len(whole) == len(head) + len(before.discretionary)
    assert whole[len(head) :].isdecimal()
    assert whole[-1] == str(len(places.number))


@given(st.binary(max_size=80))
def test_any_track_1_gives_a_whole_track_or_a_reason(value: bytes) -> None:
    data = CardData()
    data.expect(STRIPE_LENGTHS)
    for tag, part in ((0x9F62, "00000000001E"), (0x9F63, "000000001FE0"), (0x9F64, "04")):
        data.put(tag, bytes.fromhex(part))
    places = read_places(data, 0x9F62, 0x9F63, 0x9F64)
    try:
        whole = complete_track_1(value, places, Digits(1, 2, 3, 4, verified_on_device=True))
    except BrokenRule as broken:
        whole, reason = "", broken.reason
    else:
        reason = ""
    if reason:
        assert reason == "bad_56"
        return
    assert len(whole) == len(value)
