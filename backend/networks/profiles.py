"""How long the networks and issuers of the lab take: simulated, and never part of a rule.

"lab" feels like a real network seen from a till (tens of milliseconds with a tail), "instant" adds
nothing. The waiting is real input/output time, not lab time: a paused lab clock must not stop a
payment. Draws come from a seeded stream, so a simulated world repeats.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Protocol

from backend.runtime.entropy import Stream
from backend.runtime.errors import UsageError

TAIL_MAX = 8.0


class Profile(Protocol):
    """What a host asks before it goes on."""

    async def network(self) -> None:
        """Wait as long as the network takes."""

    async def issuer(self) -> None:
        """Wait as long as the issuer takes."""


class Instant:
    """No simulated delay."""

    async def network(self) -> None:
        """Return at once."""

    async def issuer(self) -> None:
        """Return at once."""


@dataclass(frozen=True, slots=True)
class Natural:
    """A floor plus an exponential tail.

    Attributes:
        network_floor_ms, network_mean_ms: the network's share, milliseconds.
        issuer_floor_ms, issuer_mean_ms: the issuer's share, milliseconds.
    """

    stream: Stream
    network_floor_ms: float = 8.0
    network_mean_ms: float = 7.0
    issuer_floor_ms: float = 18.0
    issuer_mean_ms: float = 14.0

    async def network(self) -> None:
        """Wait as long as the network takes."""
        await asyncio.sleep(self._draw_s(self.network_floor_ms, self.network_mean_ms))

    async def issuer(self) -> None:
        """Wait as long as the issuer takes."""
        await asyncio.sleep(self._draw_s(self.issuer_floor_ms, self.issuer_mean_ms))

    def _draw_s(self, floor_ms: float, mean_ms: float) -> float:
        tail = min(-math.log(1.0 - self.stream.random()), TAIL_MAX)
        return (floor_ms + mean_ms * tail) / 1_000


def profile(name: str, stream: Stream) -> Profile:
    """The profile of that name.

    Raises:
        UsageError: neither "lab" nor "instant".
    """
    match name:
        case "lab":
            return Natural(stream)
        case "instant":
            return Instant()
        case _:
            raise UsageError(f'network profile {name!r} is neither "lab" nor "instant"')
