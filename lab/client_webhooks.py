"""What the laboratory asks of the engine about webhooks.

A part of the engine's client: how a request travels is the client's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from lab.json_fields import Json


class WebhookRequests(ABC):
    """Requests about endpoints and deliveries."""

    @abstractmethod
    async def _lab(self, method: str, path: str, body: Json | None = None) -> Json:
        """A request of the laboratory, with the local token."""

    async def webhooks(self, *, limit: int = 50) -> Json:
        """Every endpoint with its health, and the newest deliveries."""
        return await self._lab("GET", f"/lab/webhooks?limit={limit}")

    async def make_webhook_endpoint(self, order: Json) -> Json:
        """A new endpoint, with its secret."""
        return await self._lab("POST", "/lab/webhooks/endpoints", order)

    async def delete_webhook_endpoint(self, endpoint_id: str) -> None:
        """It hears of nothing any more."""
        await self._lab("DELETE", f"/lab/webhooks/endpoints/{endpoint_id}")

    async def send_webhook_again(self, delivery_id: int) -> Json:
        """Start an ended delivery's schedule anew; try a pending one now."""
        return await self._lab("POST", f"/lab/webhooks/deliveries/{delivery_id}/resend", {})
