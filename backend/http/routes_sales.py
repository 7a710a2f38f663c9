"""`/api/payments/{id}/…`: what a till does after the sale. It shows the local token, as for taps.

Every order carries an Idempotency-Key, scoped by merchant; the answer's bytes come from the store,
only a header tells a replay. Decides nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from backend.gateway.desk import Desk, Order
from backend.http.answers import json_answer, problem, raw_json
from backend.http.bodies import MerchantOrder, SaleOrder
from backend.http.front_door import LocalToken
from backend.http.routes_wallet import idempotency_key
from backend.payments.idempotency import Reply
from backend.storage.database import Transaction

Carry = Callable[[Order, str, bytes], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class SalesRoutes:
    """Capture, void, refund, and the end of a till's day."""

    desk: Desk[Transaction]
    token: LocalToken

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["payments"])
        add = router.add_api_route
        add("/payments/{payment_id}/capture", self.capture, methods=["POST"])
        add("/payments/{payment_id}/void", self.void, methods=["POST"])
        add("/payments/{payment_id}/refunds", self.refund, methods=["POST"])
        add("/payments/{payment_id}/refunds", self.refunds, methods=["GET"])
        add("/payments/capture-all", self.capture_all, methods=["POST"])
        return router

    async def capture(self, request: Request, payment_id: str, body: SaleOrder) -> Response:
        """Take an approval's money, or `amount` of it; the rest is released."""
        return await self._carry(request, "capture", payment_id, body, self.desk.capture)

    async def void(self, request: Request, payment_id: str, body: SaleOrder) -> Response:
        """Let an approval go before its capture."""
        return await self._carry(request, "void", payment_id, body, self.desk.void)

    async def refund(self, request: Request, payment_id: str, body: SaleOrder) -> Response:
        """Give money back, `amount` of it or all; what is not captured is voided."""
        return await self._carry(request, "refund", payment_id, body, self.desk.refund)

    async def refunds(
        self,
        request: Request,
        payment_id: str,
        merchantId: str = Query(max_length=64),  # noqa: N803 - the wire's name
    ) -> Response:
        """A payment's refunds, oldest first."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return json_answer({"refunds": self.desk.refunds(merchantId, payment_id)})

    async def capture_all(self, request: Request, body: MerchantOrder) -> Response:
        """Capture every approval of a merchant that waits for it."""
        if (refusal := self._refusal(request)) is not None:
            return refusal
        return json_answer(await self.desk.capture_all(body.merchantId))

    async def _carry(
        self, request: Request, what: str, payment_id: str, body: SaleOrder, carry: Carry
    ) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        order = Order(body.merchantId, payment_id, body.amount, body.reason)
        reply = await carry(order, idempotency_key(request), _hash(what, order))
        headers = {"Idempotent-Replayed": "true"} if reply.replayed else None
        return raw_json(reply.body, reply.status, headers)

    def _refusal(self, request: Request) -> Response | None:
        if self.token.opens(request.scope):
            return None
        return problem(
            401,
            "local_token_required",
            "a till shows the text of engine.token as Authorization: Bearer",
            headers={"WWW-Authenticate": "Bearer"},
        )


def _hash(what: str, order: Order) -> bytes:
    """The same for the same order: one key for a capture and a refund is a mistake."""
    parts = [what, order.payment_id, order.amount_minor, order.reason]
    return hashlib.sha256(orjson.dumps(parts)).digest()
