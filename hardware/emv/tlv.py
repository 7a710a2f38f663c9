"""BER-TLV as EMV restricts it (Book 3 Annex B, ISO/IEC 7816-4 5.2.2).

Theory of operation: one pass over the bytes with an explicit stack of open templates, so a hostile
answer can make neither Python's recursion limit nor memory give way. Limits are constants here:
depth, total length, tag length, length bytes. 00 between objects is padding; FF is padding too,
but only before a tag in the outermost sequence, where no two-byte tag can start with it in EMV's
own dictionary. Indefinite lengths do not exist in EMV. Knows no tag's meaning: `tags` does.
"""

# ruff: noqa: PLR2004 -- the specifications' own numbers, named where they are not obvious
# ruff: noqa: S101 -- programmer errors assert (house style); operating errors are typed

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.runtime.errors import TlvError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

DEPTH_MAX = 16
"""Templates inside templates; EMV itself never needs more than five."""
TOTAL_LENGTH_MAX = 64 * 1024
"""Bytes of one input."""
TAG_LENGTH_MAX = 4
LENGTH_BYTES_MAX = 4
"""Bytes of one length field, its first included."""


@dataclass(frozen=True, slots=True)
class Tlv:
    """One data object. `offset` and `length` span tag, length and value in the input."""

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


@dataclass(slots=True)
class _Template:
    """A constructed object whose value is being read."""

    tag: int
    offset: int
    value_offset: int
    end: int
    children: list[Tlv] = field(default_factory=list)


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


def parse(data: bytes) -> tuple[Tlv, ...]:
    """Read a sequence of data objects.

    Raises:
        TlvError: anything that is not BER-TLV within the limits above; carries the offset.
    """
    if len(data) > TOTAL_LENGTH_MAX:
        raise TlvError(f"more than {TOTAL_LENGTH_MAX} bytes", TOTAL_LENGTH_MAX)
    root = _Template(tag=0, offset=0, value_offset=0, end=len(data))
    stack = [root]
    at = 0
    while True:
        open_template = stack[-1]
        if at == open_template.end:
            if len(stack) == 1:
                return tuple(root.children)
            _close(stack, data)
            continue
        if data[at] == 0x00 or (data[at] == 0xFF and len(stack) == 1):
            at += 1
            continue
        at = _open_or_add(data, at, stack)


def _open_or_add(data: bytes, at: int, stack: list[_Template]) -> int:
    """Read one tag and length; add a primitive, or open a template. Returns the next offset."""
    parent = stack[-1]
    offset = at
    tag, at = read_tag(data, at, parent.end)
    length, at = _read_length(data, at, parent.end)
    end = at + length
    if end > parent.end:
        raise TlvError(f"tag {tag_name(tag)} says {length} bytes, {parent.end - at} left", offset)
    if not is_constructed(tag):
        parent.children.append(Tlv(tag, data[at:end], (), offset, end - offset))
        return end
    if len(stack) > DEPTH_MAX:
        raise TlvError(f"more than {DEPTH_MAX} templates inside each other", offset)
    stack.append(_Template(tag, offset, at, end))
    return at


def _close(stack: list[_Template], data: bytes) -> None:
    done = stack.pop()
    stack[-1].children.append(
        Tlv(
            done.tag,
            data[done.value_offset : done.end],
            tuple(done.children),
            done.offset,
            done.end - done.offset,
        )
    )


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
