"""What `verify` asks of the journal: balanced, whole, chained, and carrying what payments say.

Offenders are selected by the database; hash chains are replayed with the ledger's own function.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Select, and_, case, exists, func, literal_column, select

from backend.ledger.chain import first_break
from backend.storage.database import Statement, Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.payment_tables import payments
from backend.storage.settlement_tables import clearings, payouts, settlement_batches
from backend.storage.verify_disputes import lost_of_payment

_signed = case(
    (entries.c.direction == literal_column("'debit'"), entries.c.amount_minor),
    else_=-entries.c.amount_minor,
)
_sum = func.sum(_signed)

# Each of these selects the offenders, named in the column `offender`; none means that all is well.
LEDGER_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "ledger transactions balance": select(entries.c.transaction_id.label("offender"))
    .group_by(entries.c.transaction_id, entries.c.currency)
    .having(_sum != literal_column("0")),
    "ledger is zero overall": select(entries.c.currency.label("offender"))
    .group_by(entries.c.currency)
    .having(_sum != literal_column("0")),
    "ledger entries belong to something": select(entries.c.transaction_id.label("offender")).where(
        ~exists().where(payments.c.id == entries.c.payment_id),
        ~exists().where(settlement_batches.c.id == entries.c.payment_id),
        ~exists().where(payouts.c.id == entries.c.payment_id),
        ~exists().where(clearings.c.id == entries.c.payment_id),
    ),
}

# Payments and what the ledger carries for them on the card's side, to be compared.
_CARRIED = Statement(
    select(
        payments.c.id.label("offender"),
        payments.c.amount_minor,
        payments.c.hold_open,
        func.coalesce(_sum, literal_column("0")).label("carried_minor"),
    )
    .select_from(
        payments.outerjoin(
            entries,
            and_(
                entries.c.payment_id == payments.c.id,
                entries.c.currency == payments.c.currency,
                entries.c.account.startswith(literal_column("'assets:customer-card:'")),
            ),
        )
    )
    .group_by(payments.c.id)
    .having(
        func.coalesce(_sum, literal_column("0"))
        != payments.c.amount_minor * payments.c.hold_open
        + payments.c.captured_minor
        - payments.c.refunded_minor
        - lost_of_payment
    )
)


def chain_breaks(tx: Transaction) -> list[str]:
    """The first entry of each shard that does not continue its chain."""
    rows = SqlLedgerRows()
    breaks = []
    for shard in rows.shards(tx):
        broken = first_break(rows.of_shard(tx, shard))
        if broken is not None:
            breaks.append(f"shard {shard} at entry {broken.seq}")
    return breaks


def carried_breaks(tx: Transaction) -> list[str]:
    """Payments for which the ledger carries something else than is held and captured."""
    return [
        f"{row['offender']}: {row['carried_minor']} carried for {row['amount_minor']}"
        for row in tx.all(_CARRIED)
    ]


LEDGER_BREAKS: dict[str, Callable[[Transaction], list[str]]] = {
    "ledger hash chains": chain_breaks,
    "ledger carries what is held": carried_breaks,
}
