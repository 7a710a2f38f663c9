"""Statements of payouts, bank accounts and the bank's own book.

Implements `backend.settlement.ports.PayoutRows` and `BankRows`; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.gateway.pages import Page
from backend.settlement.ports import Transfer
from backend.settlement.records import BankAccount, Payout, PayoutState
from backend.storage.database import Row, Statement, Transaction, Value
from backend.storage.settlement_tables import bank_accounts, bank_transfers, payouts

_ADD_ACCOUNT = Statement(insert(bank_accounts))
_ACCOUNT_OF = Statement(
    select(bank_accounts)
    .where(bank_accounts.c.merchant_id == bindparam("merchant_id", type_=Text))
    .order_by(bank_accounts.c.id.desc())
    .limit(literal_column("1"))
)
_FIND_ACCOUNT = Statement(
    select(bank_accounts).where(bank_accounts.c.id == bindparam("id", type_=Text))
)
_REFUSED = Statement(
    select(payouts.c.id)
    .where(
        payouts.c.destination == bindparam("destination", type_=Text),
        payouts.c.state == literal_column("'failed'"),
    )
    .limit(literal_column("1"))
)
_ADD = Statement(upsert(payouts).on_conflict_do_nothing())
_MOVE = Statement(
    update(payouts)
    .where(
        payouts.c.id == bindparam("of_id", type_=Text),
        payouts.c.state == bindparam("was", type_=Text),
    )
    .values(
        state=bindparam("new_state"),
        ended_at_us=bindparam("new_ended_at_us"),
        failure=bindparam("new_failure"),
    )
)
_PUT_METADATA = Statement(
    update(payouts)
    .where(payouts.c.id == bindparam("of_id", type_=Text))
    .values(metadata=bindparam("new_metadata"))
)
_FIND = Statement(select(payouts).where(payouts.c.id == bindparam("id", type_=Text)))
_open: ColumnElement[bool] = literal_column("state IN ('pending', 'in_transit')")
_moves_at_us = case(
    (payouts.c.state == literal_column("'pending'"), payouts.c.send_at_us),
    else_=payouts.c.arrival_at_us,
)
_DUE = Statement(
    select(payouts)
    .where(_open, _moves_at_us <= bindparam("at_us", type_=Integer))
    .order_by(payouts.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)
_NEXT = Statement(select(func.min(_moves_at_us).label("at_us")).where(_open))
_newest = select(payouts).where(payouts.c.id < bindparam("before_id", type_=Text))
_PAGE = Statement(
    _newest.order_by(payouts.c.id.desc()).limit(bindparam("row_limit", type_=Integer))
)
_PAGE_OF = Statement(
    _newest.where(payouts.c.merchant_id == bindparam("merchant_id", type_=Text))
    .order_by(payouts.c.id.desc())
    .limit(bindparam("row_limit", type_=Integer))
)
_ADD_TRANSFER = Statement(upsert(bank_transfers).on_conflict_do_nothing())
_FAILURE = Statement(
    select(bank_transfers.c.failure).where(
        bank_transfers.c.reference == bindparam("reference", type_=Text)
    )
)
_BOOKED = Statement(
    select(bank_transfers)
    .where(
        bank_transfers.c.arrives_at_us >= bindparam("from_us", type_=Integer),
        bank_transfers.c.arrives_at_us < bindparam("to_us", type_=Integer),
    )
    .order_by(bank_transfers.c.arrives_at_us, bank_transfers.c.reference)
)
BEYOND_EVERY_ID = "po_~"


def _wire_page() -> Select[tuple[object, ...]]:
    state, destination = bindparam("state", type_=Text), bindparam("destination", type_=Text)
    return (
        select(payouts)
        .where(
            payouts.c.merchant_id == bindparam("merchant_id", type_=Text),
            payouts.c.id < bindparam("before_id", type_=Text),
            payouts.c.id > bindparam("after_id", type_=Text),
            payouts.c.created_at_us >= bindparam("from_us", type_=Integer),
            payouts.c.created_at_us < bindparam("to_us", type_=Integer),
            or_(state.is_(None), payouts.c.state == state),
            or_(destination.is_(None), payouts.c.destination == destination),
        )
        .limit(bindparam("row_limit", type_=Integer))
    )


_NEWEST_PAGE = Statement(_wire_page().order_by(payouts.c.id.desc()))
_OLDEST_PAGE = Statement(_wire_page().order_by(payouts.c.id))


class SqlPayoutRows:
    """Payouts and bank accounts in SQL."""

    def add_account(self, tx: Transaction, account: BankAccount) -> None:
        """Insert a bank account; the newest is where a merchant is paid."""
        tx.run(_ADD_ACCOUNT, asdict(account))

    def account_of(self, tx: Transaction, merchant_id: str) -> BankAccount | None:
        """Where a merchant is paid."""
        row = tx.one(_ACCOUNT_OF, {"merchant_id": merchant_id})
        return None if row is None else BankAccount(**dict(row))

    def find_account(self, tx: Transaction, account_id: str) -> BankAccount | None:
        """One bank account."""
        row = tx.one(_FIND_ACCOUNT, {"id": account_id})
        return None if row is None else BankAccount(**dict(row))

    def has_refused(self, tx: Transaction, account_id: str) -> bool:
        """Whether the bank has returned a payout to an account."""
        return tx.one(_REFUSED, {"destination": account_id}) is not None

    def add_payout(self, tx: Transaction, payout: Payout) -> bool:
        """Insert a payout; False when this day's automatic one is there already."""
        values = asdict(payout)
        values["state"] = payout.state.value
        values["metadata"] = orjson.dumps(payout.metadata).decode()
        return tx.run(_ADD, values) == 1

    def move_payout(self, tx: Transaction, payout: Payout, *, was: str) -> bool:
        """Store state and end; False when it is no longer in the state `was`."""
        values = {
            "of_id": payout.id,
            "was": was,
            "new_state": payout.state.value,
            "new_ended_at_us": payout.ended_at_us,
            "new_failure": payout.failure,
        }
        return tx.run(_MOVE, values) == 1

    def put_metadata(self, tx: Transaction, payout: Payout) -> None:
        """Store the merchant's own words."""
        words = orjson.dumps(payout.metadata).decode()
        tx.run(_PUT_METADATA, {"of_id": payout.id, "new_metadata": words})

    def find_payout(self, tx: Transaction, payout_id: str) -> Payout | None:
        """One payout."""
        row = tx.one(_FIND, {"id": payout_id})
        return None if row is None else _payout(row)

    def due_payouts(self, tx: Transaction, at_us: int, limit: int) -> list[Payout]:
        """Payouts to be sent or asked after at or before `at_us`, oldest first."""
        return [_payout(row) for row in tx.all(_DUE, {"at_us": at_us, "row_limit": limit})]

    def next_payout_us(self, tx: Transaction) -> int | None:
        """When the next payout is to be sent or asked after."""
        row = tx.one(_NEXT)
        return None if row is None or row["at_us"] is None else int(row["at_us"])

    def payouts(
        self, tx: Transaction, merchant_id: str | None, limit: int, before_id: str | None = None
    ) -> list[Payout]:
        """Payouts, newest first; of one merchant, if named."""
        page: dict[str, Value] = {"row_limit": limit, "before_id": before_id or BEYOND_EVERY_ID}
        if merchant_id is None:
            return [_payout(row) for row in tx.all(_PAGE, page)]
        found = tx.all(_PAGE_OF, {**page, "merchant_id": merchant_id})
        return [_payout(row) for row in found]

    def page(
        self,
        tx: Transaction,
        merchant_id: str,
        page: Page,
        *,
        state: str | None = None,
        destination: str | None = None,
    ) -> list[Payout]:
        """At most `page.rows` of a merchant, newest first; else as `page.is_backwards` says."""
        found = tx.all(
            _OLDEST_PAGE if page.is_backwards else _NEWEST_PAGE,
            {
                "merchant_id": merchant_id,
                "before_id": page.before_id or BEYOND_EVERY_ID,
                "after_id": page.after_id or "",
                "from_us": page.from_us or 0,
                "to_us": 2**62 if page.to_us is None else page.to_us,
                "state": state,
                "destination": destination,
                "row_limit": page.rows,
            },
        )
        return [_payout(row) for row in found]


class SqlBankRows:
    """The bank's own book in SQL."""

    def add_transfer(self, tx: Transaction, transfer: Transfer, failure: str | None) -> None:
        """Insert a transfer, unless its reference is there."""
        tx.run(_ADD_TRANSFER, {**asdict(transfer), "failure": failure})

    def failure_of(self, tx: Transaction, reference: str) -> str | None:
        """Why a transfer is returned."""
        row = tx.one(_FAILURE, {"reference": reference})
        assert row is not None, "asked about what it was given"
        failure: str | None = row["failure"]
        return failure

    def booked(
        self, tx: Transaction, from_us: int, to_us: int
    ) -> Sequence[tuple[Transfer, str | None]]:
        """Transfers booked in a span, with why they were returned."""
        return [
            (
                Transfer(
                    row["reference"], row["last4"], row["amount_minor"], row["currency"],
                    row["arrives_at_us"],
                ),
                row["failure"],
            )
            for row in tx.all(_BOOKED, {"from_us": from_us, "to_us": to_us})
        ]  # fmt: skip


def _payout(row: Row) -> Payout:
    values = dict(row)
    values["state"] = PayoutState(row["state"])
    values["metadata"] = orjson.loads(row["metadata"])
    return Payout(**values)
