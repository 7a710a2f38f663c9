"""`GET /pay/{link}`: the page on which a stranger pays a link, and the two routes that it asks.

The page loads its own two files and talks to this engine only; the number that is typed goes from
the body's parser straight into the vault. A link's name is what opens it. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from backend.domain.money import format_amount
from backend.gateway.merchant_account import MerchantAccount
from backend.gateway.payment_links import Link, PaymentLinks
from backend.http.answers import json_answer, problem
from backend.http.bodies import Body
from backend.http.shop_page import page_headers
from backend.http.stripe_wire.call import Begun, Call, Done
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.errors import WireError
from backend.runtime.clock import Clock
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.vault.card_entry import CardEntry

NUMBER_LENGTH_MAX = 40
YEAR_MAX = 9_999
SUCCEEDED = "succeeded"
NO_STORE = {"Cache-Control": "no-store"}
_FILES = {
    "pay.css": ("pay.css", "text/css"),
    "pay.js": ("pay.js", "text/javascript"),
}


class TypedCard(Body):
    """A card as a stranger types it."""

    number: str = Field(max_length=NUMBER_LENGTH_MAX, repr=False)
    exp_month: int = Field(ge=1, le=12)
    exp_year: int = Field(ge=0, le=YEAR_MAX)
    cvc: str = Field(max_length=4, repr=False)


@dataclass(frozen=True, slots=True)
class PayPage:
    """The page and what it asks.

    Attributes:
        merchant_of: a merchant inside a unit of work.
    """

    links: PaymentLinks[Transaction]
    money: Money
    merchant_of: Callable[[Transaction, str], MerchantAccount]
    events: EventLog
    clock: Clock

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(default_response_class=Response, tags=["payment links"])
        add = router.add_api_route
        for name, (file, kind) in _FILES.items():
            add(f"/pay/files/{name}", _File(file, kind).serve, methods=["GET"])
        add("/pay/{link_id}", _File("index.html", "text/html").page, methods=["GET"])
        add("/pay/{link_id}/about", self.about, methods=["GET"])
        add("/pay/{link_id}", self.pay, methods=["POST"])
        return router

    async def about(self, link_id: str) -> Response:
        """What a link asks for, and whether it can be paid."""
        return json_answer(
            self.money.store.read(lambda tx: self._about(tx, self.links.named(tx, link_id))),
            headers=NO_STORE,
        )

    async def pay(self, link_id: str, body: TypedCard) -> Response:
        """Pay a link with a typed card; a declined one may be followed by another card."""
        entry = CardEntry(body.number, body.exp_month, body.exp_year, body.cvc)
        merchant, begun = await self.money.store.write(partial(self._begin, link_id, entry))
        self._publish(begun)
        path = f"/pay/{link_id}"
        call = Call(merchant, "POST", path, {}, {}, link_id, self.clock.now_us())
        last = await self.money.go_on(call, begun.object_id)
        try:
            ended = await self.money.store.write(last)
        except WireError as refusal:
            return problem(refusal.status, refusal.code or "declined", refusal.message)
        self._publish(ended)
        paid = ended.body["status"] == SUCCEEDED
        shown = self.money.store.read(lambda tx: self._about(tx, self.links.named(tx, link_id)))
        return json_answer(shown, 200 if paid else 202, headers=NO_STORE)

    def _begin(
        self, link_id: str, entry: CardEntry, tx: Transaction
    ) -> tuple[MerchantAccount, Begun]:
        link = self.links.named(tx, link_id)
        merchant = self.merchant_of(tx, link.kept.merchant_id)
        method = self.money.methods.create(tx, merchant.id, entry)
        return merchant, Begun(*self.links.begin(tx, link, method.id))

    def _about(self, tx: Transaction, link: Link) -> dict[str, object]:
        kept = link.kept
        amount_minor, currency = link.number("amount_minor"), str(kept.data["currency"])
        return {
            "merchant": self.merchant_of(tx, kept.merchant_id).name,
            "description": kept.data["description"],
            "amount": amount_minor,
            "currency": currency,
            "amountText": format_amount(amount_minor, currency),
            "status": link.state.value,
            "successUrl": kept.data["success_url"] if link.state.value == "paid" else None,
        }

    def _publish(self, unit: Begun | Done) -> None:
        for event in unit.events:
            self.events.publish(event)
        for call in unit.after:
            call()


class _File:
    """One file of the page, read once."""

    def __init__(self, name: str, kind: str) -> None:
        self._content = files("backend.http").joinpath("pay", name).read_bytes()
        self._kind = f"{kind}; charset=utf-8"

    async def serve(self) -> Response:
        """A file of the page."""
        return Response(self._content, media_type=self._kind, headers=page_headers())

    async def page(self, link_id: str) -> Response:
        """The page itself, the same for every link; it asks which one it is for."""
        del link_id
        return await self.serve()
