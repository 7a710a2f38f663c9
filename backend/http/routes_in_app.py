"""Payments in apps over HTTP: a shop's sessions, the wallet's door and the merchant's.

A session's identifier is what opens it: it cannot be guessed, and nothing of its owner or device is
told. A page of another site cannot open one (its Origin is not this engine). Decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from backend.gateway.in_app import InApp
from backend.gateway.in_app_orders import merchant_order, session_order, wallet_order
from backend.http.answers import json_answer, problem, raw_json
from backend.http.front_door import LocalToken
from backend.http.routes_payments import body_hash, json_object
from backend.http.routes_wallet import idempotency_key
from backend.http.sessions import session_of
from backend.payments.idempotency import Reply
from backend.runtime.clock import Clock
from backend.runtime.errors import BadRequest
from backend.storage.database import Transaction
from backend.wallet.accounts import Accounts

CREATED = 201
DEVICE_ASKED = "dev_phone"
"""The phone on screen: whom a shop asks that names no device."""


class ForeignOrigin(BadRequest):
    """A page of another site asks."""

    status = 403


@dataclass(frozen=True, slots=True)
class InAppRoutes:
    """Sessions and both doors."""

    in_app: InApp[Transaction]
    accounts: Accounts
    token: LocalToken
    clock: Clock

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["in-app payments"])
        add = router.add_api_route
        add("/merchant-sessions", self.open_session, methods=["POST"], status_code=CREATED)
        add("/merchant-sessions/{session_id}", self.session, methods=["GET"])
        add("/merchant-sessions/{session_id}/cancel", self.cancel, methods=["POST"])
        add("/payments/in-app", self.pay_with_wallet, methods=["POST"])
        add("/merchant-payments", self.pay_with_token, methods=["POST"])
        return router

    async def open_session(self, request: Request) -> Response:
        """Open a shop's session and ask a phone to pay.

        Always: merchantId, amount (minor units), currency. Optional: lineItems (label, amount),
        countryCode, supportedNetworks, merchantCapabilities, deviceId.
        """
        _demand_own_page(request)
        order = session_order(json_object(await request.body()), DEVICE_ASKED)
        session = await self.in_app.open_session(order)
        return json_answer(session.to_json(self.clock.now_us()), CREATED)

    async def session(self, session_id: str) -> Response:
        """What became of a session: waiting, pending, approved, declined, cancelled or expired."""
        return json_answer(self.in_app.session(session_id).to_json(self.clock.now_us()))

    async def cancel(self, request: Request, session_id: str) -> Response:
        """Close a session in which nothing is being paid."""
        _demand_own_page(request)
        session = await self.in_app.cancel(session_id)
        return json_answer(session.to_json(self.clock.now_us()))

    async def pay_with_wallet(self, request: Request) -> Response:
        """Pay in an app, from the wallet: session cookie, Idempotency-Key, one JSON object.

        cardId, sessionId, merchantId, amount, currency; token, expiry, cryptogram, atc and emvData
        as the secure element signed them with the remote key; deviceVerification: the device's
        word (JWS) for this payment. The session's device has to be verified.
        """
        person = await session_of(request, self.accounts)
        body = json_object(await request.body())
        key = idempotency_key(request)
        order = wallet_order(body)
        return _answer(
            await self.in_app.pay_with_wallet(person, order, key=key, request_hash=body_hash(body))
        )

    async def pay_with_token(self, request: Request) -> Response:
        """Pay in an app, from a merchant's server: local token, Idempotency-Key, one JSON object.

        merchantId, paymentToken (EC_v1 or RSA_v1), amount and currency, which are the token's;
        optional: sessionId.
        """
        if not self.token.opens(request.scope):
            return problem(
                401,
                "local_token_required",
                "a merchant shows the text of engine.token as Authorization: Bearer",
                headers={"WWW-Authenticate": "Bearer"},
            )
        body = json_object(await request.body())
        key = idempotency_key(request)
        order = merchant_order(body)
        return _answer(
            await self.in_app.pay_with_token(order, key=key, request_hash=body_hash(body))
        )


def _answer(reply: Reply) -> Response:
    headers = {"Idempotent-Replayed": "true"} if reply.replayed else None
    return raw_json(reply.body, reply.status, headers)


def _demand_own_page(request: Request) -> None:
    """A browser says whose page asks; nothing that is no browser has to.

    Raises:
        ForeignOrigin: a page of another site.
    """
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignOrigin("foreign_origin", "only the shop page of this engine opens sessions")
