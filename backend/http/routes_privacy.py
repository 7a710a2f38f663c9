"""`/api/privacy`: a person's own data, handed out and forgotten. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.bodies import Erasure
from backend.http.sessions import caller_of, clear_cookie
from backend.wallet.accounts import Accounts
from backend.wallet.privacy import Privacy


@dataclass(frozen=True, slots=True)
class PrivacyRoutes:
    """Export and erasure."""

    accounts: Accounts
    privacy: Privacy

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["privacy"])
        router.add_api_route("/privacy/export", self.export, methods=["GET"])
        router.add_api_route("/privacy/erase", self.erase, methods=["POST"])
        return router

    async def export(self, request: Request) -> Response:
        """Everything that is stored of the caller."""
        caller = await caller_of(request, self.accounts)
        return json_answer(
            await self.privacy.export(caller),
            headers={"Content-Disposition": 'attachment; filename="tap-lab-export.json"'},
        )

    async def erase(self, request: Request, body: Erasure) -> Response:
        """Forget the caller; payments, ledger and audit trail stay, under a number."""
        await self.privacy.erase(await caller_of(request, self.accounts), body.proof)
        answer = json_answer({"erased": True})
        clear_cookie(answer)
        return answer
