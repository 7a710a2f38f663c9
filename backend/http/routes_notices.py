"""`/api/notices`: what banks and shops wrote to the person who is signed in. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.sessions import caller_of
from backend.storage.database import Database
from backend.storage.notice_rows import NOTICES_MAX, notices_of
from backend.wallet.accounts import Accounts


@dataclass(frozen=True, slots=True)
class NoticeRoutes:
    """A person's messages."""

    accounts: Accounts
    database: Database

    def router(self) -> APIRouter:
        """The route, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["notices"])
        router.add_api_route("/notices", self.newest, methods=["GET"])
        return router

    async def newest(
        self, request: Request, limit: int = Query(default=NOTICES_MAX, ge=1, le=NOTICES_MAX)
    ) -> Response:
        """Messages of banks and mails of shops, newest first."""
        caller = await caller_of(request, self.accounts)
        found = self.database.read(lambda tx: notices_of(tx, caller.user_id, limit))
        return json_answer({"notices": [notice.to_json() for notice in found]})
