"""Hosts, a device and a card for tests, built from the real parts.

The card's arithmetic is pyemv's, an implementation that is not ours.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import warnings
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
from joserfc import jwe
from joserfc.jwk import ECKey
from pyemv import ac, kd

from backend.networks.authority import DrawKey
from backend.networks.issuing import IssuerWay
from backend.networks.server import HostSettings, Networks, build_networks
from backend.runtime.clock import Clock, LabClock
from backend.runtime.entropy import Entropy
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage.host_rows import SqlHostStore, open_host_store
from backend.switch.answers import AuthorizationRequest, NetworkReference
from backend.switch.tsp_client import TokenGrant, TokenRefused, TokenRequest, TspClient

T = TypeVar("T")
VAULT_KEY = bytes(range(32))
CARDS = {
    "visa": ("4242424242424242", "123"),
    "mastercard": ("5555555555554444", "123"),
    "amex": ("378282246310005", "1234"),
}
CURRENCY_TAG = {"USD": "0840", "EUR": "0978", "JPY": "0392"}
DEVICE_KEY = ECKey.generate_key("P-256", private=True)
INSTANT = HostSettings(profile="instant")


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


def virtual() -> tuple[VirtualClock, VirtualScheduler]:
    """Clock and scheduler of the running virtual loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    clock = VirtualClock(loop)
    return clock, VirtualScheduler(clock)


@dataclass
class Bench:
    """Hosts without sockets over a real store."""

    store: SqlHostStore
    networks: Networks
    tsp: TspClient
    clock: Clock
    path: Path
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def reference(self) -> NetworkReference:
        number = next(self.numbers)
        return NetworkReference(f"{number:012d}", f"{number:06d}", self.clock.now_us())

    def held(self, network: str) -> list[int]:
        return [amount for _, amount, _ in self.store.read(lambda r: r.open_holds(network))]


@asynccontextmanager
async def bench(
    folder: Path,
    *,
    clock: Clock | None = None,
    settings: HostSettings = INSTANT,
    vault_key: bytes = VAULT_KEY,
    inline: bool = True,
    way: IssuerWay | None = None,
    draw_key: DrawKey | None = None,
) -> AsyncIterator[Bench]:
    """Hosts of all networks in `folder`."""
    chosen = clock or LabClock()
    store = open_host_store(folder / "networks.db", inline=inline)
    try:
        networks = await build_networks(
            store,
            vault_key=vault_key,
            clock=chosen,
            entropy=Entropy(7, simulated=True),
            settings=settings,
            way=way,
            draw_key=draw_key,
        )
        transport = httpx.ASGITransport(networks.token_services)
        async with httpx.AsyncClient(transport=transport) as http:
            tsp = TspClient("http://networks", http)
            yield Bench(store, networks, tsp, chosen, folder / "networks.db")
    finally:
        store.close()


def oracle_cvn_18(card_key: bytes, atc: int, covered: bytes) -> bytes:
    """A cryptogram by pyemv, which asks for TripleDES at a place that will move."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = kd.derive_common_sk(card_key, atc.to_bytes(2, "big") + bytes(6))
        return ac.generate_ac(session, covered, ac.PaddingType.EMV)


def sealed(key: dict[str, str], number: str, device_key: object = None) -> str:
    jwk = DEVICE_KEY.as_dict(private=False) if device_key is None else device_key
    public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
    body = json.dumps({"pan": number, "deviceKey": jwk}).encode()
    return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, body, public)


async def change(
    tsp: TspClient,
    network: str,
    token_ref: str,
    operation: str,
    by: str = "CARDHOLDER",
    reason: str = "OTHER",
) -> str:
    """A token's status after somebody asked for an operation."""
    return (await tsp.change_token(network, token_ref, operation, by=by, reason=reason)).status


async def ask_token(
    tsp: TspClient, network: str, number: str | None = None, **changes: str
) -> TokenGrant | TokenRefused:
    number = number or CARDS[network][0]
    values = {
        "sealed_pan": sealed(await tsp.public_key(network), number),
        "expiry": "12/30",
        "cvv": CARDS[network][1],
        "last4": number[-4:],
        "device_id": "dev_1",
        "device_type": "phone",
        "wallet_id": "wal_1",
    }
    return await tsp.request_token(network, TokenRequest(**{**values, **changes}))


@dataclass
class Phone:
    """A device that holds one token and its proximity key."""

    network: str
    grant: TokenGrant
    payload: dict[str, Any]
    atc: int = 0
    verified: bool = False

    def chip_data(self, amount_minor: int, currency: str, **changes: str) -> bytes:
        """DE 55 with a cryptogram of the next transaction counter (CVN 18)."""
        self.atc += 1
        tags = {
            "9F02": f"{amount_minor:012d}",
            "9F03": "000000000000",
            "9F1A": "0840",
            "95": "0000000000",
            "5F2A": CURRENCY_TAG[currency],
            "9A": changes.pop("day", "261120"),
            "9C": "00",
            "9F37": "0BADF00D",
            "82": "2000",
            "9F36": f"{self.atc:04X}",
        }
        key = bytes.fromhex(self.payload["keys"]["proximity"]["mk"])
        dki = self.payload["keys"]["proximity"]["dki"]
        verified = "A4" if self.verified else "A0"
        issuer_data = changes.pop("9F10", f"06{dki}1203{verified}0000")
        covered = bytes.fromhex("".join(tags.values()) + issuer_data)
        tags["9F26"] = oracle_cvn_18(key, self.atc, covered).hex()
        tags |= {"9F27": "80", "9F10": issuer_data, **changes}
        return b"".join(
            bytes.fromhex(tag) + bytes([len(value) // 2]) + bytes.fromhex(value)
            for tag, value in tags.items()
        )


async def phone_with(
    bench: Bench, network: str, number: str | None = None, **changes: str
) -> Phone:
    grant = await ask_token(bench.tsp, network, number, **changes)
    assert isinstance(grant, TokenGrant), grant
    plain = jwe.decrypt_compact(grant.device_payload, DEVICE_KEY).plaintext
    return Phone(network, grant, json.loads(plain or b""))


def payment(
    bench: Bench,
    phone: Phone,
    amount_minor: int = 1240,
    currency: str = "USD",
    *,
    emv_data: bytes | None = None,
    reference: NetworkReference | None = None,
    approved_offline: bool = False,
) -> AuthorizationRequest:
    data = emv_data if emv_data is not None else phone.chip_data(amount_minor, currency)
    return AuthorizationRequest(
        payment_id="pay_1",
        tap_id=None,
        network=phone.network,
        reference=reference or bench.reference(),
        token=phone.payload["dpan"],
        expiry=phone.payload["expiry"],
        psn=phone.payload["psn"],
        amount_minor=amount_minor,
        currency=currency,
        merchant_id="mer_1",
        merchant_name="Café Łódź",
        merchant_category="5814",
        terminal_id="TILL0001",
        emv_data=data,
        approved_offline=approved_offline,
    )
