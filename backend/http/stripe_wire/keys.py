"""Idempotency keys of `/v1`: one row by (merchant, key), in the unit of work of the change.

A key is optional there (C18). The first answer of a key is kept byte for byte, whatever it was,
once the work has begun; the same key with another request is refused; while its work is under way
it is in flight. A row without an answer that nobody here works on was left by a dead engine: the
next request with that key takes the work up where its first unit left it. Knows no resource.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import orjson

from backend.http.stripe_wire.errors import IDEMPOTENCY, WireError

KEY_LENGTH_MAX = 255


def check_key(key: str | None) -> str | None:
    """The key of a header.

    Raises:
        WireError: empty, longer than 255 characters, or not visible ASCII.
    """
    if key is None:
        return None
    if not 0 < len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise WireError(
            f"An Idempotency-Key has 1 to {KEY_LENGTH_MAX} visible ASCII characters.",
            kind=IDEMPOTENCY, code="idempotency_key_invalid", keeps=False,
        )  # fmt: skip
    return key


def request_hash(secret: bytes, method: str, path: str, form: Mapping[str, object]) -> bytes:
    """The same for the same request, in whatever order its parameters came.

    Keyed, because a request may hold a card's number: a plain digest could be tried out.
    """
    told = orjson.dumps([method, path, form], option=orjson.OPT_SORT_KEYS)
    return hmac.digest(secret, told, "sha256")


def mismatch() -> WireError:
    """The key belongs to another request."""
    return WireError(
        "Keys for idempotent requests can only be used with the same parameters they were first"
        " used with.",
        kind=IDEMPOTENCY, code="idempotency_mismatch", keeps=False,
        headers={"Stripe-Should-Retry": "false"},
    )  # fmt: skip


def in_flight() -> WireError:
    """The first request with this key has no answer yet."""
    return WireError(
        "Another request with this Idempotency-Key is under way.",
        status=409, kind=IDEMPOTENCY, code="idempotency_key_in_use", keeps=False,
        headers={"Stripe-Should-Retry": "true", "Retry-After": "1"},
    )  # fmt: skip
