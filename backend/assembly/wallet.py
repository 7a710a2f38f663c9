"""Wires the wallet's services."""

from __future__ import annotations

from backend.assembly.caches import Caches
from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.http.routes_wallet import WalletServices
from backend.networks.numbers import NETWORKS
from backend.runtime.events import EventLog
from backend.storage.wallet_rows import SqlWalletStore
from backend.switch.tsp_client import TspClient
from backend.wallet.accounts import Accounts
from backend.wallet.cards import Cards
from backend.wallet.device_proof import DeviceProofs
from backend.wallet.devices import Devices
from backend.wallet.limits import Limits
from backend.wallet.network_news import NetworkNews
from backend.wallet.passwords import LIVE, SIMULATED, Passwords
from backend.wallet.privacy import Privacy, PrivacyPorts
from backend.wallet.provisioning import Provisioning
from backend.wallet.token_orders import TokenOrders
from backend.wallet.verification import Verifications


def open_wallet(
    files: Files,
    tokens: TspClient,
    events: EventLog,
    ground: Ground,
    caches: Caches,
) -> WalletServices:
    """The wallet's services, not started."""
    lists = caches.lists
    store = SqlWalletStore(files.engine, ground.entropy.secret("audit.salts"))
    clock, entropy = ground.clock, ground.entropy
    fingerprint = files.named_keys.fingerprint
    orders = TokenOrders(store, tokens, clock, ground.scheduler, events, lists, fingerprint)
    passwords = Passwords(
        LIVE if ground.is_live else SIMULATED,
        entropy.secret("wallet.salts"),
        ground.offload,
    )
    accounts = Accounts(store, clock, entropy, passwords, Limits(clock), caches.sessions)
    return WalletServices(
        accounts=accounts,
        cards=Cards(store, clock, events, lists, orders),
        provisioning=Provisioning(
            store,
            clock,
            events,
            lists,
            tokens=tokens,
            orders=orders,
            fingerprint=fingerprint,
            entropy=entropy,
        ),
        verifications=Verifications(
            store,
            clock,
            events,
            lists,
            tokens=tokens,
            fingerprint=fingerprint,
            entropy=entropy,
        ),
        devices=Devices(store, clock, events, lists, orders, accounts),
        orders=orders,
        news=NetworkNews(NETWORKS, store, tokens, clock, ground.scheduler, events, lists, orders),
        history=caches.history,
        proofs=DeviceProofs(store, clock, entropy, accounts),
        privacy=Privacy(
            store,
            clock,
            events,
            PrivacyPorts(accounts, passwords, lists, orders, caches.history.forget),
        ),
    )
