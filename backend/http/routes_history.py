"""`/api/transactions`: what a person paid, page by page. Reads only.

The newest page without filters is what a wallet shows first; it alone comes from the cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from backend.cache.recent_history import RecentHistory
from backend.domain.money import is_currency
from backend.http.answers import json_answer, raw_json
from backend.http.sessions import caller_of
from backend.payments.machine import State
from backend.runtime.errors import BadRequest, NotFound
from backend.storage import history_rows
from backend.storage.database import Database
from backend.storage.history_rows import Filters
from backend.wallet.accounts import Accounts
from backend.wallet.model import NETWORKS

PAGE_ROWS = 50
TIME_US_MAX = 2**53
_CURSOR = re.compile(r"pay_[0-9A-Za-z]{1,60}")
_STATES = tuple(state.value for state in State)


@dataclass(frozen=True, slots=True)
class HistoryRoutes:
    """A person's payments."""

    accounts: Accounts
    database: Database
    recent: RecentHistory

    def router(self) -> APIRouter:
        """The routes, without the `/api` in front."""
        router = APIRouter(default_response_class=Response, tags=["history"])
        router.add_api_route("/transactions", self.page, methods=["GET"])
        router.add_api_route("/transactions/{payment_id}", self.one, methods=["GET"])
        return router

    async def page(  # noqa: PLR0913 - one parameter a question
        self,
        request: Request,
        *,
        cursor: str | None = Query(default=None, max_length=64),
        limit: int = Query(default=PAGE_ROWS, ge=1, le=200),
        cardId: str | None = Query(default=None, max_length=64),  # noqa: N803 - the wire's name
        state: str | None = Query(default=None, max_length=20),
        currency: str | None = Query(default=None, max_length=3),
        merchantId: str | None = Query(default=None, max_length=64),  # noqa: N803 - as above
        network: str | None = Query(default=None, max_length=20),
        fromUs: int | None = Query(default=None, ge=0, le=TIME_US_MAX),  # noqa: N803 - as above
        toUs: int | None = Query(default=None, ge=0, le=TIME_US_MAX),  # noqa: N803 - as above
    ) -> Response:
        """A page of transactions, newest first; `nextCursor` asks for the next one."""
        caller = await caller_of(request, self.accounts)
        filters = Filters(cardId, state, currency, merchantId, network, fromUs, toUs)
        _check(cursor, filters)
        if cursor is None and limit == PAGE_ROWS and filters.is_empty:
            return raw_json(await self._newest(caller.user_id))
        return json_answer(self._read(caller.user_id, cursor, limit, filters))

    async def one(self, request: Request, payment_id: str) -> Response:
        """One transaction."""
        caller = await caller_of(request, self.accounts)
        found = self.database.read(lambda tx: history_rows.one(tx, caller.user_id, payment_id))
        if found is None:
            raise NotFound("transaction_unknown", "no such transaction in this wallet")
        return json_answer({"transaction": found})

    async def _newest(self, user_id: str) -> bytes:
        kept = await self.recent.get(user_id)
        if kept is not None:
            return kept
        changes = self.recent.changes(user_id)
        page = orjson.dumps(self._read(user_id, None, PAGE_ROWS, Filters()))
        await self.recent.put(user_id, page, changes=changes)
        return page

    def _read(
        self, user_id: str, cursor: str | None, limit: int, filters: Filters
    ) -> dict[str, object]:
        rows = self.database.read(
            lambda tx: history_rows.page(
                tx, user_id, before_id=cursor, limit=limit, filters=filters
            )
        )
        following = rows[-1]["id"] if len(rows) == limit else None
        return {"transactions": rows, "nextCursor": following}


def _check(cursor: str | None, filters: Filters) -> None:
    if cursor is not None and not _CURSOR.fullmatch(cursor):
        raise BadRequest("cursor_invalid", "send a nextCursor as it was answered", field="cursor")
    unknown = {
        "state": filters.state not in {None, *_STATES},
        "network": filters.network not in {None, *NETWORKS},
        "currency": filters.currency is not None and not is_currency(filters.currency),
    }
    for name, is_unknown in unknown.items():
        if is_unknown:
            raise BadRequest("filter_unknown", f"no payment has this {name}", field=name)
    from_us, to_us = filters.from_us, filters.to_us
    if from_us is not None and to_us is not None and from_us >= to_us:
        raise BadRequest("filter_period", "fromUs lies before toUs", field="fromUs")
