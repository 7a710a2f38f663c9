"""Starts the network hosts: one ISO 8583 port for each network, one HTTP port for token services.

`build_hosts` makes the hosts without sockets (a simulated world calls them directly);
`start_networks` puts them on loopback. Knows neither the engine nor its database.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from backend.networks.accounts import CardAccounts
from backend.networks.authority import CardAuthority, DrawKey
from backend.networks.authorizing import NetworkRules
from backend.networks.disputes import DisputeDesk
from backend.networks.examining import Examiner
from backend.networks.host import LOOPBACK, HostServer, NetworkHost
from backend.networks.issuing import LIMIT_MAJOR, Issuer, IssuerWay, OpenWay
from backend.networks.keys import load_keys
from backend.networks.mailbox import Mailbox
from backend.networks.number_access import Numbers
from backend.networks.numbers import NETWORKS
from backend.networks.ports import HostStore
from backend.networks.profiles import profile
from backend.networks.tsp import TokenService
from backend.networks.tsp_http import token_service_app
from backend.networks.tsp_life import TokenLives
from backend.networks.tsp_verify import Verifications
from backend.networks.vault import NetworkVault
from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy


@dataclass(frozen=True, slots=True)
class HostSettings:
    """What can be chosen about the hosts.

    Attributes:
        profile: "lab" (natural delays) or "instant".
        steering: whether amounts choose answers.
        limit_major: open holds allowed for one card and currency, major units.
    """

    profile: str = "lab"
    steering: bool = True
    limit_major: int = LIMIT_MAJOR


@dataclass(frozen=True, slots=True)
class Networks:
    """The hosts without sockets.

    Attributes:
        hosts: by network; `handle(frame)` answers one ISO 8583 message.
        token_services: the HTTP application (paths `/{network}/tsp/…`).
        authorities: by network, who vouches for its cards.
    """

    hosts: Mapping[str, NetworkHost]
    token_services: Starlette
    authorities: Mapping[str, CardAuthority]


async def build_networks(
    store: HostStore,
    *,
    vault_key: bytes,
    clock: Clock,
    entropy: Entropy,
    settings: HostSettings | None = None,
    way: IssuerWay | None = None,
    draw_key: DrawKey | None = None,
) -> Networks:
    """Make the hosts of all networks over one store.

    Args:
        store: the hosts' own rows.
        vault_key: 32 bytes under which numbers and keys are sealed.
        clock: lab time for expiry dates.
        entropy: where keys, tokens, codes and delays come from.
        settings: what can be chosen.
        way: from the networks to their issuers; None is one without obstacles.
        draw_key: makes RSA keys for certificates; without it tokens have none.

    Raises:
        UsageError: the key has another length, or the profile is unknown.
        StorageError: the stored keys were sealed under another vault key.
    """
    chosen = settings or HostSettings()
    vault = NetworkVault(vault_key, entropy.secret("network.vault.nonces"))
    hosts: dict[str, NetworkHost] = {}
    services: dict[str, TokenService] = {}
    checks: dict[str, Verifications] = {}
    lives: dict[str, TokenLives] = {}
    authorities: dict[str, CardAuthority] = {}
    for network in NETWORKS:
        keys = await load_keys(network, store, vault, entropy.secret(f"network.{network}.keys"))
        issuer = Issuer(chosen.limit_major, chosen.steering)
        held = Numbers(network, vault, clock)
        secrets = entropy.secret(f"network.{network}.accounts")
        accounts = CardAccounts(network, held, clock, secrets)
        examiner = Examiner(network, store, held, keys, clock)
        rules = NetworkRules(network, store, held, examiner, issuer, accounts, clock)
        delays = profile(chosen.profile, entropy.stream(f"network.{network}.delays"))
        hosts[network] = NetworkHost(rules, delays, way or OpenWay())
        serials = entropy.secret(f"network.{network}.certificates")
        authority = CardAuthority(network, store, vault, serials, draw_key)
        authorities[network] = authority
        service = TokenService(network, store, held, keys, authority, clock, entropy)
        services[network] = service
        new_numbers = entropy.secret(f"network.{network}.numbers")
        lives[network] = TokenLives(
            service, store, held, clock, new_numbers, on_renumbered=rules.forget_card
        )
        checks[network] = Verifications(network, store, vault, keys, authority, clock, entropy)
    desks = {network: DisputeDesk(network, store, clock) for network in NETWORKS}
    app = token_service_app(services, checks, lives, Mailbox(store, vault), desks)
    return Networks(hosts, app, authorities)


class NetworkHosts:
    """The hosts on loopback.

    Attributes:
        iso_addresses: network to (host, port) of its ISO 8583 listener.
        tsp_url: base address of the token services.
        networks: the hosts themselves.
    """

    def __init__(self, networks: Networks) -> None:
        self.networks = networks
        self.iso_addresses: dict[str, tuple[str, int]] = {}
        self.tsp_url = ""
        self._listeners: list[HostServer] = []
        self._http: _HttpServer | None = None
        self._http_task: asyncio.Task[None] | None = None

    async def start(self, ports: Mapping[str, int] | None = None) -> None:
        """Listen.

        Args:
            ports: by network, and "tsp": the ports to take if they are free; else free ones.
        """
        wanted = ports or {}
        for network, host in self.networks.hosts.items():
            listener = HostServer(host)
            self.iso_addresses[network] = await _listen_at(listener, wanted.get(network, 0))
            self._listeners.append(listener)
        listening = _socket_at(wanted.get("tsp", 0))
        self.tsp_url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        self._http = _HttpServer(self.networks.token_services)
        self._http_task = asyncio.create_task(self._http.serve([listening]), name="token services")
        await self._http.ready.wait()

    async def stop(self) -> None:
        """Close every port and finish what is being answered."""
        for listener in self._listeners:
            await listener.stop()
        self._listeners.clear()
        if self._http is not None and self._http_task is not None:
            self._http.should_exit = True
            await self._http_task
            self._http = self._http_task = None


async def start_networks(
    store: HostStore,
    *,
    vault_key: bytes,
    clock: Clock,
    entropy: Entropy,
    settings: HostSettings | None = None,
) -> NetworkHosts:
    """`build_networks` and put them on loopback; arguments and errors as there."""
    hosts = NetworkHosts(
        await build_networks(
            store, vault_key=vault_key, clock=clock, entropy=entropy, settings=settings
        )
    )
    await hosts.start()
    return hosts


async def _listen_at(listener: HostServer, port: int) -> tuple[str, int]:
    try:
        return await listener.start(port)
    except OSError:  # somebody else has it by now
        return await listener.start()


def _socket_at(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError:
        return socket.create_server((LOOPBACK, 0))


class _HttpServer(uvicorn.Server):
    """uvicorn inside a process that has its own way of being stopped."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none")
        )
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when connections are accepted."""
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals alone."""
        yield
