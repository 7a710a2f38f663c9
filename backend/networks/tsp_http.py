"""The token services of all networks over HTTP, on loopback.

    GET  /{network}/tsp/key                          → JWK
    GET  /{network}/tsp/authority                    → 200 the CA's public key | 404 none yet
    POST /{network}/tsp/authority                    → the same, made if it is not there yet
    POST /{network}/tsp/tokens                       → 200 grant | 422 {"code", "detail"}

Offers before it, verification, what becomes of tokens later, and disputes are beside it
(`tsp_offers`, `tsp_verify_http`, `tsp_life_http`, `disputes_http`).
Knows no rule of provisioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.disputes import DisputeDesk
from backend.networks.disputes_http import dispute_routes
from backend.networks.mailbox import Mailbox
from backend.networks.tsp import TokenService
from backend.networks.tsp_life import TokenLives
from backend.networks.tsp_life_http import life_routes
from backend.networks.tsp_offers import offer_route
from backend.networks.tsp_terms import Colour, TokenGrant, TokenRequest
from backend.networks.tsp_verify import Verifications
from backend.networks.tsp_verify_http import mailbox_route, verification_routes
from backend.networks.tsp_wire import body_of, json_answer, texts
from backend.runtime.errors import BadRequest, NotFound

REQUEST_FIELDS = tuple(field.name for field in fields(TokenRequest))


def token_service_app(
    services: Mapping[str, TokenService],
    verifications: Mapping[str, Verifications],
    lives: Mapping[str, TokenLives],
    mailbox: Mailbox,
    desks: Mapping[str, DisputeDesk],
) -> Starlette:
    """The HTTP application over all of these, by network, and over the banks' mailbox."""

    def service(request: Request) -> TokenService:
        network = request.path_params["network"]
        if network not in services:
            raise NotFound("network_unknown", f"there is no network {network}")
        return services[network]

    async def key(request: Request) -> Response:
        return json_answer(service(request).public_key())

    async def authority(request: Request) -> Response:
        made = request.method == "POST"
        of_network = service(request).authority
        found = await of_network.made() if made else of_network.known()
        if found is None:
            raise NotFound("no_authority", "this network has no certification authority here")
        return json_answer(found.to_json())

    async def tokens(request: Request) -> Response:
        answer = await service(request).request(_token_request(await body_of(request)))
        return json_answer(asdict(answer), 200 if isinstance(answer, TokenGrant) else 422)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, BadRequest)
        return json_answer({"code": error.code, "detail": error.detail}, error.status)

    return Starlette(
        routes=[
            Route("/{network}/tsp/key", key, methods=["GET"]),
            Route("/{network}/tsp/authority", authority, methods=["GET", "POST"]),
            Route("/{network}/tsp/tokens", tokens, methods=["POST"]),
            offer_route(services),
            *verification_routes(verifications),
            mailbox_route(mailbox),
            *life_routes(lives),
            *dispute_routes(desks),
        ],
        exception_handlers={BadRequest: refused},
    )


def _token_request(body: bytes) -> TokenRequest:
    values = texts(body, REQUEST_FIELDS)
    if values["wallet_decision"] not in {colour.value for colour in Colour}:
        raise BadRequest("bad_fields", "wallet_decision is green, yellow or red")
    return TokenRequest(**values)
