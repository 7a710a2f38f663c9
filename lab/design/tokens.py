"""Design tokens: every colour, size, space and radius of the window, as data.

One colour has one meaning: green passing or approved, red refused or blocked, amber waiting or
unknown, violet "we did this", blue what can be touched and data. Contrast follows WCAG 2.2
(1.4.3: 4.5:1 for text, 1.4.11: 3:1 for shapes) and is computed here so that a test can check it.
Knows nothing of Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

TEXT_CAPTION_PX = 12
TEXT_BODY_PX = 13
TEXT_LEAD_PX = 15
TEXT_TITLE_PX = 20
TEXT_AMOUNT_PX = 32

SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL = 4, 8, 12, 16, 24
RADIUS_S, RADIUS_M, RADIUS_L = 8, 12, 20

PRESENTER_SCALE = 1.5  # 12 px becomes the 18 px that a back row can read


@dataclass(frozen=True, slots=True)
class Theme:
    """One complete set of colours, each `#rrggbb`.

    Attributes:
        window, panel, raised: from the farthest surface to the nearest.
        hover: the raised surface under the pointer.
        line: borders and grid; `line_strong` where a border carries meaning.
        *_fill: surfaces that carry `on_fill` text.
        phone_*, till_*, display_*, paper_*: the objects on the table keep their own materials.
        ramp: data series, from the quiet to the loud end, all one hue.
        hops: parts of one bar, the same hue; neighbours differ most.
        code_mark: behind highlighted bytes.
    """

    name: str
    window: str
    panel: str
    raised: str
    hover: str
    line: str
    line_strong: str
    text: str
    text_dim: str
    blue: str
    blue_fill: str
    blue_quiet: str
    green: str
    green_fill: str
    red: str
    red_fill: str
    amber: str
    amber_quiet: str
    violet: str
    violet_quiet: str
    on_fill: str
    phone_body: str
    phone_edge: str
    phone_screen: str
    phone_raised: str
    phone_text: str
    phone_text_dim: str
    till_body: str
    till_key: str
    till_key_hover: str
    display: str
    display_text: str
    display_text_dim: str
    display_good: str
    display_bad: str
    display_waiting: str
    light_off: str
    paper: str
    paper_ink: str
    paper_ink_dim: str
    ramp: tuple[str, str, str]
    hops: tuple[str, str, str, str, str, str]
    code_mark: str


DARK = Theme(
    name="dark",
    window="#0d0f13",
    panel="#161a20",
    raised="#20262e",
    hover="#2a313b",
    line="#2b323c",
    line_strong="#4a5461",
    text="#edf0f4",
    text_dim="#a4aebb",
    blue="#6aa8ff",
    blue_fill="#2460c4",
    blue_quiet="#1b2d4b",
    green="#43d184",
    green_fill="#1d7443",
    red="#ff7070",
    red_fill="#a33a3d",
    amber="#f2b84b",
    amber_quiet="#372c14",
    violet="#bb9cff",
    violet_quiet="#281f40",
    on_fill="#ffffff",
    phone_body="#22262d",
    phone_edge="#59616d",
    phone_screen="#050608",
    phone_raised="#1a1d23",
    phone_text="#f4f6f9",
    phone_text_dim="#a9b1bd",
    till_body="#1c222a",
    till_key="#2a323d",
    till_key_hover="#364050",
    display="#07100d",
    display_text="#eef5f1",
    display_text_dim="#9fb0a8",
    display_good="#43d184",
    display_bad="#ff7070",
    display_waiting="#f2b84b",
    light_off="#39424d",
    paper="#f3f0e8",
    paper_ink="#1d1f24",
    paper_ink_dim="#5c5f66",
    ramp=("#4f8ff7", "#8dbbff", "#d3e4ff"),
    hops=("#2f6ad0", "#a9caff", "#4d8df5", "#dce9ff", "#2458ab", "#7fb2ff"),
    code_mark="#2a4a80",
)

LIGHT = Theme(
    name="light",
    window="#e6e9ee",
    panel="#ffffff",
    raised="#f1f3f7",
    hover="#e3e8ef",
    line="#d3d9e2",
    line_strong="#8a94a3",
    text="#161a20",
    text_dim="#525c6a",
    blue="#1757c2",
    blue_fill="#1757c2",
    blue_quiet="#dfe9fb",
    green="#0f7539",
    green_fill="#14733c",
    red="#bd2a2f",
    red_fill="#b03237",
    amber="#855600",
    amber_quiet="#fbf0d6",
    violet="#6438c2",
    violet_quiet="#ece5fb",
    on_fill="#ffffff",
    phone_body="#d7dce4",
    phone_edge="#a3acb9",
    phone_screen="#f6f7fa",
    phone_raised="#e8ebf1",
    phone_text="#161a20",
    phone_text_dim="#525c6a",
    till_body="#f4f6f9",
    till_key="#e2e7ee",
    till_key_hover="#d5dce6",
    display="#0b1512",
    display_text="#eef5f1",
    display_text_dim="#9fb0a8",
    display_good="#43d184",
    display_bad="#ff7070",
    display_waiting="#f2b84b",
    light_off="#c3cad4",
    paper="#fbf3dc",
    paper_ink="#1d1f24",
    paper_ink_dim="#5c5f66",
    ramp=("#5b93ee", "#1f5fc9", "#0c2f6e"),
    hops=("#1f5fc9", "#9cc0f7", "#0c3a86", "#b9d1f8", "#2f6fdb", "#84b0f5"),
    code_mark="#cfe0fb",
)

HIGH_CONTRAST = Theme(
    name="high-contrast",
    window="#000000",
    panel="#000000",
    raised="#0c0c0c",
    hover="#2b2b2b",
    line="#8c8c8c",
    line_strong="#ffffff",
    text="#ffffff",
    text_dim="#e2e2e2",
    blue="#8ec9ff",
    blue_fill="#00428c",
    blue_quiet="#002a57",
    green="#5dff9d",
    green_fill="#005c28",
    red="#ff9a9a",
    red_fill="#8a0010",
    amber="#ffd34d",
    amber_quiet="#332700",
    violet="#d9c2ff",
    violet_quiet="#2b1457",
    on_fill="#ffffff",
    phone_body="#000000",
    phone_edge="#ffffff",
    phone_screen="#000000",
    phone_raised="#1c1c1c",
    phone_text="#ffffff",
    phone_text_dim="#e2e2e2",
    till_body="#000000",
    till_key="#1c1c1c",
    till_key_hover="#333333",
    display="#000000",
    display_text="#ffffff",
    display_text_dim="#e2e2e2",
    display_good="#5dff9d",
    display_bad="#ff9a9a",
    display_waiting="#ffd34d",
    light_off="#5a5a5a",
    paper="#ffffff",
    paper_ink="#000000",
    paper_ink_dim="#333333",
    ramp=("#5fa8ff", "#a9d2ff", "#ffffff"),
    hops=("#4d97f5", "#ffffff", "#3c8cf0", "#d5e9ff", "#2a6fd0", "#b8dbff"),
    code_mark="#004a99",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT, HIGH_CONTRAST)}


def contrast_ratio(first: str, second: str) -> float:
    """Contrast of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    channels = (int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5))
    red, green, blue = (_linear(channel) for channel in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def kind_colour(theme: Theme, kind: str) -> str:
    """The colour of a `Message.kind`: good, bad, waiting, ours or neutral."""
    return {
        "good": theme.green,
        "bad": theme.red,
        "waiting": theme.amber,
        "ours": theme.violet,
    }.get(kind, theme.text)
