"""The device's word: signed statements (JWS, RFC 7515, ES256) that a wallet's server can check.

Two kinds. One answers a challenge and says which device speaks; the other belongs to one in-app
payment: over everything the element signed, it says how the owner was recognised. The same bytes
give the same signature (RFC 6979), so that simulated worlds repeat. Knows no storage and no token.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER = {"alg": "ES256"}
_HALF_LENGTH = 32  # of a P-256 signature: r and s, no DER (RFC 7518, 3.4)


def presence_word(
    private_key_pem: bytes, challenge: str, device_id: str, *, face_enrolled: bool
) -> str:
    """That this device is here: the answer to a challenge."""
    return _signed(
        private_key_pem,
        {"challenge": challenge, "deviceId": device_id, "faceEnrolled": face_enrolled},
    )


def payment_word(private_key_pem: bytes, emv_data: bytes, reference: str, method: str) -> str:
    """That the owner was recognised for one payment.

    Args:
        private_key_pem: the device's.
        emv_data: everything that the cryptogram covers, with it.
        reference: what the payment is called where it is asked for.
        method: "face", "passcode" or "wrist".
    """
    digest = hashlib.sha256(emv_data).hexdigest()
    return _signed(
        private_key_pem, {"emvDataSha256": digest, "method": str(method), "reference": reference}
    )


def _signed(private_key_pem: bytes, said: Mapping[str, object]) -> str:
    key = load_pem_private_key(private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    text = f"{_part(_HEADER)}.{_part(said)}"
    # The same bytes give the same signature: RFC 6979.
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
    r, s = decode_dss_signature(key.sign(text.encode(), algorithm))
    return f"{text}.{_base64url(r.to_bytes(_HALF_LENGTH, 'big') + s.to_bytes(_HALF_LENGTH, 'big'))}"


def _part(said: Mapping[str, object]) -> str:
    return _base64url(json.dumps(said, separators=(",", ":"), sort_keys=True).encode())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
