"""What is bundled is used, what is used is bundled, and every sentence that is asked for exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFontInfo

from lab.design.icons import icon_pixmap
from lab.design.look import CODE_FAMILY, TEXT_FAMILY, Look
from lab.resources import ASSETS, FONT_FILES, icon_names
from lab.words import ENGLISH
from lab.words.view_words import WORDS

SOURCE = Path(__file__).resolve().parents[3] / "lab"
DRAWN = ["design", "wallet", "pos", "console", "bench", "window"]
CODE = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in DRAWN
    for path in sorted((SOURCE / folder).glob("*.py"))
    if path.name not in {"flow.py", "state.py"}
).replace("'", '"')  # a key inside a formatted string stands in single quotes


def test_every_bundled_icon_is_drawn_somewhere() -> None:
    unused = [name for name in icon_names() if f'"{name}"' not in CODE]
    assert unused == []


def test_every_icon_that_is_named_is_bundled() -> None:
    named = set(re.findall(r'icon_name="([a-z0-9-]+)"', CODE))
    named |= set(re.findall(r'(?:show_icon|icon_pixmap)\(\s*"([a-z0-9-]+)"', CODE))
    assert named - set(icon_names()) == set()
    assert len(named) > 10


@pytest.mark.parametrize("name", icon_names())
def test_an_icon_is_drawn_in_the_colour_asked_for(name: str) -> None:
    picture = icon_pixmap(name, "#ff0000", 24).toImage()
    colours = {
        picture.pixelColor(x, y).name()
        for x in range(picture.width())
        for y in range(picture.height())
        if picture.pixelColor(x, y).alpha() == 255
    }
    assert colours == {"#ff0000"}


def test_fonts_come_from_the_bundle_with_their_licences() -> None:
    assert {path.name for path in (ASSETS / "fonts").glob("*.woff2")} == set(FONT_FILES)
    assert len(list((ASSETS / "fonts").glob("*LICENSE.txt"))) == 2
    assert (ASSETS / "icons" / "LICENSE").is_file()
    assert QFontInfo(Look().font(15, 600)).family() == TEXT_FAMILY
    assert QFontInfo(Look().font(15, mono=True)).family() == CODE_FAMILY


def test_tabular_figures_have_one_width() -> None:
    from PySide6.QtGui import QFontMetricsF

    tabular = QFontMetricsF(Look().font(20, tabular=True))
    assert tabular.horizontalAdvance("1111") == tabular.horizontalAdvance("8888")


def test_every_sentence_that_a_view_asks_for_exists() -> None:
    asked = set(re.findall(r'tr\(\s*"([a-z0-9_.]+)"', CODE))
    asked |= {
        key
        for pair in re.findall(r'tr\(\s*"([a-z_.]+)" if .+? else "([a-z_.]+)"', CODE)
        for key in pair
    }
    assert {key for key in asked if not key.endswith(".")} - set(ENGLISH) == set()
    assert len(asked) > 80


def test_every_sentence_of_the_views_is_asked_for_somewhere() -> None:
    built = tuple(re.findall(r'f?"([a-z]+(?:\.[a-z_]+)*\.)(?:\{|")', CODE))
    unused = [key for key in WORDS if f'"{key}"' not in CODE and not key.startswith(built)]
    assert [key for key in unused if not key.startswith(("hop.", "state.", "event."))] == []


def test_no_makers_or_schemes_sign_is_named() -> None:
    for forbidden in ("Apple", "Face ID", "FaceID", "contactless symbol"):
        assert not any(forbidden in text for pair in WORDS.values() for text in pair)
