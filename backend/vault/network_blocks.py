"""The one way of a number out of the vault: sealed for the card's network, for one payment.

Theory of operation. `take` runs in the unit of work that stores a payment's intent: it reads the
sealed record and writes who opens it and why, so no opening is without its line in the audit trail.
After the commit `seal` opens it and seals number and security code for the network's public key
(JWE, RFC 7516: ECDH-ES with A256GCM), together with the payment's reference, so that the block is
good for that one message. Nobody between vault and network can read it. Knows no SQL and no wire.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from backend.runtime.clock import Clock
from backend.runtime.errors import MessageError
from backend.vault.card_entry import StoredCard
from backend.vault.card_sealing import CODE, NUMBER, opened
from backend.vault.data_keys import DataKeys
from backend.vault.ports import Access, CardRow, CodeRow, KeyRow, VaultRows

Tx = TypeVar("Tx")
ALGORITHMS = ["ECDH-ES", "A256GCM"]
HEADER = {"alg": "ECDH-ES", "enc": "A256GCM"}
NETWORKS_MAX = 16


@lru_cache(NETWORKS_MAX)
def _public_key(jwk: tuple[tuple[str, str], ...]) -> ECKey:
    """A network's key, read once: reading costs half of a sealing."""
    return ECKey.import_key(dict(jwk))


@dataclass(frozen=True, slots=True)
class Taken:
    """A card's record on its way out, still sealed, with the wrapped keys that open it."""

    row: CardRow
    key: KeyRow
    code: CodeRow | None = None
    code_key: KeyRow | None = None

    @property
    def card(self) -> StoredCard:
        """Which card."""
        return self.row.card


class NetworkBlocks(Generic[Tx]):
    """Opens cards, for their networks only."""

    def __init__(self, rows: VaultRows[Tx], keys: DataKeys[Tx], clock: Clock) -> None:
        self._rows = rows
        self._keys = keys
        self._clock = clock

    def take(self, tx: Tx, card_id: str, *, purpose: str, payment_id: str) -> Taken | None:
        """Read a record and write down why; None when there is no such card.

        Raises:
            StorageError: its key is not there.
        """
        row = self._rows.card(tx, card_id)
        if row is None:
            return None
        code = self._rows.code(tx, card_id)
        facts: dict[str, object] = {
            "payment_id": payment_id,
            "merchant_id": row.card.merchant_id,
            "with_code": code is not None,
            "key_version": row.key_version,
        }
        self._rows.note(tx, Access(self._clock.now_us(), "card.opened", card_id, purpose, facts))
        code_key = None if code is None else self._keys.row(tx, code.key_version)
        return Taken(row, self._keys.row(tx, row.key_version), code, code_key)

    def seal(self, taken: Taken, network_key: Mapping[str, str], reference: str) -> str:
        """A compact JWE that the network alone can read.

        Args:
            taken: what `take` read.
            network_key: the network's public JWK.
            reference: retrieval reference number of the payment that it is good for.

        Raises:
            StorageError: the record or its key does not open.
            MessageError: the network's key is none.
        """
        number = opened(self._keys.open(taken.key), taken.row.sealed_number, taken.card.id, NUMBER)
        body = {"pan": number, "rrn": reference}
        if taken.code is not None and taken.code_key is not None:
            key = self._keys.open(taken.code_key)
            body["code"] = opened(key, taken.code.sealed_code, taken.card.id, CODE)
        try:
            public = _public_key(tuple(sorted(network_key.items())))
            return jwe.encrypt_compact(
                dict(HEADER), json.dumps(body).encode(), public, algorithms=ALGORITHMS
            )
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise MessageError("the network's public key is none") from error
