"""Reading without buying: what is sent to whose card, what is kept, phone or plastic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hardware.api import (
    Activation,
    CardRemoved,
    Medium,
    PlainTag,
    Sort,
    Stop,
    TagFamily,
    judge,
    kind_of,
    read_card,
    reading_of_tag,
)
from tests import strangers_card
from tests.hardware.breaking_link import BreakingLink
from tests.hardware.conftest import complete

CLEAR = strangers_card.NUMBER
GENERATE_AC = 0xAE


class StrangersCard:
    """A link with a bank's card at its other end, which may answer otherwise."""

    atr = bytes.fromhex("3B80800101")

    def __init__(
        self,
        uid: str = "04A1B2C3D4E5F6",
        *,
        options: bytes | None = None,
        otherwise: Callable[[bytes], bytes] = strangers_card.answer,
    ) -> None:
        self.uid = bytes.fromhex(uid)
        self.commands: list[bytes] = []
        self._options, self._otherwise = options, otherwise

    async def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        if command[1] == 0xA8 and self._options is not None:
            return self._options
        return self._otherwise(command)

    async def release(self) -> None:
        return


@pytest.fixture
def time(bench: Any) -> Any:
    return bench.time


def read(card: Any, time: Any, *, consent: bool = False) -> Any:
    return complete(read_card(card, clock=time, consent=consent))


def test_a_strangers_card_is_selected_and_no_more(time: Any) -> None:
    card = StrangersCard()
    reading = read(card, time)
    assert (reading.sort, reading.stop, reading.cryptograms) == (
        Sort.PAYMENT_CARD, Stop.NO_CONSENT, 0,
    )  # fmt: skip
    assert {command[1] for command in card.commands} == {0xA4}
    assert [application.aid for application in reading.applications] == [
        "A0000000031010", "A0000000041010",
    ]  # fmt: skip
    assert [application.kernel for application in reading.applications] == [3, 2]


def test_consent_reads_on_for_nothing_and_never_asks_for_a_cryptogram_twice(time: Any) -> None:
    card = StrangersCard()
    reading = read(card, time, consent=True)
    assert (reading.stop, reading.cryptograms) == (Stop.READ_WHOLE, 1)
    assert GENERATE_AC not in {command[1] for command in card.commands}
    [options] = [command for command in card.commands if command[1] == 0xA8]
    assert options[-11:-1] == bytes(10)  # no amount, no random number
    assert reading.masked_number == "424242******4242"


def test_nothing_clear_leaves_a_reading(time: Any) -> None:
    reading = read(StrangersCard(), time, consent=True)
    said = repr(reading) + "".join(
        (each.command + each.response).hex() for each in reading.exchanges
    )
    said += "".join(value.hex() for value in reading.objects.values())
    assert CLEAR not in said
    assert "DOE" not in said
    assert b"DOE".hex() not in said


def test_a_lab_card_is_read_whole_once_it_is_armed(bench: Any) -> None:
    refused = read(bench.link(bench.element.card()), bench.time)
    assert (refused.sort, refused.stop, refused.cryptograms) == (Sort.LAB_CARD, Stop.REFUSED, 0)
    bench.arm()
    reading = read(bench.link(bench.element.card(with_records=True)), bench.time)
    assert (reading.sort, reading.stop, reading.cryptograms) == (Sort.LAB_CARD, Stop.READ_WHOLE, 1)
    assert reading.form_factor.medium is Medium.PHONE
    assert "9F6C" in {evidence.where for evidence in reading.form_factor.evidence}


@pytest.mark.parametrize("at", range(1, 6))
@pytest.mark.parametrize("after", [False, True])
def test_a_card_that_leaves_ends_the_reading_with_what_was_read(
    time: Any, at: int, *, after: bool
) -> None:
    broken = BreakingLink(StrangersCard(), at, CardRemoved("away"), after=after)
    reading = read(broken, time, consent=True)
    assert (reading.stop, reading.detail) == (Stop.LEFT, "CardRemoved")
    assert len(reading.exchanges) == at


@pytest.mark.parametrize(
    ("options", "stop", "detail"),
    [
        (b"\x69\x85", Stop.REFUSED, "gpo_refused"),
        (b"\x77\x05\x90\x00", Stop.BROKE_A_RULE, "gpo_malformed"),
        (b"\x80\x02\x20\x00\x90\x00", Stop.READ_WHOLE, ""),
        (b"\x90", Stop.BROKE_A_RULE, "answer_malformed"),
    ],
)
def test_a_bad_answer_to_processing_options_ends_in_words(
    time: Any, options: bytes, stop: Stop, detail: str
) -> None:
    reading = read(StrangersCard(options=options), time, consent=True)
    assert (reading.stop, reading.detail) == (stop, detail)


def test_a_card_without_a_directory_says_what_else_it_is(time: Any) -> None:
    card = StrangersCard(
        otherwise=lambda command: b"\x90\x00" if b"\xd2\x76" in command else b"\x6a\x82"
    )
    reading = read(card, time)
    assert (reading.sort, reading.kind.family) == (Sort.OTHER, TagFamily.NDEF)
    assert {command[1] for command in card.commands} == {0xA4}


