"""Settlement's statements: the journal as batches read it, batches, clearings, networks' files.

Implements `BatchRows`, `ClearingRows` and `ClearingFiles` of `backend.settlement.ports`; decides
nothing.
"""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    distinct,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.ledger.accounts import merchant_balance, merchant_pending, merchant_reserve
from backend.ledger.chain import shard_of
from backend.settlement.ports import Presentment
from backend.settlement.records import Batch, Clearing, DayTotal
from backend.storage.checkpoint_rows import SqlCheckpoints
from backend.storage.database import Database, Row, Statement, Transaction, Value
from backend.storage.host_tables import host_presentments
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.settlement_tables import clearing_progress, clearings, settlement_batches

LINES_MAX = 16
"""More than any transaction has: its other lines stand so near to the merchant's."""

# As in the index, word for word: SQLite takes a partial index for a query that says the same.
OF_MERCHANTS: tuple[ColumnElement[bool], ...] = (
    literal_column("account >= 'liabilities:merchant-'"),
    literal_column("account < 'liabilities:merchant.'"),
)
_pending = entries.c.account == bindparam("account", type_=Text)
_unsettled = and_(
    *OF_MERCHANTS,
    _pending,
    entries.c.seq > bindparam("after_seq", type_=Integer),
    entries.c.purpose != literal_column("'settlement'"),
)
_SETTLED_SEQ = Statement(
    select(func.max(settlement_batches.c.last_seq).label("last_seq")).where(
        settlement_batches.c.merchant_id == bindparam("merchant_id", type_=Text)
    )
)
_FIRST = Statement(
    select(entries.c.at_us).where(_unsettled).order_by(entries.c.seq).limit(literal_column("1"))
)
_FIRST_AFTER = Statement(
    select(entries.c.seq)
    .where(_unsettled, entries.c.at_us >= bindparam("closes_us", type_=Integer))
    .order_by(entries.c.seq)
    .limit(literal_column("1"))
)
_LAST = Statement(
    select(func.max(entries.c.seq).label("seq")).where(
        _unsettled, entries.c.seq < bindparam("before_seq", type_=Integer)
    )
)


def _account_under(path: str) -> ColumnElement[bool]:
    """Accounts whose name begins with a path."""
    return and_(
        entries.c.account >= literal_column(f"'{path}'"),
        entries.c.account < literal_column(f"'{path[:-1]};'"),
    )


_owed = case(
    (entries.c.direction == literal_column("'credit'"), entries.c.amount_minor),
    else_=-entries.c.amount_minor,
)
_is_fee = or_(_account_under("revenue:"), entries.c.account == literal_column("'liabilities:tax'"))
_zero: ColumnElement[int] = literal_column("0")
_TOTALS = Statement(
    select(
        entries.c.currency,
        entries.c.purpose,
        func.sum(case((_pending, _owed), else_=_zero)).label("net_minor"),
        func.sum(case((_is_fee, _owed), else_=_zero)).label("fee_minor"),
        func.count(distinct(entries.c.transaction_id)).label("transactions"),
    )
    .where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq > bindparam("low_seq", type_=Integer),
        entries.c.seq <= bindparam("high_seq", type_=Integer),
        entries.c.transaction_id.in_(
            select(entries.c.transaction_id).where(
                _unsettled, entries.c.seq <= bindparam("last_seq", type_=Integer)
            )
        ),
    )
    .group_by(entries.c.currency, entries.c.purpose)
    .having(func.max(case((_pending, literal_column("1")), else_=_zero)) == literal_column("1"))
)
_ADD = Statement(insert(settlement_batches))
_newest = (
    settlement_batches.c.settled_at_us.desc(),
    settlement_batches.c.last_seq.desc(),
    settlement_batches.c.id.desc(),
)
_BATCHES = Statement(
    select(settlement_batches).order_by(*_newest).limit(bindparam("row_limit", type_=Integer))
)
_BATCHES_OF = Statement(
    select(settlement_batches)
    .where(settlement_batches.c.merchant_id == bindparam("merchant_id", type_=Text))
    .order_by(*_newest)
    .limit(bindparam("row_limit", type_=Integer))
)
_held: tuple[ColumnElement[bool], ...] = (
    literal_column("reserve_minor > 0"),
    literal_column("reserve_released_at_us IS NULL"),
)
_DUE_RESERVES = Statement(
    select(settlement_batches)
    .where(*_held, settlement_batches.c.reserve_due_at_us <= bindparam("at_us", type_=Integer))
    .order_by(settlement_batches.c.reserve_due_at_us, settlement_batches.c.id)
    .limit(bindparam("row_limit", type_=Integer))
)
_NEXT_RESERVE = Statement(
    select(func.min(settlement_batches.c.reserve_due_at_us).label("at_us")).where(*_held)
)
_RELEASE = Statement(
    update(settlement_batches)
    .where(settlement_batches.c.id == bindparam("of_id", type_=Text), *_held)
    .values(reserve_released_at_us=bindparam("new_released_at_us"))
)
_coming = and_(
    settlement_batches.c.merchant_id == bindparam("merchant_id", type_=Text),
    settlement_batches.c.available_at_us > bindparam("at_us", type_=Integer),
)
_NOT_AVAILABLE = Statement(
    select(
        settlement_batches.c.currency,
        func.sum(settlement_batches.c.net_minor).label("net_minor"),
    )
    .where(_coming, settlement_batches.c.net_minor > _zero)
    .group_by(settlement_batches.c.currency)
)
_NEXT_AVAILABLE = Statement(
    select(func.min(settlement_batches.c.available_at_us).label("at_us")).where(_coming)
)


