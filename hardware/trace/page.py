"""A trace as one HTML page: every exchange with its time, hex and decoded objects.

Stands alone (no script, no font, no address), prints, and follows the reader's light or dark
setting. Everything that comes from the trace is escaped. Knows no window.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from hardware.apdu import status_name
from hardware.emv.decode import Node, decode
from hardware.readers.frames import Frame, Way, name_frames

if TYPE_CHECKING:
    from hardware.trace.recorder import Trace, TraceLine

_STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
code, .hex { font-family: ui-monospace, monospace; font-size: .87rem; }
.hex, td { overflow-wrap: anywhere; }
code { white-space: nowrap; }
table { table-layout: fixed; }
th:first-child { width: 9rem; } th:nth-child(2) { width: 17rem; }
.side { opacity: .7; display: inline-block; width: 6rem; }
.time { opacity: .7; font-weight: normal; }
table { border-collapse: collapse; width: 100%; margin-top: .4rem; font-size: .9rem; }
td, th { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0;
         border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
details { margin-top: .5rem; } summary { cursor: pointer; opacity: .8; font-size: .9rem; }
.frames td:first-child { width: 7rem; text-align: right; font-variant-numeric: tabular-nums; }
.frames td:nth-child(2) { width: 12rem; } .told { opacity: .7; }
footer { margin-top: 2rem; opacity: .7; font-size: .87rem; }
"""
_STATUS_HEX = 4
_ARROWS = {Way.TO_CARD: "\N{RIGHTWARDS ARROW} ", Way.FROM_CARD: "\N{LEFTWARDS ARROW} ",
           Way.SILENCE: "", Way.GARBLED: "", Way.FIELD_ON: "", Way.FIELD_OFF: ""}  # fmt: skip


def to_html(trace: Trace) -> str:
    """The whole page."""
    head = ", ".join(
        escape(part)
        for part in (
            trace.reader,
            f"card {trace.card}" if trace.card else "",
            trace.date,
            f"kernel {trace.kernel}" if trace.kernel is not None else "",
        )
        if part
    )
    total_us = max((line.since_us + line.duration_us for line in trace.lines), default=0)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Card conversation</title><style>{_STYLE}</style></head><body>"
        f"<h1>Card conversation</h1><p>{head}</p>"
        f"<p>{len(trace.lines)} exchanges in {total_us / 1000:.1f} ms.</p>"
        + "".join(_exchange(line) for line in trace.lines)
        + "<footer>Card numbers are masked: E stands for a hidden digit.</footer></body></html>\n"
    )


def _exchange(line: TraceLine) -> str:
    status = line.response[-_STATUS_HEX:]
    said = f"{status}: {status_name(int(status, 16))}" if status else "no answer"
    nodes = decode(bytes.fromhex(line.response[:-_STATUS_HEX])) if status else ()
    rows = "".join(row for node in nodes for row in _rows(node, 0))
    table = f"<table><tr><th>Tag<th>Name<th>Value</tr>{rows}</table>" if rows else ""
    return (
        f"<h2>{line.index + 1}. {escape(line.name)} "
        f'<span class="time">{line.duration_us / 1000:.1f} ms, {escape(said)}</span></h2>'
        f'<div class="hex"><span class="side">till asks</span>{_spaced(line.command)}</div>'
        f'<div class="hex"><span class="side">card says</span>{_spaced(line.response) or "-"}</div>'
        f"{table}{_frames(line.frames)}"
    )


def _frames(frames: tuple[Frame, ...]) -> str:
    """What went through the air, folded away: times from the start of the command."""
    if not frames:
        return ""
    rows = "".join(
        f"<tr{' class=told' if frame.told else ''}><td>{frame.at_us / 1000:+.2f} ms"
        f"<td>{_ARROWS[frame.way]}{name}{', by the controller' if frame.told else ''}"
        f'<td class="hex">{_spaced(frame.data.hex().upper())}</tr>'
        for frame, name in zip(frames, name_frames(frames), strict=True)
    )
    many = "1 frame" if len(frames) == 1 else f"{len(frames)} frames"
    return f'<details><summary>{many}</summary><table class="frames">{rows}</table></details>'


def _rows(node: Node, depth: int) -> list[str]:
    # The parts of a bit field say more than its value in one line: the bytes stand before them.
    plain = node.value if node.value and not node.details else _spaced(node.value_hex)
    value = "" if node.children else escape(plain)
    details = "".join(f"<br>{escape(detail)}" for detail in node.details)
    indent = f'style="padding-left:{depth * 1.1:.1f}rem"'
    tag = f"<td {indent}><code>{escape(node.tag)}</code>"
    rows = [f"<tr>{tag}<td>{escape(node.name)}<td>{value}{details}</tr>"]
    for child in node.children:
        rows += _rows(child, depth + 1)
    return rows


def _spaced(text: str) -> str:
    return " ".join(text[at : at + 2] for at in range(0, len(text), 2))
