"""What a card needs of the secure element that it lives in.

A Protocol, so that the card can be looked at without a file and the element without commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hardware.card.approving import Allowing

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials
    from hardware.card.installed import InstalledToken
    from hardware.card.recovery import KeptAnswer


class Purse(Allowing, Protocol):
    """What a card needs of the element that it lives in."""

    @property
    def armed(self) -> str | None:
        """The token whose owner was recognised a moment ago."""

    @property
    def express(self) -> str | None:
        """The token that pays at a transit gate without that."""

    def offered(self, token_ref: str | None, *, at_gate: bool) -> tuple[InstalledToken, ...]:
        """What is shown, best first.

        Args:
            token_ref: this token alone.
            at_gate: else, where nobody was recognised, the express token alone.
        """

    def credentials(self, token_ref: str, /) -> Credentials | None:
        """A token's credentials; None where it is gone."""

    def spend(self, token_ref: str) -> int:
        """Turn the authentication into one transaction counter, on disk when this returns.

        Raises:
            NotArmed: nobody was recognised for this token, or not lately.
            AtcExhausted: the token has no counter left.
        """

    def spend_express(self, token_ref: str) -> int:
        """One transaction counter without an authentication, at a transit gate.

        Raises:
            NotArmed: this is not the express token.
            AtcExhausted: the token has no counter left.
        """

    def draw(self, count: int) -> bytes:
        """Unpredictable bytes for a signature."""

    def keep_answer(self, token_ref: str, kept: KeptAnswer) -> None:
        """Keep the last answer to GENERATE AC, on disk when this returns."""

    def recall_answer(self, token_ref: str, asked: bytes) -> KeptAnswer | None:
        """That answer once more, to its own values; the authentication is over then."""
