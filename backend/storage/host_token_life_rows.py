"""Rows of tokens' lives: the port `backend.networks.life_ports.TokenLifeRows` on one transaction.

Knows the hosts' tables and no rule of suspension.
"""

from __future__ import annotations

from dataclasses import fields

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.networks.access_log import AccessLine
from backend.networks.life_ports import TokenEventRow, TokenTermsRow
from backend.storage import host_access_rows
from backend.storage.database import Statement, Value
from backend.storage.host_tables import (
    host_accounts,
    host_retired_numbers,
    host_suspensions,
    host_token_events,
    host_token_terms,
)
from backend.storage.host_verification_rows import SqlVerificationRows

_HOLDERS = Statement(
    select(host_suspensions.c.held_by).where(host_suspensions.c.token_ref == bindparam("wanted"))
)
_HOLD = Statement(
    upsert(host_suspensions)
    .values({c.name: bindparam(c.name) for c in host_suspensions.columns})
    .on_conflict_do_nothing()
)
_LET_GO = Statement(
    delete(host_suspensions).where(
        host_suspensions.c.token_ref == bindparam("wanted"),
        host_suspensions.c.held_by == bindparam("by"),
    )
)
_TERMS = Statement(
    select(host_token_terms).where(host_token_terms.c.token_ref == bindparam("wanted"))
)
_terms = upsert(host_token_terms).values(
    {c.name: bindparam(c.name) for c in host_token_terms.columns}
)
_PUT_TERMS = Statement(
    _terms.on_conflict_do_update(
        index_elements=["token_ref"],
        set_={
            c.name: _terms.excluded[c.name]
            for c in host_token_terms.columns
            if c.name != "token_ref"
        },
    )
)
_ADD_EVENT = Statement(
    insert(host_token_events).values(
        {c.name: bindparam(c.name) for c in host_token_events.columns if c.name != "id"}
    )
)
_EVENTS = Statement(
    select(host_token_events)
    .where(
        host_token_events.c.network == bindparam("of_network"),
        host_token_events.c.id > bindparam("after_id"),
    )
    .order_by(host_token_events.c.id)
    .limit(bindparam("rows_max"))
)
_STORY = Statement(
    select(host_token_events)
    .where(host_token_events.c.token_ref == bindparam("wanted"))
    .order_by(host_token_events.c.id)
)
_RENUMBER = Statement(
    update(host_accounts)
    .where(host_accounts.c.account_id == bindparam("wanted"))
    .values(
        number_fingerprint=bindparam("new_fingerprint"),
        sealed_number=bindparam("new_sealed"),
        last4=bindparam("new_last4"),
    )
)
_RETIRE = Statement(
    upsert(host_retired_numbers)
    .values({c.name: bindparam(c.name) for c in host_retired_numbers.columns})
    .on_conflict_do_nothing()
)
_RETIRED = Statement(
    select(host_retired_numbers.c.at_us).where(
        host_retired_numbers.c.network == bindparam("of_network"),
        host_retired_numbers.c.number_fingerprint == bindparam("fingerprint"),
    )
)


class SqlTokenLifeRows(SqlVerificationRows):
    """`TokenLifeRows` over one transaction."""

    __slots__ = ()

    def holders(self, token_ref: str) -> frozenset[str]:
        """Who holds the token suspended."""
        return frozenset(row["held_by"] for row in self._tx.all(_HOLDERS, {"wanted": token_ref}))

    def hold_token(self, token_ref: str, by: str, reason: str, at_us: int) -> None:
        """Somebody suspends it; for the second time nothing changes."""
        self._tx.run(
            _HOLD, {"token_ref": token_ref, "held_by": by, "reason": reason, "at_us": at_us}
        )

    def let_go(self, token_ref: str, by: str) -> None:
        """That party holds it no more."""
        self._tx.run(_LET_GO, {"wanted": token_ref, "by": by})

    def terms(self, token_ref: str) -> TokenTermsRow | None:
        """What it was issued under; None for a token that is older than this record."""
        row = self._tx.one(_TERMS, {"wanted": token_ref})
        return None if row is None else TokenTermsRow(**dict(row))

    def put_terms(self, row: TokenTermsRow) -> None:
        """Store terms, or what changed about them."""
        self._tx.run(_PUT_TERMS, _values(row))

    def add_token_event(self, row: TokenEventRow) -> None:
        """Add to the story, which numbers itself."""
        self._tx.run(_ADD_EVENT, _values(row))

    def token_events(self, network: str, after_id: int, limit: int) -> list[TokenEventRow]:
        """What happened to a network's tokens after that, the oldest first."""
        key: dict[str, Value] = {"of_network": network, "after_id": after_id, "rows_max": limit}
        return [TokenEventRow(**dict(row)) for row in self._tx.all(_EVENTS, key)]

    def story(self, token_ref: str) -> list[TokenEventRow]:
        """Everything that happened to one token, the oldest first."""
        return [TokenEventRow(**dict(row)) for row in self._tx.all(_STORY, {"wanted": token_ref})]

    def renumber_account(
        self, account_id: str, number_fingerprint: bytes, sealed_number: bytes, last4: str
    ) -> None:
        """The account has another card number from now on."""
        self._tx.run(
            _RENUMBER,
            {
                "wanted": account_id,
                "new_fingerprint": number_fingerprint,
                "new_sealed": sealed_number,
                "new_last4": last4,
            },
        )

    def retire_number(self, network: str, number_fingerprint: bytes, at_us: int) -> None:
        """A card number that was replaced: nothing is issued for it any more."""
        self._tx.run(
            _RETIRE, {"network": network, "number_fingerprint": number_fingerprint, "at_us": at_us}
        )

    def is_retired(self, network: str, number_fingerprint: bytes) -> bool:
        """Whether this card number was replaced."""
        key: dict[str, Value] = {"of_network": network, "fingerprint": number_fingerprint}
        return self._tx.one(_RETIRED, key) is not None

    def add_access(self, line: AccessLine) -> None:
        """Add a line to the log of the vault's openings."""
        host_access_rows.add(self._tx, line)


def _values(row: TokenTermsRow | TokenEventRow) -> dict[str, Value]:
    return {field.name: getattr(row, field.name) for field in fields(row)}
