"""Payment tokens as files: a whole one from nothing, and one of anybody's opened.

For people who write a merchant's decryptor and want something to feed it, or hold a token and want
to know why it is refused. Uses no data folder, no engine and no card: the device account number is
of a network's own token range, the cryptogram random, and no host would accept it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.networks.numbers import TOKEN_REQUESTOR, draw_token
from backend.paytoken.authority import PrivateKey, ec_key, make_authority, make_merchant, rsa_key
from backend.paytoken.content import ClearToken
from backend.paytoken.token import RSA_V1, VERSIONS, Opened, merchant_of, seal, unseal
from backend.runtime.entropy import Entropy
from backend.runtime.errors import BadRequest

CRYPTOGRAM_BYTES = 20
ECI = "7"
EXPIRES = "301231"
MERCHANT_ID_MAX = 255


@dataclass(frozen=True, slots=True)
class Wanted:
    """What token to make.

    Attributes:
        version: "EC_v1" or "RSA_v1".
        merchant_id: any text; its hash goes into certificate and key.
        network: whose device account number it carries.
        amount_minor: minor units.
        currency_numeric: ISO 4217 number.
    """

    version: str
    merchant_id: str
    network: str
    amount_minor: int
    currency_numeric: int


@dataclass(frozen=True, slots=True)
class TokenFiles:
    """A token with everything that is needed to open it, all of it worthless."""

    token: Mapping[str, object]
    clear: Mapping[str, object]
    merchant_pem: bytes
    merchant_key_pem: bytes = field(repr=False)
    root_pem: bytes
    intermediate_pem: bytes


def make_token(wanted: Wanted, entropy: Entropy, now_us: int) -> TokenFiles:
    """Draw authority, merchant and payment, and seal.

    With a seed, EC_v1 repeats byte for byte; RSA keys are always new.

    Raises:
        BadRequest: `bad_merchant_id`.
    """
    assert wanted.version in VERSIONS, wanted.version
    if not 1 <= len(wanted.merchant_id) <= MERCHANT_ID_MAX or not wanted.merchant_id.isprintable():
        raise BadRequest(
            "bad_merchant_id", f"a merchant identifier has 1 to {MERCHANT_ID_MAX} characters",
            field="merchant_id",
        )  # fmt: skip
    stream = entropy.stream("token files")

    def draw_key() -> PrivateKey:
        return rsa_key() if wanted.version == RSA_V1 else ec_key(stream)

    authority = make_authority(draw_key, stream, now_us)
    key = draw_key()
    identity = make_merchant(authority, wanted.merchant_id, key, stream, now_us)
    content = ClearToken(
        number=draw_token(wanted.network, stream),
        expiry=EXPIRES,
        currency_numeric=f"{wanted.currency_numeric:03d}",
        amount_minor=wanted.amount_minor,
        manufacturer="0" + TOKEN_REQUESTOR[wanted.network],
        cryptogram=stream.bytes(CRYPTOGRAM_BYTES),
        eci=ECI,
    )
    token = seal(content, merchant_of(identity.certificate), authority, stream, now_us)
    return TokenFiles(
        token=token,
        clear=content.to_json(),
        merchant_pem=identity.certificate_pem(),
        merchant_key_pem=identity.key_pem(),
        root_pem=authority.root.certificate_pem(),
        intermediate_pem=authority.intermediate.certificate_pem(),
    )


def open_token(
    document: object, certificate: bytes, key: bytes, root: bytes, now_us: int
) -> Opened:
    """Open a token with a merchant's files, each PEM or DER.

    Raises:
        TokenRefused: why the token must not be used.
        BadRequest: `bad_certificate` or `bad_key`; one of the files is not what it should be.
    """
    merchant = merchant_of(_certificate(certificate, "merchant"), _key(key))
    return unseal(document, merchant, _certificate(root, "root"), now_us)


def _certificate(content: bytes, name: str) -> x509.Certificate:
    try:
        if b"-----BEGIN" in content:
            return x509.load_pem_x509_certificate(content)
        return x509.load_der_x509_certificate(content)
    except ValueError as wrong:
        raise BadRequest("bad_certificate", f"the {name} file is no certificate") from wrong


def _key(content: bytes) -> PrivateKey:
    try:
        if b"-----BEGIN" in content:
            key = serialization.load_pem_private_key(content, None)
        else:
            key = serialization.load_der_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise BadRequest("bad_key", "the key file is no private key without password") from wrong
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise BadRequest("bad_key", "the private key is neither EC nor RSA")
    return key
