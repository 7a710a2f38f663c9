"""The detached signature over a payment token: CMS SignedData with one signer (RFC 5652).

Made with SHA-256 over the signed attributes, and checked: over these very bytes, by a leaf that
carries the marker, under an intermediate that carries its own, up to the given root, signed close
to the moment of the check. Reads BER of indefinite length, as other signers write it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from asn1crypto import algos, cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from backend.paytoken.errors import TokenRefused
from backend.paytoken.identifiers import INTERMEDIATE_MARKER, LEAF_MARKER
from backend.runtime.clock import to_datetime

if TYPE_CHECKING:
    from backend.paytoken.authority import Identity, TokenAuthority

SIGNING_WINDOW = timedelta(minutes=5)
"""Signed longer before or after the transaction than this, a token may be a replay."""
CERTIFICATES_MAX = 8
SIGNATURE_BYTES_MAX = 64 * 1024


def sign(authority: TokenAuthority, content: bytes, now_us: int) -> bytes:
    """A detached CMS signature in DER, with leaf and intermediate inside."""
    leaf = authority.leaf
    attributes = cms.CMSAttributes(
        [
            _attribute("content_type", "data"),
            _attribute("signing_time", cms.Time({"utc_time": _whole_seconds(now_us)})),
            _attribute("message_digest", hashlib.sha256(content).digest()),
        ]
    )
    sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
    certificate = _parsed_certificate(leaf.certificate)
    elliptic = isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {
                            "issuer": certificate.issuer,
                            "serial_number": certificate.serial_number,
                        }
                    )
                }
            ),
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa" if elliptic else "sha256_rsa"},
            "signature": _signed(leaf, attributes.dump()),
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "data"},
            "certificates": [
                cms.CertificateChoices({"certificate": _parsed_certificate(each.certificate)})
                for each in (leaf, authority.intermediate)
            ],
            "signer_infos": [signer],
        }
    )
    info = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    written: bytes = info.dump()
    return written


def check(signature: bytes, content: bytes, root: x509.Certificate, now_us: int) -> datetime:
    """Refuse a signature that does not vouch for `content`; when it was signed.

    Args:
        signature: CMS, DER or BER.
        content: what it must be over.
        root: whom to trust.
        now_us: the moment of the transaction.

    Raises:
        TokenRefused: `token_malformed`, `token_chain`, `token_signature` or `token_stale`.
    """
    parts = _parse(signature)
    now = to_datetime(now_us)
    leaf = _chained(parts.certificates, root, now)
    if (leaf.issuer.public_bytes(), leaf.serial_number) != (parts.issuer, parts.serial_number):
        raise TokenRefused("token_signature", "the signer is not the leaf of the chain")
    if parts.digest != hashlib.sha256(content).digest():
        raise TokenRefused("token_signature", "the signature is over something else")
    _verify(leaf, parts.signature, parts.attributes)
    if abs(now - parts.signed_at) > SIGNING_WINDOW:
        raise TokenRefused(
            "token_stale",
            f"signed at {parts.signed_at.isoformat()}, more than "
            f"{SIGNING_WINDOW.seconds // 60} minutes from {now.isoformat(timespec='seconds')}",
        )
    return parts.signed_at


@dataclass(frozen=True, slots=True)
class _Parts:
    certificates: tuple[x509.Certificate, ...]
    issuer: bytes
    serial_number: int
    signed_at: datetime
    digest: bytes
    signature: bytes
    attributes: bytes
    """As they were signed: a SET (RFC 5652, 5.4)."""


def _attribute(name: str, value: object) -> cms.CMSAttribute:
    return cms.CMSAttribute({"type": name, "values": [value]})


def _whole_seconds(now_us: int) -> datetime:
    return to_datetime(now_us).replace(microsecond=0)


def _parsed_certificate(certificate: x509.Certificate) -> Any:
    return asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))


def _signed(leaf: Identity, attributes: bytes) -> bytes:
    if isinstance(leaf.key, ec.EllipticCurvePrivateKey):
        return leaf.key.sign(attributes, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return leaf.key.sign(attributes, padding.PKCS1v15(), hashes.SHA256())


def _parse(signature: bytes) -> _Parts:
    if len(signature) > SIGNATURE_BYTES_MAX:
        raise TokenRefused("token_malformed", "the signature is too long", field="signature")
    try:
        return _taken_apart(signature)
    except TokenRefused:
        raise
    # Whatever arrives here was sent by somebody: asn1crypto and cryptography answer bad structure
    # with these, lazily, at any access.
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError) as wrong:
        raise TokenRefused(
            "token_malformed", "the signature is no CMS SignedData", field="signature"
        ) from wrong


def _taken_apart(signature: bytes) -> _Parts:
    info = cms.ContentInfo.load(signature, strict=True)
    if info["content_type"].native != "signed_data":
        raise ValueError
    signed = info["content"]
    (signer,) = signed["signer_infos"]
    if signed["encap_content_info"]["content"].native is not None:
        raise TokenRefused("token_malformed", "the signature is not detached", field="signature")
    if signer["digest_algorithm"]["algorithm"].native != "sha256":
        raise TokenRefused("token_signature", "the digest is not SHA-256")
    attributes = signer["signed_attrs"]
    values: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute["type"].native
        if name in values or len(attribute["values"]) != 1:
            raise ValueError
        values[name] = attribute["values"][0].native
    certificates = signed["certificates"]
    if len(certificates) > CERTIFICATES_MAX:
        raise TokenRefused("token_chain", "too many certificates")
    identifier = signer["sid"].chosen
    set_of: bytes = attributes.untag().dump(force=False)
    return _Parts(
        certificates=tuple(
            x509.load_der_x509_certificate(each.chosen.dump()) for each in certificates
        ),
        issuer=identifier["issuer"].dump(),
        serial_number=identifier["serial_number"].native,
        signed_at=_moment(values["signing_time"]),
        digest=_octets(values["message_digest"]),
        signature=_octets(signer["signature"].native),
        attributes=set_of,
    )


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime):
        raise TypeError
    return value


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _chained(
    certificates: Sequence[x509.Certificate], root: x509.Certificate, now: datetime
) -> x509.Certificate:
    """The leaf, once it hangs from the root by the intermediate."""
    leaf = _marked(certificates, LEAF_MARKER, "leaf")
    intermediate = _marked(certificates, INTERMEDIATE_MARKER, "intermediate")
    for issued, issuer, name in (
        (root, root, "root"),
        (intermediate, root, "intermediate"),
        (leaf, intermediate, "leaf"),
    ):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as wrong:
            raise TokenRefused("token_chain", f"the {name} does not hang from the root") from wrong
        if not issued.not_valid_before_utc <= now <= issued.not_valid_after_utc:
            raise TokenRefused("token_chain", f"the {name} certificate is out of its time")
    for authority, name in ((root, "root"), (intermediate, "intermediate")):
        if not _is_authority(authority):
            raise TokenRefused("token_chain", f"the {name} may not issue certificates")
    return leaf


def _marked(
    certificates: Sequence[x509.Certificate], marker: x509.ObjectIdentifier, name: str
) -> x509.Certificate:
    found = [each for each in certificates if _has(each, marker)]
    if len(found) != 1:
        raise TokenRefused("token_chain", f"{len(found)} certificates are marked as {name}, not 1")
    return found[0]


def _has(certificate: x509.Certificate, marker: x509.ObjectIdentifier) -> bool:
    try:
        return any(each.oid == marker for each in certificate.extensions)
    except ValueError as wrong:
        raise TokenRefused("token_chain", "a certificate's extensions are damaged") from wrong


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


def _verify(leaf: x509.Certificate, signature: bytes, attributes: bytes) -> None:
    key = leaf.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, attributes, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, attributes, padding.PKCS1v15(), hashes.SHA256())
        else:
            raise TokenRefused("token_signature", "the leaf's key is neither EC nor RSA")
    except InvalidSignature as wrong:
        raise TokenRefused("token_signature", "the signature is not the leaf's") from wrong
