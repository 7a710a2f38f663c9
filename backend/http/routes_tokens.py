"""`/lab/tokens`: tokens as their networks see them, and what an issuer may do to one.

For the laboratory: in the field these are other companies' desks. Needs the local token, like
everything under `/lab`. Knows HTTP; decides nothing.
"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.bodies import TokenOperation
from backend.networks.tsp_terms import TokenState
from backend.runtime.errors import MessageError, NotFound, TransportError
from backend.switch.tsp_client import TspClient
from backend.wallet.cards import Cards
from backend.wallet.errors import NetworkUnavailable
from backend.wallet.model import Card
from backend.wallet.network_news import NetworkNews


class TokenRoutes:
    """The networks' side of tokens."""

    def __init__(self, cards: Cards, tokens: TspClient, news: NetworkNews) -> None:
        self._cards = cards
        self._tokens = tokens
        self._news = news

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["laboratory"])
        add = router.add_api_route
        add("/tokens", self.list_tokens, methods=["GET"])
        add("/tokens/{token_ref}", self.look, methods=["GET"])
        add("/tokens/{token_ref}/{operation}", self.change, methods=["POST"])
        return router

    async def list_tokens(self) -> Response:
        """Every card of every wallet, with its token's reference."""
        return json_answer({"tokens": [_listed(card) for card in self._cards.everybodys()]})

    async def look(self, token_ref: str) -> Response:
        """A token as its network sees it: status, holders, PAR, requestor, assurance, story."""
        card = self._card(token_ref)
        try:
            state = await self._tokens.token(card.network, token_ref)
        except (TransportError, MessageError) as error:
            raise _away(card) from error
        return _shown(state)

    async def change(
        self, token_ref: str, operation: str, body: TokenOperation | None = None
    ) -> Response:
        """Suspend, resume, delete or replace-card, by the issuer; the wallet hears of it."""
        card = self._card(token_ref)
        asked = body or TokenOperation()
        if operation not in OPERATIONS:
            raise NotFound("operation_unknown", f"operations are {', '.join(OPERATIONS)}")
        try:
            state = await self._tokens.change_token(
                card.network, token_ref, operation, by=asked.by, reason=asked.reason
            )
            await self._news.hear(card.network)
        except (TransportError, MessageError) as error:
            raise _away(card) from error
        return _shown(state)

    def _card(self, token_ref: str) -> Card:
        for card in self._cards.everybodys():
            if card.token_ref == token_ref:
                return card
        raise NotFound("token_unknown", "no wallet here has this token")


OPERATIONS = ("suspend", "resume", "delete", "replace-card")


def _away(card: Card) -> NetworkUnavailable:
    return NetworkUnavailable(f"the token service of {card.network} does not answer")


def _shown(state: TokenState) -> Response:
    return json_answer(asdict(state))


def _listed(card: Card) -> dict[str, object]:
    return {
        "token_ref": card.token_ref,
        "card_id": card.id,
        "network": card.network,
        "last4": card.last4,
        "device_id": card.device_id,
        "status": card.status,
        "suspended_by": card.suspended_by.split(),
    }
