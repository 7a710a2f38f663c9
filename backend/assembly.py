"""The only wiring place of the engine: one assembly, two worlds.

`live` has threads, sockets and real time; `simulated` has one thread, in-memory links and virtual
time. Everything above the edges is the same code. Knows every package and no rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import httpx

from backend.cache.answers import StoredAnswers
from backend.cache.card_lists import CardLists
from backend.cache.connect import open_cache
from backend.cache.kept_sessions import KeptSessions
from backend.cache.policy import PRESETS as CACHE_PRESETS
from backend.cache.recent_history import RecentHistory
from backend.cache.remembered import RUN_BYTES
from backend.cache.tolerant import TolerantCache
from backend.faults.board import FaultBoard
from backend.faults.cache_way import FaultyCacheWay
from backend.faults.catalogue import AVAILABLE, WITHOUT_ISSUERS
from backend.faults.disk import FaultyDisk
from backend.faults.http_link import FaultyTransport
from backend.faults.issuer_way import FaultyIssuerWay
from backend.faults.proxy import FaultProxy
from backend.faults.wire_judge import WireJudge
from backend.gateway.advices import AdvicePorts, Advices
from backend.gateway.desk import Desk, DeskPorts
from backend.gateway.fees import FeePlan
from backend.gateway.in_app import InApp, InAppPorts
from backend.gateway.merchant_keys import SHOPS, KeyPorts, MerchantKeys
from backend.http.app import Doors, build_app
from backend.http.attachments import Attachments
from backend.http.device_push import DevicePush
from backend.http.front_door import FrontDoor, LocalToken
from backend.http.health import Health
from backend.http.in_memory import MemoryServer
from backend.http.laboratory import Laboratory
from backend.http.routes_history import HistoryRoutes
from backend.http.routes_in_app import InAppRoutes
from backend.http.routes_lab import LabRoutes
from backend.http.routes_payments import NfcRoute
from backend.http.routes_privacy import PrivacyRoutes
from backend.http.routes_proof import ProofRoutes
from backend.http.routes_sales import SalesRoutes
from backend.http.routes_tokens import TokenRoutes
from backend.http.routes_wallet import WalletRoutes, WalletServices
from backend.metrics.latency import LatencyBook
from backend.networks.chip.rsa import fresh_key
from backend.networks.issuing import IssuerWay
from backend.networks.numbers import NETWORKS
from backend.networks.server import HostSettings, NetworkHosts, Networks, build_networks
from backend.networks.vault import NetworkVault
from backend.payments.engine import PaymentEngine, PaymentPorts
from backend.payments.records import DEFAULT_MERCHANT
from backend.payments.view import PaymentView
from backend.runtime.clock import MAX_JUMP_S, LabClock
from backend.runtime.entropy import Entropy
from backend.runtime.errors import UsageError
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler, VirtualClock
from backend.settings import Settings
from backend.storage import event_rows, history_rows
from backend.storage.data_folder import DataFolder, HostAddresses, WorldRecord
from backend.storage.database import CommitPoints, Database, Transaction
from backend.storage.event_recorder import ENGINE, EventRecorder, reserve_numbers
from backend.storage.gateway_rows import SqlGatewayRows
from backend.storage.host_rows import SqlHostStore
from backend.storage.in_app_rows import SqlInAppRows
from backend.storage.ledger_rows import SqlLedgerRows
from backend.storage.migrate import migrate_engine, prepare_hosts
from backend.storage.payment_outbox_rows import SqlOutbox
from backend.storage.payment_rows import SqlPaymentRows
from backend.storage.payment_view_rows import SqlViewRows
from backend.storage.token_rows import SqlTokenDirectory
from backend.storage.wallet_rows import SqlWalletStore
from backend.switch.link import Link, TcpLink
from backend.switch.memory_link import MemoryLink
from backend.switch.switch import Switch
from backend.switch.tsp_client import TspClient
from backend.vault.key_home import KeyHome, open_key_home
from backend.vault.named_keys import NamedKeys
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

T = TypeVar("T")
TSP_LIMIT_S = 10.0
IN_MEMORY_TSP = "http://token-services"


@dataclass(frozen=True, slots=True)
class Ground:
    """What a world stands on.

    Attributes:
        world: "live" or "simulated"; decides about threads and sockets too.
    """

    world: str
    clock: LabClock
    scheduler: LabScheduler
    entropy: Entropy

    @property
    def is_live(self) -> bool:
        """Whether there are threads and sockets."""
        return self.world == "live"


@dataclass(frozen=True, slots=True)
class Edge:
    """The way to the networks, how to close it, and how to let it die in a simulated world."""

    links: dict[str, Link]
    tokens: TspClient
    close: Callable[[], Awaitable[None]]
    kill: Callable[[], list[asyncio.Task[None]]] = list


@dataclass(frozen=True, slots=True)
class _Files:
    """What is open in the data folder."""

    engine: Database
    disk: FaultyDisk
    networks: Database | None
    keys: KeyHome
    named_keys: NamedKeys


@dataclass(frozen=True, slots=True)
class _Gateway:
    """What merchants use besides taps."""

    desk: Desk[Transaction]
    in_app: InApp[Transaction]


@dataclass(frozen=True, slots=True)
class _Caches:
    """What is kept of the wallet's answers."""

    lists: CardLists
    sessions: KeptSessions | None
    history: RecentHistory


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine.

    Attributes:
        app: answers HTTP and WebSocket.
        token: the local token's text.
        devices: what waits for a device, as its push connection would deliver it.
        networks: the simulated hosts, without sockets; None when they run apart.
    """

    app: FrontDoor
    token: str
    lab: Laboratory
    payments: PaymentEngine[Transaction]
    devices: Devices
    in_app: InApp[Transaction]
    networks: Networks | None
    ground: Ground
    _edge: Edge
    _recorder: EventRecorder
    _folder: DataFolder

    async def close(self) -> None:
        """Stop in an order in which nobody speaks to something that is gone."""
        lab, scheduler = self.lab, self.ground.scheduler
        self._folder.keep_world(lab.record())
        await lab.switch.stop()
        await scheduler.cancel_all()
        await self._edge.close()
        await lab.cache.close()
        if lab.faults.faults:
            lab.faults.reset()  # faults end with their engine: what is left can be stored
        await self._recorder.close()
        lab.engine_database.close()
        if lab.networks_database is not None:
            lab.networks_database.close()

    def kill(self) -> list[asyncio.Task[object]]:
        """Stop as a dead process does, with nothing said and nothing stored; simulated worlds only.

        Whatever still runs in here meets `Crashed` at every store and scheduler.

        Returns:
            What has yet to unwind.
        """
        lab = self.lab
        lab.events.silence()
        lab.engine_database.kill()
        if lab.networks_database is not None:
            lab.networks_database.kill()
        return [*self._edge.kill(), *self.ground.scheduler.kill()]


def live_ground(folder: DataFolder, seed: int | None) -> Ground:
    """Real time, continued from the folder's last run; another seed than the kept one starts anew.

    Raises:
        UsageError: the folder's record is damaged.
    """
    kept = folder.world()
    entropy = entropy_of(kept, seed)
    return _ground("live", folder, LabClock(), entropy, kept)


def simulated_ground(folder: DataFolder, below: VirtualClock, entropy: Entropy) -> Ground:
    """A virtual loop's time, continued from the folder's last run; the entropy is the world's.

    Raises:
        UsageError: the folder's record is damaged.
    """
    return _ground("simulated", folder, LabClock(below), entropy, folder.world())


def entropy_of(kept: WorldRecord | None, seed: int | None, *, simulated: bool = False) -> Entropy:
    """The world's randomness from where it was; another seed than the kept one starts anew."""
    if kept is not None and seed in {None, kept.seed}:
        return Entropy(kept.seed, simulated=simulated, positions=kept.positions)
    return Entropy(seed, simulated=simulated)


