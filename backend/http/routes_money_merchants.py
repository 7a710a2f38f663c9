"""`/lab/merchants`: take merchants on, set them up, give and end their keys, read their mail.

For the laboratory, behind the local token like everything under `/lab`. A key's secret is in the
answer that makes it and in no other. Knows HTTP; decides nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from backend.gateway.api_keys import GRACE_S, ApiKeys, NewKey
from backend.gateway.merchant_notices import MerchantNotices
from backend.gateway.merchants import Merchants
from backend.http.answers import json_answer
from backend.http.bodies import Body
from backend.runtime.clock import Clock
from backend.storage.audit_rows import BEYOND_EVERY_ID
from backend.storage.database import Transaction

CREATED = 201
NO_STORE = {"Cache-Control": "no-store"}  # a secret is not for anybody's cache


class MerchantSettings(Body):
    """Settings to be taken over; what is not named stays (or is the default)."""

    name: str | None = None
    category: str | None = None
    country: str | None = None
    settlement_currency: str | None = None
    payout_schedule: str | None = None
    fee_plan: dict[str, object] | None = None
    tier: int | None = None
    statement_name: str | None = None
    reserve_basis_points: int | None = None
    dispute_fee: str | None = None
    dispute_fee_back_if_won: bool | None = None
    evidence_days: int | None = None


class KeyRoll(Body):
    """How long the old key stays good, seconds of lab time."""

    grace_s: int = Field(default=GRACE_S)


@dataclass(frozen=True, slots=True)
class MerchantRoutes:
    """Merchants, keys, notices."""

    merchants: Merchants[Transaction]
    keys: ApiKeys[Transaction]
    notices: MerchantNotices[Transaction]
    clock: Clock

    def router(self) -> APIRouter:
        """The routes, without the `/lab` in front."""
        router = APIRouter(default_response_class=Response, tags=["merchants"])
        add = router.add_api_route
        add("/merchants", self.list_all, methods=["GET"])
        add("/merchants", self.take_on, methods=["POST"])
        add("/merchants/notices", self.mail, methods=["GET"])
        add("/merchants/{merchant_id}", self.look, methods=["GET"])
        add("/merchants/{merchant_id}", self.change, methods=["POST"])
        add("/merchants/{merchant_id}/keys", self.create_key, methods=["POST"])
        add("/merchants/{merchant_id}/keys/{key_id}/roll", self.roll_key, methods=["POST"])
        add("/merchants/{merchant_id}/keys/{key_id}/revoke", self.revoke_key, methods=["POST"])
        return router

    async def list_all(self) -> Response:
        """Every merchant with its settings."""
        return json_answer({"merchants": [each.to_json() for each in self.merchants.all()]})

    async def take_on(self, body: MerchantSettings) -> Response:
        """A new merchant, with its first key (the only time that its secret is shown)."""
        account = await self.merchants.take_on(body.model_dump(exclude_unset=True))
        made = await self.keys.create(account.id)
        shown = {"merchant": account.to_json(), "key": self._with_secret(made)}
        return json_answer(shown, CREATED, NO_STORE)

    async def look(self, merchant_id: str) -> Response:
        """A merchant with its settings and its keys (never a secret)."""
        account = self.merchants.find(merchant_id)
        now_us = self.clock.now_us()
        keys = [key.to_json(now_us) for key in self.keys.of_merchant(merchant_id)]
        return json_answer({"merchant": account.to_json(), "keys": keys})

    async def change(self, merchant_id: str, body: MerchantSettings) -> Response:
        """Change settings; what is not named stays."""
        account = await self.merchants.change(merchant_id, body.model_dump(exclude_unset=True))
        return json_answer({"merchant": account.to_json()})

    async def create_key(self, merchant_id: str) -> Response:
        """A further key; its secret is shown here and never again."""
        made = await self.keys.create(merchant_id)
        return json_answer({"key": self._with_secret(made)}, CREATED, NO_STORE)

    async def roll_key(
        self, merchant_id: str, key_id: str, body: KeyRoll | None = None
    ) -> Response:
        """A new key; the old one stays good for `grace_s`."""
        made = await self.keys.roll(merchant_id, key_id, (body or KeyRoll()).grace_s)
        return json_answer({"key": self._with_secret(made)}, CREATED, NO_STORE)

    async def revoke_key(self, merchant_id: str, key_id: str) -> Response:
        """End a key at once."""
        ended = await self.keys.revoke(merchant_id, key_id)
        return json_answer({"key": ended.to_json(self.clock.now_us())})

    async def mail(
        self,
        after: int = Query(default=0, ge=0, le=BEYOND_EVERY_ID),
        merchant_id: str | None = Query(default=None, max_length=64),
    ) -> Response:
        """What was written to merchants, oldest first."""
        found = self.notices.after(after, merchant_id)
        return json_answer({"notices": [asdict(notice) for notice in found]})

    def _with_secret(self, made: NewKey) -> dict[str, object]:
        return {**made.key.to_json(self.clock.now_us()), "secret": made.secret}
