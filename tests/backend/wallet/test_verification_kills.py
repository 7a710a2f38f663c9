"""The process dies before or after any commit of a verification; repeats bring it to one end.

The networks' hosts live in the same process here, so their commits are places to die too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import orjson
import pytest

from backend.cache.card_lists import CardLists
from backend.cache.connect import open_cache
from backend.networks.ports import HostRows
from backend.networks.server import HostSettings, build_networks
from backend.runtime.entropy import Entropy
from backend.runtime.errors import Conflict
from backend.runtime.events import EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage.database import Database
from backend.storage.host_rows import SqlHostStore, open_host_store
from backend.storage.migrate import migrate_engine
from backend.storage.wallet_rows import SqlWalletStore
from backend.switch.tsp_client import TspClient
from backend.wallet.card_order import CardOrder
from backend.wallet.model import Caller, Device
from backend.wallet.ports import WalletRows
from backend.wallet.provisioning import Provisioning
from backend.wallet.token_orders import TokenOrders
from backend.wallet.verification import CLAIM_US, Step, StepRefused, Verifications
from tests.backend.networks.bench import VAULT_KEY, sealed

T = TypeVar("T")
CALLER = Caller("usr_1", "127.0.0.1")
NUMBER = "4242424242424242"
POINTS = range(1, 7)  # before and after the claim, the network's commit, the result's commit
LEASE_S = CLAIM_US // 1_000_000


class Died(BaseException):
    """The process is gone."""


@dataclass
class Fate:
    """Where the process dies: at the n-th place where something is or was just committed."""

    dies_at: int = 0
    places: int = 0
    is_dead: bool = False

    def place(self) -> None:
        self.places += 1
        if self.is_dead or self.places == self.dies_at:
            self.is_dead = True
            raise Died


class MortalWalletStore(SqlWalletStore):
    fate: Fate

    async def write(self, work: Callable[[WalletRows], T]) -> T:
        self.fate.place()
        done = await super().write(work)
        self.fate.place()
        return done


class MortalHostStore:
    """The hosts' store with the same fate."""

    def __init__(self, store: SqlHostStore, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    async def write(self, work: Callable[[HostRows], T]) -> T:
        self._fate.place()
        done = await self._store.write(work)
        self._fate.place()
        return done

    def read(self, work: Callable[[HostRows], T]) -> T:
        return self._store.read(work)


@dataclass
class Laboratory:
    """Wallet and hosts on files; may die and be started again."""

    folder: Path
    loop: VirtualLoop = field(default_factory=VirtualLoop)
    fate: Fate = field(default_factory=Fate)
    card_id: str = ""
    wrong: str = ""
    starts: int = 0

    def start(self) -> None:
        migrate_engine(self.folder / "engine.db")
        self.clock = VirtualClock(self.loop)
        self.database = Database(self.folder / "engine.db", inline=True)
        self.hosts = open_host_store(self.folder / "networks.db", inline=True)
        self.store = MortalWalletStore(self.database, Entropy(7).stream("audit.salts"))
        self.store.fate = self.fate
        self.starts += 1  # the real engine reserves numbers, and its secrets never repeat
        first_seq = self.starts * 1_000
        events = EventLog(self.clock, source="engine", world="simulated", first_seq=first_seq)
        entropy = Entropy(self.starts, simulated=True)
        networks = self.loop.run_until_complete(
            build_networks(
                MortalHostStore(self.hosts, self.fate),
                vault_key=VAULT_KEY,
                clock=self.clock,
                entropy=entropy,
                settings=HostSettings(profile="instant"),
            )
        )
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(networks.token_services))
        self.tsp = TspClient("http://networks", self.http)
        parts = {
            "store": self.store,
            "clock": self.clock,
            "events": events,
            "lists": CardLists(open_cache(None, self.clock, events.emit)),
            "tokens": self.tsp,
            "fingerprint": str.encode,
            "entropy": entropy,
        }
        orders = TokenOrders(
            self.store,
            self.tsp,
            self.clock,
            VirtualScheduler(self.clock),
            events,
            parts["lists"],
            str.encode,
        )
        self.provisioning = Provisioning(**parts, orders=orders)
        self.verifications = Verifications(**parts)

    def stop(self) -> None:
        self.loop.run_until_complete(self.http.aclose())
        self.database.close()
        self.hosts.close()

    def die_and_start(self) -> None:
        assert self.fate.is_dead
        self.stop()
        self.fate = Fate()
        self.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.loop.run_until_complete(work)

    async def pending_card(self) -> None:
        device = Device("dev_1", CALLER.user_id, "phone", "Phone", None, 1)
        await self.store.write(lambda rows: rows.put_device(device))
        block = sealed(await self.tsp.public_key("visa"), NUMBER)
        order = CardOrder("visa", block, "12/30", "610", NUMBER[-4:], "dev_1", "1")
        added = await self.provisioning.add(CALLER, order, "add")
        self.card_id = orjson.loads(added.body)["card"]["id"]

    async def send(self, key: str) -> Step:
        return await self.verifications.send(CALLER, self.card_id, "sms", key)

    async def check(self, code: str, key: str) -> Step:
        return await self.verifications.check(
            CALLER, self.card_id, method="sms", code=code, key=key
        )

    async def code(self) -> str:
        return (await self.tsp.notices(0))[-1].code

    def deliveries(self) -> int:
        return len(self.store.read(lambda rows: rows.waiting_messages("dev_1", 0)))

    def status(self) -> str:
        card = self.store.read(lambda rows: rows.card(self.card_id))
        assert card is not None
        return card.status


