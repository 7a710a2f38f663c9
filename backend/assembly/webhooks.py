"""Wires webhooks: the outbox's reader for merchants, deliveries, endpoints, and who looks at them.

In a live world deliveries leave over sockets, in a simulated one to functions of its own; the
faults of the link `webhooks` act on both.
"""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from backend.assembly.base import Base
from backend.assembly.merchants import MerchantServices
from backend.faults.http_link import FaultyTransport
from backend.gateway.event_pictures import EventPictures
from backend.networks.vault import NetworkVault
from backend.storage.database import Transaction
from backend.storage.merchant_event_rows import SqlSourceRows
from backend.storage.merchant_rows import SqlMerchantRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.webhook_rows import SqlWebhookRows
from backend.webhooks.connections import Connections
from backend.webhooks.console import Console, ConsolePorts
from backend.webhooks.delivery import Deliveries, DeliveryPorts
from backend.webhooks.endpoints import EndpointPorts, Endpoints
from backend.webhooks.fan_out import FanOut, FanOutPorts
from backend.webhooks.history import History, HistoryPorts
from backend.webhooks.memory_receivers import MemoryReceivers
from backend.webhooks.post import HttpWay
from backend.webhooks.secrets import Secrets

LINK = "webhooks"


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Everything about telling merchants.

    Attributes:
        pictures: shows objects of events; who has a view of one adds it.
        receivers: who stands where in a simulated world; None in a live one.
    """

    endpoints: Endpoints[Transaction]
    history: History[Transaction]
    console: Console[Transaction]
    deliveries: Deliveries[Transaction]
    fan_out: FanOut[Transaction]
    way: HttpWay
    pictures: EventPictures[Transaction]
    receivers: MemoryReceivers | None

    def start(self) -> None:
        """Begin to tell, what an earlier process left included."""
        self.fan_out.start()
        self.deliveries.start()


def open_webhooks(base: Base, accounts: MerchantServices) -> Webhooks:
    """Webhooks, not started."""
    files, board, events, ground = base.files, base.board, base.events, base.ground
    picture, keys = EventPictures[Transaction](), SqlMerchantRows()
    rows, source, secret = SqlWebhookRows(), SqlSourceRows(), ground.entropy.secret
    vault = NetworkVault(files.named_keys.key("webhook secrets"), secret("webhook.nonces"))
    secrets = Secrets(vault, secret("webhook.secrets"))
    receivers = None if ground.is_live else MemoryReceivers()
    elsewhere = base.settings.allow_webhooks_elsewhere
    inner: httpx.AsyncBaseTransport = receivers or Connections(allow_non_loopback=elsewhere)
    way = HttpWay(FaultyTransport(inner, board, lambda _request: LINK), ground.scheduler)
    identifiers = secret("webhook.identifiers")
    deliveries = Deliveries(
        DeliveryPorts(
            store=files.engine,
            rows=rows,
            outbox=SqlOutbox(),
            way=way,
            secrets=secrets,
            notify=accounts.notices.send,
            clock=ground.clock,
            wire_now_us=ground.clock.unmoved_us,
            scheduler=ground.scheduler,
            events=events,
        )
    )
    fan_out = FanOut(
        FanOutPorts(
            store=files.engine,
            source=source,
            rows=rows,
            picture=picture,
            reads_events=lambda tx, merchant_id: bool(keys.api_keys(tx, merchant_id)),
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
            identifiers=identifiers,
            wake=deliveries.wake,
        )
    )
    endpoints = Endpoints(
        EndpointPorts(
            store=files.engine,
            rows=rows,
            source=source,
            outbox=SqlOutbox(),
            secrets=secrets,
            clock=ground.clock,
            identifiers=identifiers,
            wake=deliveries.wake,
            allow_non_loopback=elsewhere,
            schedule=base.settings.webhook_schedule,
        )
    )
    console = Console(
        ConsolePorts(files.engine, rows, SqlOutbox(), deliveries, ground.clock, deliveries.wake)
    )
    history = History(HistoryPorts(rows, source, picture))
    return Webhooks(endpoints, history, console, deliveries, fan_out, way, picture, receivers)