def test_a_tag_without_commands_is_known_by_its_selection() -> None:
    tag = PlainTag("a tag", uid=bytes.fromhex("04112233445566"), sak=0, atqa=b"\x44\x00")
    reading = reading_of_tag(tag)
    assert (reading.sort, reading.kind.family) == (Sort.OTHER, TagFamily.NDEF)
    assert (reading.uid, reading.random_uid) == ("04112233445566", False)


@pytest.mark.parametrize(
    ("sak", "name"),
    [(0x08, "MIFARE Classic 1K"), (0x20, "ISO-DEP"), (0x60, "ISO-DEP"), (0x77, "ISO-DEP"),
     (0x40, "NFC-DEP"), (0x55, "NFC-DEP"), (0x02, "unknown")],
)  # fmt: skip
def test_selection_names_the_kind(sak: int, name: str) -> None:
    assert name in kind_of(b"", Activation(sak, b"\x04\x00")).name


@pytest.mark.parametrize(
    ("atr", "name"),
    [
        ("3B8F8001804F0CA000000306030001000000006A", "MIFARE Classic 1K"),
        ("3B8F8001804F0CA0000003060300030000000068", "type 2"),
        ("3B8F8001804F0CA00000030611003B0000000042", "FeliCa"),
        ("3B8F8001804F0CA0000003060377770000000042", "unknown"),
        ("3B80800101", "ISO-DEP"),
        ("3B6500002063CB6800", "unknown"),
        ("", "unknown"),
    ],
)
def test_a_readers_answer_to_reset_names_the_kind(atr: str, name: str) -> None:
    assert name in kind_of(bytes.fromhex(atr)).name


VISA, MASTERCARD = bytes.fromhex("A0000000031010"), bytes.fromhex("A0000000041010")


@pytest.mark.parametrize(
    ("objects", "aid", "uid", "medium"),
    [
        ({0x9F6C: b"\x00\x80"}, VISA, "08010203", Medium.PHONE),
        ({0x9F6C: b"\x00\x00"}, VISA, "08010203", Medium.UNKNOWN),
        ({0x9F6C: b"\x00\x80"}, VISA, "04010203040506", Medium.PHONE),
        ({0x82: b"\x1a\x00"}, MASTERCARD, "", Medium.PHONE),
        ({0x82: b"\x1a\x00"}, VISA, "", Medium.UNKNOWN),
        ({0x9F6E: bytes.fromhex("23700000")}, VISA, "", Medium.PHONE),
        ({0x9F6E: bytes.fromhex("20700000")}, VISA, "", Medium.UNKNOWN),
        ({0x9F6E: b"\x08\x40\x00\x0000\x00"}, MASTERCARD, "", Medium.PLASTIC),
        ({0x9F6E: b"\x08\x40\x00\x0001\x00"}, MASTERCARD, "", Medium.PHONE),
        ({0x9F71: b"\x01\x03\x02"}, b"", "", Medium.PHONE),
        ({0x9F19: b"\x04\x00\x10\x03\x02\x73"}, VISA, "", Medium.PHONE),
        ({}, b"", "04A1B2C3D4E5F6", Medium.PLASTIC),
        ({}, b"", "DEADBEEF", Medium.UNKNOWN),
        ({}, b"", "08010203", Medium.UNKNOWN),
        ({0x9F6E: bytes.fromhex("21700000"), 0x9F6C: b"\x00\x80"}, VISA, "", Medium.UNKNOWN),
        ({}, b"", "", Medium.UNKNOWN),
    ],
)
def test_phone_or_plastic(objects: Any, aid: bytes, uid: str, medium: Medium) -> None:
    raw = bytes.fromhex(uid)
    verdict = judge(objects, aid, raw, random_uid=len(raw) == 4 and raw[0] == 8)
    assert verdict.medium is medium
    assert bool(verdict.evidence) or medium is Medium.UNKNOWN


def test_no_kernel_asks_a_strangers_card_for_a_cryptogram(bench: Any) -> None:
    """Even with consent: Mastercard's kernel wants GENERATE AC, and it is not sent."""
    bench.arm(bench.install("mastercard"))
    card = WithoutMark(bench.link(bench.element.card()))
    result = bench.tap(card, consent=True)
    assert (result.reason, result.lab_card) == ("real_card", False)
    assert card.instructions[-1] == 0xB2
    assert GENERATE_AC not in card.instructions


class WithoutMark:
    """A lab card whose mark reads as an issuer's number."""

    def __init__(self, link: Any) -> None:
        self._link = link
        self.atr, self.uid = link.atr, link.uid
        self.instructions: list[int] = []

    async def transmit(self, command: bytes) -> bytes:
        self.instructions.append(command[1])
        answer: bytes = await self._link.transmit(command)
        return answer.replace(bytes.fromhex("4203999901"), bytes.fromhex("4203424242"))


def test_a_wallets_answer_to_select_is_a_hint_and_no_proof() -> None:
    verdict = judge({}, b"", b"", random_uid=False, ats=bytes.fromhex("0578807002"))
    assert verdict.medium is Medium.UNKNOWN
    [evidence] = verdict.evidence
    assert (evidence.where, evidence.points_to, evidence.decides) == ("ATS", Medium.PHONE, False)