def _ground(
    world: str, folder: DataFolder, clock: LabClock, entropy: Entropy, kept: WorldRecord | None
) -> Ground:
    if kept is not None and (kept.jumped_s or kept.rate != 1.0):
        _restore(clock, kept)
    folder.keep_world(
        WorldRecord(
            entropy.seed,
            clock.offset_s if clock.is_moved else 0.0,
            clock.rate,
            entropy.positions(),
        )
    )
    return Ground(world, clock, LabScheduler(clock), entropy)


async def open_engine(
    folder: DataFolder,
    settings: Settings,
    ground: Ground,
    attachments: Attachments,
    points: CommitPoints | None = None,
) -> Engine:
    """Build everything on a data folder that this process holds, and take up what was left.

    Args:
        folder: held by this process.
        settings: what can be chosen.
        ground: what the world stands on.
        attachments: who uses this engine.
        points: told of every commit of its stores.

    Raises:
        UsageError: a key home, profile or URL that cannot be.
        StorageError: a database that cannot be.
    """
    files = open_files(folder, settings, ground, points)
    try:
        return await _open(folder, settings, ground, attachments, files)
    except BaseException:
        ground.scheduler.kill()
        files.engine.kill()
        if files.networks is not None:
            files.networks.kill()
        raise


async def _open(
    folder: DataFolder, settings: Settings, ground: Ground, attachments: Attachments, files: _Files
) -> Engine:
    first_seq = await reserve_numbers(files.engine)
    events = EventLog(ground.clock, source=ENGINE, world=ground.world, first_seq=first_seq)
    recorder = EventRecorder(files.engine, ground.scheduler, events, first_seq)
    _catch_up(ground.clock, files.engine)
    board = FaultBoard(
        clock=ground.clock,
        emit=events.emit,
        seed=ground.entropy.seed,
        available=AVAILABLE if files.networks is not None else WITHOUT_ISSUERS,
    )
    files.disk.heed(board)
    networks = None
    if files.networks is None:
        edge = await _apart(_hosts_of(settings), board, ground)
    else:
        networks = await open_networks(
            files.networks, files.named_keys, settings, ground, FaultyIssuerWay(board)
        )
        edge = await (_sockets if ground.is_live else _memory)(networks, board, ground)
    book = LatencyBook(ground.clock, NETWORKS)
    switch = Switch(edge.links, clock=ground.clock, emit=events.emit, book=book)
    cache = open_cache(settings.redis_url, ground.clock, events.emit, FaultyCacheWay(board))
    payments = await _payments(files, switch, events, ground, cache, settings)
    wallet = _wallet(
        files, edge.tokens, events, ground, _caches(files, events, ground, cache, settings)
    )
    lab = Laboratory(
        world=ground.world,
        data_dir=folder.path,
        clock=ground.clock,
        scheduler=ground.scheduler,
        entropy=ground.entropy,
        events=events,
        engine_database=files.engine,
        networks_database=files.networks,
        cards=wallet.cards,
        authorities=partial(_authorities, networks, edge.tokens),
        notices=edge.tokens.notices,
        payments=PaymentView(files.engine, SqlViewRows(), world=ground.world),
        switch=switch,
        faults=board,
        latency=book,
        cache=cache,
        keys=files.keys,
        offload=_in_thread if ground.is_live else _inline,
        flush_events=recorder.flush,
        started_at_us=ground.clock.now_us(),
    )
    token = folder.token(ground.entropy.secret("engine.token"))
    advices = _advices(files, payments, switch, events, ground)
    desk = _desk(files, payments, advices, events, ground)
    gateway = _Gateway(desk, _in_app(files, payments, events, ground))
    app = _app(lab, wallet, edge.tokens, payments, gateway, LocalToken(token), folder, attachments)
    await switch.start()
    left = await payments.recover()
    ground.scheduler.spawn(payments.follow_up_forever(), "follow-ups")
    ground.scheduler.spawn(advices.run_forever(), "advices")
    ground.scheduler.spawn(wallet.orders.run_forever(), "token orders")
    await wallet.news.start()
    events.emit("engine.started", actor="engine", data={"payments_taken_up": left})
    return Engine(
        app, token, lab, payments, wallet.devices, gateway.in_app, networks, ground, edge,
        recorder, folder,
    )  # fmt: skip


