"""Switch, link, proxy, host and token service over real sockets on loopback."""

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from backend.faults.board import FaultBoard
from backend.faults.proxy import FaultProxy
from backend.faults.wire_judge import WireJudge
from backend.metrics.latency import LatencyBook
from backend.networks.host import HostServer
from backend.networks.message import frame
from backend.networks.server import NetworkHosts
from backend.runtime.clock import LabClock
from backend.runtime.events import EventLog
from backend.runtime.scheduler import LabScheduler
from backend.switch.answers import Answered, NoAnswerYet, NotSent, Reversed, StatusKnown, Unknown
from backend.switch.link import TcpLink
from backend.switch.switch import Switch
from backend.switch.tsp_client import TokenGrant, TspClient
from tests.backend.networks.bench import Bench, Phone, ask_token, bench, payment, phone_with

DEADLINE_S = 5.0  # generous: these tests are about outcomes, virtual time is about deadlines
SHORT_S = 0.03


@dataclass
class Wired:
    lab: Bench
    host: HostServer
    host_address: tuple[str, int]
    proxy: FaultProxy
    board: FaultBoard
    switch: Switch
    phone: Phone
    proxy_address: tuple[str, int]

    async def pay(self, *, deadline_s: float = DEADLINE_S, amount_minor: int = 1240) -> object:
        request = payment(self.lab, self.phone, amount_minor)
        return await self.switch.authorize(request, channel_deadline_s=deadline_s)

    def fired(self) -> list[int]:
        return [fault["fired"] for fault in self.board.view()["faults"]]


@asynccontextmanager
async def wired(folder: Path, *, patience_s: float = 30.0) -> AsyncIterator[Wired]:
    clock = LabClock()
    scheduler = LabScheduler(clock)
    emit = EventLog(clock, source="engine").emit
    board = FaultBoard(clock=clock, emit=emit, seed=1)
    async with bench(folder, clock=clock, inline=False) as lab:
        host = HostServer(lab.networks.hosts["visa"])
        host_address = await host.start()
        proxy = FaultProxy("visa.auth", host_address, WireJudge(board))
        address = await proxy.start()
        link = TcpLink("visa", address, clock=clock, scheduler=scheduler, patience_s=patience_s)
        book = LatencyBook(clock, ["visa"])
        switch = Switch({"visa": link}, clock=clock, emit=emit, book=book, patience_s=patience_s)
        await switch.start()
        try:
            phone = await phone_with(lab, "visa")
            assert isinstance(await switch.echo("visa"), int)  # connected from here on
            yield Wired(lab, host, host_address, proxy, board, switch, phone, address)
        finally:
            await switch.stop()
            await proxy.stop()
            await host.stop()
            await scheduler.cancel_all()


@pytest.mark.inv(73, 75, 51)
def test_many_payments_share_one_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            requests = [payment(at.lab, at.phone, 100 + n) for n in range(20)]
            answers = [
                await at.switch.authorize(request, channel_deadline_s=DEADLINE_S)
                for request in requests[:5]
            ]
            answers += await asyncio.gather(
                *(at.switch.query_status("visa", r.reference, payment_id="p") for r in requests)
            )
            assert [type(answer) for answer in answers[:5]] == [Answered] * 5
            found = [answer.found for answer in answers[5:] if isinstance(answer, StatusKnown)]
            assert found == [True] * 5 + [False] * 15
            assert sorted(at.lab.held("visa")) == [100, 101, 102, 103, 104]
            assert isinstance(await at.switch.echo("visa"), int)

    asyncio.run(main())


