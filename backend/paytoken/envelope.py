"""The sealed box of a payment token, in its two forms.

EC_v1: ECDH on P-256, one-step key derivation (NIST SP 800-56A 5.8.1, SHA-256), AES-256-GCM.
RSA_v1: a random AES-128 key under RSA-OAEP (RFC 8017), AES-128-GCM. Both use a nonce of sixteen
zero bytes: every key seals one message. Knows neither the content nor who signs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, cast

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from backend.paytoken.authority import PrivateKey, ec_key
from backend.paytoken.errors import TokenRefused

if TYPE_CHECKING:
    from backend.runtime.entropy import Stream

NONCE: Final = bytes(16)
AES_256_BYTES, AES_128_BYTES = 32, 16
ALGORITHM_ID: Final = b"\x0did-aes256-GCM"
PARTY_U: Final = b"Apple"
"""The format's constant (SP 800-56A "PartyUInfo")."""
OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def seal_ec(
    clear: bytes, merchant: ec.EllipticCurvePublicKey, merchant_hash: bytes, stream: Stream
) -> tuple[bytes, bytes]:
    """Seal for a merchant's P-256 key: (ciphertext with tag, ephemeral public key as SPKI)."""
    ephemeral = ec_key(stream)
    shared = ephemeral.exchange(ec.ECDH(), merchant)
    sealed = AESGCM(_derived(shared, merchant_hash)).encrypt(NONCE, clear, None)
    return sealed, spki(ephemeral.public_key())


def open_ec(
    sealed: bytes, ephemeral_spki: bytes, key: ec.EllipticCurvePrivateKey, merchant_hash: bytes
) -> bytes:
    """Open what `seal_ec` made.

    Raises:
        TokenRefused: `token_malformed` for a public key that is none on the merchant's curve,
            `token_decryption` for everything that does not open.
    """
    try:
        ephemeral = serialization.load_der_public_key(ephemeral_spki)
        # exchange() answers TypeError for another kind of key, ValueError for another curve.
        shared = key.exchange(ec.ECDH(), cast("ec.EllipticCurvePublicKey", ephemeral))
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm) as wrong:
        raise TokenRefused(
            "token_malformed", "ephemeralPublicKey is no key of that curve",
            field="header.ephemeralPublicKey",
        ) from wrong  # fmt: skip
    return _opened(_derived(shared, merchant_hash), sealed)


def seal_rsa(clear: bytes, merchant: rsa.RSAPublicKey, stream: Stream) -> tuple[bytes, bytes]:
    """Seal for a merchant's RSA key: (ciphertext with tag, wrapped key)."""
    key = stream.bytes(AES_128_BYTES)
    return AESGCM(key).encrypt(NONCE, clear, None), merchant.encrypt(key, OAEP)


def open_rsa(sealed: bytes, wrapped: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Open what `seal_rsa` made.

    Raises:
        TokenRefused: `token_decryption`.
    """
    try:
        secret = key.decrypt(wrapped, OAEP)
    except ValueError as wrong:
        raise TokenRefused("token_decryption", "the wrapped key does not open") from wrong
    if len(secret) != AES_128_BYTES:
        raise TokenRefused("token_decryption", f"the wrapped key has {len(secret)} bytes, not 16")
    return _opened(secret, sealed)


def spki(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    """A public key as SubjectPublicKeyInfo in DER."""
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def sha256(value: bytes) -> bytes:
    """The digest of the format."""
    return hashlib.sha256(value).digest()


def key_hash(key: PrivateKey) -> bytes:
    """SHA-256 of the public half: which of a merchant's keys a token is for."""
    return sha256(spki(key.public_key()))


def _derived(shared: bytes, merchant_hash: bytes) -> bytes:
    other = ALGORITHM_ID + PARTY_U + merchant_hash
    return ConcatKDFHash(hashes.SHA256(), AES_256_BYTES, other).derive(shared)


def _opened(key: bytes, sealed: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(NONCE, sealed, None)
    except (InvalidTag, ValueError) as wrong:
        raise TokenRefused("token_decryption", "the box does not open with this key") from wrong
