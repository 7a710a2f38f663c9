"""`/lab/vault-accesses`: who opened which number in the networks' vault, and what for.

For the laboratory: in the field this is a network's own log, shown to its auditors. No line has a
digit of a number. Needs the local token, like everything under `/lab`. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query
from starlette.responses import Response

from backend.http.answers import json_answer
from backend.http.laboratory import Laboratory
from backend.runtime.errors import NotFound
from backend.storage import host_access_rows
from backend.storage.audit_rows import BEYOND_EVERY_ID

PAGE_ROWS_MAX = 500


@dataclass(frozen=True, slots=True)
class VaultAccessRoutes:
    """The log of a laboratory whose networks are inside the engine."""

    lab: Laboratory

    def router(self) -> APIRouter:
        """The route, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["laboratory"])
        router.add_api_route("/vault-accesses", self.page, methods=["GET"])
        return router

    async def page(
        self,
        limit: int = Query(default=100, ge=1, le=PAGE_ROWS_MAX),
        before_id: int = Query(default=BEYOND_EVERY_ID, ge=1, le=BEYOND_EVERY_ID),
        token_ref: str | None = Query(default=None, max_length=64),
    ) -> Response:
        """Openings of card and token numbers, newest first; of one token, if it is named."""
        if self.lab.networks_database is None:
            raise NotFound("networks_apart", "these networks run apart and keep their own log")
        found = self.lab.networks_database.read(
            lambda tx: host_access_rows.page(tx, before_id, limit, token_ref)
        )
        return json_answer({"accesses": found})