class SqlBatchRows:
    """Batches in SQL."""

    def __init__(self) -> None:
        self._checkpoints = SqlCheckpoints()

    def settled_seq(self, tx: Transaction, merchant_id: str) -> int:
        """The last entry of the merchant's shard that is in a batch; 0 for none."""
        row = tx.one(_SETTLED_SEQ, {"merchant_id": merchant_id})
        return 0 if row is None or row["last_seq"] is None else int(row["last_seq"])

    def first_unsettled_us(self, tx: Transaction, merchant_id: str, after_seq: int) -> int | None:
        """When the first entry after `after_seq` on the pending account was posted."""
        account = merchant_pending(merchant_id).name
        row = tx.one(_FIRST, {"account": account, "after_seq": after_seq})
        return None if row is None else int(row["at_us"])

    def last_seq_before(
        self, tx: Transaction, merchant_id: str, after_seq: int, closes_us: int
    ) -> int:
        """The last entry on the pending account before the first one at or after `closes_us`."""
        which: dict[str, Value] = {
            "account": merchant_pending(merchant_id).name,
            "after_seq": after_seq,
        }
        later = tx.one(_FIRST_AFTER, {**which, "closes_us": closes_us})
        before_seq = 2**62 if later is None else int(later["seq"])
        row = tx.one(_LAST, {**which, "before_seq": before_seq})
        return after_seq if row is None or row["seq"] is None else int(row["seq"])

    def totals(
        self, tx: Transaction, merchant_id: str, after_seq: int, last_seq: int
    ) -> list[DayTotal]:
        """What the transactions of a range come to, by currency and purpose."""
        rows = tx.all(
            _TOTALS,
            {
                "account": merchant_pending(merchant_id).name,
                "shard": shard_of(merchant_id),
                "after_seq": after_seq,
                "last_seq": last_seq,
                "low_seq": after_seq - LINES_MAX,
                "high_seq": last_seq + LINES_MAX,
            },
        )
        return [DayTotal(**dict(row)) for row in rows]

    def add_batch(self, tx: Transaction, batch: Batch) -> None:
        """Insert a batch."""
        tx.run(_ADD, asdict(batch))

    def batches(self, tx: Transaction, merchant_id: str | None, limit: int) -> list[Batch]:
        """Batches, newest first; of one merchant, if named."""
        if merchant_id is None:
            return [_batch(row) for row in tx.all(_BATCHES, {"row_limit": limit})]
        found = tx.all(_BATCHES_OF, {"merchant_id": merchant_id, "row_limit": limit})
        return [_batch(row) for row in found]

    def due_reserves(self, tx: Transaction, at_us: int, limit: int) -> list[Batch]:
        """Batches whose reserve is held and due at or before `at_us`."""
        found = tx.all(_DUE_RESERVES, {"at_us": at_us, "row_limit": limit})
        return [_batch(row) for row in found]

    def next_reserve_us(self, tx: Transaction) -> int | None:
        """When the first held reserve is due."""
        return _at_us(tx.one(_NEXT_RESERVE))

    def release_reserve(self, tx: Transaction, batch_id: str, at_us: int) -> bool:
        """Note that a reserve was released; False when it was already."""
        return tx.run(_RELEASE, {"of_id": batch_id, "new_released_at_us": at_us}) == 1

    def balances(self, tx: Transaction, merchant_id: str) -> dict[tuple[str, str], int]:
        """Balance of the merchant's own accounts by (account, currency), debit positive."""
        found: dict[tuple[str, str], int] = {}
        for account in (
            merchant_pending(merchant_id),
            merchant_balance(merchant_id),
            merchant_reserve(merchant_id),
        ):
            of_account = self._checkpoints.merchants_balance(
                tx, shard_of(merchant_id), account.name
            )
            found |= {(account.name, currency): minor for currency, minor in of_account.items()}
        return found

    def not_available(self, tx: Transaction, merchant_id: str, at_us: int) -> dict[str, int]:
        """Positive nets of batches that are settled and not available yet, by currency."""
        found = tx.all(_NOT_AVAILABLE, {"merchant_id": merchant_id, "at_us": at_us})
        return {row["currency"]: row["net_minor"] for row in found}

    def next_available_us(self, tx: Transaction, merchant_id: str, after_us: int) -> int | None:
        """When the next batch becomes available."""
        return _at_us(tx.one(_NEXT_AVAILABLE, {"merchant_id": merchant_id, "at_us": after_us}))


