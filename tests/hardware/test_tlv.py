"""BER-TLV: round trips, limits, and nothing but typed errors whatever the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.emv import tlv
from hardware.runtime.errors import TlvError

PRIMITIVE_TAGS = st.sampled_from([0x42, 0x50, 0x57, 0x5A, 0x82, 0x9F26, 0x9F36, 0xDF8129])
TEMPLATE_TAGS = st.sampled_from([0x61, 0x6F, 0x70, 0x77, 0xA5, 0xBF0C])
LEAVES = st.tuples(PRIMITIVE_TAGS, st.binary(max_size=200))
TREES = st.recursive(
    LEAVES, lambda inner: st.tuples(TEMPLATE_TAGS, st.lists(inner, max_size=4)), max_leaves=12
)


def built(tree: tuple[int, object]) -> bytes:
    tag, content = tree
    if isinstance(content, bytes):
        return tlv.build(tag, content)
    assert isinstance(content, list)
    return tlv.build(tag, [built(child) for child in content])


def shape(node: tlv.Tlv) -> tuple[int, object]:
    if node.constructed:
        return node.tag, [shape(child) for child in node.children]
    return node.tag, node.value


@settings(max_examples=80, deadline=None)
@given(TREES)
def test_what_is_built_is_read_back(tree: tuple[int, object]) -> None:
    data = built(tree)
    (node,) = tlv.parse(data)
    assert shape(node) == tree
    assert (node.offset, node.length) == (0, len(data))
    for inner in node.walk():
        assert data[inner.offset : inner.offset + inner.length].endswith(inner.value)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_parse_or_raise_the_typed_error(data: bytes) -> None:
    offset = None
    try:
        nodes = tlv.parse(data)
    except TlvError as wrong:
        offset = wrong.offset
    else:
        assert all(node.length <= len(data) for node in nodes)
    assert offset is None or 0 <= offset <= len(data)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        ("9F", 0),
        ("9F81818101", 0),
        ("5A", 1),
        ("5A80", 1),
        ("5A84000000014242", 1),
        ("5A82FF", 1),
        ("5A0542", 0),
        ("820200405A0342", 4),
        ("70045A034242", 2),
    ],
)
def test_the_error_names_the_byte(data: str, offset: int) -> None:
    with pytest.raises(TlvError) as caught:
        tlv.parse(bytes.fromhex(data))
    assert caught.value.offset == offset


@pytest.mark.parametrize("one", [b"\x50\x00", b"\x70\x00", b"\x9f\x36\x00"])
def test_the_number_of_objects_is_limited(one: bytes) -> None:
    whole = one * tlv.OBJECTS_MAX
    assert len(tlv.parse(whole)) == tlv.OBJECTS_MAX
    with pytest.raises(TlvError, match="more than") as caught:
        tlv.parse(whole + one)
    assert caught.value.offset == len(whole)
    inside = tlv.build(0x6F, one * (tlv.OBJECTS_MAX - 1))
    (node,) = tlv.parse(inside)
    assert len(node.children) == tlv.OBJECTS_MAX - 1
    with pytest.raises(TlvError, match="more than"):
        tlv.parse(inside + one)


def test_depth_is_limited_and_never_a_recursion_error() -> None:
    data = b""
    for _ in range(tlv.DEPTH_MAX):
        data = tlv.build(0x70, data)
    assert len(list(tlv.parse(data)[0].walk())) == tlv.DEPTH_MAX
    with pytest.raises(TlvError, match="templates"):
        tlv.parse(tlv.build(0x70, data))
    deep = b""
    for _ in range(5000):
        deep = tlv.build(0x70, deep)
        if len(deep) > 60_000:
            break
    with pytest.raises(TlvError):
        tlv.parse(deep)


def test_total_length_is_limited() -> None:
    with pytest.raises(TlvError, match="65536"):
        tlv.parse(bytes(tlv.TOTAL_LENGTH_MAX + 1))
    assert tlv.parse(bytes(tlv.TOTAL_LENGTH_MAX)) == ()


def test_padding_stands_between_objects_only() -> None:
    nodes = tlv.parse(bytes.fromhex("0000 8202 0040 00 9F36020001 0000"))
    assert [node.tag for node in nodes] == [0x82, 0x9F36]
    assert [node.tag for node in tlv.parse(bytes.fromhex("FF82020040FFFF"))] == [0x82]
    (template,) = tlv.parse(bytes.fromhex("7007 00 8202 0040 0000"))
    assert [child.tag for child in template.children] == [0x82]
    # Inside a template FF opens a tag, so this is a cut-off object and no padding.
    with pytest.raises(TlvError):
        tlv.parse(bytes.fromhex("7005 82020040 FF"))


def test_long_lengths_take_their_shortest_form() -> None:
    assert tlv.build(0x50, bytes(127))[1:2].hex() == "7f"
    assert tlv.build(0x50, bytes(128))[1:3].hex() == "8180"
    assert tlv.build(0x50, bytes(256))[1:4].hex() == "820100"


def test_parse_one_wants_one_object_with_that_tag() -> None:
    assert tlv.parse_one(bytes.fromhex("7700"), 0x77).children == ()
    for wrong in ("", "7000", "77007700"):
        with pytest.raises(TlvError):
            tlv.parse_one(bytes.fromhex(wrong), 0x77)
