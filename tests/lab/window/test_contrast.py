"""Text can be read: WCAG contrast over every theme and over the cards' own drawings."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtGui import QColor

from lab.design.look import Look
from lab.design.tokens import THEMES, Theme, contrast_ratio, kind_colour
from lab.wallet.card_art import INK, art_pixmap, card_height
from lab.wallet.card_views import ARTS

TEXT_MIN, SHAPE_MIN = 4.5, 3.0
TEXT_ON = [
    ("text", ("window", "panel", "raised", "hover", "till_body", "till_key", "till_key_hover")),
    ("text_dim", ("window", "panel", "raised", "hover", "till_body", "till_key")),
    ("blue", ("window", "panel", "raised")),
    ("green", ("panel", "raised", "phone_screen", "till_body")),
    ("red", ("panel", "raised", "phone_screen", "till_body")),
    ("amber", ("panel", "raised", "phone_screen", "till_body", "amber_quiet")),
    ("violet", ("panel", "violet_quiet")),
    ("text", ("blue_quiet", "violet_quiet", "amber_quiet", "code_mark")),
    ("on_fill", ("blue_fill", "green_fill", "red_fill")),
    ("phone_text", ("phone_screen", "phone_raised")),
    ("phone_text_dim", ("phone_screen", "phone_raised")),
    ("blue", ("phone_screen", "phone_raised")),
    ("display_text", ("display",)),
    ("display_text_dim", ("display",)),
    ("display_good", ("display",)),
    ("display_bad", ("display",)),
    ("display_waiting", ("display",)),
    ("paper_ink", ("paper",)),
    ("paper_ink_dim", ("paper",)),
]


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_stands_out_from_what_it_stands_on(theme: Theme) -> None:
    weak = [
        (ink, ground, round(ratio, 2))
        for ink, grounds in TEXT_ON
        for ground in grounds
        if (ratio := contrast_ratio(getattr(theme, ink), getattr(theme, ground))) < TEXT_MIN
    ]
    assert weak == []


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_curves_and_bars_stand_out_from_the_panel(theme: Theme) -> None:
    for colour in theme.ramp:
        assert contrast_ratio(colour, theme.panel) >= SHAPE_MIN, colour


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_neighbouring_parts_of_a_tap_differ(theme: Theme) -> None:
    ring = [*theme.hops, theme.hops[0]]
    assert all(contrast_ratio(first, second) >= 1.8 for first, second in pairwise(ring))


def test_each_kind_has_its_own_colour() -> None:
    for theme in THEMES.values():
        colours = {kind_colour(theme, kind) for kind in ("good", "bad", "waiting", "ours", "other")}
        assert len(colours) == 5


@pytest.mark.parametrize("width", [236, 394])
@pytest.mark.parametrize("status", ["active", "suspended"])
@pytest.mark.parametrize("art", sorted(ARTS))
def test_a_cards_text_is_readable_on_its_drawing(art: str, status: str, width: int) -> None:
    picture = art_pixmap(art, width, 1.0, quiet=status == "suspended").toImage()
    height, pad = card_height(width), round(width * 0.06)
    line = 26
    corners = [
        (pad, pad // 2, width // 2, line),
        (pad, height - pad // 2 - line, width // 2, line),
        (width // 2, height - pad // 2 - line, width // 2 - pad, line),
    ]
    worst = min(
        contrast_ratio(INK, QColor(picture.pixel(x, y)).name())
        for left, top, wide, high in corners
        for x in range(left, left + wide, 3)
        for y in range(top, top + high, 3)
    )
    assert worst >= TEXT_MIN, f"{worst:.2f}"


def test_nothing_is_smaller_than_twelve_pixels_and_eighteen_for_a_room() -> None:
    assert Look().font(12).pixelSize() == 12
    assert Look(scale=1.5).font(12).pixelSize() == 18
