"""What `verify` asks of settlement: batches, payouts, clearings, conversions, checkpoints.

A batch's figures are compared with the journal that they were taken from, folded again; what it,
a payout or a clearing posted is compared with what it says. Scans whole tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import groupby

from sqlalchemy import (
    ColumnElement,
    Integer,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    not_,
    or_,
    select,
)

from backend.domain.money import exponent
from backend.settlement.batches import summed
from backend.storage.database import Row, Statement, Transaction
from backend.storage.ledger_tables import (
    ledger_checkpoint_heads,
    ledger_checkpoints,
)
from backend.storage.ledger_tables import ledger_entries as entries
from backend.storage.payment_tables import payments
from backend.storage.settlement_rows import SqlBatchRows
from backend.storage.settlement_tables import (
    clearings,
    payment_conversions,
    payouts,
    settlement_batches,
)

_zero: ColumnElement[int] = literal_column("0")
_signed = case(
    (entries.c.direction == literal_column("'debit'"), entries.c.amount_minor),
    else_=-entries.c.amount_minor,
)


def _posted(
    owner: ColumnElement[str],
    currency: ColumnElement[str],
    account: str,
    purpose: str | None = None,
) -> ScalarSelect[int]:
    """What an owner's entries come to on the accounts under a path, debit positive."""
    which = [
        entries.c.payment_id == owner,
        entries.c.currency == currency,
        entries.c.account >= literal_column(f"'{account}'"),
        entries.c.account < literal_column(f"'{account}~'"),
    ]
    if purpose is not None:
        which.append(entries.c.purpose == literal_column(f"'{purpose}'"))
    return select(func.coalesce(func.sum(_signed), _zero)).where(*which).scalar_subquery()


_batch = settlement_batches.c
_payout = payouts.c
_clearing = clearings.c
_returned: ColumnElement[bool] = literal_column("state IN ('failed', 'canceled')")
_held_minor = case((_batch.reserve_released_at_us.is_(None), _batch.reserve_minor), else_=_zero)
_out_minor = case((_returned, _zero), else_=_payout.amount_minor)

SETTLEMENT_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "net is gross less everything": select(_batch.id.label("offender")).where(
        _batch.net_minor
        != _batch.gross_minor
        - _batch.fees_minor
        - _batch.refunds_minor
        - _batch.disputes_minor
        - _batch.reserve_minor
    ),
    "batches are posted": select(_batch.id.label("offender")).where(
        or_(
            _posted(_batch.id, _batch.currency, "liabilities:merchant-pending:")
            != _batch.net_minor + _batch.reserve_minor,
            _posted(_batch.id, _batch.currency, "liabilities:merchant-balance:", "settlement")
            != -_batch.net_minor,
            _posted(_batch.id, _batch.currency, "liabilities:merchant-reserve:") != -_held_minor,
        )
    ),
    "payouts are posted, and back once if returned": select(_payout.id.label("offender")).where(
        or_(
            _posted(_payout.id, _payout.currency, "assets:cash") != -_out_minor,
            _posted(_payout.id, _payout.currency, "liabilities:merchant-balance:") != _out_minor,
        )
    ),
    "payouts end": select(_payout.id.label("offender")).where(
        or_(
            literal_column("state IN ('pending', 'in_transit')") != _payout.ended_at_us.is_(None),
            (_payout.state == literal_column("'failed'")) != _payout.failure.is_not(None),
        )
    ),
    "clearings are posted": select(_clearing.id.label("offender")).where(
        _posted(_clearing.id, _clearing.currency, "assets:cash")
        != _clearing.completions_minor - _clearing.refunds_minor
    ),
    "conversions belong to captures": select(
        payment_conversions.c.payment_id.label("offender")
    ).where(
        ~exists().where(
            payments.c.id == payment_conversions.c.payment_id,
            payments.c.captured_minor == payment_conversions.c.presentment_minor,
            payments.c.currency == payment_conversions.c.presentment_currency,
            payments.c.currency != payment_conversions.c.settlement_currency,
            not_(
                and_(
                    payments.c.refunded_minor == payments.c.captured_minor,
                    payment_conversions.c.returned_minor != payment_conversions.c.settlement_minor,
                )
            ),
        )
    ),
}