async def _authorities(
    networks: Networks | None,
    tokens: TspClient,
    make: bool,  # noqa: FBT001 - a port
) -> list[dict[str, str]]:
    """Every network's certification authority, where it has one; beside the links, if it is here.

    A till's keys do not come over the line that a fault may be on.
    """
    if networks is None:
        asked = [await tokens.authority(network, make=make) for network in NETWORKS]
        return [authority for authority in asked if authority is not None]
    here = networks.authorities.values()
    found = [await each.made() if make else each.known() for each in here]
    return [authority.to_json() for authority in found if authority is not None]


def open_files(
    folder: DataFolder, settings: Settings, ground: Ground, points: CommitPoints | None = None
) -> _Files:
    """Migrate and open the folder's databases, and its key home.

    A simulated world's disk loses nothing, so nobody waits for it.

    Raises:
        UsageError: the key cannot be had.
        StorageError: a file that is no database of ours.
    """
    if settings.networks_dir is not None and folder.networks_database.exists():
        raise UsageError(
            f"{folder.path} has networks of its own: take another --data-dir with --networks-dir"
        )
    migrate_engine(folder.engine_database)
    secret = ground.entropy.secret("vault.root")
    keys = open_key_home(folder.path, settings.environment, secret)
    disk = FaultyDisk()
    opened = partial(Database, inline=not ground.is_live, points=points)
    networks = None
    if settings.networks_dir is None:
        prepare_hosts(folder.networks_database)
        networks = opened(
            folder.networks_database, synchronous="NORMAL" if ground.is_live else "OFF"
        )
    return _Files(
        opened(folder.engine_database, synchronous="FULL" if ground.is_live else "OFF", disk=disk),
        disk,
        networks,
        keys,
        NamedKeys(keys.root),
    )


