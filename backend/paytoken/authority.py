"""The laboratory's certification authority for payment tokens.

Root, intermediate and signing leaves as the format wants them, and certificates for merchants.
EC keys come from a stream, so that a simulated world has the same ones for the same seed; RSA keys
come from the operating system. Source: RFC 5280; markers in `identifiers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from backend.paytoken.identifiers import (
    INTERMEDIATE_MARKER,
    LEAF_MARKER,
    MARKER_VALUE,
    MERCHANT_IDENTIFIER,
)
from backend.runtime.clock import to_datetime

if TYPE_CHECKING:
    from backend.runtime.entropy import Stream

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# FIPS 186-5, P-256: the order of the base point.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEY_BYTES = 40
"""64 bits more than the order has: reducing them leaves no measurable bias (FIPS 186-5 A.2.1)."""
RSA_BITS = 2048
SERIAL_BYTES = 8
ROOT_YEARS, INTERMEDIATE_YEARS, LEAF_YEARS = 25, 15, 5
DAYS_A_YEAR = 365
ORGANIZATION = "Tap Lab, for tests only"
UTF8_STRING = 0x0C
COMMON_NAME_MAX = 64
"""RFC 5280, appendix A.1: ub-common-name."""
STARTS_EARLIER = timedelta(days=1)
"""A verifier's clock may be behind."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey = field(repr=False)

    def certificate_pem(self) -> bytes:
        """The certificate for a file."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        """The key in its traditional form (SEC 1 for EC), unencrypted."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )


@dataclass(frozen=True, slots=True)
class TokenAuthority:
    """Who signs payment tokens of one version, and above whom."""

    root: Identity
    intermediate: Identity
    leaf: Identity


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a certificate is to say, but for its key and its issuer."""

    name: tuple[str, ...]
    years: int
    path_length: int | None = None
    """Of an authority; None for what signs no certificates."""
    marks: tuple[tuple[x509.ObjectIdentifier, bytes], ...] = ()


# The set of certificates in a signature is ordered by length (X.690, 11.6), and readers take the
# first for the leaf: its short name keeps it the shorter one, with keys of one kind throughout.
ROOT = _Wanted(("Tap Lab payment token root", ORGANIZATION), ROOT_YEARS, path_length=1)
INTERMEDIATE = _Wanted(
    ("Tap Lab payment token intermediate authority", ORGANIZATION),
    INTERMEDIATE_YEARS,
    path_length=0,
    marks=((INTERMEDIATE_MARKER, MARKER_VALUE),),
)
LEAF = _Wanted(("leaf",), LEAF_YEARS, marks=((LEAF_MARKER, MARKER_VALUE),))


def ec_key(stream: Stream) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from a stream (FIPS 186-5 A.2.1)."""
    drawn = int.from_bytes(stream.bytes(KEY_BYTES), "big")
    return ec.derive_private_key(drawn % (P256_ORDER - 1) + 1, ec.SECP256R1())


def rsa_key() -> rsa.RSAPrivateKey:
    """An RSA key from the operating system."""
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def make_authority(
    draw_key: Callable[[], PrivateKey], stream: Stream, now_us: int
) -> TokenAuthority:
    """Draw a whole authority, valid from the day before `now_us` on.

    Args:
        draw_key: a new key; the chain is of one kind, EC for EC_v1 and RSA for RSA_v1.
        stream: for serial numbers.
        now_us: lab time.
    """
    root = _issue(ROOT, draw_key(), None, stream, now_us)
    intermediate = _issue(INTERMEDIATE, draw_key(), root, stream, now_us)
    return TokenAuthority(
        root, intermediate, _issue(LEAF, draw_key(), intermediate, stream, now_us)
    )


def make_merchant(
    authority: TokenAuthority, merchant_id: str, key: PrivateKey, stream: Stream, now_us: int
) -> Identity:
    """A merchant's certificate: for `key`, with the hash of the merchant's identifier inside."""
    named = merchant_hash(merchant_id).hex().upper().encode()
    mark = (MERCHANT_IDENTIFIER, bytes((UTF8_STRING, len(named))) + named)
    name = f"Payment processing: {merchant_id}"[:COMMON_NAME_MAX]
    wanted = _Wanted((name, ORGANIZATION), LEAF_YEARS, marks=(mark,))
    return _issue(wanted, key, authority.intermediate, stream, now_us)


def merchant_hash(merchant_id: str) -> bytes:
    """SHA-256 of a merchant's identifier: what a certificate carries and a key is derived from."""
    return hashlib.sha256(merchant_id.encode()).digest()


def _issue(
    wanted: _Wanted, key: PrivateKey, issuer: Identity | None, stream: Stream, now_us: int
) -> Identity:
    """A certificate, signed by itself where there is no issuer."""
    starts = to_datetime(now_us).replace(microsecond=0) - STARTS_EARLIER
    subject = _name(wanted.name)
    signer = key if issuer is None else issuer.key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(b"\x01" + stream.bytes(SERIAL_BYTES), "big"))
        .not_valid_before(starts)
        .not_valid_after(starts + timedelta(days=wanted.years * DAYS_A_YEAR))
    )
    if wanted.path_length is not None:
        constraints = x509.BasicConstraints(ca=True, path_length=wanted.path_length)
        builder = builder.add_extension(constraints, critical=True)
    for identifier, value in wanted.marks:
        mark = x509.UnrecognizedExtension(identifier, value)
        builder = builder.add_extension(mark, critical=False)
    # Repeatable, so that a simulated world writes the same bytes for the same seed (RFC 6979).
    repeatable = True if isinstance(signer, ec.EllipticCurvePrivateKey) else None
    return Identity(builder.sign(signer, hashes.SHA256(), ecdsa_deterministic=repeatable), key)


def _name(parts: tuple[str, ...]) -> x509.Name:
    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    return x509.Name(
        [x509.NameAttribute(kind, part) for kind, part in zip(kinds, parts, strict=False)]
    )
