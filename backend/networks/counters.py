"""Which transaction counters (ATC) of a token a network has seen: a sliding window of used ones.

A counter above every one seen is taken as it comes. A lower one passes only when the acquirer
declares the payment stored and forwarded, and then once: the window (the scheme of RFC 4303,
3.4.3) remembers which of the counters just below the highest were used. What lies below the window
is nobody's any more. Pure: knows no rows, no messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

WINDOW = 62
"""How far below the highest counter a stored payment may lie; fits a signed 64-bit column."""
STORED_DAYS_MAX = 7
"""How old the day may be that the card has signed with a stored payment (tag 9A)."""
_ALL = (1 << WINDOW) - 1


class CounterVerdict(Enum):
    """What a network makes of a counter; the value is the reason behind DE 39 = 05."""

    TAKEN = "taken"
    NOT_HIGHER = "atc_not_higher"
    USED = "atc_used"
    BEYOND_WINDOW = "atc_beyond_window"


@dataclass(frozen=True, slots=True)
class CounterWindow:
    """The counters that a token has used.

    Attributes:
        highest: the highest one seen; 0 before the first.
        used_below: bit n is set when `highest - 1 - n` was used.
    """

    highest: int
    used_below: int

    def take(self, atc: int, *, declared: bool) -> tuple[CounterVerdict, CounterWindow]:
        """Judge a counter, and the window as it is afterwards.

        Args:
            atc: the counter, with a cryptogram found valid.
            declared: whether the payment is said to have been stored and forwarded.
        """
        assert atc > 0, "a card's first cryptogram has counter 1"
        if atc > self.highest:
            step = atc - self.highest
            kept = (
                (self.used_below << 1 | (self.highest > 0)) << (step - 1) if step <= WINDOW else 0
            )
            return CounterVerdict.TAKEN, CounterWindow(atc, kept & _ALL)
        if not declared:
            return CounterVerdict.NOT_HIGHER, self
        if atc == self.highest:
            return CounterVerdict.USED, self
        bit = self.highest - 1 - atc
        if bit >= WINDOW:
            return CounterVerdict.BEYOND_WINDOW, self
        if self.used_below >> bit & 1:
            return CounterVerdict.USED, self
        return CounterVerdict.TAKEN, CounterWindow(self.highest, self.used_below | 1 << bit)


def window_of_before(highest: int) -> CounterWindow:
    """The window of a token that was in use before windows were kept: nothing below is free."""
    return CounterWindow(highest, _ALL if highest else 0)


def is_too_old(signed_day: bytes, today: date) -> bool:
    """Whether a stored payment's signed day (9A, YYMMDD in BCD) is past or no day at all."""
    text = signed_day.hex()
    try:
        day = date(2000 + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return True
    return day < today - timedelta(days=STORED_DAYS_MAX)
