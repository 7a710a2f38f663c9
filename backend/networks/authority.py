"""A network as certification authority, and its issuer as the maker of card certificates.

Two keys a network and data folder, made when the first token or the first question wants them,
sealed like every other key. The network's own number ranges make one issuer of all its tokens.
Without a way to draw keys (a simulated world) there is no authority and tokens have no
certificates. Knows no HTTP and no device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from backend.networks.chip.certificates import (
    AUTHORITY_INDEX,
    CERTIFICATES_EXPIRE,
    PROFILE,
    RID,
    SIGNED_RECORDS,
    STATIC_PROFILE,
    Chain,
    authority_digest,
    card_records,
    static_records,
)
from backend.networks.chip.rsa import EXPONENT, RsaKey
from backend.networks.numbers import TOKEN_PREFIX
from backend.networks.ports import HostRows, HostStore
from backend.networks.vault import NetworkVault
from backend.runtime.entropy import Stream

AUTHORITY_BITS, ISSUER_BITS, CARD_BITS = 1408, 1152, 1024
AUTHORITY_KEY, ISSUER_KEY = "authority.ca", "authority.issuer"
RECORD = "network"
SERIAL_BYTES = 3
CODE_BYTES = 2

DrawKey = Callable[[int], RsaKey]
"""A new RSA key of so many bits."""


@dataclass(frozen=True, slots=True)
class AuthorityKey:
    """The public key of a certification authority, in hex as tills take it.

    Attributes:
        rid: registered application provider, whose cards it vouches for.
        index: tag 8F.
        sha1: check sum over rid, index, modulus and exponent.
        expires: MMYY.
    """

    network: str
    rid: str
    index: str
    modulus: str
    exponent: str
    sha1: str
    expires: str

    def to_json(self) -> dict[str, str]:
        """For the wire."""
        return asdict(self)


class CardAuthority:
    """Authority and issuer of one network."""

    def __init__(
        self,
        network: str,
        store: HostStore,
        vault: NetworkVault,
        secrets: Stream,
        draw_key: DrawKey | None,
    ) -> None:
        self._network = network
        self._store = store
        self._vault = vault
        self._secrets = secrets
        self._draw_key = draw_key

    def known(self) -> AuthorityKey | None:
        """The public key, if it was ever made.

        Raises:
            StorageError: it was sealed under another vault key.
        """
        sealed = self._store.read(lambda rows: rows.secret(self._network, AUTHORITY_KEY))
        return None if sealed is None else self._public(self._open(sealed, AUTHORITY_KEY))

    async def made(self) -> AuthorityKey | None:
        """The public key, made if it is not there yet; None in a world without authorities.

        Raises:
            StorageError: it was sealed under another vault key.
        """
        draw_key = self._draw_key
        if draw_key is None:
            return self.known()
        chain = await self._store.write(lambda rows: self._chain(rows, draw_key))
        return self._public(chain.authority)

    def offline_data(
        self, rows: HostRows, number: str, expiry: str, psn: str
    ) -> dict[str, object] | None:
        """A new key for a token, with the records that vouch for it; None without an authority.

        Args:
            rows: the unit of work to read and make keys in.
            number: the device account number.
            expiry: YYMM.
            psn: PAN sequence number, 2 digits.
        """
        if self._draw_key is None:
            return None
        chain, card = self._chain(rows, self._draw_key), self._draw_key(CARD_BITS)
        serial = self._secrets.bytes(SERIAL_BYTES)
        records = card_records(chain, card, number, expiry, psn, serial)
        first, second = (f"{prime:0{CARD_BITS // 8}X}" for prime in card.primes)
        return {
            "profile": PROFILE[self._network],
            "records": [record.hex().upper() for record in records],
            "signedRecords": SIGNED_RECORDS,
            "key": {"p": first, "q": second},
        }

    def static_data(
        self, rows: HostRows, number: str, expiry: str, psn: str
    ) -> dict[str, object] | None:
        """The same for a token that signs nothing itself; None without an authority."""
        if self._draw_key is None:
            return None
        chain, code = self._chain(rows, self._draw_key), self._secrets.bytes(CODE_BYTES)
        records = static_records(chain, number, expiry, psn, code)
        return {
            "profile": STATIC_PROFILE,
            "records": [record.hex().upper() for record in records],
            "signedRecords": SIGNED_RECORDS,
            "key": None,
        }

    def _chain(self, rows: HostRows, draw_key: DrawKey) -> Chain:
        return Chain(
            self._network,
            self._key(rows, AUTHORITY_KEY, AUTHORITY_BITS, draw_key),
            self._key(rows, ISSUER_KEY, ISSUER_BITS, draw_key),
            TOKEN_PREFIX[self._network],
        )

    def _key(self, rows: HostRows, name: str, bits: int, draw_key: DrawKey) -> RsaKey:
        sealed = rows.secret(self._network, name)
        if sealed is not None:
            return self._open(sealed, name)
        fresh = draw_key(bits)
        sealed = self._vault.seal(fresh.to_bytes(), self._network, RECORD, name)
        rows.put_secret(self._network, name, sealed)
        return fresh

    def _open(self, sealed: bytes, name: str) -> RsaKey:
        return RsaKey.from_bytes(self._vault.unseal(sealed, self._network, RECORD, name))

    def _public(self, authority: RsaKey) -> AuthorityKey:
        return AuthorityKey(
            network=self._network,
            rid=RID[self._network],
            index=AUTHORITY_INDEX,
            modulus=authority.modulus.hex().upper(),
            exponent=f"{EXPONENT:02X}",
            sha1=authority_digest(self._network, authority).hex().upper(),
            expires=CERTIFICATES_EXPIRE,
        )
