"""Two conversations side by side: aligned by command, only what differs told object by object.

Commands are the same where header and, of SELECT, the name agree; the data of the others differ
from tap to tap and are compared object by object. Bits are compared in words. Knows no window.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from lab.bench.decisions import words_about
from lab.bench.state import (
    COMMAND,
    RESPONSE,
    ApduLine,
    Comparison,
    Conversation,
    DecodedNode,
    ExchangePair,
    Listed,
    ObjectPair,
)

HEADER_HEX = 8  # CLA INS P1 P2
SELECT = "A4"

Leaf = tuple[DecodedNode, tuple[str, ...]]
"""An object that holds no others, and the words about it."""


def compare(left: Conversation, right: Conversation) -> Comparison:
    """The two, aligned."""
    pairs = tuple(
        _pair(left, right, one, other) for one, other in _aligned(left.apdus, right.apdus)
    )
    return Comparison(Listed(left.id, left.title), Listed(right.id, right.title), pairs)


def _aligned(
    left: tuple[ApduLine, ...], right: tuple[ApduLine, ...]
) -> list[tuple[ApduLine | None, ApduLine | None]]:
    matcher = SequenceMatcher(
        None, [_key(apdu) for apdu in left], [_key(apdu) for apdu in right], autojunk=False
    )
    rows: list[tuple[ApduLine | None, ApduLine | None]] = []
    for kind, from_left, to_left, from_right, to_right in matcher.get_opcodes():
        if kind == "equal":
            rows += zip(left[from_left:to_left], right[from_right:to_right], strict=True)
        else:
            rows += [(apdu, None) for apdu in left[from_left:to_left]]
            rows += [(None, apdu) for apdu in right[from_right:to_right]]
    return rows


def _key(apdu: ApduLine) -> str:
    return apdu.command_hex if apdu.command_hex[2:4] == SELECT else apdu.command_hex[:HEADER_HEX]


def _pair(
    left: Conversation, right: Conversation, one: ApduLine | None, other: ApduLine | None
) -> ExchangePair:
    either = one or other
    assert either is not None, "a pair has at least one exchange"
    if one is None or other is None:
        return ExchangePair(either.name, one, other)
    asked, same_asked = _objects(left.nodes(one.index, COMMAND), right.nodes(other.index, COMMAND))
    answered, same = _objects(left.nodes(one.index, RESPONSE), right.nodes(other.index, RESPONSE))
    return ExchangePair(either.name, one, other, asked, answered, same + same_asked)


def _objects(
    left: tuple[DecodedNode, ...], right: tuple[DecodedNode, ...]
) -> tuple[tuple[ObjectPair, ...], int]:
    """The objects that differ, in the order in which they stand; and how many do not."""
    ones, others = _leaves(left), _leaves(right)
    different: list[ObjectPair] = []
    same = 0
    for key in dict.fromkeys((*ones, *others)):
        one, other = ones.get(key), others.get(key)
        if one and other and one[0].value == other[0].value:
            same += 1
            continue
        either = one or other
        assert either is not None, "the key came from one of them"
        node = either[0]
        before, after = (set(found[1]) if found else set() for found in (one, other))
        different.append(
            ObjectPair(
                tag=node.tag,
                name=node.name,
                left=_told(one),
                right=_told(other),
                gained=tuple(word for word in (other[1] if other else ()) if word not in before),
                lost=tuple(word for word in (one[1] if one else ()) if word not in after),
            )
        )
    return tuple(different), same


def _told(leaf: Leaf | None) -> str:
    return "" if leaf is None else leaf[0].value or leaf[0].meaning


def _leaves(nodes: tuple[DecodedNode, ...]) -> dict[tuple[str, int], Leaf]:
    """Objects that hold no others, by tag (or name) and occurrence, with their words."""
    leaves: dict[tuple[str, int], Leaf] = {}
    seen: dict[str, int] = {}
    for place, node in enumerate(nodes):
        if node.kind == "bit" or not node.whole:
            continue
        name = node.tag or node.name
        seen[name] = seen.get(name, 0) + 1
        words = words_about(nodes[place:], node.tag) if node.tag else ()
        leaves[name, seen[name]] = (node, words)
    return leaves
