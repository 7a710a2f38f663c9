"""A decoded tree as text: for the clipboard, for finding, and for what a line says. Knows no Qt."""

from __future__ import annotations

from lab.bench.state import COMMAND, RESPONSE, Conversation, DecodedNode

HEX = frozenset("0123456789abcdef")


def meaning_of(node: DecodedNode) -> str:
    """What a value means, unless that only repeats the value."""
    plain = node.meaning.replace(" ", "").casefold()
    return "" if plain == node.value.replace(" ", "").casefold() else node.meaning


def tree_text(nodes: tuple[DecodedNode, ...]) -> str:
    """Lines as a person would paste them into a report."""
    return "\n".join(_line(node) for node in nodes)


def _line(node: DecodedNode) -> str:
    indent = "  " * node.depth
    if node.kind == "bit":
        return f"{indent}- {node.name} ({node.meaning})"
    value = node.value if node.whole else ""
    parts = (f"{node.tag} {node.name}".strip(), value, meaning_of(node))
    return indent + " | ".join(part for part in parts if part)


def matches(conversation: Conversation, wanted: str) -> list[tuple[int, int, int]]:
    """Where a tag, a word or bytes stand: exchange, side (0 asked, 1 answered), line.

    Bytes match inside the value of an object that holds no others, on whole bytes.
    """
    plain = wanted.strip().casefold()
    compact = plain.replace(" ", "")
    as_bytes = compact if compact and len(compact) % 2 == 0 and set(compact) <= HEX else ""
    return [
        (apdu.index, side, place)
        for apdu in conversation.apdus
        for side, name in enumerate((COMMAND, RESPONSE))
        for place, node in enumerate(conversation.nodes(apdu.index, name))
        if plain and _matches(node, plain, compact, as_bytes)
    ]


def _matches(node: DecodedNode, plain: str, compact: str, as_bytes: str) -> bool:
    if node.tag and node.tag.casefold() == compact:
        return True
    if plain in node.name.casefold() or (node.kind != "bit" and plain in node.meaning.casefold()):
        return True
    value = node.value.casefold()
    at = value.find(as_bytes) if as_bytes and node.whole else -1
    while at > 0 and at % 2:
        at = value.find(as_bytes, at + 1)
    return at >= 0
