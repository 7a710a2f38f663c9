"""Hangs every group of routes on its services."""

from __future__ import annotations

from backend.assembly.gateway import Gateway
from backend.http.app import Doors, build_app
from backend.http.attachments import Attachments
from backend.http.device_push import DevicePush
from backend.http.front_door import FrontDoor, LocalToken
from backend.http.health import Health
from backend.http.laboratory import Laboratory
from backend.http.pay_page import PayPage
from backend.http.request_counts import RequestCounts
from backend.http.routes_history import HistoryRoutes
from backend.http.routes_in_app import InAppRoutes
from backend.http.routes_lab import LabRoutes
from backend.http.routes_money_reconciliation import ReconciliationRoutes
from backend.http.routes_money_settlement import SettlementRoutes
from backend.http.routes_money_vault import VaultRoutes
from backend.http.routes_money_webhooks import WebhookRoutes
from backend.http.routes_notices import NoticeRoutes
from backend.http.routes_payments import NfcRoute
from backend.http.routes_privacy import PrivacyRoutes
from backend.http.routes_proof import ProofRoutes
from backend.http.routes_sales import SalesRoutes
from backend.http.routes_tokens import TokenRoutes
from backend.http.routes_vault_accesses import VaultAccessRoutes
from backend.http.routes_wallet import WalletRoutes, WalletServices
from backend.payments.engine import PaymentEngine
from backend.storage.data_folder import DataFolder
from backend.storage.database import Transaction
from backend.storage.vault_rows import SqlVaultRows
from backend.switch.tsp_client import TspClient


def open_doors(
    lab: Laboratory,
    wallet: WalletServices,
    tokens: TspClient,
    payments: PaymentEngine[Transaction],
    gateway: Gateway,
    token: LocalToken,
    folder: DataFolder,
    attachments: Attachments,
) -> FrontDoor:
    """The application that answers HTTP and WebSocket."""
    doors = Doors(
        wallet=WalletRoutes(wallet, token),
        history=HistoryRoutes(wallet.accounts, lab.engine_database, wallet.history),
        notices=NoticeRoutes(wallet.accounts, lab.engine_database),
        payments=NfcRoute(payments, token),
        sales=SalesRoutes(gateway.desk, token),
        in_app=InAppRoutes(gateway.in_app, wallet.accounts, token, lab.clock),
        privacy=PrivacyRoutes(wallet.accounts, wallet.privacy),
        proof=ProofRoutes(wallet.accounts, wallet.proofs),
        merchants=gateway.accounts.routes(lab.clock),
        webhooks=WebhookRoutes(gateway.webhooks.endpoints, gateway.webhooks.console),
        disputes=gateway.disputes.routes(),
        lab=LabRoutes(lab, folder, attachments, gateway.webhooks.console.of_payment),
        settlement=SettlementRoutes(lab, gateway.settlement.days, gateway.settlement.payouts),
        reconciliation=ReconciliationRoutes(lab, gateway.settlement.bank, gateway.settlement.files),
        tokens=TokenRoutes(wallet.cards, tokens, wallet.news),
        health=Health(lab, RequestCounts()),
        push=DevicePush(wallet.accounts, wallet.devices, lab.events),
        cards=wallet.cards,
        wire=gateway.wire,
        vault=VaultRoutes(
            gateway.cards.rotation, lab.engine_database, SqlVaultRows(), gateway.in_app.renew_key
        ),
        pay=PayPage(
            gateway.money.links,
            gateway.money.money,
            gateway.accounts.merchants.of,
            lab.events,
            lab.clock,
        ),
        vault_accesses=VaultAccessRoutes(lab),
    )
    return build_app(doors, token)