_RANGES = Statement(
    select(settlement_batches).order_by(_batch.merchant_id, _batch.last_seq, _batch.currency)
)
_CONVERSIONS = Statement(select(payment_conversions))
_HEADS = Statement(select(ledger_checkpoint_heads))
_CHECKPOINTS = Statement(
    select(ledger_checkpoints).where(
        ledger_checkpoints.c.shard == bindparam("shard", type_=Integer)
    )
)
_FOLD = Statement(
    select(entries.c.account, entries.c.currency, func.sum(_signed).label("balance_minor"))
    .where(
        entries.c.shard == bindparam("shard", type_=Integer),
        entries.c.seq <= bindparam("through_seq", type_=Integer),
    )
    .group_by(entries.c.account, entries.c.currency)
)


def batch_breaks(tx: Transaction) -> list[str]:
    """Ranges with a gap or an overlap, and batches that are not what their range comes to."""
    return [broken for merchant in _merchants(tx) for broken in _range_breaks(tx, merchant)]


def _merchants(tx: Transaction) -> Iterator[list[Row]]:
    for _, rows in groupby(tx.all(_RANGES), key=lambda row: str(row["merchant_id"])):
        yield list(rows)


def _range_breaks(tx: Transaction, batches: list[Row]) -> Iterator[str]:
    end = 0
    for (after_seq, last_seq), rows in groupby(
        batches, key=lambda row: (int(row["after_seq"]), int(row["last_seq"]))
    ):
        same_day = list(rows)
        if after_seq != end:
            yield f"{same_day[0]['id']}: begins after entry {after_seq}, not {end}"
        end = last_seq
        totals = SqlBatchRows().totals(tx, same_day[0]["merchant_id"], after_seq, last_seq)
        currencies = {total.currency for total in totals}
        if currencies != {row["currency"] for row in same_day}:
            yield f"{same_day[0]['id']}: its range has {', '.join(sorted(currencies))}"
            continue
        for row in same_day:
            day = summed([each for each in totals if each.currency == row["currency"]])
            said = (
                row["gross_minor"], row["fees_minor"], row["refunds_minor"],
                row["disputes_minor"], row["captures"],
            )  # fmt: skip
            found = (
                day.gross_minor, day.fees_minor, day.refunds_minor, day.disputes_minor,
                day.captures,
            )  # fmt: skip
            if said != found:
                yield f"{row['id']}: says {said}, its entries {found}"


def checkpoint_breaks(tx: Transaction) -> list[str]:
    """Checkpoints that are not the fold of the entries that they stand for."""
    breaks = []
    for head in tx.all(_HEADS):
        shard = head["shard"]
        kept = {
            (row["account"], row["currency"]): row["balance_minor"]
            for row in tx.all(_CHECKPOINTS, {"shard": shard})
        }
        folded = {
            (row["account"], row["currency"]): row["balance_minor"]
            for row in tx.all(_FOLD, {"shard": shard, "through_seq": head["through_seq"]})
        }
        breaks += [
            f"shard {shard}: {account} {currency}"
            for account, currency in sorted(kept.keys() | folded.keys())
            if kept.get((account, currency)) != folded.get((account, currency))
        ]
    return breaks


def conversion_breaks(tx: Transaction) -> list[str]:
    """Conversions that are a whole minor unit or more away from amount times rate."""
    breaks = []
    for row in tx.all(_CONVERSIONS):
        places = exponent(row["settlement_currency"]) - exponent(row["presentment_currency"])
        exact = (Decimal(row["presentment_minor"]) * Decimal(row["rate"])).scaleb(places)
        if abs(exact - row["settlement_minor"]) >= 1:
            breaks.append(f"{row['payment_id']}: {row['settlement_minor']} for {exact}")
    return breaks


SETTLEMENT_BREAKS: dict[str, Callable[[Transaction], list[str]]] = {
    "each capture is in one batch": batch_breaks,
    "checkpoints are the fold of the journal": checkpoint_breaks,
    "conversions are amount times rate": conversion_breaks,
}
