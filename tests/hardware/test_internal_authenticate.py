"""Dynamic data authentication as a contact terminal does it, verified by nothing of ours.

The terminal here is the test: it reads the application as the contact directory names it, opens the
chain with `pow` alone and checks the card's signature over its own number (Book 2, 6.5).
"""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from hardware.api import parse_tlv
from tests.offline_issuer import AUTHORITY, CARD, Made

NUMBER = bytes.fromhex("11223344")
AUTHENTICATE = bytes.fromhex("0088000004") + NUMBER + b"\x00"
AIDS = {"mastercard": "A0000000041010", "amex": "A00000002501"}
OPTIONS = {"mastercard": "80A8000002830000", "amex": "80A80000078305220000000000"}
PROFILES = {"mastercard": "3381", "amex": "31C0"}
BOTH = pytest.mark.parametrize("network", AIDS)


def contact_card(bench: Any, network: str, profile: str | None = None) -> Any:
    """A published card whose application a contact terminal has selected."""
    offline = Made(network, profile=profile or PROFILES[network]).document()
    bench.arm(bench.install(network, offline=offline))
    card = bench.element.card(with_pse=True)
    listed = sent(card, "00A404000E315041592E5359532E444446303100", "00B2010C00")
    assert AIDS[network] in listed.hex().upper()
    aid = bytes.fromhex(AIDS[network])
    sent(card, (bytes.fromhex("00A40400") + bytes([len(aid)]) + aid + b"\x00").hex())
    return card


def sent(card: Any, *commands: str) -> bytes:
    """The last answer's data; every command succeeds."""
    answer = b""
    for command in commands:
        answer = card.transmit(bytes.fromhex(command))
        assert answer[-2:] == b"\x90\x00", (command, answer.hex())
    return answer[:-2]


def objects_of(data: bytes) -> dict[int, bytes]:
    (template,) = parse_tlv(data)
    return {node.tag: node.value for node in template.children}


def opened(modulus: bytes, signature: bytes) -> bytes:
    number = pow(int.from_bytes(signature, "big"), 3, int.from_bytes(modulus, "big"))
    return number.to_bytes(len(modulus), "big")


def check_sum(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


@BOTH
def test_an_outside_terminal_verifies_the_card(bench: Any, network: str) -> None:
    card = contact_card(bench, network)
    options = objects_of(sent(card, OPTIONS[network]))
    assert options[0x82][0] & 0x20, "dynamic data authentication"
    assert options[0x9F49].hex() == "9f3704"
    locator = options[0x94]
    assert (locator[0], locator[1], locator[3]) == (0x18, 1, 1)
    records = [sent(card, f"00B2{number:02X}1C00") for number in range(locator[1], locator[2] + 1)]
    data: dict[int, bytes] = {}
    for record in records:
        assert not set(data) & set(objects_of(record)), "no object twice"
        data |= objects_of(record)

    block = opened(AUTHORITY.modulus, data[0x90])
    issuer = block[15:-21] + data[0x92]
    assert block[-21:-1] == check_sum(block[1:-21] + data[0x92] + data[0x9F32])
    block = opened(issuer, data[0x9F46])
    key = block[21:-21] + data[0x9F48]
    (signed,) = parse_tlv(records[0])
    covered = signed.value + options[0x82]
    assert data[0x9F4A] == b"\x82"
    assert block[-21:-1] == check_sum(block[1:-21] + data[0x9F48] + data[0x9F47] + covered)
    assert key == CARD.modulus

    answer = objects_of(sent(card, AUTHENTICATE.hex()))
    block = opened(key, answer[0x9F4B])
    assert (block[:5].hex(), block[-1]) == ("6a05010908", 0xBC)
    assert block[-21:-1] == check_sum(block[1:-21] + NUMBER)
    assert bench.element.armed, "a signature pays nothing"


@BOTH
def test_each_signature_has_a_number_of_its_own(bench: Any, network: str) -> None:
    card = contact_card(bench, network)
    sent(card, OPTIONS[network])
    signatures = {sent(card, AUTHENTICATE.hex()) for _ in range(3)}
    assert len(signatures) == 3


@BOTH
def test_out_of_its_place_it_is_refused(bench: Any, network: str) -> None:
    card = contact_card(bench, network)
    assert card.transmit(AUTHENTICATE).hex() == "6985", "before GPO"
    sent(card, OPTIONS[network])
    assert card.transmit(bytes.fromhex("00880000031122330000")[:9]).hex() == "6700"
    assert card.transmit(bytes.fromhex("008800000311223300")).hex() == "6700", "not the list"
    assert card.transmit(b"\x00\x88\x01\x00" + AUTHENTICATE[4:]).hex() == "6a86"
    assert card.transmit(b"\x80" + AUTHENTICATE[1:]).hex() == "6e00"
    sent(card, AUTHENTICATE.hex())
    length = 33 if network == "mastercard" else 29
    generate = bytes.fromhex("80AE8000") + bytes([length]) + bytes(length) + b"\x00"
    assert card.transmit(generate)[-2:] == b"\x90\x00", "the payment goes on"
    assert card.transmit(AUTHENTICATE).hex() == "6985", "after it"


@BOTH
def test_a_card_without_dynamic_authentication_does_not_know_it(bench: Any, network: str) -> None:
    profile = {"mastercard": "1380", "amex": "11C0"}[network]
    card = contact_card(bench, network, profile)
    options = objects_of(sent(card, OPTIONS[network]))
    assert 0x9F49 not in options
    assert card.transmit(AUTHENTICATE).hex() == "6d00"


@BOTH
def test_the_command_is_read_with_the_cards_list(bench: Any, network: str) -> None:
    from hardware.api import CardLists, decode_command

    card = contact_card(bench, network)
    lists = CardLists()
    lists.hear(sent(card, OPTIONS[network]))
    nodes = decode_command(AUTHENTICATE, lists)
    assert nodes[0].value.startswith("INTERNAL AUTHENTICATE")
    assert (nodes[1].tag, nodes[1].value_hex) == ("9F37", NUMBER.hex())
