"""Rows of the network hosts: the port `backend.networks.ports` over one SQLite file.

Knows the hosts' tables and nothing of what a response code means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Table, bindparam, create_engine, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.networks.counters import CounterWindow
from backend.networks.ports import (
    AccountRow,
    AuthorizationRow,
    HostRows,
    PresentmentRow,
    Reference,
    TokenRow,
)
from backend.storage.database import Database, Parameters, Row, Statement, Value
from backend.storage.host_tables import (
    host_accounts,
    host_approvals,
    host_authorizations,
    host_balances,
    host_counters,
    host_holds,
    host_postings,
    host_presentments,
    host_secrets,
    host_tokens,
)
from backend.storage.host_token_life_rows import SqlTokenLifeRows
from backend.storage.metadata import host_metadata

T = TypeVar("T")


def _insert_all(table: Table) -> Statement:
    return Statement(insert(table).values({c.name: bindparam(c.name) for c in table.columns}))


def _select_by(table: Table, *names: str) -> Statement:
    return Statement(select(table).where(*(table.c[name] == bindparam(name) for name in names)))


_REFERENCE = ("network", "rrn", "stan", "sent")
_SECRET = _select_by(host_secrets, "network", "name")
_PUT_SECRET = _insert_all(host_secrets)
_ACCOUNT_OF_NUMBER = _select_by(host_accounts, "network", "number_fingerprint")
_ACCOUNT = _select_by(host_accounts, "account_id")
_ADD_ACCOUNT = _insert_all(host_accounts)
_TOKEN_OF_NUMBER = _select_by(host_tokens, "network", "token_fingerprint")
_TOKEN = _select_by(host_tokens, "token_ref")
_TOKEN_OF_DEVICE = Statement(
    select(host_tokens).where(
        host_tokens.c.account_id == bindparam("account_id"),
        host_tokens.c.device_id == bindparam("device_id"),
        host_tokens.c.status != "deactivated",
    )
)
_ADD_TOKEN = _insert_all(host_tokens)
_SET_STATUS = Statement(
    update(host_tokens)
    .where(host_tokens.c.token_ref == bindparam("wanted"))
    .values(status=bindparam("new_status"))
)
_TAKE_ATC = Statement(
    update(host_tokens)
    .where(
        host_tokens.c.token_ref == bindparam("wanted"),
        host_tokens.c.atc_seen < bindparam("at"),
        host_tokens.c.status == "active",
    )
    .values(atc_seen=bindparam("atc"))
)
_COUNTER_WINDOW = _select_by(host_counters, "token_ref")
_PUT_COUNTER_WINDOW = Statement(
    upsert(host_counters)
    .values({column.name: bindparam(column.name) for column in host_counters.columns})
    .on_conflict_do_update(
        index_elements=["token_ref"],
        set_={"highest": bindparam("highest"), "used_below": bindparam("used_below")},
    )
)
_AUTHORIZATION = _select_by(host_authorizations, *_REFERENCE)
_ADD_AUTHORIZATION = _insert_all(host_authorizations)
_MARK_REVERSED = Statement(
    update(host_authorizations)
    .where(*(host_authorizations.c[name] == bindparam(f"of_{name}") for name in _REFERENCE))
    .values(reversed_at_us=bindparam("at_us"))
)
_HELD = Statement(
    select(host_balances.c.held_minor).where(
        host_balances.c.account_id == bindparam("account_id"),
        host_balances.c.currency == bindparam("currency"),
    )
)
_balance = upsert(host_balances).values(
    account_id=bindparam("account_id"),
    currency=bindparam("currency"),
    held_minor=bindparam("amount_minor"),
)
_ADD_TO_BALANCE = Statement(
    _balance.on_conflict_do_update(
        index_elements=["account_id", "currency"],
        set_={"held_minor": host_balances.c.held_minor + _balance.excluded.held_minor},
    )
)
_TAKE_FROM_BALANCE = Statement(
    update(host_balances)
    .where(
        host_balances.c.account_id == bindparam("of_account"),
        host_balances.c.currency == bindparam("of_currency"),
    )
    .values(held_minor=host_balances.c.held_minor - bindparam("amount_minor"))
)
_HOLD = _select_by(host_holds, *_REFERENCE)
_ADD_HOLD = _insert_all(host_holds)
_RELEASE_HOLD = Statement(
    update(host_holds)
    .where(*(host_holds.c[name] == bindparam(f"of_{name}") for name in _REFERENCE))
    .values(state=bindparam("new_state"))
)
_ORIGINAL = ("network", "rrn", "original_stan", "original_sent")
_PRESENTMENT = _select_by(host_presentments, *_ORIGINAL, "kind", "stan", "sent")
_PRESENTMENTS = _select_by(host_presentments, *_ORIGINAL)
_ADD_PRESENTMENT = _insert_all(host_presentments)
_POSTED = Statement(
    select(host_postings.c.posted_minor).where(
        host_postings.c.account_id == bindparam("account_id"),
        host_postings.c.currency == bindparam("currency"),
    )
)
_posting = upsert(host_postings).values(
    account_id=bindparam("account_id"),
    currency=bindparam("currency"),
    posted_minor=bindparam("posted_minor"),
)
_POST = Statement(
    _posting.on_conflict_do_update(
        index_elements=["account_id", "currency"],
        set_={"posted_minor": host_postings.c.posted_minor + bindparam("change_minor")},
    )
)
_count = upsert(host_approvals).values(
    network=bindparam("network"), approvals=bindparam("approvals")
)
_NEXT_APPROVAL = Statement(
    _count.on_conflict_do_update(
        index_elements=["network"],
        set_={"approvals": host_approvals.c.approvals + _count.excluded.approvals},
    ).returning(host_approvals.c.approvals)
)
_OPEN_HOLDS = Statement(
    select(host_holds).where(
        host_holds.c.network == bindparam("network"), host_holds.c.state == "held"
    )
)


class SqlHostRows(SqlTokenLifeRows):
    """`HostRows` over one transaction."""

    __slots__ = ()

    def secret(self, network: str, name: str) -> bytes | None:
        """A sealed key of the network."""
        row = self._tx.one(_SECRET, {"network": network, "name": name})
        return None if row is None else bytes(row["sealed"])

    def put_secret(self, network: str, name: str, sealed: bytes) -> None:
        """Keep a sealed key."""
        self._tx.run(_PUT_SECRET, {"network": network, "name": name, "sealed": sealed})

    def account_of_number(self, network: str, fingerprint: bytes) -> AccountRow | None:
        """The account behind a card number."""
        key: Parameters = {"network": network, "number_fingerprint": fingerprint}
        row = self._tx.one(_ACCOUNT_OF_NUMBER, key)
        return None if row is None else AccountRow(**dict(row))

    def account(self, account_id: str) -> AccountRow | None:
        """An account by its identifier."""
        row = self._tx.one(_ACCOUNT, {"account_id": account_id})
        return None if row is None else AccountRow(**dict(row))

    def add_account(self, account: AccountRow) -> None:
        """Open an account."""
        self._tx.run(_ADD_ACCOUNT, _values(account))

    def token_of_number(self, network: str, fingerprint: bytes) -> TokenRow | None:
        """The token row behind a device account number."""
        key: Parameters = {"network": network, "token_fingerprint": fingerprint}
        return _token(self._tx.one(_TOKEN_OF_NUMBER, key))

    def token_of_device(self, account_id: str, device_id: str) -> TokenRow | None:
        """The token of this account in this device that is not deactivated."""
        key = {"account_id": account_id, "device_id": device_id}
        return _token(self._tx.one(_TOKEN_OF_DEVICE, key))

    def token(self, token_ref: str) -> TokenRow | None:
        """A token by its reference."""
        return _token(self._tx.one(_TOKEN, {"token_ref": token_ref}))

    def add_token(self, token: TokenRow) -> None:
        """Issue a token."""
        self._tx.run(_ADD_TOKEN, _values(token))

    def set_token_status(self, token_ref: str, status: str) -> None:
        """Change a token's status."""
        self._tx.run(_SET_STATUS, {"wanted": token_ref, "new_status": status})

    def take_atc(self, token_ref: str, atc: int) -> bool:
        """Remember a transaction counter; False when the token is not active or saw a higher."""
        return self._tx.run(_TAKE_ATC, {"wanted": token_ref, "at": atc, "atc": atc}) == 1

    def counter_window(self, token_ref: str) -> CounterWindow | None:
        """The counters that a token has used; None before the first."""
        row = self._tx.one(_COUNTER_WINDOW, {"token_ref": token_ref})
        return None if row is None else CounterWindow(row["highest"], row["used_below"])

    def put_counter_window(self, token_ref: str, window: CounterWindow) -> None:
        """Keep the counters that a token has used."""
        values = {"highest": window.highest, "used_below": window.used_below}
        self._tx.run(_PUT_COUNTER_WINDOW, {"token_ref": token_ref, **values})

    def authorization(self, network: str, reference: Reference) -> AuthorizationRow | None:
        """What was answered to the authorization with this reference."""
        row = self._tx.one(_AUTHORIZATION, _key(network, reference))
        if row is None:
            return None
        values = dict(row)
        values["reference"] = (values.pop("rrn"), values.pop("stan"), values.pop("sent"))
        return AuthorizationRow(**values)

    def add_authorization(self, row: AuthorizationRow) -> None:
        """Keep an answer."""
        values = _values(row, "reference")
        self._tx.run(_ADD_AUTHORIZATION, {**values, **_key(row.network, row.reference)})

    def mark_reversed(self, network: str, reference: Reference, at_us: int) -> None:
        """Remember that the authorization was reversed."""
        self._tx.run(_MARK_REVERSED, {**_key(network, reference, "of_"), "at_us": at_us})

    def held_minor(self, account_id: str, currency: str) -> int:
        """Sum of the account's open holds, minor units."""
        row = self._tx.one(_HELD, {"account_id": account_id, "currency": currency})
        return 0 if row is None else int(row["held_minor"])

    def add_hold(
        self, network: str, reference: Reference, account_id: str, amount_minor: int, currency: str
    ) -> None:
        """Hold money for an authorization (one hold a reference)."""
        money: dict[str, Value] = {
            "account_id": account_id,
            "amount_minor": amount_minor,
            "currency": currency,
        }
        self._tx.run(_ADD_HOLD, {**_key(network, reference), **money, "state": "held"})
        self._tx.run(_ADD_TO_BALANCE, money)

    def release_hold(self, network: str, reference: Reference) -> bool:
        """Give the held money back; whether there was an open hold."""
        hold = self._tx.one(_HOLD, _key(network, reference))
        if hold is None or hold["state"] != "held":
            return False
        self._tx.run(_RELEASE_HOLD, {**_key(network, reference, "of_"), "new_state": "released"})
        self._tx.run(
            _TAKE_FROM_BALANCE,
            {
                "of_account": hold["account_id"],
                "of_currency": hold["currency"],
                "amount_minor": hold["amount_minor"],
            },
        )
        return True

    def posted_minor(self, account_id: str, currency: str) -> int:
        """What the account owes: booked completions less refunds, minor units."""
        row = self._tx.one(_POSTED, {"account_id": account_id, "currency": currency})
        return 0 if row is None else int(row["posted_minor"])

    def presentment(self, row: PresentmentRow) -> PresentmentRow | None:
        """What was booked for the advice with this row's kind and own reference."""
        own = {"kind": row.kind, "stan": row.stan, "sent": row.sent}
        found = self._tx.one(_PRESENTMENT, {**_original(row.network, row.original), **own})
        return None if found is None else _presentment(found)

    def presentments(self, network: str, original: Reference) -> list[PresentmentRow]:
        """Everything that was booked for an authorization."""
        return [_presentment(r) for r in self._tx.all(_PRESENTMENTS, _original(network, original))]

    def book(self, row: PresentmentRow, account_id: str) -> None:
        """Book a completion (adds to what the account owes) or a refund (takes from it)."""
        values = _values(row, "original")
        self._tx.run(_ADD_PRESENTMENT, {**values, **_original(row.network, row.original)})
        change_minor = row.amount_minor if row.kind == "completion" else -row.amount_minor
        self._tx.run(
            _POST,
            {
                "account_id": account_id,
                "currency": row.currency,
                # A first row never takes: a refund follows its completion.
                "posted_minor": max(change_minor, 0),
                "change_minor": change_minor,
            },
        )

    def account_of_hold(self, network: str, reference: Reference) -> str | None:
        """The account that an authorization held money of."""
        hold = self._tx.one(_HOLD, _key(network, reference))
        return None if hold is None else str(hold["account_id"])

    def next_approval(self, network: str) -> int:
        """Count one more approval of the network; 1 for the first ever."""
        row = self._tx.one(_NEXT_APPROVAL, {"network": network, "approvals": 1})
        assert row is not None, "an upsert returns its row"
        return int(row["approvals"])

    def open_holds(self, network: str) -> list[tuple[Reference, int, str]]:
        """Every open hold of a network: reference, minor units, currency."""
        return [
            ((row["rrn"], row["stan"], row["sent"]), row["amount_minor"], row["currency"])
            for row in self._tx.all(_OPEN_HOLDS, {"network": network})
        ]


