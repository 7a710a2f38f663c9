"""How near the card was: one relay resistance exchange, measured time against the card's bounds.

Read from the conversation (Book C-2, EXCHANGE RELAY RESISTANCE DATA): the answer names the least
and the greatest time and how long it is on the air itself. What the till makes of it stands in its
verification results; this says only what the bytes and the clock say.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.bench.state import RESPONSE, ApduLine, Decision
from lab.words import message

_HEAD, _ANSWER_DIGITS = "800A", 28
_UNITS_PER_MS = 10


def measured(apdu: ApduLine) -> Iterator[Decision]:
    """The time of one exchange beside the card's own bounds; nothing where it is no such answer."""
    answer = apdu.response_hex
    if not answer.startswith(_HEAD) or len(answer) != _ANSWER_DIGITS:
        return
    least, greatest, on_air = (int(answer[at : at + 4], 16) for at in (12, 16, 20))
    took_ms = apdu.duration_us / 1000
    text = message(
        "bench.why.relay",
        "good" if took_ms <= (greatest + on_air) / _UNITS_PER_MS else "waiting",
        took=f"{took_ms:.1f}",
        least=f"{least / _UNITS_PER_MS:.1f}",
        greatest=f"{greatest / _UNITS_PER_MS:.1f}",
        air=f"{on_air / _UNITS_PER_MS:.1f}",
    )
    yield Decision(apdu.index, text, RESPONSE, "80")