_CLEARED_UNTIL = Statement(select(clearing_progress.c.until_us))
_insert_progress = upsert(clearing_progress).values(
    id=literal_column("1"), until_us=bindparam("until_us")
)
_SET_CLEARED = Statement(
    _insert_progress.on_conflict_do_update(
        index_elements=[clearing_progress.c.id],
        set_={"until_us": _insert_progress.excluded.until_us},
        where=clearing_progress.c.until_us == bindparam("was_us", type_=Integer),
    )
)
_ADD_CLEARING = Statement(insert(clearings))
_CLEARINGS = Statement(
    select(clearings)
    .where(
        clearings.c.closes_us > bindparam("from_us", type_=Integer),
        clearings.c.closes_us <= bindparam("to_us", type_=Integer),
    )
    .order_by(clearings.c.closes_us, clearings.c.id)
)
_PRESENTMENTS = Statement(
    select(host_presentments)
    .where(
        host_presentments.c.at_us >= bindparam("from_us", type_=Integer),
        host_presentments.c.at_us < bindparam("to_us", type_=Integer),
    )
    .order_by(host_presentments.c.at_us, host_presentments.c.rrn, host_presentments.c.stan)
)


class SqlClearingRows:
    """Days that networks have paid for, in SQL."""

    def cleared_until_us(self, tx: Transaction) -> int:
        """The end of the last day that was cleared; 0 for none."""
        row = tx.one(_CLEARED_UNTIL)
        return 0 if row is None else int(row["until_us"])

    def set_cleared(self, tx: Transaction, until_us: int, *, was_us: int) -> bool:
        """Move that end; False when somebody else did."""
        return tx.run(_SET_CLEARED, {"until_us": until_us, "was_us": was_us}) == 1

    def add_clearing(self, tx: Transaction, clearing: Clearing) -> None:
        """Insert what a network paid."""
        tx.run(_ADD_CLEARING, asdict(clearing))

    def clearings(self, tx: Transaction, from_us: int, to_us: int) -> list[Clearing]:
        """What networks paid for days that closed in a span."""
        found = tx.all(_CLEARINGS, {"from_us": from_us, "to_us": to_us})
        return [Clearing(**dict(row)) for row in found]


class HostClearingFiles:
    """What the networks' hosts booked, read from their own database."""

    def __init__(self, hosts: Database) -> None:
        self._hosts = hosts

    def presentments(self, from_us: int, to_us: int) -> list[Presentment]:
        """Every network's lines of a span, in order of booking."""
        span = {"from_us": from_us, "to_us": to_us}
        return [
            Presentment(
                row["network"], row["rrn"], row["kind"], row["stan"], row["sent"],
                row["amount_minor"], row["currency"], row["at_us"],
            )
            for row in self._hosts.read(lambda tx: tx.all(_PRESENTMENTS, span))
        ]  # fmt: skip


def _batch(row: Row) -> Batch:
    return Batch(**dict(row))


def _at_us(row: Row | None) -> int | None:
    return None if row is None or row["at_us"] is None else int(row["at_us"])
