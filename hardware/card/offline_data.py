"""What a card needs to show offline that it is real: its key, its issuer's records, its signatures.

The issuer prepares the records whole (certificates, and the data that they cover), so the card
stores and shows them as they came and knows no certificate. Its own part is the signature: over a
cryptogram (combined authentication, Book 2, 6.6.1), beside one (Visa's fast authentication,
version 01, Book C-3), or over what a contact terminal sends (Book 2, 6.5). Knows no APDU and no
till.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.crypto.rsa import EXPONENT, PrivateKey
from hardware.emv import tlv
from hardware.emv.bitfields import (
    AIP_COMBINED_AUTHENTICATION,
    AIP_DYNAMIC_AUTHENTICATION,
    has_bit,
)
from hardware.runtime.errors import ProvisioningRefused, TlvError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = 3
"""Short file identifier of the issuer's records."""
RECORDS_MAX = 8
RECORD_LENGTH_MAX = 255
NUMBER_LENGTH = 8
"""Bytes of the card's own unpredictable number inside a combined signature."""
RELATED_NUMBER_LENGTH = 4
_PRIME_LENGTHS = range(48, 65)
_PROFILE_LENGTH = 2
_HASH_LENGTH = 20
_COMBINED, _FAST_OFFLINE, _FAST_ONLINE = 0x05, 0x05, 0x95
"""Signed data formats; INTERNAL AUTHENTICATE has the first one too."""
_SHA_1 = 0x01
_VERSION_1 = b"\x01"


@dataclass(frozen=True, slots=True)
class OfflineData:
    """One token's key and the records its issuer made for it.

    A token whose profile signs nothing (static authentication, Book 2, 5) has no key.

    Attributes:
        profile: application interchange profile (82), which the records vouch for.
        records: answers to READ RECORD, in order.
        signed: how many of them, from the first on, the card's certificate covers.
    """

    profile: bytes
    records: tuple[bytes, ...]
    signed: int
    key: PrivateKey | None = field(repr=False)

    @property
    def locator(self) -> bytes:
        """Where the records are (94)."""
        return bytes([FILE << 3, 1, len(self.records), self.signed])

    @property
    def tags(self) -> frozenset[int]:
        """What the records hold, and so nothing else may say again (Book C-3, 5.4)."""
        return frozenset(
            node.tag for record in self.records for node in tlv.parse_one(record, 0x70).children
        )

    def to_json(self) -> dict[str, object]:
        """The object that `read_offline_data` reads."""
        return {
            "profile": self.profile.hex(),
            "records": [record.hex() for record in self.records],
            "signedRecords": self.signed,
            "key": None if self.key is None else {"p": f"{self.key.p:X}", "q": f"{self.key.q:X}"},
        }


def read_offline_data(document: object) -> OfflineData:
    """Check every field.

    Raises:
        ProvisioningRefused: one is missing or wrong; the message names it and no value.
    """
    if not isinstance(document, dict):
        raise ProvisioningRefused("field 'offline' is no object")
    profile = _hex(document, "profile")
    if len(profile) != _PROFILE_LENGTH:
        raise ProvisioningRefused("field 'offline.profile' has not two bytes")
    records = _records(document.get("records"))
    signed = document.get("signedRecords")
    whole = isinstance(signed, int) and not isinstance(signed, bool)
    if not isinstance(signed, int) or not whole or not 0 <= signed <= len(records):
        raise ProvisioningRefused("field 'offline.signedRecords' counts no records")
    signs = has_bit(profile, AIP_DYNAMIC_AUTHENTICATION) or has_bit(
        profile, AIP_COMBINED_AUTHENTICATION
    )
    own = document.get("key")
    key = None if own is None and not signs else _private_key(own)
    return OfflineData(profile, records, signed, key)


def _hex(document: Mapping[str, object], name: str) -> bytes:
    value = document.get(name)
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raise ProvisioningRefused(f"field 'offline.{name}' is not hex") from None


