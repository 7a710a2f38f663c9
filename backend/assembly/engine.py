"""Opens an engine on a data folder and takes up what the last one left.

One order for everything: files, events, faults, the way to the networks, rules, doors.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from backend.assembly.base import Base
from backend.assembly.caches import Caches, open_caches
from backend.assembly.cards import Cards, open_cards
from backend.assembly.doors import open_doors
from backend.assembly.edge import Edge, apart, hosts_of, memory, open_networks, sockets
from backend.assembly.files import Files, open_files
from backend.assembly.gateway import Gateway, open_gateway
from backend.assembly.ground import Ground, catch_up
from backend.assembly.payments import open_payments
from backend.assembly.wallet import open_wallet
from backend.cache.buckets import SharedBuckets
from backend.cache.connect import open_cache
from backend.domain.token_bucket import LocalBuckets
from backend.faults.board import FaultBoard
from backend.faults.cache_way import FaultyCacheWay
from backend.faults.catalogue import AVAILABLE, WITHOUT_ISSUERS
from backend.faults.issuer_way import FaultyIssuerWay
from backend.gateway.in_app import InApp
from backend.http.attachments import Attachments
from backend.http.front_door import FrontDoor, LocalToken
from backend.http.laboratory import Laboratory
from backend.metrics.latency import LatencyBook
from backend.networks.numbers import NETWORKS
from backend.networks.server import Networks
from backend.payments.engine import PaymentEngine
from backend.payments.view import PaymentView
from backend.runtime.events import EventLog
from backend.settings import Settings
from backend.storage.daily_snapshots import take_daily
from backend.storage.data_folder import DataFolder
from backend.storage.database import CommitPoints, Transaction
from backend.storage.event_recorder import ENGINE, EventRecorder, reserve_numbers
from backend.storage.payment_view_rows import SqlViewRows
from backend.switch.switch import Switch
from backend.switch.tsp_client import TspClient
from backend.wallet.devices import Devices


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine.

    Attributes:
        app: answers HTTP and WebSocket.
        token: the local token's text.
        devices: what waits for a device, as its push connection would deliver it.
        cards: cards that merchants keep, and payments with them.
        networks: the simulated hosts, without sockets; None when they run apart.
    """

    app: FrontDoor
    token: str
    lab: Laboratory
    payments: PaymentEngine[Transaction]
    devices: Devices
    in_app: InApp[Transaction]
    gateway: Gateway
    cards: Cards
    networks: Networks | None
    ground: Ground
    _edge: Edge
    _caches: Caches
    _recorder: EventRecorder
    _folder: DataFolder

    async def close(self) -> None:
        """Stop in an order in which nobody speaks to something that is gone."""
        lab, scheduler = self.lab, self.ground.scheduler
        self._folder.keep_world(lab.record())
        await lab.switch.stop()
        await scheduler.cancel_all()
        await self._edge.close()
        await self._caches.close()
        await self.gateway.webhooks.way.close()
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
    folder: DataFolder, settings: Settings, ground: Ground, attachments: Attachments, files: Files
) -> Engine:
    first_seq = await reserve_numbers(files.engine)
    events = EventLog(ground.clock, source=ENGINE, world=ground.world, first_seq=first_seq)
    recorder = EventRecorder(files.engine, ground.scheduler, events, first_seq)
    catch_up(ground.clock, files.engine)
    board = FaultBoard(
        clock=ground.clock,
        emit=events.emit,
        seed=ground.entropy.seed,
        available=AVAILABLE if files.networks is not None else WITHOUT_ISSUERS,
    )
    files.disk.heed(board)
    networks = None
    if files.networks is None:
        edge = await apart(hosts_of(settings), board, ground)
    else:
        networks = await open_networks(
            files.networks, files.named_keys, settings, ground, FaultyIssuerWay(board)
        )
        edge = await (sockets if ground.is_live else memory)(networks, board, ground)
    book = LatencyBook(ground.clock, NETWORKS)
    switch = Switch(edge.links, clock=ground.clock, emit=events.emit, book=book)
    cache = open_cache(settings.redis_url, ground.clock, events.emit, FaultyCacheWay(board))
    caches = open_caches(files, events, ground, cache, settings)
    payments = await open_payments(files, switch, events, ground, caches)
    wallet = open_wallet(files, edge.tokens, events, ground, caches)
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
        near=caches.near,
        keys=files.keys,
        offload=ground.offload,
        flush_events=recorder.flush,
        started_at_us=ground.clock.now_us(),
    )
    token = folder.token(ground.entropy.secret("engine.token"))
    buckets = SharedBuckets(cache) if settings.redis_url else LocalBuckets()
    cards = open_cards(files, payments, edge.tokens, events, ground)
    base = Base(files, ground, settings, events, board, switch, edge.tokens)
    gateway = await open_gateway(base, payments, cards, buckets)
    local = LocalToken(token)
    app = open_doors(lab, wallet, edge.tokens, payments, gateway, local, folder, attachments)
    caches.start(ground)
    await switch.start()
    left = await payments.recover()
    ground.scheduler.spawn(payments.follow_up_forever(), "follow-ups")
    gateway.start(ground)
    cards.start(ground)
    ground.scheduler.spawn(wallet.orders.run_forever(), "token orders")
    await wallet.news.start()
    if settings.daily_snapshots:
        daily = take_daily(
            folder.snapshots, settings.daily_snapshots, lab.snapshot, ground.clock, ground.scheduler
        )
        ground.scheduler.spawn(daily, "daily snapshots")
    events.emit("engine.started", actor="engine", data={"payments_taken_up": left})
    return Engine(
        app, token, lab, payments, wallet.devices, gateway.in_app, gateway, cards, networks,
        ground, edge, caches, recorder, folder,
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