async def open_networks(
    database: Database,
    keys: NamedKeys,
    settings: Settings,
    ground: Ground,
    way: IssuerWay | None = None,
) -> Networks:
    """The simulated hosts over their own database, without sockets."""
    return await build_networks(
        SqlHostStore(database),
        vault_key=keys.host_vault_key(),
        clock=ground.clock,
        entropy=ground.entropy,
        settings=HostSettings(profile=settings.profile),
        way=way,
        draw_key=fresh_key if ground.is_live else None,
    )


async def _sockets(networks: Networks, board: FaultBoard, ground: Ground) -> Edge:
    """Hosts on loopback, inside this process."""
    hosts = NetworkHosts(networks)
    await hosts.start()
    edge = await _apart(HostAddresses(hosts.iso_addresses, hosts.tsp_url), board, ground)

    async def close() -> None:
        await edge.close()
        await hosts.stop()

    return Edge(edge.links, edge.tokens, close)


async def _apart(hosts: HostAddresses, board: FaultBoard, ground: Ground) -> Edge:
    """A fault proxy before each host, wherever it runs, and TCP links to the proxies."""
    links: dict[str, Link] = {}
    proxies = []
    for network, address in hosts.iso.items():
        proxy = FaultProxy(f"{network}.auth", address, WireJudge(board))
        entrance = await proxy.start()
        proxies.append(proxy)
        links[network] = TcpLink(network, entrance, clock=ground.clock, scheduler=ground.scheduler)
    http = _tsp_client(httpx.AsyncHTTPTransport(trust_env=False), board)

    async def close() -> None:
        await http.aclose()
        for proxy in proxies:
            await proxy.stop()

    return Edge(links, TspClient(hosts.tsp_url, http), close)


def _hosts_of(settings: Settings) -> HostAddresses:
    assert settings.networks_dir is not None, "asked only when the hosts run apart"
    hosts = DataFolder(settings.networks_dir).hosts()
    if hosts is None or set(hosts.iso) != set(NETWORKS):
        raise UsageError(
            f"no network hosts on {settings.networks_dir}: start "
            f"python -m backend networks --data-dir {settings.networks_dir}"
        )
    return hosts


async def _memory(networks: Networks, board: FaultBoard, ground: Ground) -> Edge:
    """The same hosts and faults, called in this thread."""
    judge = WireJudge(board)
    links: dict[str, Link] = {
        network: MemoryLink(network, host.handle, scheduler=ground.scheduler, faults=judge)
        for network, host in networks.hosts.items()
    }
    server = MemoryServer(networks.token_services)
    http = _tsp_client(server, board)
    return Edge(links, TspClient(IN_MEMORY_TSP, http), http.aclose, server.kill)


def _tsp_client(transport: httpx.AsyncBaseTransport, board: FaultBoard) -> httpx.AsyncClient:
    """The way to the token services of all networks."""

    def link_of(request: httpx.Request) -> str:
        return f"{request.url.path.split('/')[1]}.tsp"

    return httpx.AsyncClient(
        transport=FaultyTransport(transport, board, link_of), timeout=TSP_LIMIT_S, trust_env=False
    )


async def _payments(
    files: _Files,
    switch: Switch,
    events: EventLog,
    ground: Ground,
    cache: TolerantCache,
    settings: Settings,
) -> PaymentEngine[Transaction]:
    rows = SqlPaymentRows()
    now_us = ground.clock.now_us()
    for merchant in (DEFAULT_MERCHANT, *SHOPS):
        await files.engine.write(partial(rows.add_merchant, merchant=merchant, at_us=now_us))
    return PaymentEngine(
        PaymentPorts(
            store=files.engine,
            rows=rows,
            ledger=SqlLedgerRows(),
            outbox=SqlOutbox(),
            tokens=SqlTokenDirectory(),
            switch=switch,
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
            identifiers=ground.entropy.secret("payment.identifiers"),
            fingerprint=files.named_keys.fingerprint,
            # an in-process cache is slower than a point read of SQLite: it saves nothing here
            cache=StoredAnswers(cache) if settings.redis_url else None,
        )
    )


