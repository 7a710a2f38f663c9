"""The contact directory (EMV Book 1, 12.2): where it is wanted, and no more than the other."""

from __future__ import annotations

from typing import Any

import pytest

from hardware.api import parse_tlv

SELECT_PSE = bytes.fromhex("00A404000E315041592E5359532E444446303100")
SELECT_PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
SELECT_VISA = bytes.fromhex("00A4040007A000000003101000")
GPO = bytes.fromhex(
    "80A80000238321" + "32804000" + "000000001240" + "000000000000" + "0840" + "0000000000"
    "0840" + "261118" + "00" + "01020304" + "00"
)
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


@pytest.mark.parametrize(("in_records", "tags"), [(False, set()), (True, {0x9F19, 0x9F24})])
def test_no_record_and_no_object_gives_more_than_a_payment_does(
    bench: Any, in_records: object, tags: set[int]
) -> None:
    """Every record of every file and every object, before a payment and after it."""
    bench.arm()
    card = bench.element.card(with_pse=True, with_records=bool(in_records))
    reads = [bytes([0x00, 0xB2, n, file << 3 | 4, 0]) for file in range(32) for n in range(6)]
    reads += [bytes.fromhex(f"80CA{tag}00") for tag in ("9F36", "9F13", "9F17", "9F4F", "0057")]
    given = set()
    for select in (SELECT_PSE, SELECT_PPSE, SELECT_VISA, GPO):
        card.transmit(select)
        given |= {answer for read in reads if len(answer := card.transmit(read)) > 2}
    found = {tag for answer in given for tag in objects(answer)}
    assert found == {0x4F, 0x50, 0x87} | tags
