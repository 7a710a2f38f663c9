"""The recorder: a conversation as `.apdu` text, masked before it is kept, and read back.

The form, one exchange a line after the head:

    # tap-lab trace 1
    # reader: sim:
    # card: 3B80800101 08A1B2C3
    # date: 2026-11-20T14:01:31.250000Z
    # kernel: 3
    0 +0.000000 0.013000 C 00A4... R 6F31...9000 SELECT 2PAY.SYS.DDF01

Columns: index, seconds since the first exchange, seconds it took, command, response (`-` where none
came), name; under it, where the reader tells of them, its frames (`frame_text`). Hidden digits are
the nibble E, so a masked answer still parses as data objects. The recorder never holds raw bytes:
it takes the masked half of an exchange and drops the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hardware.apdu import status_name
from hardware.emv.decode import Node, decode
from hardware.emv.masking import mask_command, mask_response
from hardware.readers.exchange import name_command
from hardware.readers.frames import Frame, mask_frames, shifted
from hardware.runtime.errors import TraceFormatError
from hardware.trace.frame_text import START, frame_lines, frames_json, parse_frame

if TYPE_CHECKING:
    from hardware.readers.exchange import Exchange
    from hardware.runtime.ports import Clock

_FIRST_LINE = "# tap-lab trace 1"
TRACE_LENGTH_MAX = 4 * 1024 * 1024
"""Characters of a trace that is read back."""
_LINE = re.compile(
    r"(?P<index>[0-9]{1,6}) \+(?P<since>[0-9]{1,9}\.[0-9]{6}) (?P<took>[0-9]{1,9}\.[0-9]{6}) "
    r"C (?P<command>(?:[0-9A-F]{2})+) R (?P<response>(?:[0-9A-F]{2})+|-) (?P<name>.*)"
)
_HEAD = re.compile(r"# (?P<key>reader|card|date|kernel): (?P<value>.*)")


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One exchange as a trace keeps it: masked hex and times in microseconds."""

    index: int
    since_us: int
    duration_us: int
    command: str
    response: str
    name: str
    frames: tuple[Frame, ...] = ()
    """What went through the air for it, where the reader told; times from its start."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One conversation."""

    reader: str
    card: str
    date: str
    """Lab time of the first exchange, ISO 8601 UTC."""
    kernel: int | None
    lines: tuple[TraceLine, ...] = field(default=())

    @property
    def has_frames(self) -> bool:
        """Whether the reader told what went through the air."""
        return any(line.frames for line in self.lines)

    def to_text(self) -> str:
        """The `.apdu` text."""
        head = [
            _FIRST_LINE,
            f"# reader: {self.reader}",
            f"# card: {self.card}",
            f"# date: {self.date}",
            f"# kernel: {self.kernel if self.kernel is not None else '-'}",
        ]
        body = (row for line in self.lines for row in (_line_text(line), *frame_lines(line.frames)))
        return "\n".join([*head, *body]) + "\n"

    def to_json(self) -> dict[str, object]:
        """The trace with every answer decoded, ready to be written as JSON."""
        return {
            "reader": self.reader,
            "card": self.card,
            "date": self.date,
            "kernel": self.kernel,
            "exchanges": [_line_json(line) for line in self.lines],
        }


def _seconds(duration_us: int) -> str:
    return f"{duration_us // 1_000_000}.{duration_us % 1_000_000:06d}"


