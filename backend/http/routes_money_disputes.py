"""`/lab/disputes`: have a payment disputed, and act for its merchant in front of the laboratory.

Behind the local token like everything under `/lab`. Knows HTTP; decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from backend.gateway.dispute_schedule import DisputeSchedule
from backend.gateway.disputes import DisputeChange, Disputes
from backend.gateway.pages import Page
from backend.http.answers import json_answer
from backend.http.bodies import Body
from backend.storage.database import Store, Transaction

PAGE_ROWS_MAX = 100


class CaseOrder(Body):
    """A cardholder's bank disputes a captured payment; all that is left of it by default."""

    payment_id: str = Field(max_length=64)
    reason: str = Field(default="fraudulent", max_length=64)
    amount_minor: int | None = None


class Evidence(Body):
    """What the merchant keeps ready, or hands in."""

    evidence: dict[str, str] = Field(default_factory=dict, max_length=64)
    submit: bool = False


@dataclass(frozen=True, slots=True)
class DisputeRoutes:
    """Disputes of every merchant."""

    store: Store
    disputes: Disputes[Transaction]
    schedule: DisputeSchedule[Transaction]

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["disputes"])
        add = router.add_api_route
        add("/disputes", self.list_all, methods=["GET"])
        add("/disputes", self.raise_case, methods=["POST"])
        add("/disputes/{dispute_id}", self.look, methods=["GET"])
        add("/disputes/{dispute_id}/evidence", self.answer, methods=["POST"])
        add("/disputes/{dispute_id}/close", self.close, methods=["POST"])
        return router

    async def list_all(
        self,
        limit: int = Query(default=50, ge=1, le=PAGE_ROWS_MAX),
        before_id: str | None = Query(default=None, max_length=64),
        merchant_id: str | None = Query(default=None, max_length=64),
        payment_id: str | None = Query(default=None, max_length=64),
    ) -> Response:
        """Disputes, newest first."""
        page = Page(limit, before_id)
        found = self.store.read(
            lambda tx: self.disputes.page(tx, merchant_id, page, payment_id)[:limit]
        )
        return json_answer({"disputes": [dispute.to_json() for dispute in found]})

    async def raise_case(self, body: CaseOrder) -> Response:
        """Have a payment disputed at its network; disputed already, the dispute that there is."""
        dispute = await self.schedule.raise_case(body.payment_id, body.reason, body.amount_minor)
        return json_answer({"dispute": dispute.to_json()})

    async def look(self, dispute_id: str) -> Response:
        """One dispute."""
        dispute = self.store.read(lambda tx: self.disputes.of(tx, None, dispute_id))
        return json_answer({"dispute": dispute.to_json()})

    async def answer(self, dispute_id: str, body: Evidence) -> Response:
        """Keep evidence; with `submit`, the network gets it."""
        return self._told(
            await self.store.write(
                lambda tx: self.disputes.update(
                    tx, None, dispute_id, evidence=body.evidence, submit=body.submit
                )
            )
        )

    async def close(self, dispute_id: str) -> Response:
        """Give a dispute up."""
        own = await self.schedule.reference()
        return self._told(
            await self.store.write(lambda tx: self.disputes.accept(tx, None, dispute_id, own))
        )

    def _told(self, change: DisputeChange) -> Response:
        self.disputes.publish(change)
        return json_answer({"dispute": change.dispute.to_json()})
