"""Short APDUs: the four cases, and typed errors on everything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware import apdu
from hardware.readers.exchange import name_command
from hardware.runtime.errors import ApduError


@settings(max_examples=100, deadline=None)
@given(
    st.binary(min_size=4, max_size=4),
    st.binary(max_size=255),
    st.one_of(st.none(), st.integers(1, 256)),
)
def test_every_case_survives_a_round_trip(header: bytes, data: bytes, le: int | None) -> None:
    command = apdu.CommandApdu(*header, data, le)
    assert apdu.CommandApdu.parse(command.to_bytes()) == command
    assert command.case in {1, 2, 3, 4}


@pytest.mark.parametrize(
    "raw", ["", "00A404", "00A4040000112233", "00A40400055041", "00A4040001410000", "00" * 263]
)
def test_commands_that_are_none_are_refused(raw: str) -> None:
    with pytest.raises(ApduError):
        apdu.CommandApdu.parse(bytes.fromhex(raw))


@pytest.mark.parametrize("raw", [b"", b"\x90", bytes(257) + b"\x90\x00", b"\x12\x34"])
def test_responses_that_are_none_are_refused(raw: bytes) -> None:
    with pytest.raises(ApduError):
        apdu.ResponseApdu.parse(raw)


def test_what_does_not_fit_a_short_command_is_refused() -> None:
    with pytest.raises(ApduError):
        apdu.CommandApdu(0, 0xA4, 4, 0, bytes(256))
    with pytest.raises(ApduError):
        apdu.CommandApdu(0, 0xB0, 0, 0, le=257)
    with pytest.raises(ApduError):
        apdu.CommandApdu(256, 0, 0, 0)
    with pytest.raises(ApduError):
        apdu.processing_options_command(bytes(253))
    assert len(apdu.processing_options_command(bytes(252)).to_bytes()) == 261
    assert apdu.processing_options_command(bytes(35)).data[:2].hex() == "8323"


def test_status_words_have_names() -> None:
    assert apdu.status_name(0x9000) == "success"
    assert apdu.status_name(0x6C10) == "wrong expected length, 16 bytes available"
    assert apdu.status_name(0x6110) == "16 more bytes available"
    assert apdu.status_name(0x63C2) == "counter at 2"
    assert apdu.status_name(0x9999) == "unknown status"


def test_commands_have_names() -> None:
    assert name_command(apdu.select_command(b"2PAY.SYS.DDF01").to_bytes()) == (
        "SELECT 2PAY.SYS.DDF01"
    )
    assert name_command(apdu.read_record_command(2, 1).to_bytes()) == "READ RECORD 1 SFI 2"
    assert name_command(bytes.fromhex("80A80000028300")) == "GET PROCESSING OPTIONS"
    assert name_command(b"\x00") == "malformed command"
    assert name_command(bytes.fromhex("00FF0000")) == "INS FF"
