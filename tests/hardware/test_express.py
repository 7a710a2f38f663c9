"""Transit: a gate announces itself, and the card chosen for gates pays without being looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import (
    ANNOUNCE,
    TRANSIT_FRAME,
    Announcement,
    Announces,
    CardFaultPlan,
    CardholderVerification,
    FaultyReader,
    HearsPolling,
    NotArmed,
    TapRequest,
    explain,
    parse_tlv,
    read_announcement,
)
from hardware.readers.polling import crc_a, with_check_sum
from hardware.terminal.config import TerminalConfig
from tests.hardware.conftest import complete
from tests.offline_issuer import Made, all_authorities

CVM_LIMIT_MINOR = 50_00


@pytest.fixture(params=["visa", "mastercard", "amex"])
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def phone(bench: Any, network: str) -> Any:
    """A phone whose card for gates is of this network; it lists a Visa card besides."""
    if network == "visa":
        bench.element.remove("tok-visa")
    bench.install(network, sessionId="gate", offline=Made(network).document())
    bench.element.set_express(f"tok-{network}")
    bench.config = TerminalConfig(transit=True, authorities=all_authorities())
    return bench


def gate_tap(phone: Any, *, frame: bytes | None = TRANSIT_FRAME, **options: Any) -> Any:
    reader = phone.reader()
    reader.announce(frame)
    reader.present(phone.element.card())
    return phone.tap(complete(reader.wait_for_card(1)), **options)


def test_the_gates_frame_as_it_is_in_the_field() -> None:
    assert crc_a(b"\x00\x00").hex() == "a01e"
    assert crc_a(b"\x12\x34").hex() == "26cf"
    read = read_announcement(with_check_sum(TRANSIT_FRAME))
    assert read == Announcement(
        2, terminal_type=1, capabilities=bytes.fromhex("030002"),
        data=bytes.fromhex("7900000000"), flags=0xC0,
    )  # fmt: skip
    assert read.is_transit
    assert read == read_announcement(TRANSIT_FRAME)


@pytest.mark.parametrize(
    ("frame", "is_transit"),
    [
        ("6A01000003", False),
        ("6A02C80100030002790000000000", None),
        ("6A02C80200030002790000000" + "0", False),
        ("6A03C8010003000279" + "00000000", None),
        ("6B02C8010003000279" + "00000000", None),
        ("6A02", None),
        ("", None),
        ("26", None),
    ],
)
def test_other_frames_announce_no_gate(frame: str, is_transit: bool | None) -> None:  # noqa: FBT001 -- a table's column
    read = read_announcement(bytes.fromhex(frame))
    assert (None if read is None else read.is_transit) is is_transit


@given(st.binary(max_size=24))
def test_any_bytes_are_an_announcement_or_none(frame: bytes) -> None:
    read = read_announcement(frame)
    assert read is None or read.version in {1, 2}


def test_the_emulated_reader_can_announce_and_says_so(bench: Any) -> None:
    reader = bench.reader()
    assert ANNOUNCE in reader.capabilities
    assert isinstance(reader, Announces)
    assert isinstance(bench.element.card(), HearsPolling)
    faulty = FaultyReader(
        reader, CardFaultPlan((), clock=bench.time, scheduler=bench.time, stream=bench.stream)
    )
    assert ANNOUNCE in faulty.capabilities
    heard: list[bytes] = []

    class Listener:
        def transmit(self, command: bytes) -> bytes:
            return command

        def hear(self, frame: bytes) -> None:
            heard.append(frame)

    faulty.announce(TRANSIT_FRAME)
    reader.present(Listener())
    complete(faulty.wait_for_card(1))
    faulty.announce(None)
    complete(faulty.wait_for_card(1))
    assert heard == [TRANSIT_FRAME]


def test_the_card_for_gates_pays_without_being_looked_at(phone: Any, network: str) -> None:
    result = gate_tap(phone)
    assert (result.outcome, result.cryptogram_type) == ("online_request", "ARQC"), result.reason
    assert result.cvm is CardholderVerification.NONE
    assert not result.cdcvm
    assert (len(result.candidates), result.atc) == (1, 1)
    objects = {node.tag: node.value for node in parse_tlv(result.emv_data)}
    words = " ".join(explain(0x9F10, objects[0x9F10]))
    assert "first cryptogram ARQC" in words
    assert "by the phone itself" not in words
    exchanged = "".join(one.response.hex() for one in result.exchanges)
    says = {"visa": "9f6c020000", "amex": "9f71033f0000"}
    assert says.get(network, "") in exchanged
    # as often as somebody walks through
    assert gate_tap(phone).atc == 2


def test_an_ordinary_till_is_told_to_have_the_phone_looked_at(phone: Any) -> None:
    result = gate_tap(phone, frame=None)
    assert (result.outcome, result.atc) == ("see_phone", None)
    vas = bytes.fromhex("6A01000003")
    assert gate_tap(phone, frame=vas).outcome == "see_phone"


def test_a_gate_that_asks_for_no_signature_is_refused(phone: Any) -> None:
    """It announced itself and does not behave like one: 6985."""
    phone.config = TerminalConfig(
        combinations=tuple(
            replace(each, offline_authentication=False) for each in TerminalConfig().combinations
        )
    )
    result = gate_tap(phone)
    refused = [one.response[-2:].hex() for one in result.exchanges if one.response[-2] == 0x69]
    assert refused == ["6985"]
    assert result.outcome == "use_another_card"
    assert phone.element.tokens()[-1].atc == 0


def test_a_gate_that_wants_its_owner_sends_to_the_phone(phone: Any, network: str) -> None:
    result = gate_tap(phone, request=TapRequest(CVM_LIMIT_MINOR, 840))
    # Mastercard's reader takes the device's word out of the profile; the card knows better.
    wanted = "declined" if network == "mastercard" else "see_phone"
    assert (result.outcome, result.atc is None) == (wanted, network != "mastercard")


def test_an_armed_phone_pays_at_a_gate_as_everywhere(phone: Any, network: str) -> None:
    phone.arm(f"tok-{network}")
    result = gate_tap(phone, request=TapRequest(CVM_LIMIT_MINOR, 840))
    assert (result.outcome, result.cdcvm) == ("online_request", True)


def test_without_a_card_for_gates_a_gate_is_a_till(phone: Any) -> None:
    phone.element.set_express(None)
    assert gate_tap(phone).outcome == "see_phone"


def test_another_card_does_not_pay_at_a_gate(bench: Any) -> None:
    bench.install("mastercard")
    bench.element.set_express("tok-mastercard")
    bench.config = TerminalConfig(transit=True)
    reader = bench.reader()
    reader.announce(TRANSIT_FRAME)
    reader.present(bench.element.card(token_ref="tok-visa"))
    assert bench.tap(complete(reader.wait_for_card(1))).outcome == "see_phone"
    assert [token.atc for token in bench.element.tokens()] == [0, 0]


def test_the_choice_is_kept_replaced_and_forgotten_with_its_token(bench: Any) -> None:
    element = bench.element
    with pytest.raises(NotArmed, match="no such token"):
        element.set_express("tok-unknown")
    with pytest.raises(NotArmed):
        element.spend_express("tok-visa")
    element.set_express("tok-visa")
    element.close()
    bench.element = element = bench.open()
    assert element.express == "tok-visa"
    bench.install(sessionId="s9", tokenRef="tok-new", replaces="tok-visa")
    assert element.express == "tok-new"
    element.remove("tok-new")
    assert element.express is None


def test_without_certificates_there_is_nothing_to_sign_and_no_way_through(bench: Any) -> None:
    bench.install("mastercard")
    bench.element.set_express("tok-mastercard")
    bench.config = TerminalConfig(transit=True)
    assert gate_tap(bench).outcome == "use_another_card"
    assert [token.atc for token in bench.element.tokens()] == [0, 0]
