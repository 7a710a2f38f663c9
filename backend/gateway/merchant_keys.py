"""The laboratory's authority for payment tokens, and its merchants' certificates with their keys.

Made when first wanted, once for each version of the format, and kept with their private keys sealed
in a vault. Certificates that are not valid at this moment of lab time (it was moved) are made anew.
A merchant's key can be renewed at any time; tokens that were under way open with the one before.
Knows no token and no payment. Source: RFC 5280; the format's marks are `backend.paytoken`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from backend.networks.vault import NetworkVault
from backend.payments.records import Merchant
from backend.paytoken.authority import (
    Identity,
    PrivateKey,
    TokenAuthority,
    ec_key,
    make_authority,
    make_merchant,
    rsa_key,
)
from backend.paytoken.token import EC_V1, RSA_V1
from backend.runtime.clock import Clock, to_datetime
from backend.runtime.entropy import Stream
from backend.runtime.store import Store

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
T = TypeVar("T")

# Who sells in the shop page, besides the corner shop with its till; the second one takes RSA_v1.
TEA_HOUSE = Merchant("mer_tea_house", "Tea House", "5499", "W0000001")
PAPER_SHOP = Merchant("mer_paper_shop", "Paper Shop", "5943", "W0000002")
SHOPS = (TEA_HOUSE, PAPER_SHOP)
_VERSION_OF = {PAPER_SHOP.id: RSA_V1}
VAULT = "payment tokens"
BEFORE = "/before"  # the name of a merchant's last key ends so; tokens live five minutes


class Offload(Protocol):
    """Runs what takes long beside the event loop, where there are threads."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Its result."""


class KeyRows(Protocol[Tx_contra]):
    """Certificates with sealed private keys, by name."""

    def token_key(self, tx: Tx_contra, name: str) -> tuple[str, bytes] | None:
        """Certificate (PEM) and sealed key."""

    def put_token_key(
        self, tx: Tx_contra, name: str, certificate: str, sealed_key: bytes, at_us: int
    ) -> None:
        """Store them in place of what stood there."""


@dataclass(frozen=True, slots=True)
class KeyPorts(Generic[Tx]):
    """What keeping keys takes from outside.

    Attributes:
        stream: keys and serial numbers.
        offload: for RSA keys, which take a tenth of a second each.
    """

    store: Store[Tx]
    rows: KeyRows[Tx]
    vault: NetworkVault
    stream: Stream
    clock: Clock
    offload: Offload


class MerchantKeys(Generic[Tx]):
    """Hands out identities; makes what is missing."""

    def __init__(self, ports: KeyPorts[Tx]) -> None:
        self._ports = ports
        self._opened: dict[str, Identity] = {}
        self._making = asyncio.Lock()

    async def authority_for(self, merchant_id: str) -> TokenAuthority:
        """Who signs the tokens that this merchant takes.

        Raises:
            StorageError: the database refused, or the stored keys were sealed under another key.
        """
        async with self._making:
            return await self._authority(version_of(merchant_id))

    async def identity(self, merchant_id: str) -> Identity:
        """A merchant's certificate and key; the merchant is known to exist.

        Raises:
            StorageError: the database refused, or the stored keys were sealed under another key.
        """
        async with self._making:
            authority = await self._authority(version_of(merchant_id))
            name = _name(merchant_id)
            known = self._known(name)
            if known is not None and _issued(authority.intermediate, known):
                return known
            made = await self._make(authority, merchant_id)
            await self._keep({name: made})
            return made

    async def openers(self, merchant_id: str) -> list[Identity]:
        """Whose keys may open a token: the merchant's, and the one before its last renewal.

        Raises:
            StorageError: the database refused, or the stored keys were sealed under another key.
        """
        now = await self.identity(merchant_id)
        before = self._known(_name(merchant_id) + BEFORE)
        return [now] if before is None else [now, before]

    async def renew(self, merchant_id: str) -> Identity:
        """A new key and certificate; what was sealed for the old one just before still opens.

        Raises:
            StorageError: the database refused; the merchant has its old key.
        """
        old = await self.identity(merchant_id)
        async with self._making:
            made = await self._make(await self._authority(version_of(merchant_id)), merchant_id)
            await self._keep({_name(merchant_id): made, _name(merchant_id) + BEFORE: old})
            return made

    async def _make(self, authority: TokenAuthority, merchant_id: str) -> Identity:
        ports = self._ports
        key = await self._draw(version_of(merchant_id))
        return make_merchant(authority, merchant_id, key, ports.stream, ports.clock.now_us())

    async def _authority(self, version: str) -> TokenAuthority:
        names = [f"{version}/{part}" for part in ("root", "intermediate", "leaf")]
        known = [identity for name in names if (identity := self._known(name)) is not None]
        if len(known) == len(names):
            return TokenAuthority(*known)
        keys = [await self._draw(version) for _ in names]
        ports = self._ports
        made = make_authority(keys.pop, ports.stream, ports.clock.now_us())
        parts = (made.root, made.intermediate, made.leaf)
        await self._keep(dict(zip(names, parts, strict=True)))
        return made

    def _known(self, name: str) -> Identity | None:
        """The identity of that name, if there is one and its certificate is valid now."""
        identity = self._opened.get(name) or self._stored(name)
        if identity is None:
            return None
        self._opened[name] = identity
        certificate, now = identity.certificate, to_datetime(self._ports.clock.now_us())
        valid = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        return identity if valid else None

    def _stored(self, name: str) -> Identity | None:
        row = self._ports.store.read(lambda tx: self._ports.rows.token_key(tx, name))
        if row is None:
            return None
        opened = self._ports.vault.unseal(row[1], VAULT, name, "key")
        key = serialization.load_pem_private_key(opened, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey), "made here"
        return Identity(x509.load_pem_x509_certificate(row[0].encode()), key)

    async def _keep(self, made: dict[str, Identity]) -> None:
        ports, now_us = self._ports, self._ports.clock.now_us()
        sealed = {
            name: ports.vault.seal(identity.key_pem(), VAULT, name, "key")
            for name, identity in made.items()
        }

        def work(tx: Tx) -> None:
            for name, identity in made.items():
                certificate = identity.certificate_pem().decode()
                ports.rows.put_token_key(tx, name, certificate, sealed[name], now_us)

        await ports.store.write(work)
        self._opened |= made

    async def _draw(self, version: str) -> PrivateKey:
        if version == RSA_V1:
            return await self._ports.offload(rsa_key)
        return ec_key(self._ports.stream)


def _name(merchant_id: str) -> str:
    return f"merchant/{merchant_id}"


def version_of(merchant_id: str) -> str:
    """Which version of the format a merchant takes."""
    return _VERSION_OF.get(merchant_id, EC_V1)


def _issued(issuer: Identity, identity: Identity) -> bool:
    try:
        identity.certificate.verify_directly_issued_by(issuer.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
