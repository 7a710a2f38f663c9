"""T=0: data behind 61xx, the right length behind 6Cxx, and nothing done twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.publish.transmission import Transmission, TwoStepCard

SELECT = bytes.fromhex("00A404000E325041592E5359532E4444463031")
READ = bytes.fromhex("00B2010C")
GET_RESPONSE = bytes.fromhex("00C00000")


class CountingCard:
    """Answers everything with the same, and counts."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.commands: list[bytes] = []

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        return self.answer


def fetch(card: TwoStepCard, command: bytes) -> bytes:
    """What a reader does for its program: follow 61xx and 6Cxx to the end."""
    answer, data = card.transmit(command), b""
    for _ in range(300):
        match answer[-2:-1]:
            case b"\x6c":
                answer = card.transmit(command[:4] + answer[-1:])
            case b"\x61":
                data += answer[:-2]
                command = GET_RESPONSE + answer[-1:]
                answer = card.transmit(command)
            case _:
                return data + answer
    raise AssertionError("never ends")


@given(
    st.binary(max_size=256),
    st.sampled_from([0x9000, 0x6A82, 0x6283]),
    st.sampled_from([SELECT, SELECT + b"\0", READ + b"\0", READ + b"\x10"]),
)
def test_a_program_gets_in_steps_what_the_card_said_at_once(
    data: bytes, sw: int, command: bytes
) -> None:
    said = data + sw.to_bytes(2, "big")
    inner = CountingCard(said)
    assert fetch(TwoStepCard(inner), command) == said
    assert inner.commands == [command]


def test_get_response_gives_parts_to_a_program_that_asks_for_less() -> None:
    card = TwoStepCard(CountingCard(bytes(range(10)) + b"\x90\0"))
    assert card.transmit(SELECT) == bytes.fromhex("610A")
    assert card.transmit(GET_RESPONSE + b"\x04") == bytes.fromhex("000102036106")
    assert card.transmit(GET_RESPONSE + b"\x00") == bytes.fromhex("6C06")
    assert card.transmit(GET_RESPONSE + b"\x06") == bytes.fromhex("0405060708099000")
    assert card.transmit(GET_RESPONSE + b"\x06") == bytes.fromhex("6985")


def test_another_command_loses_what_was_not_fetched() -> None:
    card = TwoStepCard(CountingCard(b"\x01\x90\0"))
    assert card.transmit(SELECT) == bytes.fromhex("6101")
    assert card.transmit(READ + b"\x01") == bytes.fromhex("019000")
    assert card.transmit(GET_RESPONSE + b"\x01") == bytes.fromhex("6985")


def test_after_6c_only_the_same_command_gets_the_answer_that_waits() -> None:
    inner = CountingCard(b"\x01\x02\x90\0")
    card = TwoStepCard(inner)
    assert card.transmit(READ + b"\x05") == bytes.fromhex("6C02")
    assert card.transmit(bytes.fromhex("00B2020C02")) == bytes.fromhex("01029000")
    assert len(inner.commands) == 2


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [("00C0000102", "6A86"), ("00C000000112FF", "6700"), ("A0C0000002", "0102")],
)
def test_a_wrong_get_response_loses_nothing(wrong: str, answer: str) -> None:
    card = TwoStepCard(CountingCard(b"\x01\x02\x90\0"))
    card.transmit(SELECT)
    assert card.transmit(bytes.fromhex(wrong)).hex().startswith(answer.lower())
    if answer != "0102":  # another class is another command, and the card had it
        assert card.transmit(GET_RESPONSE + b"\x02") == bytes.fromhex("01029000")


def test_each_protocol_has_an_answer_to_reset_that_offers_it() -> None:
    """TD1's low half names the first protocol (ISO 7816-3 8.2.3); without TD1 it is T=0."""
    t0, t1 = Transmission.T0.atr, Transmission.T1.atr
    assert t0[0] == t1[0] == 0x3B
    assert not t0[1] & 0x80
    assert t1[1] & 0x80
    assert t1[2] & 0x80
    assert t1[3] & 0x0F == 1
    check = 0
    for byte in t1[1:]:
        check ^= byte
    assert check == 0
