"""ISO 8583 on the wire: whole messages there and back, everything else a MessageError."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.networks import host_codec, message
from backend.networks.message import FrameBuffer, Message, decode, encode, frame
from backend.runtime.errors import MessageError

FIELDS = {
    "2": "4999990000000004",
    "3": "000000",
    "4": "000000001240",
    "7": "1120183000",
    "11": "000042",
    "14": "3012",
    "18": "5814",
    "22": "071",
    "23": "001",
    "32": "990001",
    "37": "000000000042",
    "41": "TILL0001",
    "42": "mer_1".ljust(15),
    "43": "Café".ljust(40),
    "49": "840",
    "55": "9F360200019F2608" + "AB" * 8,
}


def test_an_authorization_survives_the_wire() -> None:
    sent = Message("0100", FIELDS)
    back = decode(encode(sent))
    assert (back.kind, back.fields) == ("0100", FIELDS)
    assert back.reference == ("000000000042", "000042", "1120183000")


OPTIONAL = ("18", "38", "39", "43", "48", "70", "90")
OTHER_TEXT = {
    "38": "123456",
    "39": "00",
    "48": "rs=approved;cv=Y",
    "70": "301",
    "90": "0100" * 10 + "00",
}


@given(st.sets(st.sampled_from(OPTIONAL)), st.text("0123456789", min_size=1, max_size=19))
@settings(max_examples=100)
def test_switch_and_host_write_and_read_the_same_bytes(also: set[str], token: str) -> None:
    fields = {key: value for key, value in FIELDS.items() if key not in OPTIONAL}
    texts = {**FIELDS, **OTHER_TEXT}
    sent = Message("0100", {**fields, **{key: texts[key] for key in also}, "2": token})
    raw = encode(sent)
    assert raw == host_codec.encode(sent)
    assert decode(raw) == host_codec.decode(raw) == sent


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=3))
@settings(max_examples=200)
def test_switch_and_host_refuse_the_same_bytes(position: int, damage: bytes) -> None:
    raw = bytearray(encode(Message("0100", FIELDS)))
    start = position % len(raw)
    raw[start : start + len(damage)] = damage
    verdicts = []
    for read in (decode, host_codec.decode):
        try:
            verdicts.append(read(bytes(raw)))
        except MessageError:
            verdicts.append(None)
    assert verdicts[0] == verdicts[1]


def test_a_printed_message_shows_no_token() -> None:
    assert "499999" not in repr(Message("0100", FIELDS))


def test_an_answer_belongs_to_the_exchange_of_its_request() -> None:
    answer = Message("0110", {"7": "1", "11": "000042", "37": "000000000042", "39": "00"})
    assert answer.exchange == Message("0100", FIELDS).exchange
    assert answer.exchange != Message("0400", FIELDS).exchange


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"4": "12.40".rjust(12)}, "DE 4 is not numeric"),
        ({"37": "0000\x000000000"}, "DE 37 is not printable"),
        ({"41": "TILL"}, "DE 41 has 4 bytes, not 8"),
        ({"55": "9F" * 300}, "DE 55 has 300 bytes"),
        ({"55": "XY"}, "DE 55 is not hexadecimal"),
        ({"64": "00"}, "DE 64 is not in the dialect"),
        ({"2": ""}, "DE 2 is not numeric"),
    ],
)
def test_what_cannot_be_written_is_named(changes: dict, text: str) -> None:
    with pytest.raises(MessageError, match=text):
        encode(Message("0100", {**FIELDS, **changes}))


def test_a_missing_field_is_named() -> None:
    short = {key: value for key, value in FIELDS.items() if key != "49"}
    with pytest.raises(MessageError, match="0100 without DE 49"):
        encode(Message("0100", short))


def test_a_type_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(MessageError, match="0200"):
        encode(Message("0200", FIELDS))


@pytest.mark.parametrize("cut", [0, 3, 11, 40, -1])
def test_a_cut_message_is_refused(cut: int) -> None:
    with pytest.raises(MessageError):
        decode(encode(Message("0100", FIELDS))[:cut])


def test_bytes_after_the_message_are_refused() -> None:
    with pytest.raises(MessageError, match="1 bytes too many"):
        decode(encode(Message("0100", FIELDS)) + b"0")


def test_size_is_limited() -> None:
    with pytest.raises(MessageError, match="at most 2048"):
        decode(bytes(2049))
    with pytest.raises(MessageError, match="at most 2048"):
        frame(bytes(2049))


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=6))
@settings(max_examples=200)
def test_a_damaged_message_is_a_message_or_a_message_error(position: int, damage: bytes) -> None:
    raw = bytearray(encode(Message("0100", FIELDS)))
    start = position % len(raw)
    raw[start : start + len(damage)] = damage
    try:
        back = decode(bytes(raw))
    except MessageError:
        return
    assert back.kind in message.REQUIRED


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 7))
@settings(max_examples=50)
def test_frames_survive_any_cut_of_the_stream(frames: list[bytes], size: int) -> None:
    stream = b"".join(frame(raw) for raw in frames)
    buffer = FrameBuffer()
    seen = [
        raw for at in range(0, len(stream), size) for raw in buffer.feed(stream[at : at + size])
    ]
    assert seen == frames


@pytest.mark.parametrize("length", [b"\x00\x00", b"\x08\x01", b"\xff\xff"])
def test_a_hopeless_length_is_refused(length: bytes) -> None:
    with pytest.raises(MessageError, match="frame length"):
        FrameBuffer().feed(length)


def test_private_pairs_are_taken_apart_and_checked() -> None:
    text = message.private_text({"tr": "tok_1", "st": None, "cv": "Y"})
    assert Message("0110", {"48": text}).private() == {"tr": "tok_1", "cv": "Y"}
    for broken in ("nonsense", "zz=1"):
        with pytest.raises(MessageError, match="DE 48"):
            Message("0110", {"48": broken}).private()


def test_de_90_names_the_original() -> None:
    reference = ("000000000042", "000042", "1120183000")
    fields = {"37": reference[0], "90": message.original_elements(reference)}
    assert message.reference_of_original(Message("0400", fields)) == reference
    with pytest.raises(MessageError, match="DE 90"):
        message.reference_of_original(Message("0400", {"37": "0" * 12, "90": "0" * 42}))
