"""`/api/devices/{id}/challenge` and `/proof`: a device shows that it holds its key."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.bodies import DeviceProof
from backend.http.sessions import address_of, session_of
from backend.wallet.accounts import Accounts
from backend.wallet.device_proof import DeviceProofs
from backend.wallet.model import Caller


@dataclass(frozen=True, slots=True)
class ProofRoutes:
    """Challenges and proofs."""

    accounts: Accounts
    proofs: DeviceProofs

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["wallet"])
        router.add_api_route("/devices/{device_id}/challenge", self.challenge, methods=["POST"])
        router.add_api_route("/devices/{device_id}/proof", self.prove, methods=["POST"])
        return router

    async def challenge(self, request: Request, device_id: str) -> Response:
        """What this device has to sign, within two minutes."""
        session = await session_of(request, self.accounts)
        return json_answer(self.proofs.challenge(session, device_id))

    async def prove(self, request: Request, device_id: str, body: DeviceProof) -> Response:
        """The signed challenge; from now on the session knows its device."""
        session = await session_of(request, self.accounts)
        caller = Caller(session.user_id, address_of(request))
        enrolled = await self.proofs.verify(caller, session, device_id, body.proof)
        return json_answer({"deviceVerified": True, "faceEnrolled": enrolled})
