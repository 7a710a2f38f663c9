"""How the window's width is shared: phone, till, insight. Pure arithmetic, no Qt.

Wide: 22 % and 17 %. Narrow: 280 and 244 px. Below 1180 px phone and till share one place, and
the one that is away is a rail with its name on it.
"""

from __future__ import annotations

from dataclasses import dataclass

PHONE_PART, PHONE_MIN_PX, PHONE_MAX_PX = 0.22, 280, 430
TILL_PART, TILL_MIN_PX, TILL_MAX_PX = 0.17, 244, 340
FOLD_BELOW_PX = 1180
TALL_FROM_PX = 900
RAIL_PX = 40


@dataclass(frozen=True, slots=True)
class Shares:
    """Widths in device-independent pixels; `folded` is "", "phone" or "till"."""

    phone_px: int
    till_px: int
    folded: str
    top_px: int
    strip_px: int
    time_px: int


def share(width_px: int, height_px: int, scale: float, fold: str) -> Shares:
    """Share a window of `width_px` by `height_px` at `scale`; `fold` goes first if one must."""
    width, height = width_px / scale, height_px / scale
    phone = min(PHONE_MAX_PX, max(PHONE_MIN_PX, width * PHONE_PART))
    till = min(TILL_MAX_PX, max(TILL_MIN_PX, width * TILL_PART))
    folded = fold if width < FOLD_BELOW_PX else ""
    tall = height >= TALL_FROM_PX
    return Shares(
        phone_px=round((RAIL_PX if folded == "phone" else phone) * scale),
        till_px=round((RAIL_PX if folded == "till" else till) * scale),
        folded=folded,
        top_px=round((48 if tall else 40) * scale),
        strip_px=round((32 if tall else 28) * scale),
        time_px=round((48 if tall else 36) * scale),
    )
