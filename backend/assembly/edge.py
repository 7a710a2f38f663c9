"""The way to the networks: simulated hosts here, apart, or in memory, with faults between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from backend.assembly.ground import Ground
from backend.faults.board import FaultBoard
from backend.faults.http_link import FaultyTransport
from backend.faults.proxy import FaultProxy
from backend.faults.wire_judge import WireJudge
from backend.http.in_memory import MemoryServer
from backend.networks.chip.rsa import fresh_key
from backend.networks.issuing import IssuerWay
from backend.networks.numbers import NETWORKS
from backend.networks.server import HostSettings, NetworkHosts, Networks, build_networks
from backend.runtime.errors import UsageError
from backend.settings import Settings
from backend.storage.data_folder import DataFolder, HostAddresses
from backend.storage.database import Database
from backend.storage.host_rows import SqlHostStore
from backend.switch.link import Link, TcpLink
from backend.switch.memory_link import MemoryLink
from backend.switch.tsp_client import TspClient
from backend.vault.named_keys import NamedKeys

TSP_LIMIT_S = 10.0


IN_MEMORY_TSP = "http://token-services"


@dataclass(frozen=True, slots=True)
class Edge:
    """The way to the networks, how to close it, and how to let it die in a simulated world."""

    links: dict[str, Link]
    tokens: TspClient
    close: Callable[[], Awaitable[None]]
    kill: Callable[[], list[asyncio.Task[None]]] = list


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


async def sockets(networks: Networks, board: FaultBoard, ground: Ground) -> Edge:
    """Hosts on loopback, inside this process."""
    hosts = NetworkHosts(networks)
    await hosts.start()
    edge = await apart(HostAddresses(hosts.iso_addresses, hosts.tsp_url), board, ground)

    async def close() -> None:
        await edge.close()
        await hosts.stop()

    return Edge(edge.links, edge.tokens, close)


async def apart(hosts: HostAddresses, board: FaultBoard, ground: Ground) -> Edge:
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


def hosts_of(settings: Settings) -> HostAddresses:
    """Where the hosts listen that run apart.

    Raises:
        UsageError: none are there.
    """
    assert settings.networks_dir is not None, "asked only when the hosts run apart"
    hosts = DataFolder(settings.networks_dir).hosts()
    if hosts is None or set(hosts.iso) != set(NETWORKS):
        raise UsageError(
            f"no network hosts on {settings.networks_dir}: start "
            f"python -m backend networks --data-dir {settings.networks_dir}"
        )
    return hosts


async def memory(networks: Networks, board: FaultBoard, ground: Ground) -> Edge:
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
