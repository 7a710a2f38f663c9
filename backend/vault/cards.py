"""The card vault's front: keeps a typed card, and tells of it everything but its number.

Numbers come in here and do not come out: who wants to pay with a card asks `network_blocks`, which
seals it for the card's network. The same card of the same merchant is kept once (as long as it says
the same expiry), whatever it is called outside. Security codes wait beside their card for the first
authorization and go with it; the database sees to that (`storage.vault_tables`). Every keeping is a
line of the audit trail. Knows no SQL and no HTTP.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream, identifier
from backend.vault.card_entry import CardEntry, StoredCard
from backend.vault.card_sealing import CODE, NUMBER, sealed
from backend.vault.data_keys import DataKeys
from backend.vault.ports import Access, CardRow, CodeRow, VaultRows

__all__ = ["CardEntry", "CardVault", "StoredCard", "VaultPorts"]
Tx = TypeVar("Tx")
FINGERPRINT_HEX_DIGITS = 32


@dataclass(frozen=True, slots=True)
class VaultPorts(Generic[Tx]):
    """Everything that the vault takes from outside.

    Attributes:
        fingerprint_key: 32 bytes that live as long as the folder: a rotation leaves them alone.
        secrets: nonces and identifiers.
    """

    rows: VaultRows[Tx]
    keys: DataKeys[Tx]
    fingerprint_key: bytes
    clock: Clock
    secrets: Stream


class CardVault(Generic[Tx]):
    """Keeps cards."""

    def __init__(self, ports: VaultPorts[Tx]) -> None:
        self._ports = ports

    def keep(self, tx: Tx, merchant_id: str, entry: CardEntry) -> StoredCard:
        """Keep a card for a merchant; the one that is there, if it is the same.

        Raises:
            BadRequest: `expired_card`, `invalid_expiry_year`.
            StorageError: the vault's key cannot be had; undo the unit of work.
        """
        ports, now_us = self._ports, self._ports.clock.now_us()
        entry.check_date(now_us)
        key = ports.keys.current(tx)
        fresh = StoredCard(
            id=identifier(ports.secrets, "card"),
            merchant_id=merchant_id,
            network=entry.network,
            last4=entry.number[-4:],
            exp_month=entry.exp_month,
            exp_year=entry.exp_year,
            fingerprint=self._fingerprint(entry.number),
            country=entry.country,
            created_at_us=now_us,
        )
        known = ports.rows.same_card(tx, fresh)
        card = fresh if known is None else known.card
        if known is None:
            number = sealed(key, entry.number, card.id, NUMBER, ports.secrets)
            ports.rows.add_card(tx, CardRow(card, key.version, number))
        if entry.cvc is not None:
            code = sealed(key, entry.cvc, card.id, CODE, ports.secrets)
            ports.rows.put_code(tx, CodeRow(card.id, key.version, code, now_us))
        facts: dict[str, object] = {"merchant_id": merchant_id, "known": known is not None}
        ports.rows.note(tx, Access(now_us, "card.kept", card.id, "keep", facts))
        return card

    def find(self, tx: Tx, card_id: str) -> StoredCard | None:
        """A card without its number."""
        row = self._ports.rows.card(tx, card_id)
        return None if row is None else row.card

    def _fingerprint(self, number: str) -> str:
        digest = hmac.new(self._ports.fingerprint_key, number.encode(), hashlib.sha256)
        return digest.hexdigest()[:FINGERPRINT_HEX_DIGITS]
