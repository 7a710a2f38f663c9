"""Wires `/v1`: the door, and what each resource stands in front of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from backend.assembly.base import Base
from backend.assembly.disputes import DisputeServices
from backend.assembly.merchants import MerchantServices
from backend.assembly.money import MoneyServices
from backend.assembly.settlement import Settlement, money_out, payout_routes
from backend.assembly.webhooks import Webhooks
from backend.gateway.event_pictures import ChargePictures, as_of
from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.views.customers import customer_json
from backend.gateway.views.payment_methods import payment_method_json
from backend.gateway.views.setup_intents import setup_intent_json
from backend.http.stripe_wire.account import account_resource
from backend.http.stripe_wire.call import Resource
from backend.http.stripe_wire.charges import ChargeRoutes
from backend.http.stripe_wire.confirming import Money
from backend.http.stripe_wire.customers import Customers
from backend.http.stripe_wire.design_paths import DesignPaths
from backend.http.stripe_wire.door import WireDoor, WirePorts
from backend.http.stripe_wire.events import MerchantEvents
from backend.http.stripe_wire.payment_intents import PaymentIntents
from backend.http.stripe_wire.payment_links import PaymentLinkRoutes
from backend.http.stripe_wire.payment_methods import Methods
from backend.http.stripe_wire.refunds import Refunds
from backend.http.stripe_wire.setup_intents import SetupIntents
from backend.http.stripe_wire.webhook_endpoints import WebhookEndpoints
from backend.networks.vault import NetworkVault
from backend.runtime.events import Event
from backend.settings import Settings
from backend.storage.data_folder import DataFolder
from backend.storage.database import Transaction
from backend.storage.wire_rows import SqlWireKeyRows


def open_wire(
    base: Base,
    accounts: MerchantServices,
    services: MoneyServices,
    disputes: DisputeServices,
    webhooks: Webhooks,
    settlement: Settlement,
) -> WireDoor:
    """The door of `/v1` with everything that is served there."""
    files, events, ground = base.files, base.events, base.ground
    key, nonces = files.named_keys.key("wire answers"), ground.entropy.secret("wire.nonces")
    ports = WirePorts(
        store=files.engine,
        rows=SqlWireKeyRows(NetworkVault(key, nonces)),
        merchant_of=accounts.keys.merchant_of,
        events=events,
        clock=ground.clock,
        identifiers=ground.entropy.secret("request.identifiers"),
        hash_key=files.named_keys.key("wire requests"),
        admit=accounts.limits.take,
    )
    _show_events(webhooks, services.money)
    disputed = disputes.resource(services.money, settlement.books, ground.clock)
    webhooks.pictures.add("dispute", disputed.picture)
    webhooks.pictures.add("payout", payout_routes(settlement).picture)
    resources = [
        *_resources(services, webhooks),
        disputed.resource(),
        PaymentLinkRoutes(services.links, partial(_base_url, base.settings)).resource(),
        *money_out(settlement),
    ]
    return WireDoor(ports, resources)


def _base_url(settings: Settings) -> str:
    """Where this engine says that it is reached."""
    said = DataFolder(settings.data_dir).announcement()
    return f"http://{settings.host}" if said is None else said.url


def _show_events(webhooks: Webhooks, money: Money) -> None:
    """Have the objects of `/v1` shown in merchants' events as they are shown there."""
    pictures, objects = webhooks.pictures, money.objects
    ChargePictures(money.charges, objects).add_to(pictures)
    views: dict[Kind, Callable[[Kept], dict[str, object]]] = {
        Kind.CUSTOMER: customer_json,
        Kind.PAYMENT_METHOD: payment_method_json,
        Kind.SETUP_INTENT: setup_intent_json,
    }
    for kind, view in views.items():
        pictures.add(kind.value, partial(_show_kept, objects, kind, view))


def _show_kept(
    objects: Objects[Transaction],
    kind: Kind,
    view: Callable[[Kept], dict[str, object]],
    tx: Transaction,
    object_id: str,
    source: Event,
) -> dict[str, object] | None:
    kept = objects.find(tx, str(source.data.get("merchant_id")), kind, object_id)
    return None if kept is None else view(as_of(kept, source))


def _resources(services: MoneyServices, webhooks: Webhooks) -> list[Resource]:
    """Everything that is served; one line for each module."""
    money, secrets = services.money, services.secrets
    methods = Methods(money.objects, money.methods)
    intents, charges = PaymentIntents(money, methods), ChargeRoutes(money)
    return [
        account_resource(),
        Customers(money.objects).resource(),
        methods.resource(),
        SetupIntents(money.objects, money.methods, methods, secrets).resource(),
        intents.resource(),
        charges.resource(),
        DesignPaths(money, intents, charges).resource(),
        Refunds(money).resource(),
        MerchantEvents(webhooks.history).resource(),
        WebhookEndpoints(webhooks.endpoints).resource(),
    ]
