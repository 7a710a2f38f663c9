"""Wires what merchants use besides taps: the desk after the sale, in-app payments, settlement."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.base import Base
from backend.assembly.cards import Cards
from backend.assembly.disputes import DisputeServices, open_disputes
from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.assembly.merchants import MerchantServices, open_merchants
from backend.assembly.money import MoneyServices, open_money
from backend.assembly.pricing import open_pricing
from backend.assembly.settlement import Settlement, open_settlement
from backend.assembly.webhooks import Webhooks, open_webhooks
from backend.assembly.wire import open_wire
from backend.domain.token_bucket import Buckets
from backend.gateway.advices import AdvicePorts, Advices
from backend.gateway.desk import Desk, DeskPorts
from backend.gateway.in_app import InApp, InAppPorts
from backend.gateway.merchant_keys import KeyPorts, MerchantKeys
from backend.gateway.pricing import Pricing
from backend.http.stripe_wire.door import WireDoor
from backend.networks.vault import NetworkVault
from backend.payments.engine import PaymentEngine
from backend.runtime.events import EventLog
from backend.storage.database import Transaction
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.in_app_rows import SqlInAppRows
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.token_rows import SqlTokenDirectory
from backend.storage.wallet_rows import SqlWalletStore
from backend.wallet.payment_word import PaymentWords


@dataclass(frozen=True, slots=True)
class Gateway:
    """What merchants use besides taps."""

    desk: Desk[Transaction]
    in_app: InApp[Transaction]
    advices: Advices[Transaction]
    settlement: Settlement
    accounts: MerchantServices
    disputes: DisputeServices
    money: MoneyServices
    wire: WireDoor
    webhooks: Webhooks
    cards: Cards

    def start(self, ground: Ground) -> None:
        """Take up what is due, now and for as long as the engine runs."""
        ground.scheduler.spawn(self.advices.run_forever(), "advices")
        ground.scheduler.spawn(self.disputes.schedule.run_forever(), "disputes")
        self.settlement.start(ground)
        self.money.start(ground)
        self.webhooks.start()


async def open_gateway(
    base: Base, payments: PaymentEngine[Transaction], cards: Cards, buckets: Buckets
) -> Gateway:
    """Everything that merchants use besides taps, not started."""
    files, events, ground = base.files, base.events, base.ground
    accounts = await open_merchants(files, events, ground, buckets)
    webhooks = open_webhooks(base, accounts)
    disputes = open_disputes(base, accounts, payments.references)
    pricing = open_pricing(files, events, ground)
    advices = _advices(base, payments, pricing, disputes)
    disputes.schedule.heed_losses(advices.wake)
    desk = _desk(base, payments, advices, pricing, disputes)
    settlement = open_settlement(files, events, ground)
    money = open_money(base, payments, cards, desk, disputes, settlement)
    return Gateway(
        desk=desk,
        in_app=_in_app(files, payments, events, ground),
        advices=advices,
        settlement=settlement,
        accounts=accounts,
        disputes=disputes,
        cards=cards,
        money=money,
        wire=open_wire(base, accounts, money, disputes, webhooks, settlement),
        webhooks=webhooks,
    )


def _advices(
    base: Base,
    payments: PaymentEngine[Transaction],
    pricing: Pricing[Transaction],
    disputes: DisputeServices,
) -> Advices[Transaction]:
    return Advices(
        AdvicePorts(
            store=base.files.engine,
            payments=SqlPaymentRows(),
            rows=SqlGatewayRows(),
            changes=payments.changes,
            outbox=SqlOutbox(),
            switch=base.switch,
            pricing=pricing,
            clock=base.ground.clock,
            scheduler=base.ground.scheduler,
            events=base.events,
            completed=disputes.schedule.completed,
        )
    )


def _desk(
    base: Base,
    payments: PaymentEngine[Transaction],
    advices: Advices[Transaction],
    pricing: Pricing[Transaction],
    disputes: DisputeServices,
) -> Desk[Transaction]:
    return Desk(
        DeskPorts(
            store=base.files.engine,
            payments=SqlPaymentRows(),
            rows=SqlGatewayRows(),
            changes=payments.changes,
            follow_ups=payments.follow_ups,
            references=payments.references,
            events=base.events,
            clock=base.ground.clock,
            identifiers=base.ground.entropy.secret("refund.identifiers"),
            pricing=pricing,
            forbids_refund=disputes.disputes.forbids_refund,
            wake=advices.wake,
        )
    )


def _in_app(
    files: Files, payments: PaymentEngine[Transaction], events: EventLog, ground: Ground
) -> InApp[Transaction]:
    rows, secret = SqlInAppRows(), ground.entropy.secret
    vault_key = files.named_keys.key("payment token")
    keys = MerchantKeys(
        KeyPorts(
            store=files.engine,
            rows=rows,
            vault=NetworkVault(vault_key, secret("merchant.nonces")),
            stream=secret("merchant.keys"),
            clock=ground.clock,
            offload=ground.offload,
        )
    )
    return InApp(
        InAppPorts(
            store=files.engine,
            rows=rows,
            payments=SqlPaymentRows(),
            tokens=SqlTokenDirectory(),
            engine=payments,
            keys=keys,
            outbox=SqlOutbox(),
            events=events,
            clock=ground.clock,
            seal_stream=secret("payment.tokens"),
            identifiers=secret("in_app.identifiers"),
            fingerprint=files.named_keys.fingerprint,
            words=PaymentWords(SqlWalletStore(files.engine, secret("audit.salts"))),
        )
    )
