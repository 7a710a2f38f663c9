"""`/payment_links`: the first gateway design's links, made and looked at by their merchant.

JSON in and out. The page that strangers see is `backend.http.pay_page`. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from backend.gateway.payment_links import Link, PaymentLinks
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.errors import WireError
from backend.runtime.clock import to_iso
from backend.storage.database import Transaction

TEXT_LENGTH_MAX = 255
URL_LENGTH_MAX = 2_000


@dataclass(frozen=True, slots=True)
class PaymentLinkRoutes:
    """The routes of payment links.

    Attributes:
        base_url: where this engine is reached, for the links' addresses.
    """

    links: PaymentLinks[Transaction]
    base_url: Callable[[], str]

    def resource(self) -> Resource:
        """What this module serves."""
        return Resource(
            (
                Route("POST", "/payment_links", Write(self.create)),
                Route("GET", "/payment_links/{id}", Read(self.retrieve)),
            )
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """A link that can be paid for seven days."""
        with call.params() as params:
            success_url = params.text("success_url", length_max=URL_LENGTH_MAX)
            fields: Json = {
                "amount_minor": params.needed("amount", params.amount()),
                "currency": params.currency() or call.merchant.settlement_currency,
                "description": params.text("description", length_max=TEXT_LENGTH_MAX) or "",
                "success_url": None if success_url is None else _web_address(success_url),
            }
        link, events = self.links.create(tx, call.merchant.id, fields)
        return Done(self._show(link), events)

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One link."""
        call.params().done()
        return self._show(self.links.of(tx, call.merchant.id, call.ids["id"]))

    def _show(self, link: Link) -> Json:
        kept = link.kept
        return {
            "link_id": kept.id,
            "url": f"{self.base_url()}/pay/{kept.id}",
            "status": link.state.value,
            "amount": link.number("amount_minor"),
            "currency": str(kept.data["currency"]).lower(),
            "description": kept.data["description"],
            "success_url": kept.data["success_url"],
            "payment_id": kept.data.get("intent_id"),
            "expires_at": to_iso(link.expires_at_us),
        }


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WireError(
            "success_url is an address of the web: http or https.",
            code="url_invalid", param="success_url",
        )  # fmt: skip
    return text
