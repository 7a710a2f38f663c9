"""The device's own key pair: what its credentials are sealed for (P-256, RFC 7517 and 7518).

Knows no storage and no token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

if TYPE_CHECKING:
    from hardware.runtime.ports import Stream

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_COORDINATE_LENGTH = 32
_DRAWN_LENGTH = 40  # 64 bits more than the order, so that the remainder is not biased


def draw_device_key(stream: Stream) -> bytes:
    """A fresh private key as PEM, out of this world's stream, so that simulated worlds repeat."""
    scalar = int.from_bytes(stream.bytes(_DRAWN_LENGTH), "big") % (_ORDER - 1) + 1
    key = ec.derive_private_key(scalar, ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_jwk(private_key_pem: bytes) -> dict[str, str]:
    """The public half as a JWK."""
    import base64

    private = load_pem_private_key(private_key_pem, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    numbers = private.public_key().public_numbers()

    def coordinate(value: int) -> str:
        raw = value.to_bytes(_COORDINATE_LENGTH, "big")
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    return {"kty": "EC", "crv": "P-256", "x": coordinate(numbers.x), "y": coordinate(numbers.y)}
