"""Bits and bytes in words, each at its place; and commands decoded by the card's own lists."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.api import CardLists, Node, decode, decode_command, explain, mask_command
from hardware.emv.marks import marks

NO_METHOD = (
    "rule 1: no verification required, always; if it does not succeed, verification has failed"
)
DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues.json"


@pytest.mark.parametrize(
    ("tag", "value", "words"),
    [
        (0x9B, "E800", "cardholder verification was performed"),
        (0x9F07, "FF00", "valid at terminals other than cash machines"),
        (0x9F40, "F0000000", "5 bytes are due"),
        (0x9F34, "010002", "plaintext PIN checked by the card (or by the phone itself)"),
        (0x9F34, "1F0302", "no verification required"),
        (0x8E, "00000000000000001F00", NO_METHOD),
        (0x8E, "0000000A000000004203", "amount X is 10 minor units"),
        (0x94, "10010301", "records 1 to 3 of file 2, the first 1 signed"),
        (0x9F6E, "20700000", "hologram"),
        (0x9F6E, "23000000", "mobile phone"),
        (0x9F71, "010302", "required by the terminal"),
        (0x9F65, "0038", "dynamic code: digits 4 to 6 from the track's end"),
        (0x9F66, "03C6",
         "unpredictable number and counter: digits 2, 3, 7 to 10 from the track's end"),
        (0x9F63, "000000000000", "unpredictable number and counter: no digit"),
        (0x9F67, "04", "4 of these digits are the counter's"),
        (0x9F64, "0404", "2 bytes where 1 is due"),
        (0x9F61, "0007",
         "code 00007: a track takes as many of its last digits as it has room for"),
        (0x9F60, "07", "1 bytes where 2 are due"),
        (0xDF4B, "000100", "the owner has to be verified: look at the phone and tap again"),
        (0x9F7E, "03", "verification on the consumer's device required"),
        (0x9F66, "32004000", "EMV mode supported"),
        (0x9F10, "06010103A00000", "cryptogram version 01"),
        (0x9F10, "1F220103A00000", "cryptogram version 22"),
        (0x9F10, "0114A000000000000000000000000000" + "00000000", "first cryptogram ARQC"),
        (0x9F10, "0110A50003000000000000FF", ""),
    ],
)  # fmt: skip
def test_structures_are_told_in_words(tag: int, value: str, words: str) -> None:
    told = explain(tag, bytes.fromhex(value))
    if words == "5 bytes are due":
        assert told[0] == "4 bytes where 5 are due"
    else:
        assert words in told if words else told == ()


def test_the_three_networks_issuer_data_are_told_apart() -> None:
    visa, amex, mastercard = (
        explain(0x9F10, bytes.fromhex(value))[-1]
        for value in ("06011203A00000", "06010103A00000", "0114A0000F000000" + "00" * 10)
    )
    assert "Visa format 0/1/3" in visa
    assert "Amex layout" in amex
    assert mastercard.startswith("plaintext or enciphered counters")
    assert "PIN tries left 15" in explain(0x9F10, bytes.fromhex("0114A0000F000000" + "00" * 10))


def test_what_is_not_public_says_so() -> None:
    for value in ("06011203A00000", "0114A0000F000000" + "00" * 10):
        assert any("lab approximation" in text for text in explain(0x9F10, bytes.fromhex(value)))


@pytest.mark.parametrize(
    ("tag", "value", "text", "where"),
    [
        (0x9F6C, "0080", "verification on the consumer's device performed", "byte 2 bit 8"),
        (0x9F66, "32C04000", "online cryptogram required", "byte 2 bit 8"),
        (0x9F10, "06011203A00000", "key index 01", "byte 2"),
        (0x94, "1001010018010100", "record 1 of file 3, none of them signed", "bytes 5-8"),
    ],
)
def test_a_word_knows_its_byte_and_bit(tag: int, value: str, text: str, where: str) -> None:
    found = {mark.text: mark.where for mark in marks(tag, bytes.fromhex(value))}
    assert found[text] == where


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([0x9F10, 0x8E, 0x9F34, 0x94, 0x9F6E, 0x9F6D, 0x9F71, 0x9F27, 0x95, 0x82]),
    st.binary(max_size=40),
)
def test_any_value_is_read_and_no_word_points_beyond_it(tag: int, value: bytes) -> None:
    for mark in marks(tag, value):
        assert mark.text
        assert mark.offset + mark.length <= max(1, len(value))


def _dialogue(name: str) -> list[tuple[bytes, bytes]]:
    dialogues = json.loads(DIALOGUES.read_text(encoding="utf-8"))
    apdus = next(each["apdus"] for each in dialogues if each["id"] == name)
    return [(bytes.fromhex(pair["c"]), bytes.fromhex(pair["r"])) for pair in apdus]


def _flat(nodes: list[Node] | tuple[Node, ...]) -> list[Node]:
    return [found for node in nodes for found in (node, *_flat(node.children))]


def _commands(name: str) -> list[tuple[bytes, list[Node]]]:
    lists, told = CardLists(), []
    for command, answer in _dialogue(name):
        told.append((command, _flat(decode_command(command, lists))))
        lists.hear(answer)
    return told


def test_processing_options_are_read_by_the_cards_list() -> None:
    command, nodes = _commands("visa-good")[2]
    by_tag = {node.tag: node for node in nodes}
    assert "online cryptogram required" in by_tag["9F66"].value
    assert "minor units" in by_tag["9F02"].value
    for node in nodes:
        if node.tag.startswith("9F"):
            stands = command[node.offset : node.offset + node.length]
            assert stands.hex().upper() == node.value_hex, node.tag


def test_generate_ac_is_read_by_the_risk_list_and_says_what_it_asks_for() -> None:
    _, nodes = _commands("mastercard-good")[-1]
    assert "GENERATE AC, ARQC: to ask the issuer" in nodes[0].value
    assert {"95", "9F37", "9F34"} <= {node.tag for node in nodes}


def test_a_tag_that_the_terminal_sends_has_the_terminals_meaning() -> None:
    _, nodes = _commands("amex-good")[2]
    by_tag = {node.tag: node for node in nodes}
    assert by_tag["9F6E"].name == "Enhanced contactless reader capabilities"
    assert "contactless mobile supported" in by_tag["9F6E"].details


def test_values_without_their_list_are_shown_as_such() -> None:
    command, _ = _commands("visa-good")[2]
    names = [node.name for node in _flat(decode_command(command, CardLists()))]
    assert "Values by a list that was not heard" in names


def test_another_application_forgets_the_lists() -> None:
    lists = CardLists({0x9F38: bytes.fromhex("9F6604")})
    decode_command(bytes.fromhex("00A4040007A000000003101000"), lists)
    assert lists.by_tag == {}


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=20))
def test_any_command_is_read_and_no_node_stands_beyond_it(command: bytes, wanted: bytes) -> None:
    for node in _flat(decode_command(command, CardLists({0x9F38: wanted, 0x8C: wanted}))):
        assert node.offset + node.length <= max(1, len(command))


def test_details_of_a_decoded_list_stand_where_their_bytes_are() -> None:
    (node,) = decode(bytes.fromhex("9F38069F66049F0206"))
    assert [(mark.offset, mark.length) for mark in node.marks] == [(0, 3), (3, 3)]


def test_bits_of_bytes_that_masking_touched_are_not_told() -> None:
    """Digits that could be a card number are hidden in GENERATE AC: E is no finding."""
    lists = CardLists({0x8C: bytes.fromhex("9F02069505")})
    told = decode_command(
        bytes.fromhex("80AE80000B") + bytes.fromhex("00000000124000EEEE0000"), lists
    )
    by_tag = {node.tag: node for node in told}
    assert by_tag["95"].details == ()
    assert by_tag["95"].value.startswith("not told")
    assert by_tag["9F02"].value == "1240 minor units"


@pytest.mark.parametrize(
    ("number", "field"),
    [
        ("4242424242424242", "4242424242424242"),
        ("378282246310005", "378282246310005F"),
        ("5555555555554444", "5555555555554444D2912201FF"),
    ],
)
@pytest.mark.parametrize("before", ["", "000000001240", "00000000124000000000000008408000000000"])
def test_a_number_that_a_list_asks_for_is_hidden_and_verdicts_are_not(
    number: str, field: str, before: str
) -> None:
    data = bytes.fromhex(before + field + "0840")
    masked = mask_command(bytes.fromhex("80AE8000") + bytes([len(data)]) + data).hex().upper()
    assert number not in masked
    assert number[: len(number) - 4] not in masked
    assert "EEEE" in masked


RISK_DATA = "000000001240000000000000084080000000000840261118002DE613EA"


def test_the_tills_own_risk_data_are_kept_whole_and_what_follows_is_not() -> None:
    data = RISK_DATA + "22" + "4242424242424242"
    command = "80AE8000" + f"{len(data) // 2:02X}" + data
    masked = mask_command(bytes.fromhex(command)).hex().upper()
    assert masked[: 10 + len(RISK_DATA) + 2] == command[: 10 + len(RISK_DATA) + 2]
    assert "4242424242424242" not in masked


@pytest.mark.parametrize(
    "data",
    [
        "4242424242424242" + RISK_DATA[16:],  # a number where the amounts should be
        RISK_DATA[:42] + "9913" + "4242424242424242" + RISK_DATA[62:],  # no date
        "0000" + "4242424242424242" + RISK_DATA[20:],
    ],
)
def test_data_that_only_look_like_risk_data_are_not_trusted(data: str) -> None:
    masked = mask_command(bytes.fromhex("80AE8000" + f"{len(data) // 2:02X}" + data)).hex().upper()
    assert "4242424242424242" not in masked


def test_a_record_of_the_stripe_age_has_names_of_its_own() -> None:
    record = bytes.fromhex("70159F6502001E9F66021FE09F69039F6A049F6C0200019000")
    names = {node.tag: node.name for node in decode(record)[0].children}
    assert names["9F66"] == "Position of unpredictable number and counter in track 2"
    assert names["9F6C"] == "Mag-stripe application version number, card"
    (udol,) = [node for node in decode(record)[0].children if node.tag == "9F69"]
    assert udol.details == ("9F6A Unpredictable number, numeric, 4 bytes",)
    (elsewhere,) = decode(bytes.fromhex("9F6C020080"))
    assert elsewhere.name == "Card transaction qualifiers"
