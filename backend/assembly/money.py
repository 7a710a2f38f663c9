"""Wires what merchants do with money: objects, intents, charges, and what goes on by itself.

The door of `/v1` stands in front of it; webhooks show its objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.base import Base
from backend.assembly.cards import Cards
from backend.assembly.disputes import DisputeServices
from backend.assembly.ground import Ground
from backend.assembly.settlement import Settlement
from backend.gateway.charges import ChargePorts, Charges
from backend.gateway.desk import Desk
from backend.gateway.intents import Intents
from backend.gateway.lapse import Lapse, LapsePorts
from backend.gateway.objects import ObjectPorts, Objects
from backend.gateway.payment_links import PaymentLinks
from backend.gateway.payment_methods import PaymentMethods
from backend.gateway.unfinished import Unfinished
from backend.http.stripe_wire.confirming import Money
from backend.payments.engine import PaymentEngine
from backend.runtime.entropy import Stream
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.merchant_payment_rows import SqlMerchantPayments
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.wire_rows import SqlObjectRows


@dataclass(frozen=True, slots=True)
class MoneyServices:
    """What merchants do with money.

    Attributes:
        secrets: of intents, for those who confirm them.
    """

    money: Money
    secrets: Stream
    links: PaymentLinks[Transaction]
    lapse: Lapse[Transaction]
    unfinished: Unfinished[Transaction]

    def start(self, ground: Ground) -> None:
        """Take up what was left, and let holds lapse for as long as the engine runs."""
        ground.scheduler.spawn(self.unfinished.take_up(), "unfinished intents")
        ground.scheduler.spawn(self.lapse.run_forever(), "lapsing holds")


def open_money(
    base: Base,
    payments: PaymentEngine[Transaction],
    cards: Cards,
    desk: Desk[Transaction],
    disputes: DisputeServices,
    settlement: Settlement,
) -> MoneyServices:
    """Intents follow their payments from here on; nothing is started."""
    files, events, ground = base.files, base.events, base.ground
    objects, secrets = _objects(events, ground), ground.entropy.secret("intent.secrets")
    intents = Intents(objects, secrets)
    payments.changes.accompany(intents.follow)
    charges = Charges(
        ChargePorts(
            payments=SqlPaymentRows(),
            refunds=SqlGatewayRows(),
            lists=SqlMerchantPayments(),
            objects=objects,
            intents=intents,
            books=settlement.books,
            is_disputed=disputes.disputes.is_known,
        )
    )
    money = Money(
        store=files.engine,
        objects=objects,
        methods=PaymentMethods(objects, cards.vault),
        intents=intents,
        charges=charges,
        cards=cards.payments,
        desk=desk,
    )
    links = PaymentLinks(objects, intents, ground.clock)
    lapse = Lapse(
        LapsePorts(
            store=files.engine,
            rows=SqlMerchantPayments(),
            desk=desk,
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
        )
    )
    rows = SqlObjectRows()
    unfinished = Unfinished(files.engine, rows, SqlPaymentRows(), intents, desk, events)
    return MoneyServices(money, secrets, links, lapse, unfinished)


def _objects(events: EventLog, ground: Ground) -> Objects[Transaction]:
    return Objects(
        ObjectPorts(
            rows=SqlObjectRows(),
            outbox=SqlOutbox(),
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("gateway.identifiers"),
        )
    )
