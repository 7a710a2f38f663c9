"""The contact directory (EMV Book 1, 12.2): where it is wanted, and no more than the other."""

from __future__ import annotations

from typing import Any

from hardware.api import parse_tlv

SELECT_PSE = bytes.fromhex("00A404000E315041592E5359532E444446303100")
SELECT_PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
RECORD_1 = bytes.fromhex("00B2010C00")


def objects(answer: bytes) -> dict[int, bytes]:
    assert answer[-2:] == b"\x90\0"
    (template,) = parse_tlv(answer[:-2])
    return {node.tag: node.value for node in template.walk() if not node.constructed}


def test_only_a_card_that_is_told_to_lists_itself_for_contact_readers(bench: Any) -> None:
    assert bench.element.card().transmit(SELECT_PSE) == bytes.fromhex("6A82")
    found = objects(bench.element.card(with_pse=True).transmit(SELECT_PSE))
    assert found == {0x84: b"1PAY.SYS.DDF01", 0x88: b"\x01"}


def test_its_one_record_says_what_the_contactless_directory_says(bench: Any) -> None:
    card = bench.element.card(with_pse=True)
    card.transmit(SELECT_PSE)
    listed = objects(card.transmit(RECORD_1))
    contactless = objects(card.transmit(SELECT_PPSE))
    assert listed == {tag: contactless[tag] for tag in (0x4F, 0x50, 0x87)}
    card.transmit(SELECT_PSE)
    assert card.transmit(bytes.fromhex("00B2020C00")) == bytes.fromhex("6A83")
    assert card.transmit(bytes.fromhex("00B2011400")) == bytes.fromhex("6A83")
    assert card.transmit(bytes.fromhex("00B2010800")) == bytes.fromhex("6A86")


def test_its_record_is_there_only_while_it_is_selected(bench: Any) -> None:
    card = bench.element.card(with_pse=True)
    assert card.transmit(RECORD_1) == bytes.fromhex("6985")
    card.transmit(SELECT_PSE)
    card.transmit(SELECT_PPSE)
    assert card.transmit(RECORD_1) == bytes.fromhex("6985")


def test_a_card_can_show_another_token_than_the_default_one(bench: Any) -> None:
    bench.install("mastercard")
    card = bench.element.card(token_ref="tok-mastercard", with_pse=True)
    assert objects(card.transmit(SELECT_PPSE))[0x4F] == bytes.fromhex("A0000000041010")
    card.transmit(SELECT_PSE)
    assert objects(card.transmit(RECORD_1))[0x4F] == bytes.fromhex("A0000000041010")
    bench.element.remove("tok-mastercard")
    assert card.transmit(SELECT_PPSE) == bytes.fromhex("6A82")
