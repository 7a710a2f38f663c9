"""A payment token: made for one merchant, and opened by that merchant.

`seal` is the wallet's side, `unseal` the merchant's: version, key, signature with chain and time,
box, content, in that order, so that nothing unsigned is decrypted. Whether a transaction identifier
was seen before is the caller's to know. Time and randomness come in.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

import orjson
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.paytoken import envelope, signature
from backend.paytoken.authority import PrivateKey
from backend.paytoken.content import ClearToken, read_content
from backend.paytoken.errors import TokenRefused
from backend.paytoken.identifiers import MERCHANT_IDENTIFIER

if TYPE_CHECKING:
    from backend.paytoken.authority import TokenAuthority
    from backend.runtime.entropy import Stream

EC_V1: Final = "EC_v1"
RSA_V1: Final = "RSA_v1"
VERSIONS: Final = (EC_V1, RSA_V1)
IDENTIFIER_BYTES = 32
FIELD_TEXT_MAX = 64 * 1024
KEY_FIELD: Final = {EC_V1: "ephemeralPublicKey", RSA_V1: "wrappedKey"}
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who may open a token: a certificate, and for opening its private key.

    Attributes:
        identifier_hash: SHA-256 of the merchant identifier, out of the certificate.
    """

    certificate: x509.Certificate
    identifier_hash: bytes
    key: PrivateKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A token that opened: its payment, and what identifies it."""

    content: ClearToken
    document: Mapping[str, object] = field(repr=False)
    """The clear JSON as it stood inside."""
    transaction_id: str
    signed_at: datetime
    application_data: str | None
    """Hex of the hash that the wallet signed over the app's own data; None without."""


def merchant_of(certificate: x509.Certificate, key: PrivateKey | None = None) -> Merchant:
    """A merchant by its certificate.

    Raises:
        TokenRefused: `token_malformed`; the certificate names no merchant, or is for another key.
    """
    try:
        mark = certificate.extensions.get_extension_for_oid(MERCHANT_IDENTIFIER).value
        raw = mark.value if isinstance(mark, x509.UnrecognizedExtension) else b""
        hashed = bytes.fromhex(raw[2:].decode("ascii"))
    except (x509.ExtensionNotFound, ValueError) as wrong:
        raise TokenRefused(
            "token_malformed", "the merchant's certificate names no merchant identifier"
        ) from wrong
    if len(hashed) != HASH_BYTES:
        raise TokenRefused("token_malformed", "the merchant identifier's hash is no SHA-256")
    if key is not None and certificate.public_key() != key.public_key():
        raise TokenRefused("token_malformed", "the private key is not the certificate's")
    return Merchant(certificate, hashed, key)


def seal(
    content: ClearToken,
    merchant: Merchant,
    authority: TokenAuthority,
    stream: Stream,
    now_us: int,
    application_data: bytes | None = None,
) -> dict[str, object]:
    """A payment token for a merchant; its version follows from the merchant's key.

    Args:
        content: the payment.
        merchant: for whom.
        authority: signs; of the same kind as the merchant's key.
        stream: ephemeral key and transaction identifier.
        now_us: signing time.
        application_data: the app's own data, whose hash goes into header and signature.
    """
    clear = orjson.dumps(content.to_json())
    key = merchant.certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        version = EC_V1
        sealed, opener = envelope.seal_ec(clear, key, merchant.identifier_hash, stream)
    else:
        assert isinstance(key, rsa.RSAPublicKey), "merchants have EC or RSA keys"
        version = RSA_V1
        sealed, opener = envelope.seal_rsa(clear, key, stream)
    identifier = stream.bytes(IDENTIFIER_BYTES)
    hashed = b"" if application_data is None else envelope.sha256(application_data)
    signed = signature.sign(authority, opener + sealed + identifier + hashed, now_us)
    header: dict[str, object] = {
        KEY_FIELD[version]: _base64(opener),
        "publicKeyHash": _base64(envelope.sha256(envelope.spki(key))),
        "transactionId": identifier.hex(),
    }
    if hashed:
        header["applicationData"] = hashed.hex()
    return {
        "version": version,
        "data": _base64(sealed),
        "signature": _base64(signed),
        "header": header,
    }


def unseal(document: object, merchant: Merchant, root: x509.Certificate, now_us: int) -> Opened:
    """Check and open a payment token.

    Args:
        document: the token as JSON says it.
        merchant: with its private key.
        root: whose signatures count.
        now_us: the moment of the transaction.

    Raises:
        TokenRefused: why it must not be used.
    """
    assert merchant.key is not None, "opening needs the private key"
    token = _object(document, "the token")
    version = token.get("version")
    if version not in VERSIONS:
        raise TokenRefused(
            "token_version", f"version is {str(version)[:20]!r}, not EC_v1 or RSA_v1",
            field="version",
        )  # fmt: skip
    header = _object(token.get("header"), "header")
    sealed = _bytes(token, "data", "data")
    opener = _bytes(header, KEY_FIELD[version], f"header.{KEY_FIELD[version]}")
    identifier = _hex(header, "transactionId")
    hashed = _hex(header, "applicationData") if "applicationData" in header else None
    key_hash = _bytes(header, "publicKeyHash", "header.publicKeyHash")
    if not hmac.compare_digest(key_hash, envelope.key_hash(merchant.key)):
        raise TokenRefused(
            "token_other_merchant", "sealed for another key", field="header.publicKeyHash"
        )
    signed = opener + sealed + identifier + (hashed or b"")
    signed_at = signature.check(_bytes(token, "signature", "signature"), signed, root, now_us)
    if isinstance(merchant.key, ec.EllipticCurvePrivateKey) and version == EC_V1:
        clear = envelope.open_ec(sealed, opener, merchant.key, merchant.identifier_hash)
    elif isinstance(merchant.key, rsa.RSAPrivateKey) and version == RSA_V1:
        clear = envelope.open_rsa(sealed, opener, merchant.key)
    else:
        raise TokenRefused("token_version", f"the merchant's key opens no {version}")
    opened = _json(clear)
    return Opened(
        content=read_content(opened),
        document=opened,
        transaction_id=identifier.hex(),
        signed_at=signed_at,
        application_data=None if hashed is None else hashed.hex(),
    )


def _json(clear: bytes) -> Mapping[str, object]:
    try:
        return _object(orjson.loads(clear), "the content")
    except orjson.JSONDecodeError as wrong:
        raise TokenRefused("token_content", "the content is no JSON") from wrong


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _object(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TokenRefused("token_malformed", f"{name} is no JSON object", field=name)
    return value


def _text(holder: Mapping[str, object], name: str, path: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRefused("token_malformed", f"{path} is missing or no text", field=path)
    if len(value) > FIELD_TEXT_MAX:
        raise TokenRefused("token_malformed", f"{path} is too long", field=path)
    return value


def _bytes(holder: Mapping[str, object], name: str, path: str) -> bytes:
    try:
        return base64.b64decode(_text(holder, name, path), validate=True)
    except binascii.Error as wrong:
        raise TokenRefused("token_malformed", f"{path} is no base64", field=path) from wrong


def _hex(header: Mapping[str, object], name: str) -> bytes:
    path = f"header.{name}"
    try:
        return binascii.unhexlify(_text(header, name, path))
    except (binascii.Error, ValueError) as wrong:
        raise TokenRefused("token_malformed", f"{path} is not hexadecimal", field=path) from wrong
