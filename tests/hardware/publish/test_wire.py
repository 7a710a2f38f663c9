"""vpcd's wire as bytes: whole messages whatever the pieces, and nothing that no reader sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.publish.vpcd_wire import BODY_BYTES_MAX, Control, Decoder, Message, encode
from hardware.runtime.errors import VpcdFrameError

BODIES = st.sampled_from([bytes([c.value]) for c in Control]) | st.binary(min_size=2, max_size=300)


def message_of(body: bytes) -> Message:
    return Control(body[0]) if len(body) == 1 else body


@given(st.lists(BODIES, max_size=8), st.lists(st.integers(1, 40), max_size=40))
def test_messages_come_out_whole_however_they_arrive(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
    decoder, heard = Decoder(), []
    for size in [*cuts, len(stream) + 1]:
        piece, stream = stream[:size], stream[size:]
        decoder.feed(piece)
        heard += list(decoder.messages())
    assert heard == [message_of(body) for body in bodies]
    assert not decoder.unfinished


def test_the_longest_message_there_is() -> None:
    body = bytes(BODY_BYTES_MAX)
    decoder = Decoder()
    decoder.feed(encode(body))
    assert list(decoder.messages()) == [body]


@pytest.mark.parametrize("nonsense", ["0000", "000103", "000105", "0001FF"])
def test_what_no_reader_sends_is_refused_and_used_up(nonsense: str) -> None:
    decoder = Decoder()
    decoder.feed(bytes.fromhex(nonsense + "000104"))
    with pytest.raises(VpcdFrameError):
        next(decoder.messages())
    assert list(decoder.messages()) == [Control.GET_ATR]


def test_the_start_of_a_message_waits_for_its_end() -> None:
    decoder = Decoder()
    decoder.feed(bytes.fromhex("000500A404"))
    assert list(decoder.messages()) == []
    assert decoder.unfinished


@pytest.mark.parametrize("length", [0, BODY_BYTES_MAX + 1])
def test_a_card_cannot_send_nothing_or_too_much(length: int) -> None:
    with pytest.raises(AssertionError):
        encode(bytes(length))
