"""What the phone and a shop ask of the engine about payments in apps.

A part of the engine's client: how a request travels is the client's. A payment carries its key, so
that a repeat is the same payment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from lab.json_fields import Json


class InAppRequests(ABC):
    """Requests about a shop's sessions."""

    @abstractmethod
    async def _api(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        """A request of the wallet, signed in."""

    async def pay_in_app(self, order: Json, *, key: str) -> Json:
        """Pay for a shop's session with what the secure element signed."""
        return await self._api("POST", "/api/payments/in-app", order, key=key)

    async def open_merchant_session(self, order: Json) -> Json:
        """Ask a phone to pay, as a shop does."""
        return await self._api("POST", "/api/merchant-sessions", order)

    async def merchant_session(self, session_id: str) -> Json:
        """What became of a session, as its shop sees it."""
        return await self._api("GET", f"/api/merchant-sessions/{session_id}")

    async def cancel_merchant_session(self, session_id: str) -> None:
        """Close a session in which nothing is being paid."""
        await self._api("POST", f"/api/merchant-sessions/{session_id}/cancel", {})
