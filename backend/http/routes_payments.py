"""`POST /api/payments/nfc`: the hot path, a plain ASGI route without a framework in between.

A till has no cookie: it shows the engine's local token. Keys are scoped by merchant, so two
merchants may use the same one. The answer's bytes come from the store as they are; only a header
tells a replay from the first telling.
"""

from __future__ import annotations

import hashlib

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backend.http.answers import problem, problem_of, raw_json
from backend.http.front_door import LocalToken
from backend.http.routes_wallet import KEY_HEADER, idempotency_key
from backend.payments.engine import PaymentEngine
from backend.payments.idempotency import Reply
from backend.payments.order import order_from_json
from backend.runtime.errors import BadRequest
from backend.storage.database import Transaction

NFC_PATH = "/api/payments/nfc"


class NfcRoute:
    """Takes a tap to the payment engine."""

    def __init__(self, engine: PaymentEngine[Transaction], token: LocalToken) -> None:
        self._engine = engine
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one tap on the short way."""
        answer = await self.answer(Request(scope, receive))
        head = {"type": "http.response.start", "status": answer.status_code}
        await send({**head, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def answer(self, request: Request) -> Response:
        """The answer to one tap; every error is an answer too."""
        if not self._token.opens(request.scope):
            return problem(
                401,
                "local_token_required",
                "a till shows the text of engine.token as Authorization: Bearer",
                headers={"WWW-Authenticate": "Bearer"},
            )
        try:
            reply = await self._pay(request)
        except Exception as error:  # noqa: BLE001 - every error becomes an answer, as in the app
            return problem_of(error)
        headers = {"Idempotent-Replayed": "true"} if reply.replayed else None
        return raw_json(reply.body, reply.status, headers)

    async def _pay(self, request: Request) -> Reply:
        body = json_object(await request.body())
        key = _key(request, body)
        order = order_from_json(body)
        return await self._engine.pay(
            order, account=order.merchant_id, key=key, request_hash=body_hash(body)
        )


def _key(request: Request, body: dict[str, object]) -> str:
    """The key of a header or, for tills that cannot set one, of the body's `idempotencyKey`.

    Taken out of the body: the request is the same one however its key came.

    Raises:
        BadRequest: none, one that cannot be a key, or two different ones.
    """
    inside = body.pop("idempotencyKey", None)
    if inside is None:
        return idempotency_key(request)
    if not isinstance(inside, str) or not inside:
        raise BadRequest(
            "bad_value", "idempotencyKey is a text that is not empty", field="idempotencyKey"
        )
    if request.headers.get(KEY_HEADER, inside) != inside:
        raise BadRequest("idempotency_key_differs", "header and body name different keys")
    return inside


def json_object(raw: bytes) -> dict[str, object]:
    """A request's body.

    Raises:
        BadRequest: `invalid_json`.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest("invalid_json", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("invalid_json", "the body is not a JSON object")
    return body


def body_hash(body: dict[str, object]) -> bytes:
    """What a key belongs to: the same for the same fields in any order."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
