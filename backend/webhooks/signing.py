"""The signature of a delivery: `Stripe-Signature: t=…,v1=…`.

HMAC-SHA256 under the endpoint's secret over the seconds since the epoch, a full stop and the body's
bytes; one `v1` for each secret that is valid, so that a receiver can change secrets without missing
anything. The time is the machine's, not the laboratory's: it protects the wire, and a receiver
compares it with its own clock. Source: Stripe's documentation of webhook signatures. Knows no
endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

HEADER = "Stripe-Signature"
SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix, not a secret
SECRET_BYTES = 24
TOLERANCE_S = 300


def header_value(secrets: Sequence[str], at_s: int, body: bytes) -> str:
    """The header's value.

    Args:
        secrets: valid ones, the newest first.
        at_s: the machine's clock, whole seconds since the epoch.
        body: what is sent.
    """
    assert secrets, "an endpoint has a secret"
    signatures = [f"v1={signature(secret, at_s, body)}" for secret in secrets]
    return ",".join([f"t={at_s}", *signatures])


def signature(secret: str, at_s: int, body: bytes) -> str:
    """64 hex digits."""
    signed = b"%d." % at_s + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def refusal(
    value: str, secret: str, body: bytes, now_s: int, tolerance_s: int = TOLERANCE_S
) -> str | None:
    """Why a receiver must not believe a delivery; None when it may.

    Returns:
        "no_signature", "wrong_signature", "too_old" or None.
    """
    pairs = [item.partition("=")[::2] for item in value.split(",")]
    times = [text for name, text in pairs if name.strip() == "t"]
    given = [text for name, text in pairs if name.strip() == "v1"]
    if len(times) != 1 or not times[0].isascii() or not times[0].isdecimal() or not given:
        return "no_signature"
    at_s = int(times[0][:20])
    expected = signature(secret, at_s, body).encode()
    if not any(hmac.compare_digest(expected, each.encode()) for each in given):
        return "wrong_signature"
    return "too_old" if at_s < now_s - tolerance_s else None
