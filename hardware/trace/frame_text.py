"""Frames as lines of a trace: written under their exchange, read back, told as JSON.

The form, its times counted from the start of the exchange above:

    #f +0.000180 > 0200A404000E325041592E...
    #f +0.013020 < 026F31...9000
    #f -0.021400 >~ 9320

The signs are `Way`'s; `~` marks what the controller did by itself, `!` what was not kept. To a
reader that knows exchanges only, a frame is a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hardware.readers.frames import CARRYING, Frame, Way, name_frames
from hardware.runtime.errors import TraceFormatError

START = "#f "
_TOLD_BYTES_MAX = 9
"""Of a selection: what is longer was not told by a controller."""
_LINE = re.compile(
    r"#f (?P<sign>[+-])(?P<seconds>[0-9]{1,9})\.(?P<part>[0-9]{6}) "
    r"(?P<way>[><.?^v])(?P<told>~?)(?P<hidden>!?) (?P<data>(?:[0-9A-F]{2})+|-)"
)


def frame_lines(frames: Iterable[Frame]) -> list[str]:
    """One line a frame."""
    lines = []
    for frame in frames:
        sign, distance = "-" if frame.at_us < 0 else "+", abs(frame.at_us)
        at = f"{sign}{distance // 1_000_000}.{distance % 1_000_000:06d}"
        flags = ("~" if frame.told else "") + ("!" if frame.hidden else "")
        data = frame.data.hex().upper() or "-"
        lines.append(f"{START}{at} {frame.way.value}{flags} {data}")
    return lines


def parse_frame(row: str, number: int) -> Frame:
    """The frame that a line tells of; not masked yet.

    Raises:
        TraceFormatError: it is none.
    """
    found = _LINE.fullmatch(row.rstrip())
    if found is None:
        raise TraceFormatError(f"line {number}: no frame: {row[:40]!r}")
    way = Way(found["way"])
    data = b"" if found["data"] == "-" or way not in CARRYING else bytes.fromhex(found["data"])
    at_us = int(found["seconds"]) * 1_000_000 + int(found["part"])
    return Frame(
        at_us=-at_us if found["sign"] == "-" else at_us,
        way=way,
        data=data,
        told=bool(found["told"]) and len(data) <= _TOLD_BYTES_MAX,
        hidden=bool(found["hidden"]) and way in CARRYING,
    )


def frames_json(frames: tuple[Frame, ...]) -> list[dict[str, object]]:
    """Frames as JSON, each with its name."""
    return [
        {
            "at_us": frame.at_us,
            "event": frame.way.name.lower(),
            "data": frame.data.hex().upper(),
            "name": name,
            "told": frame.told,
            "hidden": frame.hidden,
        }
        for frame, name in zip(frames, name_frames(frames), strict=True)
    ]
