"""What the money place asks of the engine.

A part of the engine's client: how a request travels is the client's. Answers stay JSON objects; the
money place shapes them, and says so when one is not what it expects.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from lab.json_fields import Json

ROWS = 100


class MoneyRequests(ABC):
    """The part of `EngineClient` that looks at money."""

    @abstractmethod
    async def _lab(self, method: str, path: str, body: Json | None = None) -> Json:
        """Ask the laboratory's own routes."""

    async def money_ledger(self) -> Json:
        """Balances of all accounts, and the newest entries."""
        return await self._lab("GET", f"/lab/ledger?limit={ROWS}")

    async def money_batches(self) -> Json:
        """The newest settlement batches."""
        return await self._lab("GET", f"/lab/settlement/batches?limit={ROWS}")

    async def money_balances(self) -> Json:
        """What each merchant has: pending, available, reserved."""
        return await self._lab("GET", "/lab/settlement/balances")

    async def money_payouts(self) -> Json:
        """The newest payouts."""
        return await self._lab("GET", f"/lab/payouts?limit={ROWS}")

    async def settle(self) -> Json:
        """Close the running business day and do all that is due."""
        return await self._lab("POST", "/lab/settlement/run", {"close_open_day": True})

    async def money_delivery(self, delivery_id: str) -> Json:
        """One delivery with its attempts."""
        return await self._lab("GET", f"/lab/webhooks/deliveries/{delivery_id}")

    async def money_disputes(self) -> Json:
        """The newest disputes."""
        return await self._lab("GET", f"/lab/disputes?limit={ROWS}")

    async def open_dispute(self, payment_id: str, reason: str) -> Json:
        """Have the cardholder's bank dispute a captured payment."""
        return await self._lab(
            "POST", "/lab/disputes", {"payment_id": payment_id, "reason": reason}
        )

    async def answer_dispute(self, dispute_id: str, text: str) -> Json:
        """Hand in evidence for the merchant, and have the network decide."""
        evidence = {"evidence": {"uncategorized_text": text}, "submit": True}
        return await self._lab("POST", f"/lab/disputes/{dispute_id}/evidence", evidence)

    async def accept_dispute(self, dispute_id: str) -> Json:
        """Give a dispute up for the merchant."""
        return await self._lab("POST", f"/lab/disputes/{dispute_id}/close")

    async def money_merchants(self) -> Json:
        """Every merchant."""
        return await self._lab("GET", "/lab/merchants")

    async def money_merchant(self, merchant_id: str) -> Json:
        """One merchant with its keys."""
        return await self._lab("GET", f"/lab/merchants/{merchant_id}")

    async def money_audit(self) -> Json:
        """The newest lines of the audit trail."""
        return await self._lab("GET", f"/lab/audit?limit={ROWS}")
