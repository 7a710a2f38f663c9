"""Wires settlement: batches, payouts through the lab's bank, clearing, and their clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.gateway.balance_transactions import Books, BooksPorts
from backend.http.stripe_wire.balance import BalanceRoutes
from backend.http.stripe_wire.call import Resource
from backend.http.stripe_wire.payouts import PayoutRoutes
from backend.ledger.chain import SHARDS
from backend.payments.posting import Poster
from backend.runtime.events import EventLog
from backend.settlement.batches import Batches, BatchPorts
from backend.settlement.clearing import ClearingPorts, Clearings
from backend.settlement.days import DayPorts, Days
from backend.settlement.lab_bank import LabBank
from backend.settlement.payouts import PayoutPorts, Payouts
from backend.settlement.ports import ClearingFiles
from backend.storage.balance_rows import SqlBalanceRows
from backend.storage.checkpoint_rows import TAIL_MAX, SqlCheckpoints
from backend.storage.database import Database, Transaction
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payout_rows import SqlBankRows, SqlPayoutRows
from backend.storage.rate_rows import SqlConversionRows
from backend.storage.settlement_rows import HostClearingFiles, SqlBatchRows, SqlClearingRows
from backend.storage.terms_rows import SqlTermsBook


@dataclass(frozen=True, slots=True)
class Settlement:
    """From captured to paid out."""

    days: Days[Transaction]
    payouts: Payouts[Transaction]
    bank: LabBank[Transaction]
    files: ClearingFiles | None
    books: Books[Transaction]

    def start(self, ground: Ground) -> None:
        """Settle whenever something is due, for as long as the engine runs."""
        ground.scheduler.spawn(self.days.run_forever(), "settlement days")


def open_settlement(
    files: Files, events: EventLog, ground: Ground, clearing_files: ClearingFiles | None = None
) -> Settlement:
    """Everything of settlement, not started.

    Args:
        files: what is open in the data folder.
        events: hears what is done, and says when there is something to settle.
        ground: what the world stands on.
        clearing_files: of the networks; None for those of the hosts in this process, if any.
    """
    store, rows, terms, outbox = files.engine, SqlBatchRows(), SqlTermsBook(), SqlOutbox()
    poster = Poster(SqlLedgerRows(), events)
    bank = LabBank(store, SqlBankRows())
    if files.networks is not None:
        clearing_files = clearing_files or HostClearingFiles(files.networks)
    batches = Batches(
        BatchPorts(
            store=store,
            rows=rows,
            terms=terms,
            poster=poster,
            outbox=outbox,
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("settlement.identifiers"),
            offload=ground.offload,
        )
    )
    payouts = Payouts(
        PayoutPorts(
            store=store,
            rows=SqlPayoutRows(),
            batches=rows,
            terms=terms,
            poster=poster,
            outbox=outbox,
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("payout.identifiers"),
            bank=bank,
        )
    )
    clearings = Clearings(
        ClearingPorts(
            store, SqlClearingRows(), clearing_files, poster, outbox, events, ground.clock
        )
    )
    days = Days(
        DayPorts(
            store=store,
            rows=rows,
            payout_rows=SqlPayoutRows(),
            terms=terms,
            batches=batches,
            payouts=payouts,
            clearings=clearings,
            checkpoint=partial(move_checkpoints, store),
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
        )
    )
    events.subscribe(days.heed)
    books = Books(BooksPorts(SqlBalanceRows(), rows, terms, SqlConversionRows(), ground.clock))
    return Settlement(days, payouts, bank, clearing_files, books)


async def move_checkpoints(store: Database, tail_max: int = TAIL_MAX) -> int:
    """Fold the shards that have grown into their checkpoints; in how many commits.

    Raises:
        StorageError: the database refused.
    """
    rows, moved = SqlCheckpoints(), 0
    for shard in range(SHARDS):
        while store.read(partial(_tail, rows, shard)) >= tail_max:
            await store.write(partial(_move, rows, shard))
            moved += 1
    return moved


def _tail(rows: SqlCheckpoints, shard: int, tx: Transaction) -> int:
    return rows.tail(tx, shard)


def _move(rows: SqlCheckpoints, shard: int, tx: Transaction) -> None:
    rows.move(tx, shard)


def money_out(settlement: Settlement) -> list[Resource]:
    """What `/v1` serves of settlement: balances, what moved them, payouts."""
    return [
        BalanceRoutes(settlement.books, settlement.payouts).resource(),
        payout_routes(settlement).resource(),
    ]


def payout_routes(settlement: Settlement) -> PayoutRoutes:
    """Payouts as `/v1` serves them and as events show them."""
    return PayoutRoutes(settlement.payouts, SqlPayoutRows(), settlement.books, settlement.days.wake)
