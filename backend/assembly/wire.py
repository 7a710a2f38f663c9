"""Wires `/v1`: the door, and what each resource stands in front of."""

from __future__ import annotations

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.assembly.merchants import MerchantServices
from backend.gateway.objects import ObjectPorts, Objects
from backend.http.stripe_wire.account import account_resource
from backend.http.stripe_wire.call import Resource
from backend.http.stripe_wire.customers import Customers
from backend.http.stripe_wire.door import WireDoor, WirePorts
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.wire_rows import SqlObjectRows, SqlWireKeyRows


def open_wire(
    files: Files, accounts: MerchantServices, events: EventLog, ground: Ground
) -> WireDoor:
    """The door of `/v1` with everything that is served there."""
    objects: Objects[Transaction] = Objects(
        ObjectPorts(
            rows=SqlObjectRows(),
            outbox=SqlOutbox(),
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("gateway.identifiers"),
        )
    )
    ports = WirePorts(
        store=files.engine,
        rows=SqlWireKeyRows(),
        merchant_of=accounts.keys.merchant_of,
        events=events,
        clock=ground.clock,
        identifiers=ground.entropy.secret("request.identifiers"),
        admit=accounts.limits.take,
    )
    return WireDoor(ports, _resources(objects))


def _resources(objects: Objects[Transaction]) -> list[Resource]:
    """Everything that is served; one line for each module."""
    return [
        account_resource(),
        Customers(objects).resource(),
    ]
