"""The till without its bank: what it keeps within limits, and that each kept tap ends once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from backend.api import SeededStream, VirtualClock, VirtualLoop, VirtualScheduler
from lab.client import Endpoint, EngineClient, http_client
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import SomethingMissing
from lab.pos.kept_approvals import KeptApprovals, KeptTap
from lab.pos.offline import EXPIRED, Forwarding
from lab.pos.offline_desk import OfflineDesk
from lab.pos.offline_rules import (
    HOUR_US,
    OfflineLimits,
    OfflineMode,
    OfflineRules,
    RuleFile,
    refusal,
)
from lab.words import tell
from tests.lab.core.test_offline_forwarding import APPROVED, ORDER, SEAL, Engine

T = TypeVar("T")
LIMITS = OfflineLimits(single_major=50, total_major=100, count=3, expiry_h=24)
DECLINED = {**APPROVED, "status": "declined", "approved": False, "reason": "insufficient_funds"}


def stored(number: int, amount_minor: int = 1240, token: str = ORDER.token) -> NfcOrder:
    return replace(
        ORDER, tap_id=f"tap_{number}", atc=number, amount_minor=amount_minor, token=token,
        approved_offline=False, stored=True,
    )  # fmt: skip


def kept(*amounts: int, currency: str = "USD") -> list[KeptTap]:
    return [
        KeptTap(replace(stored(n, amount), currency=currency), f"K-{n}")
        for n, amount in enumerate(amounts)
    ]


class Shop:
    """A till's offline desk on virtual time, and what it heard."""

    def __init__(self, folder: Path, engine: Engine, loop: VirtualLoop) -> None:
        self.clock = VirtualClock(loop)
        self.scheduler = VirtualScheduler(self.clock)
        self.engine = engine
        self.heard: list[tuple[str, str, str]] = []
        self.file = KeptApprovals(folder / "till-offline.json", SEAL, SeededStream(3, "nonces"))
        self.rules = RuleFile(folder / "rules.json")
        self._endpoint: Endpoint = Endpoint("http://127.0.0.1:1", "token")

    async def opened(self, work: Callable[[Shop], Coroutine[None, None, T]]) -> T:
        async with http_client(self.engine) as http:
            client = EngineClient(
                lambda: self._endpoint, http, clock=self.clock, scheduler=self.scheduler
            )
            self.forwarding = Forwarding(
                client, self.scheduler, self._note, self.file, clock=self.clock, rules=self.rules
            )
            self.desk = OfflineDesk(self.forwarding, self.rules, self.file, self.clock)
            try:
                return await work(self)
            finally:
                await self.scheduler.cancel_all()

    def _note(self, order: NfcOrder, key: str, answer: PaymentAnswer) -> None:
        self.heard.append((order.tap_id, key, answer.status))


def in_shop(
    folder: Path, engine: Engine, work: Callable[[Shop], Coroutine[None, None, T]]
) -> tuple[T, Shop]:
    loop = VirtualLoop()
    try:
        shop = Shop(folder, engine, loop)
        return loop.run_until_complete(shop.opened(work)), shop
    finally:
        loop.close()


@pytest.mark.parametrize(
    ("before", "amount", "why"),
    [
        ((), 5000, ""),
        ((), 5001, "pos.stored.over_single"),
        ((5000,), 5000, ""),
        ((5000, 4000), 1001, "pos.stored.over_total"),
        ((5000, 4000), 1000, ""),
        ((1, 1, 1), 1, "pos.stored.over_count"),
    ],
)
def test_the_limits_to_the_cent(before: tuple[int, ...], amount: int, why: str) -> None:
    said = refusal(LIMITS, kept(*before), amount, "USD", 0)
    assert (said.key if said else "") == why


def test_each_currency_has_its_own_total_and_its_own_minor_units() -> None:
    assert refusal(LIMITS, kept(10, 50, currency="JPY"), 5000, "USD", 0) is None
    assert refusal(LIMITS, [], 51, "JPY", 0).key == "pos.stored.over_single"  # type: ignore[union-attr]
    assert refusal(LIMITS, kept(50, 50, currency="JPY"), 1, "JPY", 0) is not None


def test_nothing_more_is_taken_while_the_oldest_lies_there_too_long() -> None:
    taps = kept(100)
    assert refusal(LIMITS, taps, 100, "USD", 24 * HOUR_US) is None
    said = refusal(LIMITS, taps, 100, "USD", 24 * HOUR_US + 1)
    assert said is not None
    assert said.key == "pos.stored.over_age"


