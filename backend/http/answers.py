"""JSON answers, and errors as `application/problem+json` (RFC 9457) with a stable `code`.

An error never repeats what was sent: a rejected value may be a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from backend.runtime.errors import BackendError, BadRequest, StorageError
from backend.wallet.errors import NetworkUnavailable

log = logging.getLogger("taplab.http")

IN_FLIGHT_RETRY_S = 1
STORAGE_RETRY_S = 1
CONFLICT = 409
UNAVAILABLE = 503
_TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be processed",
    429: "Too many requests",
    500: "Engine error",
    503: "Unavailable",
}
_CODES = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON document."""
    return raw_json(orjson.dumps(body), status, headers)


def raw_json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document that is serialised already."""
    return Response(body, status, headers, media_type="application/json")


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
    members: Mapping[str, object] | None = None,
) -> Response:
    """An error that a program can tell by its `code`."""
    body: dict[str, object] = {
        "type": f"urn:tap-lab:problem:{code}",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    body |= members or {}
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


def problem_of(error: Exception) -> Response:
    """The answer that an exception becomes; what is not expected is logged and stays vague."""
    match error:
        case BadRequest():
            retry_after_s = error.retry_after_s
            if error.status == CONFLICT and error.code.endswith("in_flight"):
                retry_after_s = IN_FLIGHT_RETRY_S
            headers = dict(error.headers)
            if retry_after_s is not None:
                headers["Retry-After"] = str(retry_after_s)
            return problem(
                error.status,
                error.code,
                error.detail,
                field=error.field,
                headers=headers or None,
                members=error.members,
            )
        case NetworkUnavailable():
            retry = {"Retry-After": str(IN_FLIGHT_RETRY_S)}
            return problem(UNAVAILABLE, "network_unavailable", str(error), headers=retry)
        case StorageError():
            log.error("storage: %s", error)
            retry = {"Retry-After": str(STORAGE_RETRY_S)}
            return problem(
                UNAVAILABLE,
                "storage_failed",
                "the database refused; nothing is half written: try again",
                headers=retry,
            )
        case HTTPException():
            code = _CODES.get(error.status_code, f"http_{error.status_code}")
            return problem(error.status_code, code, str(error.detail), headers=error.headers)
        case RequestValidationError():
            return _invalid_body(error)
        case _:
            log.error("unexpected error", exc_info=error)
            return problem(500, "internal_error", "the engine failed; its log says where")


def install(app: FastAPI) -> None:
    """Turn every exception of the app's routes into a problem."""

    async def answer(_request: Request, error: Exception) -> Response:
        return problem_of(error)

    for kind in (BackendError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _invalid_body(error: RequestValidationError) -> Response:
    first = error.errors()[0]
    kind = str(first.get("type", ""))
    where = [str(part) for part in first.get("loc", ()) if part not in {"body", "query", "path"}]
    field = ".".join(where) or None
    if kind == "extra_forbidden":
        return problem(400, "unknown_field", f"unknown field {field}", field=field)
    if kind == "missing":
        return problem(400, "missing_field", f"{field or 'a JSON body'} is required", field=field)
    if kind == "json_invalid":
        return problem(400, "invalid_json", "the body is not JSON")
    if kind == "model_attributes_type":
        return problem(400, "invalid_json", "send a JSON object as application/json")
    return problem(400, "invalid_field", str(first.get("msg", "invalid")), field=field)