@pytest.mark.inv(30, 31)
def test_tokens_are_asked_for_over_http(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            hosts = NetworkHosts(lab.networks)
            await hosts.start()
            try:
                assert hosts.tsp_url.startswith("http://127.0.0.1:")
                # no TLS on loopback: an empty context spares loading the system's certificates
                async with httpx.AsyncClient(
                    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                ) as http:
                    first = await ask_token(TspClient(hosts.tsp_url, http), "amex")
                    again = await ask_token(TspClient(hosts.tsp_url, http), "amex")
            finally:
                await hosts.stop()
            assert isinstance(first, TokenGrant)
            assert isinstance(again, TokenGrant)
            assert again.device_payload != first.device_payload  # sealed anew
            assert replace(again, device_payload=first.device_payload) == first

    asyncio.run(main())


def test_lost_response_then_inquiry_and_reversal_leave_no_hold(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": "lost_response", "when": {"nth": 1}}])
            request = payment(at.lab, at.phone)
            answer = await at.switch.authorize(request, channel_deadline_s=SHORT_S)
            assert isinstance(answer, NoAnswerYet)
            status = await at.switch.query_status("visa", request.reference, payment_id="p")
            assert isinstance(status, StatusKnown)
            assert (status.found, status.response_code, status.reversed) == (True, "00", False)
            assert at.lab.held("visa") == [1240]
            outcome = await at.switch.reverse(
                "visa", request.reference, payment_id="p", amount_minor=1240, currency="USD"
            )
            assert outcome == Reversed()
            assert at.lab.held("visa") == []
            assert at.fired() == [1]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "outcome", "held"),
    [
        ({"effect": "reset_peer"}, Unknown("reset"), []),
        ({"effect": "corrupt"}, Unknown("undecodable"), [1240]),
        ({"effect": "limit_data", "bytes": 10}, Unknown("reset"), [1240]),
    ],
)
def test_a_torn_connection_is_unknown_and_made_again(
    fault: dict, outcome: Unknown, held: list[int], tmp_path: Path
) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "when": {"nth": 1}, **fault}])
            assert await at.pay() == outcome
            assert at.lab.held("visa") == held
            assert at.fired() == [1]
            assert isinstance(await at.pay(), Answered)

    asyncio.run(main())


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "latency", "ms": 20},
        {"effect": "bandwidth", "kb_s": 20},
        {"effect": "slicer", "slice_bytes": 30, "ms": 2},
        {"effect": "duplicate"},
    ],
)
def test_a_slow_or_doubled_exchange_is_still_answered(fault: dict, tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            assert isinstance(await at.pay(), Answered)
            at.board.apply([{"link": "visa.auth", **fault}])
            answer = await at.pay()
            assert isinstance(answer, Answered)
            if fault["effect"] != "duplicate":
                assert sum(answer.hops_us.values()) >= 5_000
            assert at.fired() == [1]
            assert at.lab.held("visa") == [1240, 1240]

    asyncio.run(main())


def test_answers_in_pieces_do_not_get_mixed_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            assert isinstance(await at.pay(), Answered)
            at.board.apply([{"link": "visa.auth", "effect": "slicer", "slice_bytes": 17, "ms": 1}])
            references = [at.lab.reference() for _ in range(5)]
            known = await asyncio.gather(
                *(at.switch.query_status("visa", r, payment_id="p") for r in references)
            )
            assert [type(answer) for answer in known] == [StatusKnown] * 5

    asyncio.run(main())


@pytest.mark.inv(334)
def test_a_black_hole_is_unknown_and_a_silent_connection_is_given_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path, patience_s=0.25) as at:  # real patience, run out twice
            assert isinstance(await at.pay(), Answered)
            at.board.apply([{"link": "visa.auth", "effect": "half_open", "when": {"nth": 1}}])
            answer = await at.pay(deadline_s=SHORT_S)
            assert isinstance(answer, NoAnswerYet)
            assert await answer.late == Unknown("timeout")
            assert isinstance(await at.pay(), Answered)
            at.board.apply([{"link": "visa.auth", "effect": "timeout"}])
            answer = await at.pay(deadline_s=SHORT_S)
            assert isinstance(answer, NoAnswerYet)
            assert await answer.late == Unknown("timeout")
            at.board.reset()
            answers = [await at.pay() for _ in range(3)]  # an attempt under way may still fail
            assert isinstance(answers[-1], Answered)

    asyncio.run(main())


@pytest.mark.inv(125)
def test_a_host_that_is_away_means_not_sent_and_comes_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            assert isinstance(await at.pay(), Answered)
            await at.host.stop()
            assert await at.pay() in (NotSent("no_connection"), Unknown("reset"))
            assert await at.pay() == NotSent("no_connection")
            assert await at.switch.echo("visa") == NotSent("no_connection")
            await at.proxy.stop()
            assert await at.pay() == NotSent("no_connection")

    asyncio.run(main())


@pytest.mark.parametrize(
    "junk", [b"\x00\x00", b"\xff\xff" + b"x" * 10, frame(b"GET / HTTP/1.1\r\n\r\n")]
)
def test_a_host_drops_who_speaks_nonsense_and_serves_the_others(
    junk: bytes, tmp_path: Path
) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            for address in (at.host_address, await another_proxy(at)):
                reader, writer = await asyncio.open_connection(*address)
                writer.write(junk)
                with contextlib.suppress(ConnectionResetError):  # dropped hard: as good
                    assert await reader.read() == b""
                writer.close()
            assert isinstance(await at.pay(), Answered)
            for proxy in extra:
                await proxy.stop()

    extra: list[FaultProxy] = []

    async def another_proxy(at: Wired) -> tuple[str, int]:
        extra.append(FaultProxy("amex.auth", at.host_address, WireJudge(at.board)))
        return await extra[0].start()

    asyncio.run(main())


def test_a_late_closing_is_passed_on_late(tmp_path: Path) -> None:
    async def main() -> None:
        async with wired(tmp_path) as at:
            loop = asyncio.get_running_loop()
            at.board.apply([{"link": "visa.auth", "effect": "slow_close", "ms": 40}])
            reader, writer = await asyncio.open_connection(*at.proxy_address)
            begun = loop.time()
            writer.write(frame(b"this is no message"))  # the host drops the connection
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()
            assert loop.time() - begun >= 0.04
            assert at.fired() == [1]

    asyncio.run(main())


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not exist there")
def test_the_engines_own_event_loop_carries_it_too(tmp_path: Path) -> None:
    import uvloop

    async def main() -> None:
        async with wired(tmp_path) as at:
            at.board.apply([{"link": "visa.auth", "effect": "corrupt", "when": {"nth": 2}}])
            assert isinstance(await at.pay(), Answered)
            assert await at.pay() == Unknown("undecodable")
            assert isinstance(await at.pay(), Answered)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
