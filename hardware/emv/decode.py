"""Decode: bytes to a tree people can read, the same for the window and the command line.

Every node knows where its bytes stand, so hex and tree can highlight each other. Account numbers
and tracks are masked here already: no view has to remember to. Damaged bytes give the nodes that
could be read and one node that says what is wrong and where; decoding never raises.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.apdu import ResponseApdu, status_name
from hardware.emv import tlv
from hardware.emv.dol import parse_dol
from hardware.emv.formats import (
    Format,
    decode_compressed,
    decode_numeric,
    decode_text,
    describe_date,
)
from hardware.emv.marks import Mark, marks
from hardware.emv.masking import mask_digits, mask_objects, mask_value
from hardware.emv.tags import describe_tag
from hardware.runtime.errors import ApduError, TlvError

_SUCCESS = b"\x90\x00"
_OTHER_STATUS = range(0x61, 0x70)
"""First bytes of every other status word that ISO 7816-4 gives a meaning."""
_PAN = 0x5A
_COUNTER = 0x9F36
_COUNTER_BYTES = 2
_NAMES = frozenset({0x4F, 0x84, 0x9F06})
"""Application names: some are text ("2PAY.SYS.DDF01"), most are numbers."""
_DATES = frozenset({0x9A, 0x5F24, 0x5F25})
_AMOUNTS = frozenset({0x9F02, 0x9F03})
_CHECKSUM_LIST = 0x9F69
_RELATED_DATA_VERSION = b"\x01"
"""What 9F69 begins with where it is Visa's authentication data; a list begins with a tag."""
_STRIPE_NAMES = {
    0x9F66: "Position of unpredictable number and counter in track 2",
    0x9F69: "Unpredictable number data object list (UDOL)",
    0x9F6C: "Mag-stripe application version number, card",
}
"""What tags are called that mean something else in a record of mag-stripe mode (Book C-2, A)."""
_STRIPE_RECORD = 0x9F65
"""What tells such a record: where on track 2 the code goes."""
_LISTS = frozenset({0x9F38, 0x8C, 0x8D, 0x97, 0x9F49, 0x9F4F, 0x9F51})
_CURRENCY_LENGTH = 2
"""Of 9F51 where it is another kernel's currency code and no list."""


@dataclass(frozen=True, slots=True)
class Node:
    """One data object for the reader's eye. `value_hex` is masked where it must be."""

    tag: str
    name: str
    value: str
    """In words; empty where the bytes say it all."""
    value_hex: str
    source: str
    book: str
    offset: int
    length: int
    """Bytes of tag, length and value together."""
    header_length: int
    """Bytes of tag and length alone."""
    marks: tuple[Mark, ...] = ()
    """Set bits or list entries, each with its place in the value."""
    children: tuple[Node, ...] = ()
    fault: bool = False

    @property
    def details(self) -> tuple[str, ...]:
        """The marks in words, one a line."""
        return tuple(mark.text for mark in self.marks)


def decode(data: bytes) -> list[Node]:
    """The tree of a sequence of data objects; a response's status word may stand at the end."""
    # 9000 or 6F00 would also read as an empty tag 90 or 6F, which no card sends.
    if _ends_in_status(data) and (answered := _decode_response(data)) is not None:
        return answered
    try:
        return [_node(item) for item in tlv.parse(data)]
    except TlvError as damage:
        with_status = _decode_response(data)
        return with_status if with_status is not None else _decode_damaged(data, damage)


def _ends_in_status(data: bytes) -> bool:
    return data.endswith(_SUCCESS) or (len(data) > 1 and data[-2] in _OTHER_STATUS)