def _microseconds(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1_000_000 + int(part)


def _line_text(line: TraceLine) -> str:
    times = f"+{_seconds(line.since_us)} {_seconds(line.duration_us)}"
    return f"{line.index} {times} C {line.command} R {line.response or '-'} {line.name}"


def _line_json(line: TraceLine) -> dict[str, object]:
    status = line.response[-4:]
    return {
        "index": line.index,
        "name": line.name,
        "since_us": line.since_us,
        "duration_us": line.duration_us,
        "command": line.command,
        "response": line.response,
        "status": status or None,
        "status_name": status_name(int(status, 16)) if status else None,
        "decoded": [node_json(node) for node in decode(bytes.fromhex(line.response[:-4]))],
        "frames": frames_json(line.frames),
    }


def node_json(node: Node) -> dict[str, object]:
    """One decoded object as JSON; the tree `tap-lab decode --json` prints."""
    return {
        "tag": node.tag,
        "name": node.name,
        "value": node.value,
        "value_hex": node.value_hex,
        "source": node.source,
        "book": node.book,
        "offset": node.offset,
        "length": node.length,
        "details": list(node.details),
        "children": [node_json(child) for child in node.children],
    }


class TraceRecorder:
    """Collects one conversation; give `record` to `run_tap` as `on_exchange`."""

    def __init__(self, *, clock: Clock, reader: str = "", card: str = "") -> None:
        self._clock = clock
        self._reader = _one_line(reader)
        self._card = _one_line(card)
        self._first_us: int | None = None
        self._date_us = self._last_us = 0
        self._lines: list[TraceLine] = []

    def record(self, exchange: Exchange) -> None:
        """Keep the masked half of an exchange."""
        if self._first_us is None:
            self._first_us = self._date_us = exchange.started_us
        # Lab time may be moved back during a conversation; a trace's times do not run backwards.
        since_us = max(0, exchange.started_us - self._first_us)
        self._lines.append(
            TraceLine(
                index=exchange.index,
                since_us=since_us,
                duration_us=exchange.duration_us,
                command=exchange.masked_command,
                response=exchange.masked_response,
                name=exchange.name,
                frames=exchange.frames,
            )
        )
        self._last_us = exchange.started_us

    def say_goodbye(self, frames: tuple[Frame, ...]) -> None:
        """Keep what went through the air after the last answer, counted back from now."""
        if self._lines and frames:
            last = self._lines[-1]
            passed_us = max(last.duration_us, self._clock.now_us() - self._last_us)
            farewell = mask_frames(
                shifted(frames, passed_us), command=(b"", b""), response=(b"", b"")
            )
            self._lines[-1] = replace(last, frames=last.frames + farewell)

    def finish(self, kernel: int | None = None) -> Trace:
        """The conversation so far."""
        moment_us = self._date_us if self._first_us is not None else self._clock.now_us()
        return Trace(self._reader, self._card, _iso(moment_us), kernel, tuple(self._lines))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _iso(lab_time_us: int) -> str:
    moment = datetime.fromtimestamp(lab_time_us // 1_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{lab_time_us % 1_000_000:06d}Z"


def parse_trace(text: str) -> Trace:
    """Read a `.apdu` text; data from outside is masked again before it is kept.

    Raises:
        TraceFormatError: not such a text; the message names the line.
    """
    if len(text) > TRACE_LENGTH_MAX:
        raise TraceFormatError(f"a trace has at most {TRACE_LENGTH_MAX} characters")
    rows = text.splitlines()
    if not rows or rows[0].strip() != _FIRST_LINE:
        raise TraceFormatError(f"line 1: expected {_FIRST_LINE!r}")
    head: dict[str, str] = {}
    told: list[tuple[str, int, list[Frame]]] = []
    for number, row in enumerate(rows[1:], 2):
        if not row.strip():
            continue
        if row.startswith(START):
            if not told:
                raise TraceFormatError(f"line {number}: a frame before the first exchange")
            told[-1][2].append(parse_frame(row, number))
        elif found := _HEAD.fullmatch(row.rstrip()):
            head[found["key"]] = found["value"]
        elif not row.startswith("#"):
            told.append((row, number, []))
    lines = tuple(_parse_line(row, number, frames) for row, number, frames in told)
    kernel = head.get("kernel", "-")
    if kernel != "-" and not re.fullmatch("[0-9]{1,3}", kernel):
        raise TraceFormatError(f"the head's kernel is no number: {kernel!r}")
    return Trace(
        reader=head.get("reader", ""),
        card=head.get("card", ""),
        date=head.get("date", ""),
        kernel=None if kernel == "-" else int(kernel),
        lines=lines,
    )


def _parse_line(row: str, number: int, frames: list[Frame]) -> TraceLine:
    found = _LINE.fullmatch(row.rstrip())
    if found is None:
        raise TraceFormatError(f"line {number}: no exchange: {row[:40]!r}")
    command = bytes.fromhex(found["command"])
    response = b"" if found["response"] == "-" else bytes.fromhex(found["response"])
    masked_command, masked_response = mask_command(command), mask_response(response)
    return TraceLine(
        index=int(found["index"]),
        since_us=_microseconds(found["since"]),
        duration_us=_microseconds(found["took"]),
        command=masked_command.hex().upper(),
        response=masked_response.hex().upper(),
        name=name_command(command),
        frames=mask_frames(
            frames, command=(command, masked_command), response=(response, masked_response)
        ),
    )
