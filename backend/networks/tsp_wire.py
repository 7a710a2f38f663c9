"""JSON over HTTP as the token services read and write it. Knows no route and no rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

from backend.runtime.errors import BadRequest

BODY_BYTES_MAX = 16_384
NUMBER_DIGITS_MAX = 18


async def body_of(request: Request, most: int = BODY_BYTES_MAX) -> bytes:
    """The request's body.

    Raises:
        BadRequest: it is longer than a token service reads.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise BadRequest("too_large", f"a token request has at most {most} bytes")
    return body


def texts(body: bytes, names: Iterable[str]) -> dict[str, str]:
    """The fields of a JSON object that has exactly these, each a text.

    Raises:
        BadRequest: it is another body.
    """
    try:
        values = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("not_json", "the body is no JSON") from error
    if not isinstance(values, dict) or set(values) != set(names):
        raise BadRequest("bad_fields", f"the fields are {', '.join(names)}")
    if not all(isinstance(value, str) for value in values.values()):
        raise BadRequest("bad_fields", "every field is text")
    return values


def after_of(request: Request) -> int:
    """After which numbered row a list begins; 0 when the question does not say.

    Raises:
        BadRequest: it is no number.
    """
    after = request.query_params.get("after", "0")
    if not (after.isascii() and after.isdecimal() and len(after) <= NUMBER_DIGITS_MAX):
        raise BadRequest("bad_fields", "after is a number")
    return int(after)


def json_answer(body: Mapping[str, object], status: int = 200) -> Response:
    """A JSON document."""
    return Response(orjson.dumps(body), status, media_type="application/json")
