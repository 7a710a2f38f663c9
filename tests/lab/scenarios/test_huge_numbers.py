"""Numbers in scenario files that are beyond all measure: refused in words, whatever their form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import WrongUse
from lab.scenarios.loader import load_text

SHIPPED = Path(__file__).resolve().parents[3] / "assets" / "scenarios" / "visa-silent.toml"


@pytest.mark.parametrize(
    "number",
    ["9" * 400, "9" * 5_000, "0x" + "f" * 5_000, "nan", "inf"],
    ids=["400", "5000", "hex", "nan", "inf"],
)
def test_a_number_beyond_all_measure_is_wrong_use(number: str) -> None:
    text = SHIPPED.read_text()
    places = list(re.finditer(r"(?<== )[0-9][0-9.]*", text))
    assert len(places) > 5
    for place in places:
        with pytest.raises(WrongUse):
            load_text(text[: place.start()] + number + text[place.end() :], "huge.toml")
