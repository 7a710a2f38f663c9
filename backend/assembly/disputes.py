"""Wires disputes: their rows, the ledger, the networks' desks, their schedule."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.base import Base
from backend.assembly.merchants import MerchantServices
from backend.gateway.balance_transactions import Books
from backend.gateway.dispute_letters import DisputeLetters
from backend.gateway.dispute_schedule import DisputeSchedule, SchedulePorts
from backend.gateway.disputes import DisputePorts, Disputes
from backend.http.routes_money_disputes import DisputeRoutes
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.disputes import DisputeResource
from backend.payments.posting import Poster
from backend.payments.references import ReferenceNumbers
from backend.runtime.clock import Clock
from backend.storage.database import Store, Transaction
from backend.storage.dispute_rows import SqlDisputeRows
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.switch.dispute_client import DisputeClient


@dataclass(frozen=True, slots=True)
class DisputeServices:
    """Disputes, and what makes time pass for them."""

    disputes: Disputes[Transaction]
    schedule: DisputeSchedule[Transaction]
    store: Store

    def resource(self, money: Money, books: Books[Transaction], clock: Clock) -> DisputeResource:
        """Their door under `/v1`."""
        return DisputeResource(money, self.disputes, self.schedule, books, clock)

    def routes(self) -> DisputeRoutes:
        """Their door under `/lab`."""
        return DisputeRoutes(self.store, self.disputes, self.schedule)


def open_disputes(
    base: Base, accounts: MerchantServices, references: ReferenceNumbers[Transaction]
) -> DisputeServices:
    """Disputes, not started."""
    files, events, ground = base.files, base.events, base.ground
    rows, outbox, payments = SqlDisputeRows(), SqlOutbox(), SqlPaymentRows()
    disputes: Disputes[Transaction] = Disputes(
        DisputePorts(
            rows=rows,
            advices=SqlGatewayRows(),
            payments=payments,
            merchants=accounts.merchants,
            letters=DisputeLetters(rows, accounts.notices, outbox, events),
            poster=Poster(SqlLedgerRows(), events),
            outbox=outbox,
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("dispute.identifiers"),
        )
    )
    schedule = DisputeSchedule(
        SchedulePorts(
            store=files.engine,
            rows=rows,
            payments=payments,
            disputes=disputes,
            references=references,
            network=DisputeClient(base.tokens),
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
        )
    )
    return DisputeServices(disputes, schedule, files.engine)
