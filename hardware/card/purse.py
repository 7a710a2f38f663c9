"""What a card needs of the secure element that it lives in.

A Protocol, so that the card can be looked at without a file and the element without commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials
    from hardware.card.recovery import KeptAnswer


class Purse(Protocol):
    """What a card needs of the element that it lives in."""

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

    def counter(self, token_ref: str) -> int:
        """The token's transaction counter as it stands; 0 where there is no such token."""

    def draw(self, count: int) -> bytes:
        """Unpredictable bytes for a signature."""

    def keep_answer(self, token_ref: str, kept: KeptAnswer) -> None:
        """Keep the last answer to GENERATE AC, on disk when this returns."""

    def recall_answer(self, token_ref: str, asked: bytes) -> KeptAnswer | None:
        """That answer once more, to its own values; the authentication is over then."""
