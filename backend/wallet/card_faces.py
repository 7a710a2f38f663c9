"""Faces of cards as vector drawings of our own, without any network's mark and without digits.

A drawing follows from a design and the product's name alone, so it may lie in any cache; its
version is a digest of the drawing, and stands in its address: a face that changes gets another
address by itself. Knows no card and no HTTP.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 856, 540  # ISO/IEC 7810 ID-1, tenths of a millimetre
VERSION_DIGITS = 8
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 856 540" role="img">
<title>{title}</title>
<defs><linearGradient id="face" x1="0" y1="0" x2="1" y2="1">{stops}</linearGradient>
<clipPath id="edge"><rect width="856" height="540" rx="47"/></clipPath></defs>
<g clip-path="url(#edge)"><rect width="856" height="540" fill="url(#face)"/>{drawing}</g>
<text x="53" y="86" font-family="Inter, sans-serif" font-size="46" font-weight="600" fill="#fff"
>{title}</text>
</svg>
"""


def _rings(ink: str) -> str:
    """Arcs that spread from the lower right."""
    return _each(
        f'<circle cx="796" cy="583" r="{45 * ring}" fill="none" stroke="{ink}"'
        f' stroke-opacity="{0.17 - 0.006 * ring:.3f}" stroke-width="3"/>'
        for ring in range(1, 19)
    )


def _waves(ink: str) -> str:
    """Long waves, one under the other."""
    return _each(
        f'<path d="M0 {y} C220 {y - 70} 420 {y + 70} 640 {y} S 856 {y - 20} 900 {y}" fill="none"'
        f' stroke="{ink}" stroke-opacity="{0.10 + 0.012 * step:.3f}" stroke-width="4"/>'
        for step, y in enumerate(range(200, 560, 34))
    )


def _hills(light: tuple[str, str], hills: tuple[str, str, str]) -> str:
    """A round light over three hills."""
    glow, place = light
    lines = (
        (334, 206, 367, 356),
        (383, 291, 454, 313),
        (416, 367, 529, 378),
    )
    drawn = _each(
        f'<path d="M0 {left} C257 {first} 531 {second} 856 {right} V540 H0 Z" fill="{colour}"/>'
        for colour, (left, first, second, right) in zip(hills, lines, strict=True)
    )
    return f'<circle cx="565" cy="{place}" r="146" fill="{glow}"/>{drawn}'


def _brushed(ink: str) -> str:
    """Fine lines that fold once."""
    return _each(
        f'<path d="M{x} 540 L{x + 270} 0 M{x + 496} 0 L{x + 982} 540" stroke="{ink}"'
        ' stroke-opacity="0.07" stroke-width="2"/>'
        for x in range(-430, 1_000, 18)
    )


def _band(ink: str) -> str:
    """One lighter band."""
    return f'<path d="M471 0 H685 L411 540 H197 Z" fill="{ink}" fill-opacity="0.06"/>'


_WHITE = "#fff"
_FACES: dict[str, tuple[tuple[str, ...], Callable[[], str]]] = {
    "everyday": (("#2a2078", "#4a2fc0", "#6a37c9"), lambda: _rings(_WHITE)),
    "everyday-tide": (("#0a3346", "#0b4b60", "#0e5866"), lambda: _waves(_WHITE)),
    "travel": (
        ("#4a1546", "#7a2150", "#511743"),
        lambda: _hills(("#f4744f", "270"), ("#a8325a", "#7d2453", "#4d153f")),
    ),
    "travel-night": (
        ("#0b1533", "#182a55", "#0d1836"),
        lambda: _hills(("#dfe6f5", "190"), ("#2b3f74", "#1c2c58", "#0e1938")),
    ),
    "reserve": (("#17191e", "#2b3038", "#1d2026"), lambda: _brushed(_WHITE)),
    "plain": (("#26344a", "#31475f"), lambda: _band(_WHITE)),
}
FALLBACK = "plain"


@lru_cache(maxsize=64)
def face(design: str, title: str) -> str:
    """The drawing (SVG) of a design with a product's name on it; an unknown design is plain."""
    colours, draw = _FACES.get(design, _FACES[FALLBACK])
    last = len(colours) - 1
    stops = _each(
        f'<stop offset="{place / last:.2f}" stop-color="{colour}"/>'
        for place, colour in enumerate(colours)
    )
    return _FRAME.format(title=escape(title), stops=stops, drawing=draw())


@lru_cache(maxsize=64)
def version(design: str, title: str) -> str:
    """What changes whenever the drawing does."""
    return hashlib.sha256(face(design, title).encode()).hexdigest()[:VERSION_DIGITS]


def address(path: str, design: str, title: str) -> str:
    """Where a drawing can be fetched, with its version."""
    return f"{path}?v={version(design, title)}"


def _each(parts: Iterable[str]) -> str:
    return "".join(parts)
