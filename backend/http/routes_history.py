"""`/api/transactions`: what a person paid, page by page. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.sessions import caller_of
from backend.runtime.errors import NotFound
from backend.storage import history_rows
from backend.storage.database import Database
from backend.wallet.accounts import Accounts

PAGE_ROWS = 50


@dataclass(frozen=True, slots=True)
class HistoryRoutes:
    """A person's payments."""

    accounts: Accounts
    database: Database

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["history"])
        router.add_api_route("/transactions", self.page, methods=["GET"])
        router.add_api_route("/transactions/{payment_id}", self.one, methods=["GET"])
        return router

    async def page(
        self,
        request: Request,
        cursor: str | None = Query(default=None, max_length=64),
        limit: int = Query(default=PAGE_ROWS, ge=1, le=200),
    ) -> Response:
        """A page of transactions, newest first; `nextCursor` asks for the next one."""
        caller = caller_of(request, self.accounts)
        rows = self.database.read(
            lambda tx: history_rows.page(tx, caller.user_id, before_id=cursor, limit=limit)
        )
        following = rows[-1]["id"] if len(rows) == limit else None
        return json_answer({"transactions": rows, "nextCursor": following})

    async def one(self, request: Request, payment_id: str) -> Response:
        """One transaction."""
        caller = caller_of(request, self.accounts)
        found = self.database.read(lambda tx: history_rows.one(tx, caller.user_id, payment_id))
        if found is None:
            raise NotFound("transaction_unknown", "no such transaction in this wallet")
        return json_answer({"transaction": found})