def _decode_response(data: bytes) -> list[Node] | None:
    """Data objects followed by a status word, as a card answers; None if it is not that."""
    try:
        answer = ResponseApdu.parse(data)
        nodes = [_node(item) for item in tlv.parse(answer.data)]
    except (ApduError, TlvError):
        return None
    status = Node(
        tag="SW",
        name="Status word",
        value=status_name(answer.sw),
        value_hex=f"{answer.sw:04X}",
        source="card",
        book="ISO 7816-4 5.1.3",
        offset=len(data) - 2,
        length=2,
        header_length=0,
    )
    return [*nodes, status]


def _decode_damaged(data: bytes, damage: TlvError) -> list[Node]:
    """What stands whole before the damage, then one node for the rest."""
    nodes: list[Node] = []
    end = min(damage.offset, len(data))
    while end > 0:
        try:
            nodes = [_node(item) for item in tlv.parse(data[:end])]
            break
        except TlvError as earlier:
            # The damage lies inside a template: step back to the object that was whole.
            end = min(end - 1, earlier.offset)
    rest = mask_objects(data)[end:]
    fault = Node(
        tag="",
        name="Not readable",
        value=str(damage),
        value_hex=rest.hex().upper(),
        source="",
        book="Book 3 B",
        offset=end,
        length=len(data) - end,
        header_length=0,
        fault=True,
    )
    return [*nodes, fault]


def _node(item: tlv.Tlv) -> Node:
    """A tree node of one parsed object; built from the leaves up without recursion."""
    built: dict[int, Node] = {}
    objects = list(item.walk())
    names = _STRIPE_NAMES if any(each.tag == _STRIPE_RECORD for each in objects) else {}
    for current in reversed(objects):
        info = describe_tag(current.tag)
        masked = mask_value(current.tag, current.value) if not current.constructed else b""
        built[id(current)] = Node(
            tag=tlv.tag_name(current.tag),
            name=names.get(current.tag, info.name),
            value="" if current.constructed else words_of(current.tag, current.value),
            value_hex=mask_objects(current.value).hex().upper()
            if current.constructed
            else masked.hex().upper(),
            source=info.source.value,
            book=info.book,
            offset=current.offset,
            length=current.length,
            header_length=current.length - len(current.value),
            marks=_marks(current.tag, current.value),
            children=tuple(built[id(child)] for child in current.children),
        )
    return built[id(item)]


def _is_list(tag: int, value: bytes) -> bool:
    """Whether a value is a data object list; two tags are something else to other kernels."""
    if tag == _CHECKSUM_LIST:
        return not value.startswith(_RELATED_DATA_VERSION)
    return tag in _LISTS and not (tag == 0x9F51 and len(value) <= _CURRENCY_LENGTH)


def _marks(tag: int, value: bytes) -> tuple[Mark, ...]:
    if not _is_list(tag, value):
        return marks(tag, value)
    try:
        entries = parse_dol(value)
    except TlvError as damage:
        return (Mark(str(damage), 0, max(1, len(value))),)
    found = []
    at = 0
    for entry in entries:
        name = tlv.tag_name(entry.tag)
        length = len(name) // 2 + 1
        text = f"{name} {describe_tag(entry.tag).name}, {entry.length} bytes"
        found.append(Mark(text, at, length))
        at += length
    return tuple(found)


def words_of(tag: int, value: bytes) -> str:
    """A primitive value in words; empty where they would only repeat the bytes."""
    data_format = describe_tag(tag).format
    words: str | None = "; ".join(mark.text for mark in marks(tag, value))
    if tag == _PAN:
        digits = decode_compressed(value)
        words = mask_digits(digits) if digits else None
    elif tag in _DATES:
        words = describe_date(value)
    elif tag in _AMOUNTS:
        amount = decode_numeric(value)
        words = f"{amount} minor units" if amount is not None else None
    elif tag == _COUNTER:
        words = str(int.from_bytes(value, "big")) if len(value) == _COUNTER_BYTES else None
    elif tag in _NAMES or data_format in {Format.AN, Format.ANS}:
        masked = mask_value(tag, value)
        words = decode_text(masked) if masked.isascii() and masked.decode().isprintable() else None
    return words or ""
