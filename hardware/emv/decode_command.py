"""What a command asks, decoded: header, and the data by the list that the card itself had sent.

GET PROCESSING OPTIONS, GENERATE AC and others carry values without tags (Book 3, 5.4); which they
are, only the lists of earlier answers say. `CardLists` collects those while a conversation is read
in order. Tags that mean another thing when the terminal sends them are named so here. Damaged bytes
give the nodes that could be read and one that says what is wrong; decoding never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu
from hardware.emv import tlv
from hardware.emv.decode import Node, words_of
from hardware.emv.dol import DolEntry, parse_dol
from hardware.emv.formats import decode_text
from hardware.emv.marks import marks, reader_marks
from hardware.emv.masking import mask_value
from hardware.emv.tags import describe_tag
from hardware.runtime.errors import ApduError, TlvError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SELECT = 0xA4
_PROCESSING_LIST, _RISK_LIST = 0x9F38, 0x8C
_CHECKSUM_LIST, _RECOVERY_LIST, _SIGNED_LIST = 0x9F69, 0x9F51, 0x9F49
_LISTS = frozenset({_PROCESSING_LIST, _RISK_LIST, _CHECKSUM_LIST, _RECOVERY_LIST, _SIGNED_LIST})
_RELAY_ENTROPY = 0xDF8301
_READER_CAPABILITIES = 0x9F6E
_READER_CAPABILITIES_NAME = "Enhanced contactless reader capabilities"
_CRYPTOGRAMS = ("AAC: to decline", "TC: to approve offline", "ARQC: to ask the issuer", "reserved")
_MASKED = re.compile("E{2,}")
_HIDDEN = "not told: digits that could have been a card number are hidden (E)"
_HEADER_LENGTH = 4
_DATA_AT = 5
_MASTERCARD_CHECKSUM_LIST = bytes.fromhex("9F6A04")
"""What a mag-stripe mode card wants when it sends no list (Book C-2, default UDOL)."""


@dataclass(slots=True)
class CardLists:
    """The lists of the application in use, as its answers gave them."""

    by_tag: dict[int, bytes] = field(default_factory=dict)

    def hear(self, answer: bytes) -> None:
        """Note the lists in an answer (data and status word, or data alone)."""
        for data in (answer[:-2], answer):
            try:
                roots = tlv.parse(data)
            except TlvError:
                continue
            self._note(roots)
            return

    def _note(self, roots: Iterable[tlv.Tlv]) -> None:
        for root in roots:
            for item in root.walk():
                if item.tag in _LISTS:
                    self.by_tag[item.tag] = item.value

    def forget(self) -> None:
        """Another application was selected: its lists are its own."""
        self.by_tag.clear()


def decode_command(command: bytes, lists: CardLists) -> list[Node]:
    """The tree of one command; hears SELECT, after which earlier lists no longer hold."""
    try:
        apdu = CommandApdu.parse(command)
    except ApduError as damage:
        return [_fault("Not readable", str(damage), command, 0)]
    nodes = [_header(apdu, command[:_HEADER_LENGTH])]
    if apdu.ins == _SELECT:
        lists.forget()
    if apdu.data:
        nodes += _data(apdu, lists)
    if apdu.le is not None:
        wanted = "all there is" if apdu.le == 256 else f"{apdu.le} bytes"
        nodes.append(_node("Le", "Answer wanted", wanted, command[-1:], len(command) - 1))
    return nodes


def _header(apdu: CommandApdu, header: bytes) -> Node:
    return _node("", "Header: CLA INS P1 P2", _asks(apdu), header, 0)


def _asks(apdu: CommandApdu) -> str:
    words = f"instruction {apdu.ins:02X}"
    match apdu.ins:
        case 0xA4:
            words = "SELECT by name" if apdu.p1 == 0x04 else "SELECT"
        case 0xA8:
            words = "GET PROCESSING OPTIONS"
        case 0xAE:
            signed = ", signed together with the data (CDA)" if apdu.p1 & 0x10 else ""
            words = f"GENERATE AC, {_CRYPTOGRAMS[apdu.p1 >> 6]}{signed}"
        case 0xB2:
            words = f"READ RECORD {apdu.p1} of file {apdu.p2 >> 3}"
        case 0x2A:
            words = "COMPUTE CRYPTOGRAPHIC CHECKSUM"
        case 0xCA:
            words = f"GET DATA {apdu.p1 << 8 | apdu.p2:04X}"
        case 0x88:
            words = "INTERNAL AUTHENTICATE: sign this"
        case 0xD0:
            words = "RECOVER AC: the last answer to GENERATE AC once more"
        case 0xEA:
            words = "EXCHANGE RELAY RESISTANCE DATA: how far away are you"
    return words


_LIST_OF = {0xAE: _RISK_LIST, 0x2A: _CHECKSUM_LIST, 0xD0: _RECOVERY_LIST, 0x88: _SIGNED_LIST}
"""Whose values an instruction carries."""


def _data(apdu: CommandApdu, lists: CardLists) -> list[Node]:
    data = apdu.data
    if apdu.ins in _LIST_OF:
        otherwise = _MASTERCARD_CHECKSUM_LIST if apdu.ins == 0x2A else None
        return _by_list(data, lists.by_tag.get(_LIST_OF[apdu.ins], otherwise), _DATA_AT)
    match apdu.ins:
        case 0xA4:
            printable = all(0x20 <= byte < 0x7F for byte in data)
            name = decode_text(data) if printable else ""
            return [_node("", "Name of what is selected", name, data, _DATA_AT)]
        case 0xA8:
            return [_options(data, lists)]
        case 0xEA:
            return [_value(DolEntry(_RELAY_ENTROPY, len(data)), data, _DATA_AT)]
    return [_node("", "Command data", "", data, _DATA_AT)]


def _options(data: bytes, lists: CardLists) -> Node:
    """Command template 83 around the values (Book 3, 6.5.8)."""
    length_bytes = 2 if data[1:2] == b"\x81" else 1
    values_at = 1 + length_bytes
    if data[0] != 0x83 or len(data) < values_at:
        return _fault("Command data", "no template 83", data, _DATA_AT)
    values = data[values_at:]
    wanted = lists.by_tag.get(_PROCESSING_LIST, b"" if not values else None)
    children = _by_list(values, wanted, _DATA_AT + values_at) if values else []
    words = "" if values else "empty: the card sent no list"
    template = _node("83", describe_tag(0x83).name, words, data, _DATA_AT)
    return replace(
        template,
        value_hex=values.hex().upper(),
        header_length=values_at,
        children=tuple(children),
    )


def _by_list(data: bytes, wanted: bytes | None, at: int) -> list[Node]:
    if wanted is None:
        return [_node("", "Values by a list that was not heard", "", data, at)]
    try:
        entries = parse_dol(wanted)
    except TlvError as damage:
        return [_fault("Values by a list that is damaged", str(damage), data, at)]
    nodes = []
    place = 0
    hidden = _hidden(data)
    for entry in entries:
        value = data[place : place + entry.length]
        node = _value(entry, value, at + place)
        if hidden.intersection(range(place, place + entry.length)):
            node = replace(node, value=_HIDDEN if node.value else "", marks=())
        nodes.append(node)
        place += entry.length
    if place != len(data):
        words = f"the list asks for {place} bytes, {len(data)} are there"
        nodes.append(_fault("Not as the list says", words, data[place:], at + place))
    return nodes


def _hidden(data: bytes) -> frozenset[int]:
    """Bytes that masking touched: there, bits say nothing."""
    found: set[int] = set()
    for run in _MASKED.finditer(data.hex().upper()):
        found.update(range(run.start() // 2, (run.end() + 1) // 2))
    return frozenset(found)


def _value(entry: DolEntry, value: bytes, at: int) -> Node:
    info = describe_tag(entry.tag)
    name, found, words = info.name, marks(entry.tag, value), words_of(entry.tag, value)
    if entry.tag == _READER_CAPABILITIES:
        name, found = _READER_CAPABILITIES_NAME, reader_marks(value)
        words = "; ".join(mark.text for mark in found)
    masked = mask_value(entry.tag, value)
    node = _node(tlv.tag_name(entry.tag), name, words, masked, at)
    return replace(node, marks=found, book=info.book)


def _node(tag: str, name: str, words: str, value: bytes, at: int) -> Node:
    return Node(
        tag=tag,
        name=name,
        value=words,
        value_hex=value.hex().upper(),
        source="terminal",
        book="ISO 7816-4 5.1",
        offset=at,
        length=len(value),
        header_length=0,
    )


def _fault(name: str, words: str, value: bytes, at: int) -> Node:
    return replace(_node("", name, words, value, at), fault=True)
