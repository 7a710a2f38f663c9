"""Wires `/v1`: the door, and what each resource stands in front of."""

from __future__ import annotations

from backend.assembly.cards import Cards
from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.assembly.merchants import MerchantServices
from backend.gateway.charges import ChargePorts, Charges
from backend.gateway.desk import Desk
from backend.gateway.intents import Intents
from backend.gateway.objects import ObjectPorts, Objects
from backend.gateway.payment_methods import PaymentMethods
from backend.http.stripe_wire.account import account_resource
from backend.http.stripe_wire.call import Resource
from backend.http.stripe_wire.charges import ChargeRoutes
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.customers import Customers
from backend.http.stripe_wire.door import WireDoor, WirePorts
from backend.http.stripe_wire.payment_intents import PaymentIntents
from backend.http.stripe_wire.payment_methods import Methods
from backend.http.stripe_wire.refunds import Refunds
from backend.http.stripe_wire.setup_intents import SetupIntents
from backend.payments.engine import PaymentEngine
from backend.runtime.entropy import Stream
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.merchant_payment_rows import SqlMerchantPayments
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.wire_rows import SqlObjectRows, SqlWireKeyRows


def open_wire(
    files: Files,
    accounts: MerchantServices,
    payments: PaymentEngine[Transaction],
    cards: Cards,
    desk: Desk[Transaction],
    events: EventLog,
    ground: Ground,
) -> WireDoor:
    """The door of `/v1` with everything that is served there."""
    secret = ground.entropy.secret
    objects: Objects[Transaction] = Objects(
        ObjectPorts(
            rows=SqlObjectRows(),
            outbox=SqlOutbox(),
            events=events,
            clock=ground.clock,
            identifiers=secret("gateway.identifiers"),
        )
    )
    secrets = secret("intent.secrets")
    money = _money(files, payments, cards, desk, objects, Intents(objects, secrets))
    ports = WirePorts(
        store=files.engine,
        rows=SqlWireKeyRows(),
        merchant_of=accounts.keys.merchant_of,
        events=events,
        clock=ground.clock,
        identifiers=secret("request.identifiers"),
        hash_key=files.named_keys.key("wire requests"),
        admit=accounts.limits.take,
    )
    return WireDoor(ports, _resources(money, secrets))


def _money(
    files: Files,
    payments: PaymentEngine[Transaction],
    cards: Cards,
    desk: Desk[Transaction],
    objects: Objects[Transaction],
    intents: Intents[Transaction],
) -> Money:
    payments.changes.accompany(intents.follow)
    return Money(
        store=files.engine,
        objects=objects,
        methods=PaymentMethods(objects, cards.vault),
        intents=intents,
        charges=Charges(
            ChargePorts(
                payments=SqlPaymentRows(),
                refunds=SqlGatewayRows(),
                lists=SqlMerchantPayments(),
                objects=objects,
                intents=intents,
            )
        ),
        cards=cards.payments,
        desk=desk,
    )


def _resources(money: Money, secrets: Stream) -> list[Resource]:
    """Everything that is served; one line for each module."""
    methods = Methods(money.objects, money.methods)
    return [
        account_resource(),
        Customers(money.objects).resource(),
        methods.resource(),
        SetupIntents(money.objects, money.methods, methods, secrets).resource(),
        PaymentIntents(money, methods).resource(),
        ChargeRoutes(money).resource(),
        Refunds(money).resource(),
    ]