def test_the_rules_are_remembered_and_bad_ones_are_said_so(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    rules = RuleFile(path)
    assert rules.rules == OfflineRules()
    rules.choose(OfflineMode.NOW)
    rules.limit(LIMITS)
    assert RuleFile(path).rules == OfflineRules(OfflineMode.NOW, LIMITS)
    good = path.read_text()
    for bad in ("{", "[]", good.replace('"now"', '"later"'), good.replace("100", "-1")):
        path.write_text(bad)
        with pytest.raises(SomethingMissing, match="offline rules"):
            RuleFile(path)
    with pytest.raises(ValueError, match="single_major"):
        OfflineLimits(single_major=300, total_major=200)


def test_stored_taps_go_up_in_order_with_their_keys_and_end_once(tmp_path: Path) -> None:
    async def work(shop: Shop) -> None:
        shop.desk.choose(OfflineMode.NOW)
        for number in (1, 2, 3):
            shop.desk.keep(stored(number), f"K-{number}")
        await asyncio.sleep(60)
        assert shop.engine.heard == []
        risk = shop.desk.state().risk
        assert risk is not None
        assert tell(risk) == "3 taps, $37.20 at the shop's risk"
        shop.desk.choose(OfflineMode.WHEN_DOWN)
        await asyncio.sleep(60)

    _, shop = in_shop(tmp_path, Engine(0, APPROVED, DECLINED, APPROVED), work)
    keys = [key for key, _ in shop.engine.heard]
    assert keys == ["K-1", "K-1", "K-2", "K-3"]
    assert all(body["storeAndForward"] is True for _, body in shop.engine.heard)
    ended = {tap.tap_id: (tap.outcome, tap.reason) for tap in shop.file.ended}
    assert ended["tap_2"] == ("declined", "insufficient_funds")
    assert {ended["tap_1"][0], ended["tap_3"][0]} == {"approved"}
    assert shop.file.all() == ()
    state = shop.desk.state()
    assert (state.risk, state.uploaded) == (None, 2)
    assert [(line.amount_text, line.state) for line in state.lost] == [("$12.40", "declined")]
    assert state.lost_reasons == ("insufficient funds",)
    shop.desk.seen()
    assert shop.desk.state().lost == ()


def test_an_undecided_tap_holds_back_later_ones_of_its_card_only(tmp_path: Path) -> None:
    other = "5555555555554444"
    pending = {**APPROVED, "status": "pending"}

    async def work(shop: Shop) -> None:
        shop.desk.choose(OfflineMode.NOW)
        shop.desk.keep(stored(1), "K-1")
        shop.desk.keep(stored(2), "K-2")
        shop.desk.keep(stored(1, token=other), "K-3")
        shop.desk.choose(OfflineMode.NEVER)
        await asyncio.sleep(60)

    _, shop = in_shop(tmp_path, Engine(pending, APPROVED, APPROVED, APPROVED), work)
    assert [key for key, _ in shop.engine.heard] == ["K-1", "K-3", "K-1", "K-2"]


def test_a_till_that_dies_between_answer_and_note_asks_again_with_the_same_key(
    tmp_path: Path,
) -> None:
    async def die(shop: Shop) -> None:
        shop.desk.choose(OfflineMode.NOW)
        shop.desk.keep(stored(1), "K-1")
        shop.file.end = None  # type: ignore[method-assign, assignment]  # the process is gone here
        shop.desk.choose(OfflineMode.NEVER)
        with pytest.raises(TypeError):
            await shop.forwarding._round()

    async def again(shop: Shop) -> None:
        shop.forwarding.resume()
        await asyncio.sleep(60)

    in_shop(tmp_path, Engine(APPROVED, APPROVED), die)
    _, shop = in_shop(tmp_path, Engine(APPROVED), again)
    assert [key for key, _ in shop.engine.heard] == ["K-1"]
    assert [tap.outcome for tap in shop.file.ended] == ["approved"]


@pytest.mark.parametrize("tried", [False, True])
def test_what_was_never_sent_expires_and_what_may_have_arrived_is_asked(
    tried: bool,  # noqa: FBT001 -- a parameter
    tmp_path: Path,
) -> None:
    async def work(shop: Shop) -> None:
        shop.desk.choose(OfflineMode.NOW)
        shop.desk.keep(stored(1), "K-1")
        if tried:
            shop.file.mark_tried("K-1")
            shop.forwarding._waiting.clear()  # another process reads the file
        await asyncio.sleep(25 * 3600)
        shop.desk.choose(OfflineMode.NEVER)
        await asyncio.sleep(60)

    _, shop = in_shop(tmp_path, Engine(APPROVED), work)
    assert [tap.outcome for tap in shop.file.ended] == ["approved" if tried else EXPIRED]
    assert len(shop.engine.heard) == (1 if tried else 0)
    assert [status for _, _, status in shop.heard] == ["approved" if tried else EXPIRED]


def test_two_processes_end_a_tap_once(tmp_path: Path) -> None:
    first, second = (
        KeptApprovals(tmp_path / "till-offline.json", SEAL, SeededStream(3, name))
        for name in ("one", "two")
    )
    tap = KeptTap(stored(1), "K-1", 7)
    first.keep(tap)
    assert second.all() == (tap,)
    assert second.end(tap, "approved")
    assert not first.end(tap, "approved")
    assert len(first.ended) == 1


def test_a_track_is_never_stored(tmp_path: Path) -> None:
    async def work(shop: Shop) -> str:
        said = shop.desk.refusal_of(replace(ORDER, track_2="4242D3012"))
        assert said is not None
        return said.key

    assert in_shop(tmp_path, Engine(), work)[0] == "pos.stored.no_track"