@pytest.fixture
def lab(tmp_path: Path):
    made = Laboratory(tmp_path)
    made.start()
    made.run(made.pending_card())
    yield made
    made.stop()
    made.loop.close()


def dies(lab: Laboratory, at: int, work: Callable[[], Coroutine[object, object, Step]]) -> None:
    lab.fate.places, lab.fate.dies_at = 0, at
    with pytest.raises(Died):
        lab.run(work())
    lab.die_and_start()


async def repeated(work: Callable[[], Coroutine[object, object, Step]]) -> Step:
    """What a client does: the same request until its key is not at work any more."""
    try:
        return await work()
    except Conflict as busy:
        if busy.code != "request_in_flight":
            raise
        await asyncio.sleep(LEASE_S)
        return await work()


def test_a_step_has_the_places_to_die_that_are_tried_below(lab: Laboratory) -> None:
    lab.fate.places = 0
    lab.run(lab.send("send"))
    assert lab.fate.places == len(POINTS)


@pytest.mark.parametrize("at", POINTS)
def test_a_right_code_makes_the_card_pay_once(lab: Laboratory, at: int) -> None:
    lab.run(lab.send("send"))
    code = lab.run(lab.code())
    dies(lab, at, lambda: lab.check(code, "check"))
    step = lab.run(repeated(lambda: lab.check(code, "check")))
    assert orjson.loads(step.body)["status"] == "success"
    assert (lab.status(), lab.deliveries()) == ("active", 1)
    assert lab.run(lab.check(code, "check")).body == step.body


@pytest.mark.parametrize("at", POINTS)
def test_who_opens_the_card_again_finds_it_verified_or_can_go_on(lab: Laboratory, at: int) -> None:
    lab.run(lab.send("send"))
    code = lab.run(lab.code())
    dies(lab, at, lambda: lab.check(code, "check"))
    if lab.status() == "pending":
        looked = orjson.loads(lab.run(lab.verifications.look(CALLER, lab.card_id)).body)
        if looked["status"] != "success":
            lab.run(lab.check(code, "another"))
    assert (lab.status(), lab.deliveries()) == ("active", 1)


@pytest.mark.parametrize("at", POINTS)
def test_a_wrong_code_costs_one_try(lab: Laboratory, at: int) -> None:
    lab.run(lab.send("send"))
    code = lab.run(lab.code())
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    dies(lab, at, lambda: lab.check(wrong, "check"))
    with pytest.raises(StepRefused) as refused:
        lab.run(repeated(lambda: lab.check(wrong, "check")))
    assert refused.value.code == "code_wrong"
    assert refused.value.members["methods"][0]["triesLeft"] == 2
    assert (lab.status(), lab.deliveries()) == ("pending", 0)


@pytest.mark.parametrize("at", POINTS)
def test_a_code_is_sent_once(lab: Laboratory, at: int) -> None:
    dies(lab, at, lambda: lab.send("send"))
    step = lab.run(repeated(lambda: lab.send("send")))
    assert orjson.loads(step.body)["methods"][0]["state"] == "sent"
    assert len(lab.run(lab.tsp.notices(0))) == 1


@pytest.mark.parametrize("at", POINTS)
def test_the_last_wrong_try_ends_the_card_once(lab: Laboratory, at: int) -> None:
    async def spend_all_but_one() -> None:
        for method in ("email", "bank_app", "call", "sms"):
            await lab.verifications.send(CALLER, lab.card_id, method, None)
            code = await lab.code()
            wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
            for _ in range(2 if method == "sms" else 3):
                with pytest.raises(StepRefused):
                    await lab.verifications.check(
                        CALLER, lab.card_id, method=method, code=wrong, key=None
                    )
        lab.wrong = wrong

    lab.run(spend_all_but_one())
    dies(lab, at, lambda: lab.check(lab.wrong, "check"))
    with pytest.raises(StepRefused) as refused:
        lab.run(repeated(lambda: lab.check(lab.wrong, "check")))
    assert refused.value.code == "verification_failed"
    assert (lab.status(), lab.deliveries()) == ("rejected", 1)
