"""Balances as the fold of the journal, helped by checkpoints that can be made again at any time.

There is no running balance that every payment would have to touch. A checkpoint is the sum of a
shard's entries up to one of them; a balance is its checkpoint and the entries after it. Checkpoints
move forward by one statement that folds what came since; thrown away, they come back the same.
"""

from __future__ import annotations

from sqlalchemy import (
    Integer,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from backend.ledger.chain import SHARDS
from backend.storage.database import Statement, Transaction
from backend.storage.ledger_tables import (
    ledger_checkpoint_heads,
    ledger_checkpoints,
)
from backend.storage.ledger_tables import ledger_entries as entries

_signed = case(
    (entries.c.direction == literal_column("'debit'"), entries.c.amount_minor),
    else_=-entries.c.amount_minor,
)
_shard = bindparam("shard", type_=Integer)
_through = func.coalesce(
    select(ledger_checkpoint_heads.c.through_seq)
    .where(ledger_checkpoint_heads.c.shard == _shard)
    .scalar_subquery(),
    literal_column("0"),
)
_tail = (entries.c.shard == _shard, entries.c.seq > _through)
_next = (*_tail, entries.c.seq <= _through + literal_column("20000"))  # nobody waits for more

_fold = upsert(ledger_checkpoints).from_select(
    ["shard", "account", "currency", "balance_minor"],
    select(entries.c.shard, entries.c.account, entries.c.currency, func.sum(_signed))
    .where(*_next)
    .group_by(entries.c.shard, entries.c.account, entries.c.currency),
)
_FOLD = Statement(
    _fold.on_conflict_do_update(
        index_elements=["shard", "account", "currency"],
        set_={"balance_minor": ledger_checkpoints.c.balance_minor + _fold.excluded.balance_minor},
    )
)
_head = upsert(ledger_checkpoint_heads).from_select(
    ["shard", "through_seq"],
    select(entries.c.shard, func.max(entries.c.seq)).where(*_next).group_by(entries.c.shard),
)
_MOVE_HEAD = Statement(
    _head.on_conflict_do_update(
        index_elements=["shard"], set_={"through_seq": _head.excluded.through_seq}
    )
)
_LENGTH = Statement(
    select(
        (func.coalesce(func.max(entries.c.seq), literal_column("0")) - _through).label("length")
    ).where(entries.c.shard == _shard)
)
_FORGET = Statement(delete(ledger_checkpoints))
_FORGET_HEADS = Statement(delete(ledger_checkpoint_heads))
_checkpointed = select(
    ledger_checkpoints.c.account, ledger_checkpoints.c.currency, ledger_checkpoints.c.balance_minor
)
_ALL = Statement(
    union_all(
        _checkpointed.where(ledger_checkpoints.c.shard == _shard),
        select(entries.c.account, entries.c.currency, func.sum(_signed).label("balance_minor"))
        .where(*_tail)
        .group_by(entries.c.account, entries.c.currency),
    )
)
_account = bindparam("account", type_=Text)
_OF_MERCHANT = Statement(
    union_all(
        _checkpointed.where(
            ledger_checkpoints.c.shard == _shard, ledger_checkpoints.c.account == _account
        ),
        select(entries.c.account, entries.c.currency, func.sum(_signed).label("balance_minor"))
        .where(
            # As in the index of what merchants own.
            literal_column("account >= 'liabilities:merchant-'"),
            literal_column("account < 'liabilities:merchant.'"),
            entries.c.account == _account,
            entries.c.seq > _through,
        )
        .group_by(entries.c.account, entries.c.currency),
    )
)
TAIL_MAX = 4_000
"""Entries after a checkpoint at which a new one is worth its commit."""


class SqlCheckpoints:
    """Balances and checkpoints in SQL."""

    def tail(self, tx: Transaction, shard: int) -> int:
        """How many entries of a shard no checkpoint holds."""
        row = tx.one(_LENGTH, {"shard": shard})
        return 0 if row is None else int(row["length"])

    def move(self, tx: Transaction, shard: int) -> None:
        """Fold a shard's next 20,000 entries into its checkpoint."""
        tx.run(_FOLD, {"shard": shard})
        tx.run(_MOVE_HEAD, {"shard": shard})

    def forget(self, tx: Transaction) -> None:
        """Throw every checkpoint away; balances stay what they are."""
        tx.run(_FORGET)
        tx.run(_FORGET_HEADS)

    def balances(self, tx: Transaction, shard: int) -> dict[tuple[str, str], int]:
        """Balance of each (account, currency) of a shard, minor units, debit positive."""
        found: dict[tuple[str, str], int] = {}
        for row in tx.all(_ALL, {"shard": shard}):
            key = row["account"], row["currency"]
            found[key] = found.get(key, 0) + row["balance_minor"]
        return found

    def all_balances(self, tx: Transaction) -> dict[tuple[str, str], int]:
        """Balance of each (account, currency) of every shard, minor units, debit positive."""
        found: dict[tuple[str, str], int] = {}
        for shard in range(SHARDS):
            for key, minor in self.balances(tx, shard).items():
                found[key] = found.get(key, 0) + minor
        return found

    def merchants_balance(self, tx: Transaction, shard: int, account: str) -> dict[str, int]:
        """Balance of one account that a merchant owns, by currency; its shard is the merchant's."""
        found: dict[str, int] = {}
        for row in tx.all(_OF_MERCHANT, {"shard": shard, "account": account}):
            found[row["currency"]] = found.get(row["currency"], 0) + row["balance_minor"]
        return found
