"""Wires `/v1`: the door, and what each resource stands in front of."""

from __future__ import annotations

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.assembly.merchants import MerchantServices
from backend.assembly.money import MoneyServices
from backend.http.stripe_wire.account import account_resource
from backend.http.stripe_wire.call import Resource
from backend.http.stripe_wire.charges import ChargeRoutes
from backend.http.stripe_wire.customers import Customers
from backend.http.stripe_wire.door import WireDoor, WirePorts
from backend.http.stripe_wire.payment_intents import PaymentIntents
from backend.http.stripe_wire.payment_methods import Methods
from backend.http.stripe_wire.refunds import Refunds
from backend.http.stripe_wire.setup_intents import SetupIntents
from backend.runtime.events import EventLog
from backend.storage.wire_rows import SqlWireKeyRows


def open_wire(
    files: Files,
    accounts: MerchantServices,
    services: MoneyServices,
    events: EventLog,
    ground: Ground,
) -> WireDoor:
    """The door of `/v1` with everything that is served there."""
    ports = WirePorts(
        store=files.engine,
        rows=SqlWireKeyRows(),
        merchant_of=accounts.keys.merchant_of,
        events=events,
        clock=ground.clock,
        identifiers=ground.entropy.secret("request.identifiers"),
        hash_key=files.named_keys.key("wire requests"),
        admit=accounts.limits.take,
    )
    return WireDoor(ports, _resources(services))


def _resources(services: MoneyServices) -> list[Resource]:
    """Everything that is served; one line for each module."""
    money, secrets = services.money, services.secrets
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
