"""The payment side's look at provisioned cards: a token by the keyed hash of its digits.

Implements `payments.ports.TokenDirectory` in the caller's unit of work, so that a suspension that
was committed before a payment's intent is seen by it. Changes nothing.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from backend.payments.records import KnownToken
from backend.storage.database import Statement, Transaction
from backend.storage.wallet_tables import provisioned_cards

_FIND = Statement(
    select(
        provisioned_cards.c.token_ref,
        provisioned_cards.c.id,
        provisioned_cards.c.user_id,
        provisioned_cards.c.network,
        provisioned_cards.c.status,
        provisioned_cards.c.last4,
    ).where(provisioned_cards.c.token_fingerprint == bindparam("fingerprint"))
)


_STATUS = Statement(
    select(provisioned_cards.c.status).where(provisioned_cards.c.id == bindparam("of_id"))
)


class SqlTokenDirectory:
    """Finds tokens that the wallet side provisioned."""

    def find(self, tx: Transaction, fingerprint: bytes) -> KnownToken | None:
        """The token, whatever its status."""
        row = tx.one(_FIND, {"fingerprint": fingerprint})
        return None if row is None else KnownToken(*row)

    def may_pay(self, tx: Transaction, card_id: str) -> bool:
        """Whether the card is active in this unit of work; one that was removed is not."""
        row = tx.one(_STATUS, {"of_id": card_id})
        return row is not None and row["status"] == "active"
