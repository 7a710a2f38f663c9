"""What a card in the field needs of the element that it lives in.

A port: the secure element implements it, the card asks it, and neither imports the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardware.card.approving import Allowing

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials


class Purse(Allowing, Protocol):
    """What a card needs."""

    @property
    def armed(self) -> str | None:
        """The token whose owner was recognised a moment ago."""

    def shown_credentials(self, token_ref: str | None, /) -> Credentials | None:
        """The token to show: this one, else the armed one, else the default one, else none."""

    def spend(self, token_ref: str) -> int:
        """Turn the authentication into one transaction counter, on disk when this returns.

        Raises:
            NotArmed: nobody was recognised for this token, or not lately.
            AtcExhausted: the token has no counter left.
        """

    def draw(self, count: int) -> bytes:
        """Unpredictable bytes for a signature."""
