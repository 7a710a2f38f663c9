"""What becomes of issued tokens, over HTTP, on loopback.

    GET  /{network}/tsp/tokens/{ref}                 → 200 state | 404 {"code", "detail"}
    POST /{network}/tsp/tokens/{ref}/{operation}     → likewise; {"by", "reason"}
    POST /{network}/tsp/tokens/{ref}/refresh         → 200 grant | 404 | 409
    GET  /{network}/tsp/events?after={id}            → 200 {"events"}

Operations are suspend, resume, delete and replace-card. Knows no rule of a token's life.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.tsp_life import Asked, TokenLives
from backend.networks.tsp_wire import after_of, body_of, json_answer, texts
from backend.runtime.errors import NotFound


def life_routes(lives: Mapping[str, TokenLives]) -> list[Route]:
    """Looking at tokens and changing them, by network."""

    def of(request: Request) -> TokenLives:
        network = request.path_params["network"]
        if network not in lives:
            raise NotFound("network_unknown", f"there is no network {network}")
        return lives[network]

    async def look(request: Request) -> Response:
        return json_answer(asdict(of(request).look(request.path_params["ref"])))

    async def events(request: Request) -> Response:
        found = of(request).events(after_of(request))
        return json_answer({"events": [asdict(event) for event in found]})

    async def refresh(request: Request) -> Response:
        return json_answer(asdict(await of(request).refresh(request.path_params["ref"])))

    async def change(request: Request) -> Response:
        ref, operation = request.path_params["ref"], request.path_params["operation"]
        asked = Asked(**texts(await body_of(request), ("by", "reason")))
        if operation == "replace-card":
            return json_answer(asdict(await of(request).replace_card(ref, asked)))
        return json_answer(asdict(await of(request).change(ref, operation, asked)))

    return [
        Route("/{network}/tsp/events", events, methods=["GET"]),
        Route("/{network}/tsp/tokens/{ref}", look, methods=["GET"]),
        Route("/{network}/tsp/tokens/{ref}/refresh", refresh, methods=["POST"]),
        Route("/{network}/tsp/tokens/{ref}/{operation}", change, methods=["POST"]),
    ]
