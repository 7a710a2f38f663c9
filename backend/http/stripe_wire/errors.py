"""What a caller of `/v1` is told when a request is refused: one envelope, a few types.

`{"error": {"type", "code", "message", "param", "decline_code"}}` with the status that the ordinary
clients turn into their exception classes: 400 and 404 invalid request, 401 key, 402 card, 403
permission, 409 key in flight, 429 rate. Rules raise `BadRequest` with codes of their own; here
they become the wire's codes. An error never repeats a value that could be a secret.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from starlette.exceptions import HTTPException

from backend.payments.idempotency import KeyInFlight
from backend.runtime.errors import BackendError, BadRequest, StorageError
from backend.wallet.errors import NetworkUnavailable

log = logging.getLogger("taplab.http.wire")

INVALID_REQUEST = "invalid_request_error"
IDEMPOTENCY = "idempotency_error"
CARD = "card_error"
API = "api_error"
RATE_LIMIT = "rate_limit_error"

_CODES = {
    "payment_not_found": "resource_missing",
    "amount_not_whole": "parameter_invalid_integer",
    "amount_not_positive": "parameter_invalid_integer",
    "amount_too_large": "amount_too_large",
    "currency_unknown": "invalid_currency",
    "already_captured": "charge_already_captured",
    "capture_exceeds_authorization": "amount_too_large",
    "refund_exceeds_capture": "amount_too_large",
    "body_too_large": "request_too_large",
}


class WireError(BackendError):
    """A request under `/v1` that is refused.

    Attributes:
        status: HTTP status.
        kind: the envelope's `type`.
        code: stable word that a program may test.
        param: the offending parameter, as it was sent: `card[number]`.
        members: what else the envelope says (a card error names its payment intent).
        keeps: whether an idempotency key keeps this answer; parameters that cannot be read, it
            does not.
        headers: more headers.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID_REQUEST,
        code: str | None = None,
        param: str | None = None,
        members: Mapping[str, object] | None = None,
        keeps: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.members = dict(members or {})
        self.keeps = keeps
        self.headers = dict(headers or {})

    def to_json(self) -> dict[str, object]:
        """The envelope."""
        told = {"type": self.kind, "code": self.code, "param": self.param}
        error: dict[str, object] = {k: v for k, v in told.items() if v is not None}
        return {"error": {**error, "message": self.message, **self.members}}


def bad_parameter(code: str, message: str, param: str | None) -> WireError:
    """A parameter that cannot be read; a key does not keep this answer."""
    return WireError(message, code=code, param=param, keeps=False)


def no_such(word: str, identifier: str, param: str = "id", status: int = 404) -> WireError:
    """A thing that does not exist or is another merchant's."""
    return WireError(
        f"No such {word}: '{identifier[:64]}'", status=status, code="resource_missing", param=param
    )


def no_route(method: str, path: str) -> WireError:
    """A path that is not served."""
    return WireError(
        f"Unrecognized request URL ({method}: {path[:200]})", status=404, code="url_invalid"
    )


def wire_error_of(error: Exception) -> WireError:
    """What an exception becomes; what is not expected is logged and stays vague."""
    match error:
        case WireError():
            return error
        case KeyInFlight():
            return WireError(
                "Another request for the same thing is under way.",
                status=409, kind=IDEMPOTENCY, code="idempotency_key_in_use", keeps=False,
                headers={"Stripe-Should-Retry": "true", "Retry-After": "1"},
            )  # fmt: skip
        case BadRequest():
            code = _CODES.get(error.code, error.code)
            status = 400 if error.status in {409, 422} else error.status
            headers = dict(error.headers)
            if error.retry_after_s is not None:
                headers["Retry-After"] = str(error.retry_after_s)
            kind = RATE_LIMIT if status == 429 else INVALID_REQUEST
            return WireError(
                error.detail, status=status, kind=kind, code=code, param=error.field,
                headers=headers, keeps=status != 429,
            )  # fmt: skip
        case StorageError() | NetworkUnavailable():
            log.error("storage or network: %s", error)
            return WireError(
                "The engine cannot do this now; nothing is half written: try again",
                status=503, kind=API, headers={"Retry-After": "1"}, keeps=False,
            )  # fmt: skip
        case HTTPException():
            return WireError(
                str(error.detail), status=error.status_code,
                code=_CODES["body_too_large"] if error.status_code == 413 else None, keeps=False,
            )  # fmt: skip
        case _:
            log.error("unexpected error", exc_info=error)
            return WireError(
                "The engine failed; its log says where", status=500, kind=API, keeps=False
            )