class SqlHostStore:
    """`HostStore` over the hosts' own database file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, work: Callable[[HostRows], T]) -> T:
        """Run a unit of work; durable against a killed process when this returns."""
        return await self._database.write(lambda tx: work(SqlHostRows(tx)))

    def read(self, work: Callable[[HostRows], T]) -> T:
        """Run a short read on the last committed state."""
        return self._database.read(lambda tx: work(SqlHostRows(tx)))

    def close(self) -> None:
        """Fold the log into the file and close it."""
        self._database.close()


def open_host_store(path: Path, *, inline: bool = False) -> SqlHostStore:
    """Open or create the hosts' file with its tables.

    `synchronous=NORMAL`: another company's machine does not pay for our power cut, and everything
    survives a killed process.

    Raises:
        StorageError: the file cannot be opened or is not a database.
    """
    database = Database(path, synchronous="NORMAL", inline=inline)
    engine = create_engine(f"sqlite:///{path}")
    try:
        host_metadata.create_all(engine)
    finally:
        engine.dispose()
    return SqlHostStore(database)


def _values(
    row: AccountRow | TokenRow | AuthorizationRow | PresentmentRow, *left_out: str
) -> dict[str, Value]:
    return {f.name: getattr(row, f.name) for f in fields(row) if f.name not in left_out}


def _key(network: str, reference: Reference, prefix: str = "") -> dict[str, str]:
    return {
        f"{prefix}{name}": part
        for name, part in zip(_REFERENCE, (network, *reference), strict=True)
    }


def _original(network: str, original: Reference) -> dict[str, str]:
    return dict(zip(_ORIGINAL, (network, *original), strict=True))


def _presentment(row: Row) -> PresentmentRow:
    values = dict(row)
    original = tuple(values.pop(name) for name in _ORIGINAL[1:])
    return PresentmentRow(original=original, **values)


def _token(row: Row | None) -> TokenRow | None:
    return None if row is None else TokenRow(**dict(row))
