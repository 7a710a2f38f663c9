"""Several payment applications on one phone: what is listed, in which order, what is selected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from hardware.api import ATC_MAX, InstalledToken, RecognisedBy, Tlv, parse_tlv
from hardware.card.directory import applications, named, ppse

if TYPE_CHECKING:
    from collections.abc import Callable

PPSE = bytes.fromhex("00A404000E") + b"2PAY.SYS.DDF01" + b"\0"
PSE = bytes.fromhex("00A404000E") + b"1PAY.SYS.DDF01" + b"\0"
VISA, MASTERCARD, AMEX = "A0000000031010", "A0000000041010", "A00000002501"
SECOND_VISA = VISA + "02"


def select(name: str, occurrence: int = 0) -> bytes:
    value = bytes.fromhex(name)
    return bytes([0x00, 0xA4, 0x04, occurrence, len(value)]) + value + b"\0"


def nodes(answer: bytes, tag: int) -> list[Tlv]:
    assert answer[-2:].hex() == "9000", answer.hex()
    (template,) = parse_tlv(answer[:-2])
    return [node for node in template.walk() if node.tag == tag]


def listed(answer: bytes) -> list[tuple[str, int]]:
    """Names and priorities in the order of the directory."""
    names = [node.value.hex().upper() for node in nodes(answer, 0x4F)]
    return list(zip(names, [node.value[0] for node in nodes(answer, 0x87)], strict=True))


@pytest.fixture
def phone(bench: Any) -> Any:
    """A phone with two Visa cards, a Mastercard and an Amex card."""
    bench.install("mastercard")
    bench.install("amex")
    bench.install(sessionId="second", tokenRef="tok-second", dpan="4000056655665556")
    return bench


@pytest.mark.inv(65)
def test_the_directory_lists_every_card_by_priority_the_default_one_first(phone: Any) -> None:
    card = phone.element.card()
    expected = [(VISA, 1), (MASTERCARD, 2), (AMEX, 3), (SECOND_VISA, 4)]
    assert listed(card.transmit(PPSE)) == expected
    kernels = [node.value[0] for node in nodes(card.transmit(PPSE), 0x9F2A)]
    assert kernels == [3, 2, 4, 3]


@pytest.mark.inv(44, 65)
def test_another_default_card_leads_at_once(phone: Any) -> None:
    card = phone.element.card()
    assert listed(card.transmit(PPSE))[0] == (VISA, 1)
    phone.element.set_default("tok-amex")
    expected = [(AMEX, 1), (VISA, 2), (MASTERCARD, 3), (SECOND_VISA, 4)]
    assert listed(card.transmit(PPSE)) == expected
    phone.element.set_default("tok-second")
    assert [name for name, _ in listed(card.transmit(PPSE))] == [
        VISA,
        SECOND_VISA,
        MASTERCARD,
        AMEX,
    ]
    assert phone.tap().kernel == 3


def test_the_armed_card_is_shown_alone_under_its_plain_name(phone: Any) -> None:
    card = phone.element.card()
    phone.arm("tok-second")
    assert listed(card.transmit(PPSE)) == [(VISA, 1)]
    assert card.transmit(select(MASTERCARD))[-2:].hex() == "6a82"
    result = phone.tap()
    assert (result.outcome, result.token) == ("online_request", "4000056655665556")
    assert len(listed(card.transmit(PPSE))) == 4


def test_a_card_that_is_asked_for_is_shown_alone(phone: Any) -> None:
    card = phone.element.card(token_ref="tok-amex", with_pse=True)
    assert listed(card.transmit(PPSE)) == [(AMEX, 1)]
    phone.element.remove("tok-amex")
    assert card.transmit(PPSE)[-2:].hex() == "6a82"


def test_partial_names_and_the_next_occurrence(phone: Any) -> None:
    card = phone.element.card()

    def chosen(answer: bytes) -> str:
        return nodes(answer, 0x84)[0].value.hex().upper()

    assert chosen(card.transmit(select("A000000003"))) == VISA
    assert chosen(card.transmit(select("A000000003", 2))) == SECOND_VISA
    assert card.transmit(select("A000000003", 2))[-2:].hex() == "6a82"
    assert chosen(card.transmit(select(SECOND_VISA))) == SECOND_VISA
    # without a selection before it, the next one is the first one
    card.transmit(PPSE)
    assert chosen(card.transmit(select("A000000003", 2))) == VISA
    for wrong in ("A0000000", "A0000000651010"):
        assert card.transmit(select(wrong))[-2:].hex() == "6a82"
    assert card.transmit(select(VISA, 1))[-2:].hex() == "6a86"


def test_the_contact_directory_has_a_record_a_card(phone: Any) -> None:
    card = phone.element.card(with_pse=True)
    assert nodes(card.transmit(PSE), 0x88)[0].value == b"\x01"
    read = [card.transmit(bytes([0x00, 0xB2, number, 0x0C, 0x00])) for number in range(1, 5)]
    assert [listed(answer)[0] for answer in read] == [
        (VISA, 1), (MASTERCARD, 2), (AMEX, 3), (SECOND_VISA, 4)
    ]  # fmt: skip
    assert card.transmit(bytes.fromhex("00B2050C00"))[-2:].hex() == "6a83"
    assert card.transmit(bytes.fromhex("00B2000C00"))[-2:].hex() == "6a83"
    assert phone.element.card().transmit(PSE)[-2:].hex() == "6a82"


def test_two_cards_of_one_network_pay_each_by_its_own_name(phone: Any) -> None:
    """An unarmed phone is selected by either name; both ask to be looked at."""
    card = phone.element.card()
    for name, label in ((VISA, b"Lab visa"), (SECOND_VISA, b"Lab visa")):
        answer = card.transmit(select(name))
        assert nodes(answer, 0x50)[0].value == label
        assert nodes(answer, 0x84)[0].value.hex().upper() == name
    phone.element.remove("tok-visa")
    assert listed(card.transmit(PPSE))[0] == (MASTERCARD, 1)
    assert VISA in [name for name, _ in listed(card.transmit(PPSE))]


def test_a_full_directory_stays_within_its_length() -> None:
    tokens = [
        InstalledToken(f"tok-{n}", "visa", "0000", "A label of length", "2912", 0)
        for n in range(20)
    ]
    found = applications(tokens)
    assert len({each.aid for each in found}) == 20
    assert max(each.priority for each in found) == 15
    (template,) = parse_tlv(ppse(found))
    (discretionary,) = [node for node in template.walk() if node.tag == 0xBF0C]
    assert 3 <= len(discretionary.find_all(0x61)) < 20
    assert len(discretionary.value) <= 222
    assert len(ppse(found)) <= 253
    assert named(found, found[5].aid) == found[5]


def test_who_was_recognised_how_and_until_when(phone: Any, run: Callable[..., Any]) -> None:
    element = phone.element
    assert element.recognised is None
    phone.arm("tok-visa")
    seen = element.recognised
    assert (seen.token_ref, seen.method) == ("tok-visa", RecognisedBy.FACE)
    assert seen.until_us - phone.time.monotonic_us() == 60_000_000
    element.arm(phone.sensor.passcode(element.challenge(), "246810"), "tok-amex", 5)
    assert element.recognised.method is RecognisedBy.PASSCODE
    run(phone.time.sleep(5))
    assert element.recognised is None


def test_a_token_at_the_end_of_its_counter_says_so() -> None:
    token = InstalledToken("tok", "visa", "4242", "Lab", "2912", ATC_MAX - 1)
    assert not token.is_spent
    assert InstalledToken("tok", "visa", "4242", "Lab", "2912", ATC_MAX).is_spent
