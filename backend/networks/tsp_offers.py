"""Before a card comes into a wallet: what product it is, its designs, its terms.

    POST /{network}/tsp/offers {"sealed_pan"}        → 200 offer | 422 {"code", "detail"}

Only the network can read the number, so only it can tell the product by the number's range. Nothing
is issued and nothing is written. Knows no rule of provisioning but that a card must be of the
network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.products import CardProduct
from backend.networks.tsp import TokenService
from backend.networks.tsp_terms import CardOffer, DesignOffer, TokenRefused
from backend.networks.tsp_wire import body_of, json_answer, texts
from backend.runtime.errors import NotFound

REFUSED = 422


def offer_of(product: CardProduct) -> CardOffer:
    """A product as wallets hear of it."""
    return CardOffer(
        product=product.name,
        card_type=product.card_type,
        terms_version=product.terms.version,
        terms_text=product.terms.text,
        designs=tuple(DesignOffer(each.id, each.name) for each in product.designs),
    )


def offer_route(services: Mapping[str, TokenService]) -> Route:
    """Asking for an offer, by network."""

    async def offers(request: Request) -> Response:
        network = request.path_params["network"]
        if network not in services:
            raise NotFound("network_unknown", f"there is no network {network}")
        asked = texts(await body_of(request), ("sealed_pan",))
        found = services[network].product_of(asked["sealed_pan"])
        if isinstance(found, TokenRefused):
            return json_answer(asdict(found), REFUSED)
        return json_answer(asdict(offer_of(found)))

    return Route("/{network}/tsp/offers", offers, methods=["POST"])