def _advices(
    files: _Files,
    payments: PaymentEngine[Transaction],
    switch: Switch,
    events: EventLog,
    ground: Ground,
) -> Advices[Transaction]:
    return Advices(
        AdvicePorts(
            store=files.engine,
            payments=SqlPaymentRows(),
            rows=SqlGatewayRows(),
            changes=payments.changes,
            outbox=SqlOutbox(),
            switch=switch,
            clock=ground.clock,
            scheduler=ground.scheduler,
            events=events,
        )
    )


def _desk(
    files: _Files,
    payments: PaymentEngine[Transaction],
    advices: Advices[Transaction],
    events: EventLog,
    ground: Ground,
) -> Desk[Transaction]:
    return Desk(
        DeskPorts(
            store=files.engine,
            payments=SqlPaymentRows(),
            rows=SqlGatewayRows(),
            changes=payments.changes,
            follow_ups=payments.follow_ups,
            references=payments.references,
            events=events,
            clock=ground.clock,
            identifiers=ground.entropy.secret("refund.identifiers"),
            plan=FeePlan(),
            wake=advices.wake,
        )
    )


def _in_app(
    files: _Files, payments: PaymentEngine[Transaction], events: EventLog, ground: Ground
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
            offload=_in_thread if ground.is_live else _inline,
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
        )
    )


def _caches(
    files: _Files, events: EventLog, ground: Ground, cache: TolerantCache, settings: Settings
) -> _Caches:
    """What is kept of the wallet's answers; a session only where the cache is a server."""
    policy = CACHE_PRESETS[settings.cache_preset]
    run = ground.entropy.secret("cache.run").bytes(RUN_BYTES)

    def owner_of(payment_id: str) -> str | None:
        return files.engine.read(lambda tx: history_rows.owner(tx, payment_id))

    history = RecentHistory(cache, owner_of, policy, run)
    events.subscribe(history.heed)
    sessions = KeptSessions(cache, policy, run) if settings.redis_url else None
    return _Caches(CardLists(cache, policy, run), sessions, history)


def _wallet(
    files: _Files,
    tokens: TspClient,
    events: EventLog,
    ground: Ground,
    caches: _Caches,
) -> WalletServices:
    lists = caches.lists
    store = SqlWalletStore(files.engine, ground.entropy.secret("audit.salts"))
    clock, entropy = ground.clock, ground.entropy
    fingerprint = files.named_keys.fingerprint
    orders = TokenOrders(store, tokens, clock, ground.scheduler, events, lists, fingerprint)
    passwords = Passwords(
        LIVE if ground.is_live else SIMULATED,
        entropy.secret("wallet.salts"),
        _in_thread if ground.is_live else _inline,
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


def _app(
    lab: Laboratory,
    wallet: WalletServices,
    tokens: TspClient,
    payments: PaymentEngine[Transaction],
    gateway: _Gateway,
    token: LocalToken,
    folder: DataFolder,
    attachments: Attachments,
) -> FrontDoor:
    doors = Doors(
        wallet=WalletRoutes(wallet, token),
        history=HistoryRoutes(wallet.accounts, lab.engine_database, wallet.history),
        payments=NfcRoute(payments, token),
        sales=SalesRoutes(gateway.desk, token),
        in_app=InAppRoutes(gateway.in_app, wallet.accounts, token, lab.clock),
        privacy=PrivacyRoutes(wallet.accounts, wallet.privacy),
        proof=ProofRoutes(wallet.accounts, wallet.proofs),
        lab=LabRoutes(lab, folder, attachments),
        tokens=TokenRoutes(wallet.cards, tokens, wallet.news),
        health=Health(lab),
        push=DevicePush(wallet.accounts, wallet.devices, lab.events),
        cards=wallet.cards,
    )
    return build_app(doors, token)


def _restore(clock: LabClock, kept: WorldRecord) -> None:
    try:
        clock.restore(0.0, kept.rate)
        _jump(clock, max(0.0, kept.jumped_s))
    except ValueError as error:
        raise UsageError(f"world.json is damaged ({error}): delete it") from error


def _jump(clock: LabClock, seconds: float) -> None:
    """Any distance forward: many jumps add up to more than one may be."""
    while seconds > 0:
        clock.jump(min(seconds, MAX_JUMP_S))
        seconds -= MAX_JUMP_S


def _catch_up(clock: LabClock, database: Database) -> None:
    """A moved clock goes on where its last event was, even if the last run was killed."""
    if clock.is_moved:
        behind_us = database.read(lambda tx: event_rows.last_time_us(tx, ENGINE)) - clock.now_us()
        if behind_us > 0:
            _jump(clock, behind_us / 1e6)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work)


async def _inline(work: Callable[[], T]) -> T:
    return work()
