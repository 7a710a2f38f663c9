"""Provisioning when the network is slow, away or twice there: nothing is lost or doubled."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

import pytest

from backend.cache.card_lists import CardLists
from backend.cache.connect import open_cache
from backend.networks.tsp_terms import TokenGrant, TokenRefused, TokenRequest, TokenState
from backend.runtime.entropy import Entropy
from backend.runtime.errors import Conflict, LinkBroken, NotConnected
from backend.runtime.events import EventLog
from backend.runtime.scheduler import VirtualClock, VirtualLoop, VirtualScheduler
from backend.storage.database import Database
from backend.storage.migrate import migrate_engine
from backend.storage.wallet_rows import SqlWalletStore
from backend.wallet.card_order import CardOrder
from backend.wallet.cards import Cards
from backend.wallet.errors import NetworkUnavailable
from backend.wallet.model import Caller, Device
from backend.wallet.provisioning import CardRefused, Provisioning
from backend.wallet.token_orders import TokenOrders

CALLER = Caller("usr_1", "127.0.0.1")
ORDER = CardOrder("visa", "a.b.c.d.e", "12/30", "123", "4242", "dev_1")
Script = Callable[[], Coroutine[object, object, TokenGrant | TokenRefused]]


class Network:
    """A token service that does what each step of its script says, then grants."""

    def __init__(self, *script: Script) -> None:
        self.script = list(script)
        self.asked = 0
        self.told: list[tuple[str, str, str, str]] = []
        self.is_away = False

    async def public_key(self, network: str) -> Mapping[str, object]:
        raise NotConnected(network)

    async def request_token(self, network: str, request: TokenRequest) -> TokenGrant | TokenRefused:
        assert (network, request.expiry) == ("visa", "3012")
        self.asked += 1
        return await (self.script.pop(0) if self.script else grant)()

    async def change_token(
        self, network: str, token_ref: str, operation: str, *, by: str, reason: str
    ) -> TokenState:
        if self.is_away:
            raise NotConnected(network)
        self.told.append((operation, token_ref, by, reason))
        status = {"suspend": "suspended", "resume": "active", "delete": "deactivated"}[operation]
        return TokenState(
            token_ref, network, status, (), "0002", "4242", "3012", "P" * 29, "40010030273",
            "10", "dev_1", "phone", None, None, (),
        )  # fmt: skip


async def grant() -> TokenGrant:
    return TokenGrant(
        token_ref="tok_1",
        token="4999990000000002",
        token_last4="0002",
        expiry="3012",
        par="P" * 29,
        card_type="debit",
        product="Everyday",
        session_id="ses_1",
        device_payload="sealed",
    )


async def refuse() -> TokenRefused:
    return TokenRefused("expired_card", "this card has expired")


async def be_away() -> TokenGrant:
    raise NotConnected("the token service cannot be reached")


async def lose_the_answer() -> TokenGrant:
    raise LinkBroken("the token service did not answer")


async def never_answer() -> TokenGrant:
    await asyncio.sleep(3_600)
    raise AssertionError("nobody waits that long")


class Wallet:
    """The wallet side over a real database, in virtual time."""

    def __init__(self, path: Path, network: Network) -> None:
        migrate_engine(path)
        self.loop = VirtualLoop()
        self.clock = VirtualClock(self.loop)
        self.events = EventLog(self.clock, source="engine", world="simulated")
        self.database = Database(path, inline=True)
        self.store = SqlWalletStore(self.database, Entropy(7).stream("audit.salts"))
        self.network = network
        lists = CardLists(open_cache(None, self.clock, self.events.emit))
        scheduler = VirtualScheduler(self.clock)
        self.orders = TokenOrders(
            self.store, network, self.clock, scheduler, self.events, lists, str.encode
        )
        self.worker = self.loop.create_task(self.orders.run_forever())
        self.cards = Cards(self.store, self.clock, self.events, lists, self.orders)
        self.provisioning = Provisioning(
            self.store,
            self.clock,
            self.events,
            lists,
            tokens=network,
            orders=self.orders,
            fingerprint=lambda token: token.encode(),
            entropy=Entropy(5, simulated=True),
        )

    async def prepare(self) -> None:
        device = Device("dev_1", "usr_1", "phone", "Phone", None, 1)
        await self.store.write(lambda rows: rows.put_device(device))

    async def add(self, key: str = "k", order: CardOrder = ORDER) -> bytes:
        return (await self.provisioning.add(CALLER, order, key)).body

    def statuses(self) -> list[str]:
        same = self.store.read(lambda rows: rows.same_card("usr_1", "dev_1", "4242", "visa"))
        return [] if same is None else [same.status]


def run(
    tmp_path: Path, network: Network, work: Callable[[Wallet], Coroutine[object, object, None]]
) -> None:
    wallet = Wallet(tmp_path / "engine.db", network)

    async def main() -> None:
        await wallet.prepare()
        await work(wallet)

    try:
        wallet.loop.run_until_complete(main())
        wallet.worker.cancel()
        wallet.loop.run_until_complete(asyncio.gather(wallet.worker, return_exceptions=True))
    finally:
        wallet.database.close()
        wallet.loop.close()


@pytest.mark.parametrize("fault", [be_away, lose_the_answer])
def test_a_network_that_is_away_leaves_the_key_free(tmp_path: Path, fault: Script) -> None:
    async def work(wallet: Wallet) -> None:
        with pytest.raises(NetworkUnavailable):
            await wallet.add()
        assert wallet.statuses() == []
        first = await wallet.add()
        assert await wallet.add() == first
        assert wallet.network.asked == 2

    run(tmp_path, Network(fault), work)


def test_a_refusal_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    async def work(wallet: Wallet) -> None:
        with pytest.raises(CardRefused) as refused:
            await wallet.add()
        assert (refused.value.code, refused.value.status) == ("expired_card", 422)
        assert wallet.statuses() == []
        await wallet.add()

    run(tmp_path, Network(refuse), work)


def test_what_a_crash_left_is_taken_over_when_its_lease_ends(tmp_path: Path) -> None:
    async def work(wallet: Wallet) -> None:
        crashed = asyncio.ensure_future(wallet.add())
        await asyncio.sleep(1)
        crashed.cancel()
        await asyncio.gather(crashed, return_exceptions=True)
        assert wallet.statuses() == ["requested"]
        for key, code in [("k", "request_in_flight"), ("other", "already_provisioned")]:
            with pytest.raises(Conflict) as refused:
                await wallet.add(key)
            assert refused.value.code == code
        await asyncio.sleep(60)
        await wallet.add()
        assert wallet.statuses() == ["active"]

    run(tmp_path, Network(never_answer), work)


def test_an_answer_that_comes_after_the_lease_changes_nothing(tmp_path: Path) -> None:
    async def late_grant() -> TokenGrant:
        await asyncio.sleep(61)
        return await grant()

    async def work(wallet: Wallet) -> None:
        slow = asyncio.ensure_future(wallet.add("slow"))
        await asyncio.sleep(60)
        await wallet.add("quick")
        card = (await wallet.cards.all_of("usr_1"))[0]
        with pytest.raises(Conflict):
            await slow
        assert [each["id"] for each in await wallet.cards.all_of("usr_1")] == [card["id"]]

    run(tmp_path, Network(late_grant), work)


@pytest.mark.inv(52, 56)
def test_a_suspension_does_not_wait_for_a_network_that_is_away(tmp_path: Path) -> None:
    async def work(wallet: Wallet) -> None:
        await wallet.add()
        card_id = str((await wallet.cards.all_of("usr_1"))[0]["id"])
        wallet.network.is_away = True
        assert (await wallet.cards.suspend(CALLER, card_id, "lost")).status == "suspended"
        waiting = await wallet.cards.reactivate(CALLER, card_id)
        assert (waiting.status, waiting.pending_operation) == ("suspended", "reactivate")
        assert "card.network_not_told" in {event.kind for event in wallet.events.recent()}
        wallet.network.is_away = False
        await asyncio.sleep(10)
        assert wallet.statuses() == ["active"]
        await wallet.cards.remove(CALLER, card_id)
        assert wallet.network.told == [
            ("suspend", "tok_1", "CARDHOLDER", "LOST"),
            ("resume", "tok_1", "CARDHOLDER", "OTHER"),
            ("delete", "tok_1", "CARDHOLDER", "CONSUMER_DELETED"),
        ], "each once, in the order in which they were given"

    run(tmp_path, Network(), work)


def test_a_card_is_not_added_again_before_its_network_forgot_it(tmp_path: Path) -> None:
    async def work(wallet: Wallet) -> None:
        await wallet.add()
        card_id = str((await wallet.cards.all_of("usr_1"))[0]["id"])
        wallet.network.is_away = True
        await wallet.cards.remove(CALLER, card_id)
        with pytest.raises(NetworkUnavailable):
            await wallet.add("again")
        assert wallet.network.asked == 1
        wallet.network.is_away = False
        await wallet.add("again")
        assert [told[0] for told in wallet.network.told] == ["delete"]
        assert wallet.network.asked == 2

    run(tmp_path, Network(), work)
