"""BER-TLV as EMV restricts it (Book 3 Annex B, ISO/IEC 7816-4 5.2.2).

Theory of operation: one pass over the bytes with an explicit stack of open templates, so a hostile
answer can make neither Python's recursion limit nor memory give way. Limits are constants here:
depth, number, total length, tag length, length bytes. 00 between objects is padding; FF is padding
too, but only before a tag in the outermost sequence, where no two-byte tag can start with it in
EMV's own dictionary. Indefinite lengths do not exist in EMV. Knows no tag's meaning: `tags` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hardware.runtime.errors import TlvError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEPTH_MAX = 16
"""Templates inside templates; EMV itself never needs more than five."""
OBJECTS_MAX = 2_048
"""Data objects of one input. A card's longest answer has some dozens; without a limit the longest
input holds 32,000, and whoever masks, decodes and shows each of them stands still for a second."""
TOTAL_LENGTH_MAX = 64 * 1024
"""Bytes of one input."""
TAG_LENGTH_MAX = 4
LENGTH_BYTES_MAX = 4
"""Bytes of one length field, its first included."""


class Tlv(NamedTuple):
    """One data object. `offset` and `length` span tag, length and value in the input.

    A tuple, because every answer of every card is made of these: a frozen dataclass takes three
    times as long to make.
    """

    tag: int
    value: bytes
    children: tuple[Tlv, ...] = ()
    offset: int = 0
    length: int = 0

    @property
    def constructed(self) -> bool:
        """Whether the tag says its value is made of data objects."""
        return is_constructed(self.tag)

    def find(self, tag: int) -> Tlv | None:
        """The first direct child with this tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def find_all(self, tag: int) -> tuple[Tlv, ...]:
        """Every direct child with this tag, in order."""
        return tuple(child for child in self.children if child.tag == tag)

    def walk(self) -> Iterator[Tlv]:
        """This object and everything inside it, in the order of the bytes."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class _Template(NamedTuple):
    """A constructed object whose value is being read, and what stands round it."""

    siblings: list[Tlv]
    outer_end: int
    tag: int
    offset: int
    value_offset: int


_make = tuple.__new__
"""Makes a `Tlv` without the call in between; for the one place where they are made by the dozen."""


def tag_bytes(tag: int) -> bytes:
    """A tag number as its bytes."""
    assert tag > 0
    return tag.to_bytes((tag.bit_length() + 7) // 8, "big")


def tag_name(tag: int) -> str:
    """A tag number as upper-case hex, such as 9F26."""
    return tag_bytes(tag).hex().upper()


def is_constructed(tag: int) -> bool:
    """Bit 6 of the first tag byte (ISO/IEC 8825-1 8.1.2.5)."""
    return bool(tag_bytes(tag)[0] & 0x20)


def read_tag(data: bytes, at: int, end: int) -> tuple[int, int]:
    """One tag at `at` and the offset behind it; data object lists are read with it too.

    Raises:
        TlvError: cut off before `end`, or longer than the limit.
    """
    start = at
    at += 1
    if data[start] & 0x1F == 0x1F:
        while True:
            if at >= end:
                raise TlvError("the tag is cut off", start)
            at += 1
            if at - start > TAG_LENGTH_MAX:
                raise TlvError(f"a tag of more than {TAG_LENGTH_MAX} bytes", start)
            if not data[at - 1] & 0x80:
                break
    return int.from_bytes(data[start:at], "big"), at


def _read_length(data: bytes, at: int, end: int) -> tuple[int, int]:
    if at >= end:
        raise TlvError("the length is missing", at)
    first = data[at]
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if count == 0:
        raise TlvError("indefinite length is not used in EMV", at)
    if count >= LENGTH_BYTES_MAX:
        raise TlvError(f"a length of more than {LENGTH_BYTES_MAX} bytes", at)
    if at + 1 + count > end:
        raise TlvError("the length is cut off", at)
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


# One pass in one place: a call costs as much as the object it would read.
def parse(data: bytes) -> tuple[Tlv, ...]:  # noqa: C901, PLR0912 -- see above
    """Read a sequence of data objects.

    Raises:
        TlvError: anything that is not BER-TLV within the limits above; carries the offset.
    """
    if len(data) > TOTAL_LENGTH_MAX:
        raise TlvError(f"more than {TOTAL_LENGTH_MAX} bytes", TOTAL_LENGTH_MAX)
    found: list[Tlv] = []
    outer: list[_Template] = []
    at, end, left = 0, len(data), OBJECTS_MAX
    while True:
        while at == end:
            if not outer:
                return tuple(found)
            found, end = _close(outer.pop(), found, data, end)
        first = data[at]
        if first == 0x00 or (first == 0xFF and not outer):
            at += 1
            continue
        offset = at
        if first & 0x1F != 0x1F:
            tag = first
            at += 1
        elif at + 1 < end and data[at + 1] < 0x80:
            tag = first << 8 | data[at + 1]
            at += 2
        else:
            tag, at = read_tag(data, at, end)
        if at < end and data[at] < 0x80:
            stop = at + 1 + data[at]
            at += 1
        else:
            length, at = _read_length(data, at, end)
            stop = at + length
        if stop > end:
            raise TlvError(f"tag {tag_name(tag)} says {stop - at} bytes, {end - at} left", offset)
        left -= 1
        if left < 0:
            raise TlvError(f"more than {OBJECTS_MAX} data objects", offset)
        if first & 0x20:
            if len(outer) >= DEPTH_MAX:
                raise TlvError(f"more than {DEPTH_MAX} templates inside each other", offset)
            outer.append(_Template(found, end, tag, offset, at))
            found, end = [], stop
        else:
            found.append(_make(Tlv, (tag, data[at:stop], (), offset, stop - offset)))
            at = stop


def _close(
    template: _Template, children: list[Tlv], data: bytes, end: int
) -> tuple[list[Tlv], int]:
    """Add a template that is read to what stands round it; that, and where it ends."""
    siblings, outer_end, tag, offset, value_offset = template
    value = data[value_offset:end]
    siblings.append(Tlv(tag, value, tuple(children), offset, end - offset))
    return siblings, outer_end


def parse_one(data: bytes, tag: int) -> Tlv:
    """Read exactly one object that must have this tag, as every EMV answer does.

    Raises:
        TlvError: not BER-TLV, not one object, or another tag.
    """
    nodes = parse(data)
    if len(nodes) != 1:
        raise TlvError(f"one object {tag_name(tag)} expected, got {len(nodes)}", 0)
    if nodes[0].tag != tag:
        raise TlvError(f"{tag_name(tag)} expected, got {tag_name(nodes[0].tag)}", nodes[0].offset)
    return nodes[0]


def length_bytes(length: int) -> bytes:
    """A length in its shortest form."""
    assert 0 <= length <= TOTAL_LENGTH_MAX
    if length < 0x80:
        return bytes([length])
    body = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(body)]) + body


def build(tag: int, value: bytes | Iterable[bytes]) -> bytes:
    """One data object; an iterable of built objects is joined into a template."""
    body = value if isinstance(value, bytes) else b"".join(value)
    return tag_bytes(tag) + length_bytes(len(body)) + body
