"""Offline data authentication: whether this is the card that its issuer made (Book 2, 5 and 6).

Theory of operation. A certification authority's key opens the issuer's certificate, the issuer's
key opens the card's, the card's key opens the signature over this very payment. Each step checks
what it finds against what the card says in clear. Static authentication ends at the issuer's key.
Two kinds of trouble are told apart, as Book C-2 does: what cannot be tried (data missing, an
authority this till does not know) is a finding for the action codes and the issuer; what was tried
and is false ends the tap. Knows no kernel and no command.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.crypto import offline
from hardware.terminal import verdicts
from hardware.terminal.risk import date_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.terminal.authorities import Authorities, AuthorityKey
    from hardware.terminal.card_data import CardData
    from hardware.terminal.verdicts import Verdicts

STATIC_OBJECTS = (0x8F, 0x90, 0x9F32, 0x93)
"""What static authentication needs of the card."""
DYNAMIC_OBJECTS = (0x8F, 0x90, 0x9F32, 0x9F46, 0x9F47)
"""What recovering the card's key needs (Book 2, table 12)."""
_PROFILE_ONLY = b"\x82"
_EXPONENTS = {3, 65537}
_DYNAMIC_FORMAT = 0x05
FAST_OFFLINE, FAST_ONLINE = 0x05, 0x95
"""Formats of Visa's signature: for an approval by the card, and for an online payment."""
_NUMBER_LENGTHS = range(2, 9)
_CENTURY = 2000
_VERSION_1 = 0x01


class Unauthentic(Exception):
    """A certificate or signature is false; carries which part."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part

    @property
    def reason(self) -> str:
        """How a kernel ends with it."""
        return f"unauthentic_{self.part}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An RSA key that a certificate has vouched for."""

    modulus: bytes
    exponent: bytes


def feasible(
    data: CardData,
    needed: tuple[int, ...],
    authority: AuthorityKey | None,
    failure: tuple[int, int],
    found: Verdicts,
) -> bool:
    """Whether authentication can be tried; what stands in the way is noted.

    Args:
        data: what the card has said.
        needed: tags without which it cannot.
        authority: the key the card names, if the till has it.
        failure: the finding of this way of authentication.
        found: where it is noted.
    """
    missing = any(data.get(tag) is None for tag in needed)
    if missing:
        found.note(verdicts.CARD_DATA_MISSING)
    if missing or authority is None:
        found.note(failure)
        return False
    return True


def authority_of(data: CardData, rid: bytes, authorities: Authorities) -> AuthorityKey | None:
    """The authority's key that the card names (Book 2, 5.2); of several, the one that fits."""
    index, certificate = data.get(0x8F), data.get(0x90) or b""
    named = () if index is None else authorities.find(rid, index)
    fitting = (
        key for key in named if offline.recover(key.modulus, key.exponent, certificate) is not None
    )
    return next(fitting, named[0]) if named else None


def issuer_key(
    data: CardData, authority: AuthorityKey, authorities: Authorities, today: bytes
) -> PublicKey:
    """The issuer's key out of its certificate (Book 2, 5.3).

    Args:
        data: what the card has said.
        authority: whose certificate it is.
        authorities: what has been revoked.
        today: tag 9A.

    Raises:
        Unauthentic: it is no certificate of this authority, or not for this card, or not now.
    """
    if _is_past(authority.expires, today):
        raise Unauthentic("authority_expired")
    exponent = data.need(0x9F32)
    opened = offline.issuer_key(
        authority.modulus, authority.exponent, data.need(0x90), data.get(0x92) or b"", exponent
    )
    if opened is None or not opened.hash_ok or not _is_exponent(exponent):
        raise Unauthentic("issuer_certificate")
    if (authority.rid, authority.index, opened.serial) in {
        (each.rid, each.index, each.serial) for each in authorities.revoked
    }:
        raise Unauthentic("issuer_revoked")
    if not _issues(opened.owner, data.track_2().number):
        raise Unauthentic("issuer_mismatch")
    if _is_past(opened.expiry_mmyy, today):
        raise Unauthentic("issuer_expired")
    return PublicKey(opened.modulus, exponent)


