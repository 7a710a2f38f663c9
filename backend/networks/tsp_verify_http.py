"""Verification of cardholders over HTTP, and the mailbox of what banks sent; on loopback.

    GET  /{network}/tsp/tokens/{ref}/verification    → 200 {"outcome", "methods", …} | 404
    POST /{network}/tsp/tokens/{ref}/code            → likewise; {"method", "request_id"}
    POST /{network}/tsp/tokens/{ref}/verification    → likewise; {"method", "code", "request_id"}
    GET  /notices?after={id}                         → 200 {"notices"}

Knows no rule of verification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.mailbox import Mailbox
from backend.networks.tsp_terms import Verification
from backend.networks.tsp_verify import Verifications
from backend.networks.tsp_wire import after_of, body_of, json_answer, texts
from backend.runtime.errors import NotFound


def verification_routes(verifications: Mapping[str, Verifications]) -> list[Route]:
    """The steps of a verification, by network and token."""

    def of(request: Request) -> tuple[Verifications, str]:
        network = request.path_params["network"]
        if network not in verifications:
            raise NotFound("network_unknown", f"there is no network {network}")
        return verifications[network], request.path_params["ref"]

    async def look(request: Request) -> Response:
        service, ref = of(request)
        return _shown(await service.look(ref))

    async def send(request: Request) -> Response:
        service, ref = of(request)
        wanted = texts(await body_of(request), ("method", "request_id"))
        return _shown(await service.send(ref, wanted["method"], wanted["request_id"]))

    async def check(request: Request) -> Response:
        service, ref = of(request)
        typed = texts(await body_of(request), ("method", "code", "request_id"))
        return _shown(await service.check(ref, typed["method"], typed["code"], typed["request_id"]))

    return [
        Route("/{network}/tsp/tokens/{ref}/verification", look, methods=["GET"]),
        Route("/{network}/tsp/tokens/{ref}/verification", check, methods=["POST"]),
        Route("/{network}/tsp/tokens/{ref}/code", send, methods=["POST"]),
    ]


def mailbox_route(mailbox: Mailbox) -> Route:
    """What the banks sent, the oldest first."""

    async def notices(request: Request) -> Response:
        found = mailbox.after(after_of(request))
        return json_answer({"notices": [asdict(notice) for notice in found]})

    return Route("/notices", notices, methods=["GET"])


def _shown(answer: Verification) -> Response:
    return json_answer({**asdict(answer), "outcome": answer.outcome.value})
