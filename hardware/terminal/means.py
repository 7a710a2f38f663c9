"""What a till has at hand during one tap besides its configuration.

Its memory of torn taps, the moment, fresh unpredictable numbers and how it measures relays. Carried
by every prepared combination, so that a kernel takes from it what it knows how to use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.terminal.relay import RelaySettings
    from hardware.terminal.torn import TornLog


@dataclass(frozen=True, slots=True)
class Means:
    """One tap's means.

    Attributes:
        torn: taps that were torn before; None remembers none.
        now_us: lab time when the tap began.
        draw_number: a fresh unpredictable number (9F37); None has only the first one.
        relay: how relays are measured; None does not.
    """

    torn: TornLog | None = None
    now_us: int = 0
    draw_number: Callable[[], bytes] | None = None
    relay: RelaySettings | None = None


NO_MEANS = Means()