def card_key(data: CardData, issuer: PublicKey, today: bytes) -> PublicKey:
    """The card's key out of its certificate, which also covers its records (Book 2, 6.4).

    Raises:
        Unauthentic: it is no certificate of this issuer, or not for this card, or not now.
    """
    exponent = data.need(0x9F47)
    opened = offline.card_key(
        issuer.modulus,
        issuer.exponent,
        data.need(0x9F46),
        data.get(0x9F48) or b"",
        exponent,
        _static_data(data),
    )
    if opened is None or not opened.hash_ok or not _is_exponent(exponent):
        raise Unauthentic("card_certificate")
    if opened.owner.rstrip("F") != data.track_2().number:
        raise Unauthentic("card_mismatch")
    if _is_past(opened.expiry_mmyy, today):
        raise Unauthentic("card_expired")
    return PublicKey(opened.modulus, exponent)


def check_static_data(data: CardData, issuer: PublicKey) -> None:
    """Tag 93 over the signed records (Book 2, 5.4).

    Raises:
        Unauthentic: it is not the issuer's signature over them.
    """
    signature = data.need(0x93)
    if not offline.signs_static_data(
        issuer.modulus, issuer.exponent, signature, _static_data(data)
    ):
        raise Unauthentic("static_signature")


def open_combined_signature(
    data: CardData, card: PublicKey, number: bytes, exchanged: bytes, relayed: bytes = b""
) -> bytes:
    """The cryptogram inside the card's signature, checked (Book 2, 6.6.2).

    Args:
        data: what the card has said; 9F4B and 9F27 are read.
        card: its key.
        number: the terminal's unpredictable number.
        exchanged: values of the options and cryptogram lists as they were sent, and the answer to
            GENERATE AC without the signature.
        relayed: both sides' relay resistance data, where they were exchanged (Book C-2).

    Raises:
        Unauthentic: the signature is missing or false, or says another thing than the card.
    """
    signature = data.get(0x9F4B)
    if signature is None:
        raise Unauthentic("signature_missing")
    opened = offline.dynamic_data(card.modulus, card.exponent, signature, number)
    if opened is None or not opened.hash_ok or opened.data_format != _DYNAMIC_FORMAT:
        raise Unauthentic("signature")
    inside = opened.behind_number
    digest = hashlib.sha1(exchanged, usedforsecurity=False).digest()
    if len(opened.dynamic_number) not in _NUMBER_LENGTHS or len(inside) < 9 + len(digest):
        raise Unauthentic("signature")
    if inside[:1] != data.need(0x9F27) or inside[9 : 9 + len(digest)] != digest:
        raise Unauthentic("signature")
    if not inside[9 + len(digest) :].startswith(relayed):
        raise Unauthentic("relay_data")
    return inside[1:9]


def check_fast_signature(
    data: CardData, card: PublicKey, values: Mapping[int, bytes], data_format: int
) -> None:
    """Visa's signature beside the answer to GPO, version 01 (Book C-3, fast authentication).

    Raises:
        Unauthentic: the signature is false, or its card qualifiers are not those in clear.
    """
    related = data.need(0x9F69)
    if related[0] != _VERSION_1 or related[5:7] != data.get(0x9F6C):
        raise Unauthentic("related_data")
    covered = values[0x9F37] + values[0x9F02] + values[0x5F2A] + related
    opened = offline.dynamic_data(card.modulus, card.exponent, data.need(0x9F4B), covered)
    if opened is None or not opened.hash_ok or opened.data_format != data_format:
        raise Unauthentic("signature")


def _static_data(data: CardData) -> bytes:
    """Signed records, and the profile where the card's tag list asks for it (Book 3, 10.3).

    Raises:
        Unauthentic: the list asks for something else.
    """
    listed = data.get(0x9F4A)
    if listed is None:
        return data.signed_records
    if listed != _PROFILE_ONLY:
        raise Unauthentic("tag_list")
    return data.signed_records + data.need(0x82)


def _issues(identifier: str, number: str) -> bool:
    """Whether the account number begins with the issuer's three to eight digits."""
    digits = identifier.rstrip("F")
    return len(digits) >= 3 and number.startswith(digits)


def _is_exponent(exponent: bytes) -> bool:
    return int.from_bytes(exponent, "big") in _EXPONENTS


def _is_past(expiry_mmyy: str, today: bytes) -> bool:
    """Whether that month is over; an expiry that is no date is past (Book 2, 5.3)."""
    if not expiry_mmyy.isdecimal() or not 1 <= int(expiry_mmyy[:2]) <= 12:
        return True
    year, month, _day = date_of(today, 0x9A)
    return (_CENTURY + int(expiry_mmyy[2:]), int(expiry_mmyy[:2])) < (year, month)
