"""The switch over in-memory links: deadlines, breakers and lost messages without waiting."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.faults.board import FaultBoard
from backend.faults.wire_judge import WireJudge
from backend.metrics.latency import LatencyBook
from backend.networks.numbers import NETWORKS
from backend.networks.server import HostSettings
from backend.runtime.events import Event, EventLog
from backend.runtime.scheduler import VirtualClock
from backend.switch.answers import (
    Answered,
    NoAnswerYet,
    NotSent,
    Reversed,
    StatusKnown,
    Unknown,
)
from backend.switch.memory_link import MemoryLink
from backend.switch.switch import Switch
from tests.backend.networks.bench import (
    Bench,
    Phone,
    bench,
    payment,
    phone_with,
    run_virtual,
    virtual,
)

DEADLINE_S = 0.5
BLACK_HOLE = [{"link": "visa.auth", "effect": "timeout"}]


@dataclass
class Lab:
    bench: Bench
    switch: Switch
    board: FaultBoard
    book: LatencyBook
    clock: VirtualClock
    events: list[Event]
    phones: dict[str, Phone]

    async def pay(self, network: str = "visa", amount_minor: int = 1240) -> object:
        request = payment(self.bench, self.phones[network], amount_minor)
        return await self.switch.authorize(request, channel_deadline_s=DEADLINE_S)

    def breaker(self, network: str = "visa") -> str:
        return {view.name: view.state for view in self.switch.breakers()}[network]

    def changes(self) -> list[tuple[object, object]]:
        return [
            (event.data["from"], event.data["to"])
            for event in self.events
            if event.kind == "breaker.changed"
        ]


@asynccontextmanager
async def lab(folder: Path, profile: str = "instant") -> AsyncIterator[Lab]:
    clock, scheduler = virtual()
    events: list[Event] = []
    log = EventLog(clock, source="engine", world="simulated")
    log.subscribe(events.append)
    board = FaultBoard(clock=clock, emit=log.emit, seed=11)
    settings = HostSettings(profile=profile)
    async with bench(folder, clock=clock, settings=settings) as hosts:
        links = {
            network: MemoryLink(
                network,
                hosts.networks.hosts[network].handle,
                scheduler=scheduler,
                faults=WireJudge(board),
            )
            for network in NETWORKS
        }
        book = LatencyBook(clock, NETWORKS)
        switch = Switch(links, clock=clock, emit=log.emit, book=book)
        await switch.start()
        phones = {network: await phone_with(hosts, network) for network in NETWORKS}
        yield Lab(hosts, switch, board, book, clock, events, phones)
        await switch.stop()
        await scheduler.cancel_all()


@pytest.mark.inv(73, 74, 75, 51)
def test_each_payment_reaches_its_own_network(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            for network in NETWORKS:
                answer = await at.pay(network)
                assert isinstance(answer, Answered)
                assert answer.approved
                assert at.bench.held(network) == [1240]
                assert set(answer.hops_us) == {"network", "issuer"}

    run_virtual(main())


def test_the_lab_profile_takes_tens_of_milliseconds_and_repeats(tmp_path: Path) -> None:
    async def main(folder: Path) -> list[dict]:
        async with lab(folder, "lab") as at:
            answers = [await at.pay() for _ in range(5)]
        return [dict(answer.hops_us) for answer in answers if isinstance(answer, Answered)]

    for name in "ab":
        (tmp_path / name).mkdir()
    first, again = run_virtual(main(tmp_path / "a")), run_virtual(main(tmp_path / "b"))
    assert first == again
    assert len(first) == 5
    for hops in first:
        assert 8_000 <= hops["network"] <= 80_000
        assert 18_000 <= hops["issuer"] <= 150_000


@pytest.mark.inv(118, 119, 120, 125)
def test_five_silent_answers_open_one_breaker_and_thirty_seconds_later_a_probe_closes_it(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply(BLACK_HOLE)
            for _ in range(5):
                assert at.breaker() == "closed"
                begun_us = at.clock.monotonic_us()
                assert isinstance(await at.pay(), NoAnswerYet)
                assert at.clock.monotonic_us() - begun_us == 500_000
            assert at.breaker() == "open"
            rejected = await at.pay()
            assert rejected == NotSent("breaker_open", 30_000)
            assert isinstance(await at.pay("amex"), Answered)
            assert isinstance(await at.switch.echo("amex"), int)
            assert at.breaker("amex") == "closed"
            at.board.reset()
            await asyncio.sleep(29.9)
            assert isinstance(await at.pay(), NotSent)
            await asyncio.sleep(0.1)
            assert isinstance(await at.pay(), Answered)
            assert at.breaker() == "closed"
            assert at.changes() == [
                ("closed", "open"), ("open", "half_open"), ("half_open", "closed"),
            ]  # fmt: skip

    run_virtual(main())


@pytest.mark.inv(119, 120)
def test_one_probe_passes_while_the_others_hear_no(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply(BLACK_HOLE)
            for _ in range(5):
                await at.pay()
            await asyncio.sleep(30)
            answers = await asyncio.gather(*(at.pay() for _ in range(10)))
            assert sum(isinstance(answer, NoAnswerYet) for answer in answers) == 1
            assert sum(isinstance(answer, NotSent) for answer in answers) == 9
            assert at.breaker() == "open"

    run_virtual(main())


@pytest.mark.inv(123)
def test_rejections_are_counted_and_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.switch.force("visa", "open")
            for _ in range(3):
                assert await at.pay() == NotSent("breaker_open", None)
            assert at.switch.breakers()[0].rejected == 3
            assert [e.data["name"] for e in at.events if e.kind == "breaker.rejected"] == [
                "visa"
            ] * 3
            assert at.bench.held("visa") == []
            view = at.book.view()["networks"]["visa"]
            assert (view["rejected"], view["buckets"][-1]["breaker"]) == (3, "open")
            at.switch.force("visa", "auto")
            assert isinstance(await at.pay(), Answered)

    run_virtual(main())


def test_a_caller_that_vanishes_leaves_the_probe_to_the_next(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply(BLACK_HOLE)
            for _ in range(5):
                await at.pay()
            await asyncio.sleep(30)
            task = asyncio.ensure_future(at.pay())
            await asyncio.sleep(0.1)
            task.cancel()
            assert (await asyncio.gather(task, return_exceptions=True))[0].__class__ is (
                asyncio.CancelledError
            )
            at.board.reset()
            assert isinstance(await at.pay(), Answered)

    run_virtual(main())


@pytest.mark.parametrize("amount", [1091, 1096, 1051])
def test_any_answer_is_a_success_for_the_breaker(amount: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            for _ in range(7):
                answer = await at.pay(amount_minor=amount)
                assert isinstance(answer, Answered)
            assert at.breaker() == "closed"
            assert at.switch.breakers()[0].failures == 0

    run_virtual(main())


@pytest.mark.inv(334)
def test_no_answer_at_all_is_unknown_after_thirty_seconds(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply(BLACK_HOLE)
            begun_us = at.clock.monotonic_us()
            answer = await at.pay()
            assert isinstance(answer, NoAnswerYet)
            assert await answer.late == Unknown("timeout")
            assert at.clock.monotonic_us() - begun_us == 30_000_000

    run_virtual(main())


def test_a_late_answer_reaches_who_waits_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": "latency", "ms": 2_000}])
            answer = await at.pay()
            assert isinstance(answer, NoAnswerYet)
            assert at.switch.breakers()[0].failures == 1
            late = await answer.late
            assert isinstance(late, Answered)
            assert late.approved
            assert at.switch.breakers()[0].failures == 1
            points = at.book.view()["networks"]["visa"]["points"]
            assert [point["outcome"] for point in points] == ["timeout", "late"]
            assert points[1]["ms"] == 2_000

    run_virtual(main())


@pytest.mark.parametrize(
    ("effect", "found", "held"), [("lost_request", False, 0), ("lost_response", True, 1)]
)
def test_a_lost_request_and_a_lost_response_differ_at_the_network_only(
    effect: str,
    found: bool,  # noqa: FBT001 - a column of the table
    held: int,
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": effect, "when": {"nth": 1}}])
            request = payment(at.bench, at.phones["visa"])
            answer = await at.switch.authorize(request, channel_deadline_s=DEADLINE_S)
            assert isinstance(answer, NoAnswerYet)
            assert len(at.bench.held("visa")) == held
            status = await at.switch.query_status("visa", request.reference, payment_id="pay_1")
            assert isinstance(status, StatusKnown)
            assert status.found is found
            assert status.response_code == ("00" if found else None)
            for _ in range(2):
                outcome = await at.switch.reverse(
                    "visa", request.reference,
                    payment_id="pay_1", amount_minor=1240, currency="USD",
                )  # fmt: skip
                assert outcome == Reversed()
            assert at.bench.held("visa") == []
            status = await at.switch.query_status("visa", request.reference, payment_id="pay_1")
            assert isinstance(status, StatusKnown)
            assert status.reversed

    run_virtual(main())


@pytest.mark.parametrize(("effect", "why"), [("reset_peer", "reset"), ("corrupt", "undecodable")])
def test_a_broken_exchange_is_unknown_at_once_and_a_failure(
    effect: str, why: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": effect, "when": {"nth": 2}}])
            assert isinstance(await at.pay(), Answered)
            assert await at.pay() == Unknown(why)
            assert at.switch.breakers()[0].failures == 1
            assert isinstance(await at.pay(), Answered)
            assert at.board.view()["faults"][0]["fired"] == 1

    run_virtual(main())


def test_a_dead_connection_is_noticed_by_its_silence(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": "half_open", "when": {"nth": 1}}])
            first = await at.pay()
            assert isinstance(first, NoAnswerYet)
            assert isinstance(await at.pay(), NoAnswerYet)
            assert await first.late == Unknown("timeout")
            assert isinstance(await at.pay(), Answered)

    run_virtual(main())


def test_a_duplicated_request_holds_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": "duplicate"}])
            assert isinstance(await at.pay(), Answered)
            assert at.bench.held("visa") == [1240]

    run_virtual(main())


def test_a_refused_reversal_is_unknown_with_its_code(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            request = payment(at.bench, at.phones["visa"])
            await at.switch.authorize(request, channel_deadline_s=DEADLINE_S)
            outcome = await at.switch.reverse(
                "visa", request.reference, payment_id="pay_1", amount_minor=1, currency="USD"
            )
            assert outcome == Unknown("answered_64")
            assert at.bench.held("visa") == [1240]

    run_virtual(main())


def test_breakers_survive_by_snapshot(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path) as at:
            at.switch.force("amex", "closed")
            at.board.apply(BLACK_HOLE)
            for _ in range(5):
                await at.pay()
            kept = at.switch.snapshot()
            at.switch.force("visa", "closed")
            at.switch.force("amex", "open")
            at.switch.restore(kept)
            shown = {view.name: (view.state, view.forced) for view in at.switch.breakers()}
            assert shown == {
                "visa": ("open", None),
                "mastercard": ("closed", None),
                "amex": ("closed", "closed"),
            }
            assert isinstance(await at.pay(), NotSent)

    run_virtual(main())


def test_every_message_is_told_without_its_secrets(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path, "lab") as at:
            await at.pay()
            sent, received = [e for e in at.events if e.kind.startswith("message.")]
            assert (sent.kind, sent.data["mti"]) == ("message.sent", "0100")
            assert (received.kind, received.data["mti"]) == ("message.received", "0110")
            assert sent.payment_id is not None
            assert (sent.payment_id, sent.tap_id) == (received.payment_id, received.tap_id)
            fields = sent.data["fields"]
            assert isinstance(fields, dict)
            assert re.fullmatch(r"•••• \d{4}", fields["2"])
            assert re.fullmatch(r"•••• \d+ bytes of chip data", fields["55"])
            assert fields["4"] == "000000001240"
            answered = received.data["fields"]
            assert isinstance(answered, dict)
            assert (answered["39"], answered["2"]) == ("00", fields["2"])

    run_virtual(main())


def test_every_exchange_is_measured(tmp_path: Path) -> None:
    async def main() -> None:
        async with lab(tmp_path, "lab") as at:
            await at.pay()
            view = at.book.view()["networks"]["visa"]
            assert view["n"] == 1
            whole = at.book.hop("visa", "network").quantile_ms(1) or 0.0
            whole += at.book.hop("visa", "issuer").quantile_ms(1) or 0.0
            assert view["p50_ms"] == pytest.approx(whole, rel=0.01)

    run_virtual(main())
