"""A conversation out of a trace: every command and answer decoded, as lines for the eye.

A tap of this session becomes a trace first (its events are masked already), so that a file and a
tap are shown by the same code. Knows no window.
"""

from __future__ import annotations

from collections.abc import Iterable

from backend.api import Event
from hardware.api import (
    CardLists,
    Frame,
    Mark,
    Node,
    Trace,
    TraceLine,
    decode,
    decode_command,
    parse_frame,
    status_name,
)
from lab.bench.decisions import Ended, decide, medium
from lab.bench.state import ApduLine, Conversation, DecodedNode
from lab.clock_text import to_datetime
from lab.json_fields import text, whole

STATUS_HEX = 4  # a status word is two bytes


def trace_of(events: Iterable[Event]) -> Trace:
    """The trace of one tap's events."""
    lines: list[TraceLine] = []
    reader, first_us, kernel = "", None, None
    for event in events:
        match event.kind:
            case "tap.started":
                reader = text(event.data, "reader", "")
            case "tap.apdu":
                duration_us = whole(event.data, "duration_us", 0)
                began_us = event.lab_time_us - duration_us
                first_us = began_us if first_us is None else first_us
                lines.append(
                    TraceLine(
                        index=whole(event.data, "index"),
                        since_us=max(0, began_us - first_us),
                        duration_us=duration_us,
                        command=text(event.data, "command"),
                        response=text(event.data, "response"),
                        name=text(event.data, "name"),
                        frames=_frames(event),
                    )
                )
            case "tap.outcome":
                kernel = whole(event.data, "kernel", 0) or None
    date = f"{to_datetime(first_us or 0):%Y-%m-%dT%H:%M:%S.%fZ}"
    return Trace(reader=reader, card="", date=date, kernel=kernel, lines=tuple(lines))


def _frames(event: Event) -> tuple[Frame, ...]:
    """The frames that its event tells of, masked when it was made."""
    rows = event.data.get("frames")
    if not isinstance(rows, list | tuple):
        return ()
    return tuple(parse_frame(str(row), number) for number, row in enumerate(rows, 1))


def ended_of(events: Iterable[Event]) -> Ended | None:
    """How the kernel ended the tap, if its events tell."""
    for event in events:
        if event.kind == "tap.outcome":
            outcome = text(event.data, "outcome", "")
            return Ended(outcome, text(event.data, "reason", outcome))
    return None


def conversation_of(
    trace: Trace, identifier: str, title: str, *, ended: Ended | None = None, source: str = ""
) -> Conversation:
    """The trace, decoded.

    Args:
        trace: masked, as every trace is.
        identifier: the tap's, or the file's.
        title: what people know it by.
        ended: how the kernel ended it; None where nobody wrote that down.
        source: name of the file it came from.
    """
    lists = CardLists()
    apdus: list[ApduLine] = []
    asked: dict[int, tuple[DecodedNode, ...]] = {}
    decoded: dict[int, tuple[DecodedNode, ...]] = {}
    for place, line in enumerate(trace.lines):
        command, answer = bytes.fromhex(line.command), bytes.fromhex(line.response)
        asked[place] = tuple(flat(decode_command(command, lists), 0))
        decoded[place] = tuple(flat(decode(bytes.fromhex(line.response[:-STATUS_HEX])), 0))
        lists.hear(answer)
        apdus.append(_exchange(place, line))
    lines = tuple(apdus)
    return Conversation(
        id=identifier,
        title=title,
        apdus=lines,
        asked=asked,
        decoded=decoded,
        decisions=decide(lines, asked, decoded, trace.kernel, ended),
        medium=medium(asked, decoded) if lines else None,
        source=source,
    )


def _exchange(place: int, line: TraceLine) -> ApduLine:
    sw = line.response[-STATUS_HEX:]
    return ApduLine(
        index=place,
        name=line.name,
        command_hex=line.command,
        response_hex=line.response,
        sw=sw,
        meaning=status_name(int(sw, 16)) if sw else "no answer",
        duration_us=line.duration_us,
    )


def flat(nodes: Iterable[Node], depth: int) -> list[DecodedNode]:
    """A decoded tree as lines, each with its depth."""
    lines: list[DecodedNode] = []
    for node in nodes:
        several = len(node.marks) > 1
        lines.append(
            DecodedNode(
                depth=depth,
                tag=node.tag,
                name=node.name,
                value=node.value_hex,
                meaning="" if several else node.value,
                offset=node.offset,
                length=node.length,
                header_length=node.header_length,
                kind="fault" if node.fault else "object",
                about=f"{node.source} · {node.book}" if node.book else node.source,
                whole=not node.children,
            )
        )
        if several:
            lines.extend(_word(mark, node, depth + 1) for mark in node.marks)
        lines.extend(flat(node.children, depth + 1))
    return lines


def _word(mark: Mark, node: Node, depth: int) -> DecodedNode:
    return DecodedNode(
        depth=depth,
        tag="",
        name=mark.text,
        value="",
        meaning=mark.where,
        offset=node.offset + node.header_length + mark.offset,
        length=mark.length,
        kind="bit",
        about=node.book,
    )
