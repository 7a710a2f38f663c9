"""What an answer over HTTP says about its request, or that it says nothing.

Pure judgement for `client`: whether a request may be sent again, whether an answer settles its
Idempotency-Key, and what a refusal is called. Sends nothing.
"""

from __future__ import annotations

import email.utils
from http import HTTPStatus

import httpx
import orjson

from lab.errors import EngineRefused
from lab.json_fields import Json, as_object, text

RETRY_FIRST_S = 0.05
RETRY_MAX_S = 0.5


def demand_readable(response: httpx.Response) -> None:
    """An answer that was spoiled on the way says as little as one that was lost.

    Raises:
        httpx.RemoteProtocolError: it says that it is JSON, and is none.
    """
    if response.content and "json" in response.headers.get("Content-Type", ""):
        try:
            orjson.loads(response.content)
        except ValueError as spoiled:
            raise httpx.RemoteProtocolError(str(spoiled), request=response.request) from spoiled


def may_repeat(method: str, key: str | None, *, may_have_left: bool) -> bool:
    """A request may be sent again if doing it twice is doing it once, or if it never left."""
    return method in {"GET", "PUT", "DELETE"} or key is not None or not may_have_left


def accepted(response: httpx.Response) -> httpx.Response:
    """An answer that says yes.

    Raises:
        EngineRefused: it says no: an RFC 9457 problem, or a bare status.
    """
    if response.is_success:
        return response
    code, detail = f"http_{response.status_code}", response.reason_phrase
    problem: Json = {}
    if "json" in response.headers.get("Content-Type", ""):
        problem = document(response)
        code, detail = text(problem, "code", code), text(problem, "detail", detail)
    raise EngineRefused(code, detail, response.status_code, problem)


def document(response: httpx.Response) -> Json:
    """The JSON object that an answer carries; an empty one for no content.

    Raises:
        EngineRefused: it is none.
    """
    if not response.content:
        return {}
    try:
        return as_object(orjson.loads(response.content), "the engine's answer")
    except ValueError as fault:
        raise EngineRefused("not_json", str(fault), response.status_code) from fault


def leaves_open(response: httpx.Response, *, may_have_left: bool) -> bool:
    """Whether an answer does not say what became of the key, so that it has to be asked again.

    A 409 that time will cure (the first request is still at work) names a Retry-After. An engine
    that is in trouble says nothing about an earlier copy of the request, which may have arrived.
    """
    if response.status_code == HTTPStatus.CONFLICT:
        return "Retry-After" in response.headers
    return may_have_left and response.is_server_error


def retry_after_s(response: httpx.Response) -> float:
    """RFC 9110 10.2.3: seconds; a date is answered with the longest pause."""
    value = response.headers.get("Retry-After", "")
    try:
        return min(max(float(value), RETRY_FIRST_S), RETRY_MAX_S)
    except ValueError:
        return RETRY_MAX_S if email.utils.parsedate(value) else RETRY_FIRST_S
