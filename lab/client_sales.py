"""What a till asks of the engine after the sale: capture, void, refund, the end of the day.

A part of the engine's client: how a request travels is the client's. Every order carries an
Idempotency-Key, so that one whose answer was lost is asked again and done once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from lab.json_fields import Json, objects, section, text, text_or_none, whole

PATHS = {"capture": "capture", "void": "void", "refund": "refunds"}
"""What can be ordered, and the end of its path."""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """The engine's answer to an order; money in minor units of `currency`.

    Attributes:
        status: captured, voided, or the refund's: pending, succeeded, failed.
        refund_id: "" unless it is a refund; then how much of the sale was captured and refunded
            in all is known, too.
    """

    payment_id: str
    status: str
    amount_minor: int
    currency: str
    refund_id: str = ""
    captured_minor: int = 0
    refunded_minor: int = 0

    @staticmethod
    def from_json(body: Json) -> OrderAnswer:
        """Read the answer; raises ValueError when it is none."""
        return OrderAnswer(
            payment_id=text(body, "transactionId"),
            status=text(body, "status"),
            amount_minor=whole(body, "amount"),
            currency=text(body, "currency"),
            refund_id=text(body, "refundId", ""),
            captured_minor=whole(body, "amountCaptured", 0),
            refunded_minor=whole(body, "amountRefunded", 0),
        )


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """A refund as the engine tells of it; `failure` says why the network refused it."""

    id: str
    status: str
    amount_minor: int
    currency: str
    reason: str
    failure: str

    @staticmethod
    def from_json(body: Json) -> RefundRecord:
        """Read one entry; raises ValueError when it is none."""
        return RefundRecord(
            id=text(body, "refundId"),
            status=text(body, "status"),
            amount_minor=whole(body, "amount"),
            currency=text(body, "currency"),
            reason=text_or_none(body, "reason") or "",
            failure=text_or_none(body, "failure") or "",
        )


@dataclass(frozen=True, slots=True)
class DayClosed:
    """What the end of a day took: how many sales, and minor units by currency."""

    count: int
    totals: Mapping[str, int]


class SaleRequests(ABC):
    """Requests about sales that were made."""

    @abstractmethod
    async def _till(
        self, method: str, path: str, body: Json | None = None, *, key: str | None = None
    ) -> Json:
        """A request of the till, with the local token, over its line."""

    async def order(
        self,
        what: str,
        payment_id: str,
        *,
        merchant_id: str,
        key: str,
        amount_minor: int | None = None,
        reason: str | None = None,
    ) -> OrderAnswer:
        """Have a sale captured, voided or refunded.

        Args:
            what: one of `PATHS`.
            payment_id: which sale.
            merchant_id: whose.
            key: the order's own; asked again with it, it is done once.
            amount_minor: None for all of it.
            reason: for a refund, the merchant's words.

        Raises:
            EngineUnreachable: no answer; says whether the order may have arrived.
            EngineRefused: it cannot be done, and nothing was.
        """
        body: dict[str, object] = {"merchantId": merchant_id}
        if amount_minor is not None:
            body["amount"] = amount_minor
        if reason is not None:
            body["reason"] = reason
        path = f"/api/payments/{payment_id}/{PATHS[what]}"
        return OrderAnswer.from_json(await self._till("POST", path, body, key=key))

    async def refunds(self, payment_id: str, *, merchant_id: str) -> tuple[RefundRecord, ...]:
        """A sale's refunds, the oldest first.

        Raises:
            EngineRefused, EngineUnreachable: the merchant has no such sale, or no answer.
        """
        path = f"/api/payments/{payment_id}/refunds?merchantId={merchant_id}"
        body = await self._till("GET", path)
        return tuple(RefundRecord.from_json(refund) for refund in objects(body, "refunds"))

    async def capture_all(self, *, merchant_id: str, key: str) -> DayClosed:
        """Capture every approval of a merchant that waits; asked again, it goes on.

        Raises:
            EngineRefused, EngineUnreachable: not all of it may be done; ask again.
        """
        answer = await self._till(
            "POST", "/api/payments/capture-all", {"merchantId": merchant_id}, key=key
        )
        totals = section(answer, "totals")
        return DayClosed(whole(answer, "captured"), {code: whole(totals, code) for code in totals})
