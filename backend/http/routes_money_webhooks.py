"""`/lab/webhooks`: endpoints, deliveries and attempts as a person sees them; sent again by hand.

For the laboratory, behind the local token like everything under `/lab`. An endpoint's secret is in
the answer that makes or rolls it and in no other. Knows HTTP; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.bodies import Body
from backend.storage.database import Transaction
from backend.webhooks.console import BEYOND_EVERY_ID, LIMIT_MAX, Console
from backend.webhooks.endpoints import Endpoints, Wish

CREATED = 201
NO_STORE = {"Cache-Control": "no-store"}  # a secret is not for anybody's cache
DAY_S = 86_400


class EndpointOrder(Body):
    """What is wished of an endpoint; what is not named stays, or is the default."""

    url: str | None = None
    enabled_events: list[str] | None = Field(default=None, max_length=100)
    style: str | None = None
    schedule: str | None = None
    strict_200: bool | None = None
    disabled: bool | None = None
    description: str | None = None

    def wish(self) -> Wish:
        """As the rules take it."""
        events = None if self.enabled_events is None else tuple(self.enabled_events)
        return Wish(
            self.url, events, self.style, self.schedule, self.strict_200, self.disabled,
            self.description,
        )  # fmt: skip


class NewEndpointOrder(EndpointOrder):
    """The same, and whose."""

    merchant_id: str = Field(max_length=64)


class SecretOrder(Body):
    """How long the old secret signs too, seconds of lab time."""

    overlap_s: int = DAY_S


@dataclass(frozen=True, slots=True)
class WebhookRoutes:
    """Endpoints, deliveries, attempts."""

    endpoints: Endpoints[Transaction]
    console: Console[Transaction]

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["laboratory"])
        add = router.add_api_route
        add("/webhooks", self.overview, methods=["GET"])
        add("/webhooks/endpoints", self.create, methods=["POST"])
        add("/webhooks/endpoints/{endpoint_id}", self.change, methods=["POST"])
        add("/webhooks/endpoints/{endpoint_id}", self.delete, methods=["DELETE"])
        add("/webhooks/endpoints/{endpoint_id}/secret", self.roll_secret, methods=["POST"])
        add("/webhooks/deliveries/{delivery_id}", self.delivery, methods=["GET"])
        add("/webhooks/deliveries/{delivery_id}/resend", self.send_again, methods=["POST"])
        return router

    async def overview(
        self,
        limit: int = Query(default=50, ge=1, le=LIMIT_MAX),
        before_id: int = Query(default=BEYOND_EVERY_ID, ge=1, le=BEYOND_EVERY_ID),
    ) -> Response:
        """Every endpoint with its health, and the newest deliveries."""
        return json_answer(self.console.overview(limit, before_id))

    async def create(self, body: NewEndpointOrder) -> Response:
        """A new endpoint of a merchant, with its secret."""
        endpoint, secret = await self.endpoints.create(body.merchant_id, body.wish())
        shown = {**self.console.endpoint_json(endpoint), "secret": secret}
        return json_answer(shown, CREATED, headers=NO_STORE)

    async def change(self, endpoint_id: str, body: EndpointOrder) -> Response:
        """Change an endpoint; disabling ends what is pending there."""
        merchant_id = self.endpoints.merchant_of(endpoint_id)
        changed = await self.endpoints.change(merchant_id, endpoint_id, body.wish())
        return json_answer(self.console.endpoint_json(changed))

    async def delete(self, endpoint_id: str) -> Response:
        """It hears of nothing any more."""
        merchant_id = self.endpoints.merchant_of(endpoint_id)
        await self.endpoints.delete(merchant_id, endpoint_id)
        return json_answer({"id": endpoint_id, "deleted": True})

    async def roll_secret(self, endpoint_id: str, body: SecretOrder) -> Response:
        """A new secret; the old one signs too for a while."""
        merchant_id = self.endpoints.merchant_of(endpoint_id)
        endpoint, secret = await self.endpoints.roll_secret(
            merchant_id, endpoint_id, body.overlap_s
        )
        shown = {**self.console.endpoint_json(endpoint), "secret": secret}
        return json_answer(shown, headers=NO_STORE)

    async def delivery(self, delivery_id: int) -> Response:
        """One delivery with its attempts, byte for byte."""
        return json_answer(self.console.delivery(delivery_id))

    async def send_again(self, delivery_id: int) -> Response:
        """Start an ended delivery's schedule anew; try a pending one now."""
        return json_answer(await self.console.send_again(delivery_id))
