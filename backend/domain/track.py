"""Track 2 as a till sends it from mag-stripe mode (ISO 8583 DE 35): read far enough to compare.

Whose number it is and until when; the dynamic digits behind are the network's business. Knows no
card, no terminal and no key. Source: ISO/IEC 7813, track 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from backend.runtime.errors import BadRequest

TRACK_2_CHARACTERS_MAX = 37
_TRACK_2 = re.compile(r"(?P<number>[0-9]{12,19})[D=](?P<expiry>[0-9]{4})[0-9]{3,}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Track2:
    """What the engine compares: number and expiry (YYMM)."""

    number: str = field(repr=False)
    expiry: str


def read_track_2(text: str) -> Track2:
    """Digits with `D` or `=` behind the number, no sentinels and no padding.

    Raises:
        BadRequest: `track2_invalid`.
    """
    found = _TRACK_2.fullmatch(text)
    if found is None or len(text) > TRACK_2_CHARACTERS_MAX:
        detail = "number, D, expiry YYMM, service code, digits; at most 37 characters"
        raise BadRequest("track2_invalid", f"track2: {detail}", field="track2")
    return Track2(found["number"], found["expiry"])
