"""Tags, formats, data object lists, bit fields, decoding and masking."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.emv import bitfields, dol, formats, masking, tags, tlv
from hardware.emv.decode import Node, decode
from hardware.emv.formats import Format
from hardware.runtime.errors import TlvError

PAN = "4242424242424242"
TRACK = f"{PAN}D29122010000012345F"


def test_the_dictionary_knows_what_a_tap_uses() -> None:
    assert len(tags.TAGS) >= 100
    for tag in (0x57, 0x5A, 0x82, 0x94, 0x9F10, 0x9F26, 0x9F36, 0x9F38, 0x9F66, 0x9F6C, 0xBF0C):
        info = tags.describe_tag(tag)
        assert info.name
        assert info.book
    assert tags.describe_tag(0x9F26).name == "Application cryptogram"
    assert tags.describe_tag(0xDFEE01).name == "unknown private tag"
    assert tags.describe_tag(0x9F7F).source is tags.Source.ICC


def test_numbers_and_digits_survive_their_formats() -> None:
    assert formats.encode_numeric(1240, 6).hex() == "000000001240"
    assert formats.decode_numeric(bytes.fromhex("0840")) == 840
    assert formats.decode_numeric(bytes.fromhex("0A40")) is None
    assert formats.encode_compressed("424", 3).hex() == "424fff"
    assert formats.decode_compressed(bytes.fromhex("424FFF")) == "424"
    assert formats.decode_compressed(bytes.fromhex("4D4F")) is None
    assert formats.describe_date(bytes.fromhex("280229")) == "2028-02-29"
    assert formats.describe_date(bytes.fromhex("270229")) is None
    assert formats.date_yymmdd(1_795_000_000_000_000).hex() == "261118"


def test_numbers_longer_than_any_are_shown_as_bytes_and_never_an_error() -> None:
    """Python refuses to turn more than 4,300 digits into text: such a value has no words."""
    for tag, value in ((0x9F02, b"\x12" * 3000), (0x9F36, b"\xff" * 3000)):
        (node,) = decode(tlv.build(tag, value))
        assert (node.value, node.value_hex) == ("", value.hex().upper())
    assert formats.decode_numeric(b"\x99" * 3000) is None


def test_luhn_accepts_the_published_test_numbers() -> None:
    for number in (PAN, "5555555555554444", "378282246310005"):
        assert formats.luhn_valid(number)
        assert not formats.luhn_valid(number[:-1] + str((int(number[-1]) + 1) % 10))


@pytest.mark.parametrize(
    ("value", "length", "data_format", "expected"),
    [
        ("1240", 3, Format.N, "001240"),
        ("00001240", 2, Format.N, "1240"),
        ("000000001240", 0, Format.N, ""),
        ("", 2, Format.N, "0000"),
        ("4242", 3, Format.CN, "4242ff"),
        ("424242", 2, Format.CN, "4242"),
        ("4142", 3, Format.ANS, "414200"),
        ("414243", 2, Format.B, "4142"),
    ],
)
def test_a_list_pads_and_cuts_by_format(
    value: str, length: int, data_format: Format, expected: str
) -> None:
    assert formats.pad_or_cut(bytes.fromhex(value), length, data_format).hex() == expected


def test_a_list_is_filled_in_its_own_order_with_zeros_for_unknown_tags() -> None:
    wanted = dol.parse_dol(bytes.fromhex("9F3704 9F0208 DF7F02 7703 9F1A01"))
    values = {
        0x9F02: bytes.fromhex("000000001240"),
        0x9F37: b"\x01\x02\x03\x04",
        0x9F1A: bytes.fromhex("0840"),
        0x77: b"\xff\xff\xff",
    }
    data = dol.build_dol(wanted, values)
    # Constructed tags are answered with zeros as well (Book 3, 5.4).
    assert data.hex() == "01020304" + "0000000000001240" + "0000" + "000000" + "40"
    assert dol.split_dol(wanted, data)[0x9F37] == b"\x01\x02\x03\x04"
    with pytest.raises(TlvError):
        dol.split_dol(wanted, data + b"\x00")


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80))
def test_any_list_parses_or_raises_the_typed_error(data: bytes) -> None:
    offset = None
    try:
        entries = dol.parse_dol(data)
    except TlvError as wrong:
        offset = wrong.offset
    else:
        assert len(dol.build_dol(entries, {})) == dol.dol_length(entries)
    assert offset is None or 0 <= offset <= len(data)


def test_bits_are_explained_in_words() -> None:
    ttq = bitfields.explain(0x9F66, bytes.fromhex("32C04000"))
    assert "online cryptogram required" in ttq
    assert "cardholder verification required" in ttq
    assert "verification on the consumer's device supported" in ttq
    assert "online PIN supported" not in ttq
    assert bitfields.explain(0x9F6C, bytes.fromhex("0080")) == (
        "verification on the consumer's device performed",
    )
    assert bitfields.explain(0x95, bytes(5)) == ()
    assert bitfields.explain(0x95, bytes(4)) == ("4 bytes where 5 are due",)
    issuer_data = bitfields.explain(0x9F10, bytes.fromhex("06011203A00000"))
    assert issuer_data[:3] == ("cryptogram version 18", "key index 01", "first cryptogram ARQC")


@pytest.mark.parametrize(
    ("cid", "results", "kind"),
    [("00", "80", "AAC"), ("40", "90", "TC"), ("80", "A0", "ARQC"), ("C0", "B0", None)],
)
def test_both_places_of_the_cryptogram_type_agree(cid: str, results: str, kind: str | None) -> None:
    wanted = bitfields.CryptogramType(kind) if kind else None
    assert bitfields.cryptogram_type(bytes.fromhex(cid)) is wanted
    issuer_data = bytes.fromhex(f"06011203{results}0000")
    assert bitfields.visa_cryptogram_type(issuer_data) is wanted


def flat(nodes: list[Node]) -> list[Node]:
    found = []
    for node in nodes:
        found += [node, *flat(list(node.children))]
    return found


def test_the_tree_knows_where_its_bytes_stand() -> None:
    data = tlv.build(0x77, [tlv.build(0x82, b"\x10\x00"), tlv.build(0x9F36, b"\x00\x2a")])
    nodes = flat(decode(data + bytes.fromhex("9000")))
    by_tag = {node.tag: node for node in nodes}
    counter = by_tag["9F36"]
    assert counter.value == "42"
    assert data[counter.offset : counter.offset + counter.length].hex() == "9f3602002a"
    assert counter.header_length == 3
    assert by_tag["SW"].value == "success"
    assert by_tag["82"].details == ("cardholder verification supported",)


def test_damaged_bytes_give_what_was_whole_and_one_fault() -> None:
    nodes = decode(bytes.fromhex("82021000 9F360200"))
    assert [node.tag for node in nodes] == ["82", ""]
    assert nodes[1].fault
    assert nodes[1].offset == 4


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=100))
def test_decoding_never_raises(data: bytes) -> None:
    for node in flat(decode(data)):
        assert 0 <= node.offset <= len(data)


def test_the_tree_shows_no_account_number() -> None:
    track = bytes.fromhex(TRACK + "F" * (len(TRACK) % 2))
    record = tlv.build(0x70, [tlv.build(0x5A, bytes.fromhex(PAN)), tlv.build(0x57, track)])
    shown = repr(decode(record))
    assert PAN in record.hex()
    assert PAN not in shown
    assert "424242******4242" in shown


@pytest.mark.parametrize(
    "data",
    [
        tlv.build(0x5A, bytes.fromhex(PAN)),
        tlv.build(0x57, bytes.fromhex(TRACK + "F" * (len(TRACK) % 2))),
        tlv.build(0x9F6B, bytes.fromhex(TRACK + "F" * (len(TRACK) % 2))),
        tlv.build(0x56, b"B4242424242424242^LAB/CARD^29122010000"),
        tlv.build(0x9F7C, bytes.fromhex(PAN)),
        tlv.build(0x9F7C, b"my number is 4242424242424242 today"),
        tlv.build(0x57, bytes.fromhex(TRACK + "F" * (len(TRACK) % 2)))[:12],
        bytes.fromhex("70205713" + TRACK + "F" * (len(TRACK) % 2)),
        bytes.fromhex("FFFFFF" + PAN),
    ],
)
def test_no_encoding_of_a_number_survives_masking(data: bytes) -> None:
    masked = masking.mask_objects(data)
    assert len(masked) == len(data)
    digits = PAN[:16]
    # Positive control: the number, or the part of it that is there, stood in the input.
    present = data.hex() + data.decode("latin-1")
    assert digits in present or digits[:14] in present
    assert digits not in masked.hex()
    assert digits not in masked.decode("latin-1")
    assert digits[:14] not in masked.hex()


def test_a_track_loses_its_secrets_even_where_the_number_fails_luhn() -> None:
    track = bytes.fromhex("4242424242424241D29122010000012345F0")[:-1]
    masked = masking.mask_value(0x57, track).hex().upper()
    assert masked == "424242EEEEEE4241D2912201EEEEEEEEEE"
    assert masking.mask_value(0x5A, bytes.fromhex("424242424242424F")).hex().upper() == (
        "424242EEEEE2424F"
    )


def test_masking_keeps_what_is_no_number() -> None:
    answer = tlv.build(
        0x77,
        [tlv.build(0x9F26, bytes.fromhex("1122334455667788")), tlv.build(0x82, b"\x10\x00")],
    )
    assert masking.mask_response(answer + b"\x90\x00") == answer + b"\x90\x00"
    assert masking.mask_digits("4242") == "4242"
    assert masking.mask_digits("378282246310005") == "378282*****0005"


def test_raw_commands_are_masked_too() -> None:
    typed = bytes.fromhex("00DA0000" + "08" + PAN)
    assert PAN not in masking.mask_command(typed).hex()
    select = bytes.fromhex("00A4040007A000000003101000")
    assert masking.mask_command(select) == select


@pytest.mark.parametrize(("data", "sw"), [("6F00", "6F00"), ("6985", "6985"), ("6283", "6283")])
def test_a_status_word_alone_is_no_tag(data: str, sw: str) -> None:
    (node,) = decode(bytes.fromhex(data))
    assert (node.tag, node.value_hex) == ("SW", sw)


def test_a_template_whose_last_bytes_look_like_a_status_word_is_read_whole() -> None:
    (node,) = decode(bytes.fromhex("77 04 82 02 6F00"))
    assert (node.tag, [child.tag for child in node.children]) == ("77", ["82"])


def test_names_are_words_where_they_are_text_and_nothing_is_said_twice() -> None:
    data = "84 0E 325041592E5359532E4444463031  4F 07 A0000000031010  50 04 56495341"
    nodes = decode(bytes.fromhex(data))
    assert [node.value for node in nodes] == ["2PAY.SYS.DDF01", "", "VISA"]
    assert nodes[1].value_hex == "A0000000031010"
