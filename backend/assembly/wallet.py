"""Wires the wallet's services and what is kept of their answers."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.cache.card_lists import CardLists
from backend.cache.kept_sessions import KeptSessions
from backend.cache.policy import PRESETS as CACHE_PRESETS
from backend.cache.recent_history import RecentHistory
from backend.cache.remembered import RUN_BYTES
from backend.cache.tolerant import TolerantCache
from backend.http.routes_wallet import WalletServices
from backend.networks.numbers import NETWORKS
from backend.runtime.events import EventLog
from backend.settings import Settings
from backend.storage import history_rows
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


def open_caches(
    files: Files, events: EventLog, ground: Ground, cache: TolerantCache, settings: Settings
) -> Caches:
    """What is kept of the wallet's answers; a session only where the cache is a server."""
    policy = CACHE_PRESETS[settings.cache_preset]
    run = ground.entropy.secret("cache.run").bytes(RUN_BYTES)

    def owner_of(payment_id: str) -> str | None:
        return files.engine.read(lambda tx: history_rows.owner(tx, payment_id))

    history = RecentHistory(cache, owner_of, policy, run)
    events.subscribe(history.heed)
    sessions = KeptSessions(cache, policy, run) if settings.redis_url else None
    return Caches(CardLists(cache, policy, run), sessions, history)


@dataclass(frozen=True, slots=True)
class Caches:
    """What is kept of the wallet's answers."""

    lists: CardLists
    sessions: KeptSessions | None
    history: RecentHistory


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
