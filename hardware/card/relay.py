"""The card's half of relay resistance: its random number and how long it says it takes (Book C-2).

The terminal measures one short exchange. A card that is really there answers within the time it
names, and a combined signature covers both random numbers and these times, so that nobody on the
way can change them. The times are what the lab's phone takes (lab approximation), in units of
100 microseconds as on the link. Knows no clock.
"""

from __future__ import annotations

ENTROPY_LENGTH = 4
EXCHANGES_MAX = 3
"""A terminal measures at most three times (Book C-2); more is somebody trying."""
TIME_MIN_100US = 20
TIME_MAX_100US = 400
TRANSMISSION_100US = 24
"""What the answer takes on the air at 106 kbit/s, the bounds of waiting included."""


def relay_data(entropy: bytes) -> bytes:
    """Device entropy, least and greatest processing time, estimated transmission time."""
    assert len(entropy) == ENTROPY_LENGTH
    times = (TIME_MIN_100US, TIME_MAX_100US, TRANSMISSION_100US)
    return entropy + b"".join(time.to_bytes(2, "big") for time in times)
