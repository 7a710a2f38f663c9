"""`POST /api/payments/nfc`: the hot path, a plain ASGI route without a framework in between.

A till has no cookie: it shows the engine's local token. Keys are scoped by merchant, so two
merchants may use the same one. The answer's bytes come from the store as they are; only a header
tells a replay from the first telling.
"""

from __future__ import annotations

import hashlib

import orjson
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from backend.http.answers import problem, problem_of, raw_json
from backend.http.front_door import BodyTooLargeError, LocalToken
from backend.http.routes_wallet import idempotency_key
from backend.payments.engine import PaymentEngine
from backend.payments.order import order_from_json
from backend.runtime.errors import BadRequest

NFC_PATH = "/api/payments/nfc"
KEY_LENGTH_MAX = 255


class NfcRoute:
    """Takes a tap to the payment engine."""

    def __init__(self, engine: PaymentEngine, token: LocalToken) -> None:
        self._engine = engine
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._token.opens(scope):
            answer = problem(
                401,
                "local_token_required",
                "a till shows the text of engine.token as Authorization: Bearer",
                headers={"WWW-Authenticate": "Bearer"},
            )
            await answer(scope, receive, send)
            return
        try:
            request = Request(scope, receive)
            key = idempotency_key(request)
            if len(key) > KEY_LENGTH_MAX:
                raise BadRequest(
                    "idempotency_key_invalid", f"a key has at most {KEY_LENGTH_MAX} characters"
                )
            body = _object(await request.body())
            order = order_from_json(body)
            reply = await self._engine.pay_nfc(
                order, account=order.merchant_id, key=key, request_hash=_hash(body)
            )
        except BodyTooLargeError:
            raise  # the front door answers
        except Exception as error:  # noqa: BLE001 - every error becomes an answer, as in the app
            answer = problem_of(error)
        else:
            headers = {"Idempotent-Replayed": "true"} if reply.replayed else None
            answer = raw_json(reply.body, reply.status, headers)
        await answer(scope, receive, send)


def _object(raw: bytes) -> dict[str, object]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest("invalid_json", "the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("invalid_json", "the body is not a JSON object")
    return body


def _hash(body: dict[str, object]) -> bytes:
    """The same for the same fields in any order."""
    return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).digest()
