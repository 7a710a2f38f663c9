"""Puts the routes together behind the front door, with their description under `/docs`.

The order is: front door (size, local token, hot route), then FastAPI for what is typed. Every
error, also of paths that do not exist, is a problem with a code.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from backend.http import answers, card_art
from backend.http.device_push import DevicePush
from backend.http.docs_page import docs_page
from backend.http.front_door import FrontDoor, LocalToken
from backend.http.health import Health
from backend.http.pay_page import PayPage
from backend.http.routes_history import HistoryRoutes
from backend.http.routes_in_app import InAppRoutes
from backend.http.routes_lab import LabRoutes
from backend.http.routes_money_disputes import DisputeRoutes
from backend.http.routes_money_merchants import MerchantRoutes
from backend.http.routes_money_reconciliation import ReconciliationRoutes
from backend.http.routes_money_settlement import SettlementRoutes
from backend.http.routes_money_vault import VaultRoutes
from backend.http.routes_money_webhooks import WebhookRoutes
from backend.http.routes_notices import NoticeRoutes
from backend.http.routes_payments import NFC_PATH, NfcRoute
from backend.http.routes_privacy import PrivacyRoutes
from backend.http.routes_proof import ProofRoutes
from backend.http.routes_sales import SalesRoutes
from backend.http.routes_tokens import TokenRoutes
from backend.http.routes_vault_accesses import VaultAccessRoutes
from backend.http.routes_wallet import WalletRoutes
from backend.http.shop_page import shop_routes
from backend.http.stripe_wire.door import WireDoor
from backend.wallet.cards import Cards


@dataclass(frozen=True, slots=True)
class Doors:
    """Every group of routes."""

    wallet: WalletRoutes
    history: HistoryRoutes
    notices: NoticeRoutes
    payments: NfcRoute
    sales: SalesRoutes
    privacy: PrivacyRoutes
    proof: ProofRoutes
    in_app: InAppRoutes
    merchants: MerchantRoutes
    webhooks: WebhookRoutes
    disputes: DisputeRoutes
    lab: LabRoutes
    settlement: SettlementRoutes
    reconciliation: ReconciliationRoutes
    tokens: TokenRoutes
    health: Health
    pay: PayPage
    push: DevicePush
    cards: Cards
    wire: WireDoor
    vault: VaultRoutes
    vault_accesses: VaultAccessRoutes


def build_app(doors: Doors, token: LocalToken) -> FrontDoor:
    """The whole application."""
    app = FastAPI(title="Tap Lab engine", docs_url=None, redoc_url=None)
    answers.install(app)
    app.include_router(doors.wallet.router(), prefix="/api")
    app.include_router(doors.history.router(), prefix="/api")
    app.include_router(doors.notices.router(), prefix="/api")
    app.include_router(doors.sales.router(), prefix="/api")
    app.include_router(doors.proof.router(), prefix="/api")
    app.include_router(doors.privacy.router(), prefix="/api")
    app.include_router(doors.in_app.router(), prefix="/api")
    app.include_router(doors.lab.router(), prefix="/lab")
    app.include_router(doors.settlement.router(), prefix="/lab")
    app.include_router(doors.reconciliation.router(), prefix="/lab")
    app.include_router(doors.merchants.router(), prefix="/lab")
    app.include_router(doors.webhooks.router(), prefix="/lab")
    app.include_router(doors.disputes.router(), prefix="/lab")
    app.include_router(doors.vault.router(), prefix="/lab")
    app.include_router(doors.vault_accesses.router(), prefix="/lab")
    app.include_router(doors.tokens.router(), prefix="/lab")
    app.include_router(shop_routes())
    app.include_router(doors.pay.router())
    app.include_router(_others(doors))

    async def docs() -> Response:
        return docs_page(app.openapi())

    app.add_api_route("/docs", docs, methods=["GET"], include_in_schema=False)
    return FrontDoor(app, token, {NFC_PATH: doors.payments}, doors.wire, doors.health.requests)


def _others(doors: Doors) -> APIRouter:
    router = APIRouter(default_response_class=Response)

    async def push(websocket: WebSocket, device_id: str) -> None:
        await doors.push.serve(websocket, device_id)

    async def art(request: Request, name: str) -> Response:
        """The face of a card or of a design; `v` names its version and changes nothing."""
        return card_art.draw(doors.cards.find, request, name)

    async def pay(request: Request) -> Response:
        """Pay for a tap: Bearer with the local token, Idempotency-Key, one JSON object.

        Always: token, atc, amount (minor units), currency, merchantId, terminalId. A chip's tap
        (entryMode "chip", or none) adds cryptogram and emvData (DE 55, hex). One in mag-stripe mode
        (entryMode "magstripe") adds track2: number, D, YYMM, service code, the dynamic digits; it
        has neither cryptogram nor emvData, and its network hears DE 22 91x and DE 35. What of one
        mode comes with the other: 400 field_contradicts. Number or expiry that track2 does not say:
        400 track2_disagrees. Optional: expiry, psn, tapId, storeAndForward, synthetic.
        """
        return await doors.payments.answer(request)

    router.add_api_websocket_route("/api/devices/{device_id}/push", push)
    router.add_api_route("/static/card-art/{name}", art, methods=["GET"], tags=["wallet"])
    router.add_api_route(NFC_PATH, pay, methods=["POST"], tags=["payments"])
    router.add_api_route("/healthz", doors.health.alive, methods=["GET"], tags=["health"])
    router.add_api_route("/readyz", doors.health.ready, methods=["GET"], tags=["health"])
    router.add_api_route("/metrics", doors.health.metrics, methods=["GET"], tags=["health"])
    return router
