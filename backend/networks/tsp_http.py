"""The token services of all networks over HTTP, on loopback.

    GET  /{network}/tsp/key                          → JWK
    POST /{network}/tsp/tokens                       → 200 grant | 422 {"code", "detail"}
    POST /{network}/tsp/tokens/{ref}/{operation}     → 200 {"status"} | 404 {"code", "detail"}

Operations are suspend, resume and delete. Knows no rule of provisioning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backend.networks.tsp import TokenService
from backend.networks.tsp_terms import TokenGrant, TokenRequest
from backend.runtime.errors import BadRequest, NotFound

BODY_BYTES_MAX = 16_384
REQUEST_FIELDS = tuple(field.name for field in fields(TokenRequest))


def token_service_app(services: Mapping[str, TokenService]) -> Starlette:
    """The HTTP application over these services, by network."""

    def service(request: Request) -> TokenService:
        network = request.path_params["network"]
        if network not in services:
            raise NotFound("network_unknown", f"there is no network {network}")
        return services[network]

    async def key(request: Request) -> Response:
        return _json(service(request).public_key())

    async def tokens(request: Request) -> Response:
        answer = await service(request).request(_token_request(await _body(request)))
        return _json(asdict(answer), 200 if isinstance(answer, TokenGrant) else 422)

    async def operation(request: Request) -> Response:
        wanted = request.path_params
        status = await service(request).change_status(wanted["ref"], wanted["operation"])
        return _json({"status": status})

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, BadRequest)  # noqa: S101 - registered for nothing else
        return _json({"code": error.code, "detail": error.detail}, error.status)

    return Starlette(
        routes=[
            Route("/{network}/tsp/key", key, methods=["GET"]),
            Route("/{network}/tsp/tokens", tokens, methods=["POST"]),
            Route("/{network}/tsp/tokens/{ref}/{operation}", operation, methods=["POST"]),
        ],
        exception_handlers={BadRequest: refused},
    )


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise BadRequest("too_large", f"a token request has at most {BODY_BYTES_MAX} bytes")
    return body


def _token_request(body: bytes) -> TokenRequest:
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("not_json", "the body is no JSON") from error
    if not isinstance(values, dict) or set(values) != set(REQUEST_FIELDS):
        raise BadRequest("bad_fields", f"the fields are {', '.join(REQUEST_FIELDS)}")
    if not all(isinstance(value, str) for value in values.values()):
        raise BadRequest("bad_fields", "every field is text")
    return TokenRequest(**values)


def _json(body: Mapping[str, object], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
