"""The card behind a virtual reader's contacts: power, reset, the reader's own commands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import Card, HardwareError, PoweredCard, SecureElementDamaged, Transmission
from hardware.publish.vpcd_wire import Control

SELECT_VISA = bytes.fromhex("00A4040007A000000003101000")
SELECT_PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
GPO = bytes.fromhex(
    "80A80000238321" + "32804000" + "000000001240" + "000000000000" + "0840" + "0000000000"
    "0840" + "261118" + "00" + "01020304" + "00"
)
UID = bytes.fromhex("FFCA000000")


def powered(bench: Any, transmission: Transmission = Transmission.T1) -> PoweredCard:
    card = PoweredCard(bench.element.card, transmission, bench.stream)
    card.handle(Control.POWER_ON)
    return card


class Answers:
    """A card that always says the same, or fails."""

    def __init__(self, answer: bytes | HardwareError) -> None:
        self.answer = answer

    def transmit(self, _command: bytes) -> bytes:
        if isinstance(self.answer, HardwareError):
            raise self.answer
        return self.answer


def test_it_answers_to_reset_and_to_nothing_else_unasked(bench: Any) -> None:
    card = PoweredCard(bench.element.card, Transmission.T1, bench.stream)
    assert card.handle(Control.GET_ATR) == bytes.fromhex("3B80800101")
    assert card.handle(Control.POWER_ON) is None
    assert card.handle(Control.RESET) is None
    assert card.handle(Control.POWER_OFF) is None


@pytest.mark.parametrize("control", [Control.RESET, Control.POWER_ON])
def test_a_reset_forgets_what_was_selected_and_keeps_the_authentication(
    bench: Any, control: Control
) -> None:
    bench.arm()
    card = powered(bench)
    assert card.handle(SELECT_VISA)[-2:] == b"\x90\0"
    card.handle(control)
    assert card.handle(GPO) == bytes.fromhex("6985")
    card.handle(SELECT_VISA)
    assert card.handle(GPO)[-2:] == b"\x90\0"


def test_without_power_it_knows_nothing_and_still_answers(bench: Any) -> None:
    card = powered(bench)
    card.handle(Control.POWER_OFF)
    assert card.handle(SELECT_PPSE) == bytes.fromhex("6F00")
    assert card.handle(UID) == bytes.fromhex("6F00")


def test_each_activation_has_another_random_identifier(bench: Any) -> None:
    card = powered(bench)
    first = card.handle(UID)
    assert card.handle(UID) == first
    card.handle(Control.RESET)
    second = card.handle(UID)
    assert first != second
    for answer in (first, second):
        assert (len(answer), answer[:1], answer[-2:]) == (6, b"\x08", b"\x90\0")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("FFCA010000", "05788070029000"),
        ("FFCA010005", "05788070029000"),
        ("FFCA010003", "6C05"),
        ("FFCA010009", "05788070026282"),
        ("FFCA0100", "6700"),
        ("FFCA020000", "6A81"),
        ("FFCA000100", "6A81"),
        ("FF00000000", "6A81"),
        ("FF00400004FFFFFFFF", "6A81"),
        ("FFB0000010", "6A81"),
    ],
)
def test_commands_for_the_reader_never_reach_the_card(
    command: str, answer: str, stream: Any
) -> None:
    card = PoweredCard(lambda: Answers(b"\x6f\x42"), Transmission.T1, stream)
    card.handle(Control.POWER_ON)
    assert card.handle(bytes.fromhex(command)) == bytes.fromhex(answer)


def test_a_whole_payment_in_two_steps(bench: Any) -> None:
    bench.arm()
    whole, steps = powered(bench), powered(bench, Transmission.T0)
    assert steps.atr == bytes.fromhex("3B600000")
    said = whole.handle(SELECT_VISA)
    length = len(said) - 2
    assert steps.handle(SELECT_VISA) == bytes([0x61, length])
    assert steps.handle(bytes.fromhex("00C00000") + bytes([length])) == said
    assert steps.handle(GPO)[0] == 0x61
    assert bench.element.tokens()[0].atc == 1


@pytest.mark.parametrize("transmission", list(Transmission))
@pytest.mark.parametrize("answer", [b"", b"\x90", bytes(259), SecureElementDamaged("torn")])
def test_a_card_that_fails_is_answered_for(
    answer: bytes | HardwareError, transmission: Transmission, stream: Any
) -> None:
    failures: list[HardwareError] = []

    def present() -> Card:
        return Answers(answer)

    card = PoweredCard(present, transmission, stream, on_failure=failures.append)
    card.handle(Control.POWER_ON)
    assert card.handle(SELECT_PPSE) == bytes.fromhex("6F00")
    if isinstance(answer, HardwareError):
        assert failures == [answer]


def test_a_session_is_told_when_it_is_over(bench: Any) -> None:
    told: list[int] = []
    card = PoweredCard(bench.element.card, Transmission.T1, bench.stream, on_session=told.append)
    card.handle(Control.POWER_ON)
    card.handle(UID)
    card.handle(Control.RESET)
    assert told == []
    card.handle(SELECT_PPSE)
    card.handle(SELECT_VISA)
    card.handle(Control.RESET)
    card.handle(Control.POWER_OFF)
    assert told == [2]


@given(command=st.binary(min_size=2, max_size=300), transmission=st.sampled_from(Transmission))
def test_whatever_comes_is_answered_with_at_least_a_status(
    command: bytes, transmission: Transmission
) -> None:
    card = PoweredCard(lambda: Answers(b"\x6d\x00"), transmission, NoStream())
    card.handle(Control.POWER_ON)
    answer = card.handle(command)
    assert answer is not None
    assert len(answer) >= 2


class NoStream:
    """Zeros."""

    def bytes(self, n: int) -> bytes:
        return bytes(n)

    def random(self) -> float:
        return 0.0

    def randint(self, a: int, _b: int) -> int:
        return a
