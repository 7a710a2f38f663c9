"""What an issuer puts into a card so that a till can authenticate it offline.

Theory of operation. The network's certification authority signs the issuer's key, the issuer signs
the card's key together with the data that nobody may change: two records, as each costs a tap one
command. The first holds those data and the issuer's certificate and is the signed one, the second
the card's certificate. What of a key does not fit into its certificate stands beside it as the
remainder. Refuses to know: tokens, rows,
what the card does with it. A card that cannot sign has the issuer's
signature over its data instead. Sources: EMV Book 2 tables 1 to 4, 13 and 14; Book 3 7.2 and 10.3.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from backend.networks.chip.rsa import EXPONENT, RsaKey

AUTHORITY_INDEX = "F1"
RID = {"visa": "A000000003", "mastercard": "A000000004", "amex": "A000000025"}
# dynamic authentication (Visa's fast one; for the others by contact terminals), combined
# authentication in EMV mode (not Visa), verification of the cardholder, relay resistance
# (Mastercard); the certificate covers it
PROFILE = {"visa": "3000", "mastercard": "3381", "amex": "31C0"}
STATIC_PROFILE = "50C0"
"""Of an Amex card that signs nothing itself: its issuer signed its data once and for all."""
ISSUER_SERIAL = bytes.fromhex("000001")
CERTIFICATES_EXPIRE = "1249"
SIGNED_RECORDS = 1

_HEAD, _TAIL, _FILL, _NONE = b"\x6a", b"\xbc", b"\xbb", "F"
_ISSUER_CERTIFICATE, _STATIC_DATA, _CARD_CERTIFICATE = b"\x02", b"\x03", b"\x04"
_SHA_1 = b"\x01"
_SHA_1_AND_RSA = bytes.fromhex("0101")
_DIGEST_BYTES = 20
_EXPONENT = bytes([EXPONENT])
_NUMBER_DIGITS = 20
_ISSUER_DIGITS = 8
_LAST_DAY = "28"
_NO_METHOD_NEEDED = "00000000000000001F00"
_EVERY_USE = "FF00"
_PROFILE_TAG = "82"


@dataclass(frozen=True, slots=True)
class Chain:
    """The two keys above a card.

    Attributes:
        network: whose they are.
        authority: the certification authority's key.
        issuer: the issuer's key.
        issuer_digits: the first six digits of every number it issues.
    """

    network: str
    authority: RsaKey
    issuer: RsaKey
    issuer_digits: str


def authority_digest(network: str, authority: RsaKey) -> bytes:
    """The check sum by which tills load the authority's key (Book 2, 11.2.2)."""
    named = bytes.fromhex(RID[network] + AUTHORITY_INDEX) + authority.modulus + _EXPONENT
    return hashlib.sha1(named, usedforsecurity=False).digest()


def card_records(
    chain: Chain, card: RsaKey, number: str, expiry: str, psn: str, serial: bytes
) -> list[bytes]:
    """The two records of one token, as READ RECORD answers them.

    Args:
        chain: the keys above it.
        card: its own key.
        number: the device account number.
        expiry: YYMM.
        psn: PAN sequence number, 2 digits.
        serial: three bytes, of the card's certificate.
    """
    covered = _signed_record(chain, number, expiry, psn)
    own, own_rest = _certificate(
        chain.issuer,
        _CARD_CERTIFICATE
        + bytes.fromhex(number.ljust(_NUMBER_DIGITS, _NONE))
        + bytes.fromhex(expiry[2:] + expiry[:2])
        + serial,
        card,
        covered + bytes.fromhex(PROFILE[chain.network]),
    )
    of_card = {"9F46": own, "9F47": _EXPONENT, "9F48": own_rest}
    of_card["9F4A"] = bytes.fromhex(_PROFILE_TAG)
    return [_object("70", body) for body in (covered, _objects(of_card))]


def static_records(chain: Chain, number: str, expiry: str, psn: str, code: bytes) -> list[bytes]:
    """The two records of a token that signs nothing: its data, and the issuer's signature (93).

    Args:
        chain: the keys above it.
        number: the device account number.
        expiry: YYMM.
        psn: PAN sequence number, 2 digits.
        code: data authentication code, two bytes (Book 2, table 3).
    """
    covered = _signed_record(chain, number, expiry, psn)
    room = len(chain.issuer.modulus) - len(_HEAD + _TAIL) - _DIGEST_BYTES
    body = (_STATIC_DATA + _SHA_1 + code).ljust(room, _FILL)
    signed = body + covered + bytes.fromhex(STATIC_PROFILE)
    digest = hashlib.sha1(signed, usedforsecurity=False).digest()
    objects = {"93": chain.issuer.apply(_HEAD + body + digest + _TAIL), "9F4A": b"\x82"}
    return [_object("70", each) for each in (covered, _objects(objects))]


def _signed_record(chain: Chain, number: str, expiry: str, psn: str) -> bytes:
    """What nobody may change, and the issuer's certificate beside it."""
    issuer, issuer_rest = _certificate(
        chain.authority,
        _ISSUER_CERTIFICATE
        + bytes.fromhex(chain.issuer_digits.ljust(_ISSUER_DIGITS, _NONE))
        + bytes.fromhex(CERTIFICATES_EXPIRE)
        + ISSUER_SERIAL,
        chain.issuer,
    )
    of_issuer = {"8F": bytes.fromhex(AUTHORITY_INDEX), "90": issuer, "92": issuer_rest}
    covered = _covered(chain.network, number, expiry, psn)
    return covered + _objects({**of_issuer, "9F32": _EXPONENT})


def _covered(network: str, number: str, expiry: str, psn: str) -> bytes:
    """What nobody may change; a Visa card says its sequence number elsewhere, and once only."""
    objects = {
        "5A": bytes.fromhex(number + _NONE * (len(number) % 2)),
        "5F24": bytes.fromhex(expiry + _LAST_DAY),
        "9F07": bytes.fromhex(_EVERY_USE),
    }
    if network != "visa":
        objects |= {"5F34": bytes.fromhex(psn), "8E": bytes.fromhex(_NO_METHOD_NEEDED)}
    return _objects(objects)


def _certificate(
    signer: RsaKey, named: bytes, key: RsaKey, covered: bytes = b""
) -> tuple[bytes, bytes]:
    """A certificate for this key, and the rest of the key that does not fit into it."""
    modulus = key.modulus
    head = named + _SHA_1_AND_RSA + bytes([len(modulus), len(_EXPONENT)])
    room = len(signer.modulus) - len(_HEAD + head + _TAIL) - _DIGEST_BYTES
    inside, rest = modulus[:room].ljust(room, _FILL), modulus[room:]
    digest = hashlib.sha1(head + inside + rest + _EXPONENT + covered, usedforsecurity=False)
    return signer.apply(_HEAD + head + inside + digest.digest() + _TAIL), rest


def _objects(objects: dict[str, bytes]) -> bytes:
    return b"".join(_object(tag, value) for tag, value in objects.items())


def _object(tag: str, value: bytes) -> bytes:
    """One BER-TLV object of at most 255 bytes (Book 3 Annex B)."""
    length = bytes([len(value)]) if len(value) < 0x80 else bytes([0x81, len(value)])
    return bytes.fromhex(tag) + length + value
