"""`/api`: sign-in, cards, devices and history of one person. Each route acts for its session only.

Knows HTTP and the wallet's services; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from backend.cache.recent_history import RecentHistory
from backend.http.answers import json_answer, raw_json
from backend.http.bodies import (
    Credentials,
    DeviceFound,
    NewCard,
    NewDevice,
    SealedCard,
    Suspension,
    VerificationStep,
)
from backend.http.front_door import LocalToken, bearer
from backend.http.sessions import (
    COOKIE,
    address_of,
    caller_of,
    clear_cookie,
    session_of,
    set_cookie,
)
from backend.runtime.errors import BadRequest
from backend.wallet.accounts import Accounts, NotSignedIn, SignedIn
from backend.wallet.card_order import CardOrder
from backend.wallet.cards import Cards
from backend.wallet.device_proof import DeviceProofs
from backend.wallet.devices import Devices
from backend.wallet.limits import PROVISIONING
from backend.wallet.model import Card
from backend.wallet.network_news import NetworkNews
from backend.wallet.privacy import Privacy
from backend.wallet.provisioning import Provisioning
from backend.wallet.terms import TERMS_TEXT, TERMS_VERSION
from backend.wallet.token_orders import TokenOrders
from backend.wallet.verification import Step, Verifications

KEY_HEADER = "idempotency-key"
CREATED, ACCEPTED = 201, 202


@dataclass(frozen=True, slots=True)
class WalletServices:
    """What these routes stand in front of."""

    accounts: Accounts
    cards: Cards
    provisioning: Provisioning
    verifications: Verifications
    devices: Devices
    orders: TokenOrders
    news: NetworkNews
    history: RecentHistory
    privacy: Privacy
    proofs: DeviceProofs


class WalletRoutes:
    """Sign-in, cards and devices."""

    def __init__(self, services: WalletServices, token: LocalToken) -> None:
        self._accounts = services.accounts
        self._cards = services.cards
        self._provisioning = services.provisioning
        self._verifications = services.verifications
        self._devices = services.devices
        self._token = token

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["wallet"])
        add = router.add_api_route
        add("/auth/register", self.register, methods=["POST"], status_code=CREATED)
        add("/auth/login", self.login, methods=["POST"])
        add("/auth/logout", self.logout, methods=["POST"])
        add("/auth/me", self.me, methods=["GET"])
        add("/networks/{network}/key", self.network_key, methods=["GET"])
        add("/terms", self.terms, methods=["GET"])
        add("/card-offers", self.offer, methods=["POST"])
        add("/cards", self.list_cards, methods=["GET"])
        add("/cards", self.add_card, methods=["POST"], status_code=CREATED)
        add("/cards/{card_id}/verify", self.look_at_verification, methods=["GET"])
        add("/cards/{card_id}/verify", self.verify, methods=["POST"])
        add("/cards/{card_id}", self.remove_card, methods=["DELETE"])
        add("/cards/{card_id}/default", self.make_default, methods=["PUT"])
        add("/cards/{card_id}/suspend", self.suspend, methods=["POST"])
        add("/cards/{card_id}/reactivate", self.reactivate, methods=["POST"])
        add("/cards/{card_id}/refresh", self.refresh, methods=["POST"])
        add("/devices", self.list_devices, methods=["GET"])
        add("/devices/{device_id}", self.register_device, methods=["PUT"])
        add("/devices/{device_id}/lost", self.device_lost, methods=["POST"])
        add("/devices/{device_id}/found", self.device_found, methods=["POST"])
        return router

    async def register(self, request: Request, body: Credentials) -> Response:
        """Register with an address and a password; signs in."""
        if body.demo:
            return await self._enter_demo(request)
        email, password = _both(body)
        entered = await self._accounts.register(email, password, address_of(request))
        return _entered(entered, CREATED)

    async def login(self, request: Request, body: Credentials) -> Response:
        """Sign in with address and password, or as the demo user with the local token."""
        if body.demo:
            return await self._enter_demo(request)
        email, password = _both(body)
        return _entered(await self._accounts.login(email, password, address_of(request)))

    async def logout(self, request: Request) -> Response:
        """End the session at once."""
        await self._accounts.logout(request.cookies.get(COOKIE, ""), address_of(request))
        answer = json_answer({"signedOut": True})
        clear_cookie(answer)
        return answer

    async def me(self, request: Request) -> Response:
        """Who is signed in, and on which device."""
        session = await session_of(request, self._accounts)
        user = self._accounts.user(session)
        return json_answer(
            {
                "user": user.to_json(),
                "deviceId": session.device_id,
                "deviceVerified": session.is_device_verified,
                "faceEnrolled": session.face_enrolled,
                "permissions": session.permissions,
            }
        )

    async def network_key(self, request: Request, network: str) -> Response:
        """The public key (JWK) that seals a card for a network."""
        await caller_of(request, self._accounts)
        return json_answer(await self._provisioning.network_key(network))

    async def terms(self) -> Response:
        """The wallet's own terms; a card's come with its offer. A card remembers the version."""
        return json_answer({"version": TERMS_VERSION, "text": TERMS_TEXT})

    async def offer(self, request: Request, body: SealedCard) -> Response:
        """What a sealed card is: product, kind, terms to accept, designs to choose from."""
        caller = await caller_of(request, self._accounts)
        self._accounts.limits.take(PROVISIONING, caller.user_id)
        return json_answer(await self._provisioning.offer(body.network, body.encryptedPan))

    async def list_cards(self, request: Request) -> Response:
        """The person's cards, the default first."""
        caller = await caller_of(request, self._accounts)
        return json_answer({"cards": await self._cards.all_of(caller.user_id)})

    async def add_card(self, request: Request, body: NewCard) -> Response:
        """Put a card on a device; needs an Idempotency-Key."""
        caller = await caller_of(request, self._accounts)
        order = CardOrder(
            network=body.network,
            encrypted_pan=body.encryptedPan,
            expiry=body.expiry,
            cvv=body.cvv,
            last4=body.last4,
            device_id=body.deviceId,
            terms_version=body.termsVersion,
            source_card_id=body.fromCardId,
            design=body.design,
        )
        self._accounts.limits.take(PROVISIONING, caller.user_id)
        added = await self._provisioning.add(caller, order, idempotency_key(request))
        headers = {"Idempotent-Replayed": "true"} if added.replayed else None
        return raw_json(added.body, CREATED, headers)

    async def look_at_verification(self, request: Request, card_id: str) -> Response:
        """How a pending card can be verified, and what was tried so far."""
        caller = await caller_of(request, self._accounts)
        return _stepped(await self._verifications.look(caller, card_id))

    async def verify(self, request: Request, card_id: str, body: VerificationStep) -> Response:
        """Send a code ({"method"}) or check one ({"method", "code"}); a key is welcome."""
        caller = await caller_of(request, self._accounts)
        key = request.headers.get(KEY_HEADER)
        if body.code is None:
            return _stepped(await self._verifications.send(caller, card_id, body.method, key))
        return _stepped(
            await self._verifications.check(
                caller, card_id, method=body.method, code=body.code, key=key
            )
        )

    async def remove_card(self, request: Request, card_id: str) -> Response:
        """Take a card off its device."""
        await self._cards.remove(await caller_of(request, self._accounts), card_id)
        return json_answer({"removed": card_id})

    async def make_default(self, request: Request, card_id: str) -> Response:
        """The card that pays when none is chosen."""
        caller = await caller_of(request, self._accounts)
        card = await self._cards.make_default(caller, card_id)
        return json_answer({"card": card.to_json()})

    async def suspend(
        self, request: Request, card_id: str, body: Suspension | None = None
    ) -> Response:
        """Stop a card; doing it again changes nothing."""
        caller = await caller_of(request, self._accounts)
        reason = (body or Suspension()).reason
        card = await self._cards.suspend(caller, card_id, reason)
        return json_answer({"card": card.to_json()})

    async def reactivate(self, request: Request, card_id: str) -> Response:
        """Let a suspended card pay again; 202 while its network cannot be told."""
        caller = await caller_of(request, self._accounts)
        return _ordered(await self._cards.reactivate(caller, card_id))

    async def refresh(self, request: Request, card_id: str) -> Response:
        """Put a new token in the place of this one; 202 while its network cannot be told."""
        caller = await caller_of(request, self._accounts)
        return _ordered(await self._cards.refresh(caller, card_id))

    async def list_devices(self, request: Request) -> Response:
        """The person's devices."""
        caller = await caller_of(request, self._accounts)
        devices = self._devices.all_of(caller.user_id)
        return json_answer({"devices": [device.to_json() for device in devices]})

    async def register_device(self, request: Request, device_id: str, body: NewDevice) -> Response:
        """Make a device known; the session speaks for it from now on."""
        session = await session_of(request, self._accounts)
        caller = await caller_of(request, self._accounts)
        device = await self._devices.register(
            caller, session, device_id, kind=body.kind, name=body.name, public_key=body.publicKey
        )
        return json_answer({"device": device.to_json()})

    async def device_lost(self, request: Request, device_id: str) -> Response:
        """Suspend every card on a device and end its sessions."""
        caller = await caller_of(request, self._accounts)
        count = await self._devices.lost(caller, device_id)
        return json_answer({"suspendedCount": count})

    async def device_found(
        self, request: Request, device_id: str, body: DeviceFound | None = None
    ) -> Response:
        """A lost device is back; its cards stay suspended unless asked otherwise."""
        caller = await caller_of(request, self._accounts)
        wanted = body or DeviceFound()
        device = await self._devices.found(
            caller, device_id, reactivate_cards=wanted.reactivateCards
        )
        return json_answer({"device": device.to_json()})

    async def _enter_demo(self, request: Request) -> Response:
        if not self._token.matches(bearer(request.scope)):
            raise NotSignedIn(
                "local_token_required", "the demo user enters with the text of engine.token"
            )
        return _entered(await self._accounts.login_demo(address_of(request)))


def idempotency_key(request: Request) -> str:
    """The request's Idempotency-Key.

    Raises:
        BadRequest: there is none.
    """
    key = request.headers.get(KEY_HEADER)
    if not key:
        raise BadRequest("idempotency_key_required", "send an Idempotency-Key header")
    return key


def _stepped(step: Step) -> Response:
    headers = {"Idempotent-Replayed": "true"} if step.replayed else None
    return raw_json(step.body, headers=headers)


def _ordered(card: Card) -> Response:
    status = 200 if card.pending_operation is None else ACCEPTED
    return json_answer({"card": card.to_json()}, status)


def _both(body: Credentials) -> tuple[str, str]:
    if body.email is None or body.password is None:
        field = "email" if body.email is None else "password"
        raise BadRequest("missing_field", f"{field} is required", field=field)
    return body.email, body.password


def _entered(entered: SignedIn, status: int = 200) -> Response:
    answer = json_answer({"user": entered.user.to_json()}, status)
    set_cookie(answer, entered.cookie)
    return answer
