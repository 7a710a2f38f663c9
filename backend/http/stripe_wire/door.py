"""The door of `/v1` and of the design's paths: who asks, for what, answered once.

Plain ASGI. Reads a bounded body, finds the merchant behind the secret key (Basic, RFC 7617, or
Bearer, RFC 6750), the route, the parameters, and carries out what the route says (`call`). Every
answer has a `Request-Id`; every refusal is the envelope of `errors`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backend.domain.identifiers import ordered_identifier
from backend.gateway.merchant_account import MerchantAccount
from backend.gateway.wire_keys import WireKeyRows
from backend.http.stripe_wire import keys
from backend.http.stripe_wire.call import Call, Find, Read, Resource
from backend.http.stripe_wire.carrying import Answer, Carrier
from backend.http.stripe_wire.errors import IDEMPOTENCY, WireError, no_route, wire_error_of
from backend.http.stripe_wire.expansion import take_expansions
from backend.http.stripe_wire.forms import Form, form_of_json, parse_form
from backend.http.stripe_wire.routing import Routes
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream
from backend.runtime.events import EventLog
from backend.runtime.store import Store
from backend.storage.database import Transaction

BODY_BYTES_MAX = 256 * 1024
FORM_TYPE = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"

Admit = Callable[[MerchantAccount], Awaitable[Mapping[str, str]]]
"""Counts a call of a merchant: headers for the answer; raises what refuses it."""


async def everyone(_merchant: MerchantAccount) -> Mapping[str, str]:
    """No limits."""
    return {}


@dataclass(frozen=True, slots=True)
class WirePorts:
    """Everything that the door takes from outside.

    Attributes:
        merchant_of: whose a secret key is; None for a key that opens nothing.
        identifiers: of requests.
        hash_key: for the digests of requests, which may hold a card's number.
        admit: the merchants' rate limits.
    """

    store: Store[Transaction]
    rows: WireKeyRows[Transaction]
    merchant_of: Callable[[str], MerchantAccount | None]
    events: EventLog
    clock: Clock
    identifiers: Stream
    hash_key: bytes
    admit: Admit = everyone


class WireDoor:
    """Answers everything under `/v1`, and the design's paths."""

    def __init__(self, ports: WirePorts, resources: Sequence[Resource]) -> None:
        self._ports = ports
        self._routes = Routes(route for each in resources for route in each.routes)
        finders: dict[str, Find] = {}
        for each in resources:
            assert not finders.keys() & each.finders.keys(), "two resources show one kind"
            finders |= each.finders
        self._carrier = Carrier(ports.store, ports.rows, ports.events, finders)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        now_us = self._ports.clock.now_us()
        request_id = ordered_identifier("req", now_us, self._ports.identifiers)
        headers: dict[str, str] = {"Request-Id": request_id}
        try:
            answer = await self._answer(Request(scope, receive), request_id, now_us, headers)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer
            refusal = wire_error_of(error)
            answer = Answer(refusal.status, orjson.dumps(refusal.to_json()), refusal.headers)
        response = Response(
            answer.body, answer.status, {**headers, **answer.headers}, "application/json"
        )
        await response(scope, receive, send)

    async def _answer(
        self, request: Request, request_id: str, now_us: int, headers: dict[str, str]
    ) -> Answer:
        merchant = self._merchant(request.headers.get("authorization"))
        headers |= await self._ports.admit(merchant)
        if "stripe-account" in request.headers:
            raise WireError(
                "This key acts for its own account only: leave Stripe-Account out.",
                status=403, code="account_invalid", keeps=False,
            )  # fmt: skip
        method, path = request.method, request.scope["path"]
        found = self._routes.find(method, path)
        if found is None:
            raise no_route(method, path)
        route, ids = found
        form = await _form(request)
        key = request.headers.get("idempotency-key")
        if not path.startswith("/v1/"):
            key = _taken_key(form, key)
        request_hash = keys.request_hash(self._ports.hash_key, method, path, form)
        expand = take_expansions(form)
        call = Call(merchant, method, path, ids, form, request_id, now_us)
        if isinstance(route.body, Read):
            return self._carrier.read(call, route.body, expand)
        key = keys.check_key(key) if method == "POST" else None
        return await self._carrier.carry_out(call, route.body, expand, key, request_hash)

    def _merchant(self, header: str | None) -> MerchantAccount:
        secret = _secret(header)
        merchant = None if secret is None else self._ports.merchant_of(secret)
        if merchant is not None:
            return merchant
        raise WireError(
            "Show a secret key: as the user name of Basic, or as Bearer."
            if secret is None
            else "This key opens nothing: it is wrong, rolled or revoked.",
            status=401,
            code="api_key_missing" if secret is None else "api_key_invalid",
            headers={"WWW-Authenticate": 'Basic realm="Tap Lab"'},
            keeps=False,
        )


def _taken_key(form: Form, header: str | None) -> str | None:
    """The key of the design's bodies, taken out: the request is the same however its key came.

    Raises:
        WireError: header and body name different keys.
    """
    inside = form.pop("idempotency_key", header)
    if header not in (None, inside) or not isinstance(inside, str | None):
        raise WireError(
            "Header and body name different keys.",
            kind=IDEMPOTENCY, code="idempotency_key_invalid", param="idempotency_key", keeps=False,
        )  # fmt: skip
    return inside


def _secret(header: str | None) -> str | None:
    """The key of an Authorization header; None where there is none."""
    scheme, _, credential = (header or "").partition(" ")
    match scheme.lower():
        case "bearer":
            return credential.strip() or None
        case "basic":
            try:
                told = base64.b64decode(credential.strip(), validate=True).decode("ascii")
            except (binascii.Error, UnicodeDecodeError):
                return None
            return told.partition(":")[0] or None
        case _:
            return None


async def _form(request: Request) -> Form:
    """The parameters: of the body for POST, of the address otherwise."""
    query = request.scope["query_string"]
    if request.method != "POST":
        return parse_form(query)
    body = await _body(request)
    kind = request.headers.get("content-type", FORM_TYPE).partition(";")[0].strip().lower()
    if kind == JSON_TYPE and not request.scope["path"].startswith("/v1/"):
        return form_of_json(body)
    if body and kind != FORM_TYPE:
        raise WireError(f"Send parameters as {FORM_TYPE}.", code="parameter_invalid", keeps=False)
    return parse_form(body + b"&" + query if query else body)


async def _body(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > BODY_BYTES_MAX:
        raise _too_large()
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    return bytes(body)


def _too_large() -> HTTPException:
    return HTTPException(413, f"A request has at most {BODY_BYTES_MAX} bytes.")
