"""Tells a network what became of a token, after the wallet's own commit said it first.

A suspension must never wait for somebody else's machine: the row that the payment engine reads is
committed before this is called. A network that cannot be told is announced, not hidden; its host
then still says "active", which changes nothing, because no payment gets that far.
"""

from __future__ import annotations

from collections.abc import Awaitable

from backend.runtime.errors import MessageError, NotFound, TransportError
from backend.runtime.events import Emit
from backend.wallet.model import Card
from backend.wallet.ports import TokenService


class TokenStatus:
    """Suspends, resumes and deletes tokens at their networks."""

    def __init__(self, tokens: TokenService, emit: Emit) -> None:
        self._tokens = tokens
        self._emit = emit

    async def suspended(self, card: Card) -> bool:
        """The card is suspended here; whether its network knows."""
        return await self._tell(card, self._tokens.suspend_token(card.network, card.token_ref))

    async def removed(self, card: Card) -> bool:
        """The card is gone here; whether its network knows."""
        return await self._tell(card, self._tokens.delete_token(card.network, card.token_ref))

    async def resume(self, card: Card) -> bool:
        """Ask the network to let the token pay again; whether it does."""
        return await self._tell(card, self._tokens.resume_token(card.network, card.token_ref))

    async def _tell(self, card: Card, call: Awaitable[str]) -> bool:
        try:
            await call
        except (TransportError, MessageError, NotFound) as error:
            self._emit(
                "card.network_not_told",
                actor=card.network,
                data={"card_id": card.id, "token_ref": card.token_ref, "why": str(error)},
            )
            return False
        return True
