"""Certification authorities a till believes: their public keys, and what they have revoked.

Data, read from a TOML document of our own; a key with a wrong check sum is refused whole, since a
till with half of its keys would call good cards false. Sources: Book 2, 5.2 and 11.2; Book 4, 11.2
(revocation). Knows no card and no file.

    [[key]]
    rid = "A000000004"        # whose cards: the first five bytes of their application identifier
    index = "F1"              # tag 8F
    modulus = "…"             # hex
    exponent = "03"
    sha1 = "…"                # over rid, index, modulus and exponent
    expires = "1249"          # MMYY, valid through that month

    [[revoked]]               # an issuer certificate that is no longer believed
    rid = "A000000004"
    index = "F1"
    serial = "000001"
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from hardware.crypto.offline import authority_key_hash
from hardware.runtime.errors import AuthorityFormatError

KEYS_MAX = 256
REVOKED_MAX = 10_000
_MODULUS_LENGTHS = range(64, 249)
_EXPONENTS = {3, 65537}
_EXPIRY_DIGITS = 4


@dataclass(frozen=True, slots=True)
class AuthorityKey:
    """One public key of a certification authority.

    Attributes:
        rid: registered application provider, five bytes.
        index: tag 8F, one byte.
        expires: MMYY; valid through that month.
    """

    rid: bytes
    index: bytes
    modulus: bytes
    exponent: bytes
    expires: str

    @property
    def digest(self) -> bytes:
        """SHA-1 check sum by which the key is loaded (Book 2, 11.2.2)."""
        return authority_key_hash(self.rid, self.index, self.modulus, self.exponent)


@dataclass(frozen=True, slots=True)
class Revoked:
    """An issuer certificate that its authority has taken back."""

    rid: bytes
    index: bytes
    serial: str
    """Six upper-case hex digits."""


@dataclass(frozen=True, slots=True)
class Authorities:
    """Everything a till believes, and what it does not believe any more."""

    keys: tuple[AuthorityKey, ...] = ()
    revoked: frozenset[Revoked] = frozenset()

    def find(self, rid: bytes, index: bytes) -> AuthorityKey | None:
        """The key by whose it is and its index."""
        return next((key for key in self.keys if (key.rid, key.index) == (rid, index)), None)

    def joined(self, other: Authorities) -> Authorities:
        """Both; of two keys with one name the first is kept."""
        fresh = tuple(key for key in other.keys if self.find(key.rid, key.index) is None)
        return Authorities(self.keys + fresh, self.revoked | other.revoked)


NO_AUTHORITIES = Authorities()


def read_authorities(text: str) -> Authorities:
    """Read a document as shown above.

    Raises:
        AuthorityFormatError: no TOML, an unknown or malformed field, a wrong check sum, or the
            same key twice.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise AuthorityFormatError(f"no TOML: {wrong}") from None
    unknown = set(document) - {"key", "revoked"}
    if unknown:
        raise AuthorityFormatError(f"unknown table {min(unknown)!r}")
    keys = tuple(_key(_Entry(*each)) for each in _tables(document, "key", KEYS_MAX))
    if len({(key.rid, key.index) for key in keys}) != len(keys):
        raise AuthorityFormatError("the same rid and index twice")
    revoked = (_revoked(_Entry(*each)) for each in _tables(document, "revoked", REVOKED_MAX))
    return Authorities(keys, frozenset(revoked))


def write_authorities(keys: tuple[AuthorityKey, ...]) -> str:
    """These keys as a document that `read_authorities` takes."""
    return "\n".join(
        f'[[key]]\nrid = "{key.rid.hex().upper()}"\nindex = "{key.index.hex().upper()}"\n'
        f'modulus = "{key.modulus.hex().upper()}"\nexponent = "{key.exponent.hex().upper()}"\n'
        f'sha1 = "{key.digest.hex().upper()}"\nexpires = "{key.expires}"\n'
        for key in keys
    )


def _tables(document: dict[str, object], name: str, most: int) -> list[tuple[str, object]]:
    entries = document.get(name, [])
    if not isinstance(entries, list):
        raise AuthorityFormatError(f"{name} is not a list of tables: write [[{name}]]")
    if len(entries) > most:
        raise AuthorityFormatError(f"more than {most} tables {name}")
    return [(f"{name}[{at}]", entry) for at, entry in enumerate(entries)]


class _Entry:
    """One table, its fields taken out one by one."""

    def __init__(self, where: str, raw: object) -> None:
        if not isinstance(raw, dict):
            raise AuthorityFormatError(f"{where} is no table")
        self._where = where
        self._left = dict(raw)

    def hex(self, name: str, lengths: range) -> bytes:
        try:
            value = bytes.fromhex(self.text(name))
        except ValueError:
            raise AuthorityFormatError(f"{self._where}.{name} is not hex") from None
        if len(value) not in lengths:
            wanted = f"{lengths.start} to {lengths.stop - 1}"
            raise AuthorityFormatError(f"{self._where}.{name} has not {wanted} bytes")
        return value

    def text(self, name: str) -> str:
        value = self._left.pop(name, None)
        if not isinstance(value, str):
            raise AuthorityFormatError(f"{self._where}.{name} is missing or no text")
        return value

    def refuse(self, name: str, why: str) -> AuthorityFormatError:
        return AuthorityFormatError(f"{self._where}.{name} {why}")

    def end(self) -> None:
        if self._left:
            raise AuthorityFormatError(f"{self._where}: unknown field {min(self._left)!r}")


def _key(entry: _Entry) -> AuthorityKey:
    key = AuthorityKey(
        rid=entry.hex("rid", range(5, 6)),
        index=entry.hex("index", range(1, 2)),
        modulus=entry.hex("modulus", _MODULUS_LENGTHS),
        exponent=entry.hex("exponent", range(1, 4)),
        expires=entry.text("expires"),
    )
    month = key.expires[:2]
    digits = key.expires.isascii() and key.expires.isdecimal()
    if not digits or len(key.expires) != _EXPIRY_DIGITS or not 1 <= int(month) <= 12:
        raise entry.refuse("expires", "is not MMYY")
    if int.from_bytes(key.exponent, "big") not in _EXPONENTS:
        raise entry.refuse("exponent", "is neither 3 nor 65537")
    if entry.hex("sha1", range(20, 21)) != key.digest:
        raise entry.refuse("sha1", "is not this key's check sum")
    entry.end()
    return key


def _revoked(entry: _Entry) -> Revoked:
    found = Revoked(
        rid=entry.hex("rid", range(5, 6)),
        index=entry.hex("index", range(1, 2)),
        serial=entry.hex("serial", range(3, 4)).hex().upper(),
    )
    entry.end()
    return found