def _records(listed: object) -> tuple[bytes, ...]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= RECORDS_MAX:
        raise ProvisioningRefused(f"field 'offline.records' is no list of 1 to {RECORDS_MAX}")
    records = tuple(_hex({"records": each}, "records") for each in listed)
    seen: set[int] = set()
    for record in records:
        try:
            template = tlv.parse_one(record, 0x70)
        except TlvError:
            raise ProvisioningRefused("field 'offline.records' holds no record") from None
        tags = [node.tag for node in template.children]
        if len(record) > RECORD_LENGTH_MAX or len(set(tags)) < len(tags) or seen & set(tags):
            raise ProvisioningRefused("field 'offline.records': too long, or an object twice")
        seen.update(tags)
    return records


def _private_key(document: object) -> PrivateKey:
    if not isinstance(document, dict):
        raise ProvisioningRefused("field 'offline.key' is missing")
    raw = (_hex(document, "p"), _hex(document, "q"))
    p, q = (int.from_bytes(part, "big") for part in raw)
    fits = all(len(part) in _PRIME_LENGTHS for part in raw)
    if not fits or p == q or not all(part % 2 and (part - 1) % EXPONENT for part in (p, q)):
        raise ProvisioningRefused("field 'offline.key' is no key with exponent 3")
    return PrivateKey(p, q)


def combined_signature(
    offline: OfflineData,
    number: bytes,
    unpredictable_number: bytes,
    objects: Mapping[int, bytes],
    exchanged: bytes,
    relayed: bytes = b"",
) -> bytes:
    """Tag 9F4B with the cryptogram inside (Book 2, tables 18 and 19).

    Args:
        offline: the key.
        number: the card's own unpredictable number.
        unpredictable_number: the terminal's (9F37).
        objects: the cryptogram (9F26) and its type (9F27).
        exchanged: values of the options and cryptogram lists as they came, and the answer to
            GENERATE AC without the signature.
        relayed: both sides' relay resistance data, where they were exchanged (Book C-2).
    """
    digest = hashlib.sha1(exchanged, usedforsecurity=False).digest()
    inside = bytes([len(number)]) + number + objects[0x9F27] + objects[0x9F26] + digest + relayed
    return _sign(offline.key, _COMBINED, inside, unpredictable_number)


def dynamic_signature(offline: OfflineData, number: bytes, covered: bytes) -> bytes:
    """Tag 9F4B as INTERNAL AUTHENTICATE answers it (Book 2, tables 15 and 16).

    Args:
        offline: the key.
        number: the card's own unpredictable number.
        covered: the values of the signed list (9F49) as they came.
    """
    return _sign(offline.key, _COMBINED, bytes([len(number)]) + number, covered)


def related_data(number: bytes, qualifiers: bytes) -> bytes:
    """Tag 9F69: version, the card's unpredictable number, its qualifiers (Book C-3, A)."""
    return _VERSION_1 + number + qualifiers


def fast_signature(
    offline: OfflineData,
    values: Mapping[int, bytes],
    atc: bytes,
    related: bytes,
    *,
    approved: bool = False,
) -> bytes:
    """Tag 9F4B beside a cryptogram; its number is the counter (lab approximation).

    Args:
        offline: the key.
        values: the terminal's objects by tag.
        atc: tag 9F36.
        related: tag 9F69.
        approved: the card approves by itself, instead of asking its issuer.
    """
    covered = values[0x9F37] + values[0x9F02] + values[0x5F2A] + related
    return _sign(
        offline.key, _FAST_OFFLINE if approved else _FAST_ONLINE, bytes([len(atc)]) + atc, covered
    )


def _sign(key: PrivateKey | None, data_format: int, inside: bytes, covered: bytes) -> bytes:
    assert key is not None, "the profile says that it can sign"
    head = bytes([data_format, _SHA_1, len(inside)]) + inside
    body = head.ljust(key.modulus_length - 2 - _HASH_LENGTH, b"\xbb")
    digest = hashlib.sha1(body + covered, usedforsecurity=False).digest()
    return key.sign(b"\x6a" + body + digest + b"\xbc")
