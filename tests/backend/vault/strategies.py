"""Cards as people type them."""

from __future__ import annotations

from hypothesis import strategies as st

from backend.domain.pan import with_check_digit
from backend.vault.card_entry import CODE_DIGITS, CardEntry

STARTS = {"visa": ("4", 16), "mastercard": ("53", 16), "amex": ("37", 15)}


@st.composite
def entries(draw: st.DrawFn) -> CardEntry:
    network = draw(st.sampled_from(sorted(STARTS)))
    start, length = STARTS[network]
    free = length - 1 - len(start)
    body = start + str(draw(st.integers(0, 10**free - 1))).rjust(free, "0")
    digits = CODE_DIGITS[network]
    code = draw(st.none() | st.integers(0, 10**digits - 1).map(lambda n: str(n).rjust(digits, "0")))
    return CardEntry(
        with_check_digit(body), draw(st.integers(1, 12)), draw(st.integers(2027, 2050)), code
    )
