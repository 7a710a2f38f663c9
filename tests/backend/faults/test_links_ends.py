"""What both ends of a link see of a torn, late or lost exchange, on sockets and in memory."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from backend.faults.board import FaultBoard
from backend.faults.http_link import FaultyTransport
from backend.faults.wire_judge import WireJudge
from backend.networks.message import Message
from backend.networks.server import NetworkHosts
from backend.runtime.clock import LabClock
from backend.runtime.errors import LinkBroken, MessageError, TransportError
from backend.runtime.events import EventLog
from backend.switch.answers import Answered, NoAnswerYet, StatusKnown
from backend.switch.memory_link import MemoryLink
from backend.switch.tsp_client import TokenGrant, TspClient
from backend.switch.wire import Overtaking
from tests.backend.faults.two_worlds import WORLDS, Visa, run
from tests.backend.networks.bench import ask_token, bench, payment, run_virtual, virtual

PATIENCE_S = 0.05
ECHO = Message("0800", {"7": "1120183000", "11": "000001", "70": "301"})


@pytest.mark.parametrize("world", WORLDS)
def test_a_lost_request_never_reached_the_network(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="lost_request", when={"nth": 1})
        request = payment(at.lab, at.phone)
        answer = await at.switch.authorize(request, channel_deadline_s=0.03)
        assert isinstance(answer, NoAnswerYet)
        status = await at.switch.query_status("visa", request.reference, payment_id="p")
        assert isinstance(status, StatusKnown)
        assert (status.found, at.held(), at.fired()) == (False, [], [1])
        assert isinstance(await at.pay(), Answered)

    run(world, tmp_path, story)


def test_a_hosts_closing_is_late_in_memory_too() -> None:
    async def refuse(_raw: bytes) -> bytes:
        raise MessageError("not for me")

    async def main() -> None:
        clock, scheduler = virtual()
        board = FaultBoard(clock=clock, emit=EventLog(clock, source="engine").emit, seed=1)
        board.apply([{"link": "visa.auth", "effect": "slow_close", "ms": 700}])
        link = MemoryLink("visa", refuse, scheduler=scheduler, faults=WireJudge(board))
        await link.start()
        with pytest.raises(LinkBroken, match="reset"):
            await link.send(ECHO)
        assert clock.monotonic_us() == 700_000
        assert board.view()["faults"][0]["fired"] == 1
        await link.stop()

    run_virtual(main())


def test_frames_that_wait_go_on_in_their_order() -> None:
    async def main() -> None:
        overtaking, order = Overtaking(), []

        async def wait(number: int, limit_us: int) -> None:
            await overtaking.wait(limit_us)
            order.append(number)

        waiting = [asyncio.ensure_future(wait(number, 10**9)) for number in range(5)]
        short = asyncio.ensure_future(wait(9, 1_000))
        hung_up = asyncio.ensure_future(wait(8, 10**9))
        await asyncio.sleep(0.5)
        hung_up.cancel()
        await asyncio.sleep(0)
        overtaking.passed()
        await asyncio.gather(*waiting, short)
        assert order == [9, 0, 1, 2, 3, 4]
        assert overtaking._waiting == []

    run_virtual(main())


@pytest.mark.parametrize(
    "fault",
    [
        {"effect": "timeout"},
        {"effect": "lost_request"},
        {"effect": "reset_peer"},
        {"effect": "lost_response"},
        {"effect": "corrupt"},
        {"effect": "latency", "ms": 3_000},
        {"effect": "duplicate"},
    ],
)
def test_a_token_service_over_http_is_troubled_as_in_memory(fault: dict, tmp_path: Path) -> None:
    async def main() -> None:
        clock = LabClock()
        log = EventLog(clock, source="engine")
        board = FaultBoard(clock=clock, emit=log.emit, seed=1)
        async with bench(tmp_path) as lab:
            hosts = NetworkHosts(lab.networks)
            await hosts.start()
            # no TLS on loopback: an empty context spares loading the system's certificates
            plain = httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
            transport = FaultyTransport(plain, board, lambda _: "visa.tsp")
            async with httpx.AsyncClient(
                transport=transport, timeout=httpx.Timeout(5.0, read=PATIENCE_S)
            ) as http:
                tsp = TspClient(hosts.tsp_url, http)
                key = await lab.tsp.public_key("visa")
                board.apply([{"link": "visa.tsp", **fault, "when": {"nth": 1}}])
                if fault["effect"] == "duplicate":
                    assert await tsp.public_key("visa") == key
                else:
                    with pytest.raises((TransportError, MessageError)):
                        await tsp.public_key("visa")
                assert await tsp.public_key("visa") == key
                assert board.view()["faults"][0]["fired"] == 1
            await hosts.stop()

    asyncio.run(main())


def test_a_token_asked_for_twice_on_the_way_is_one_token(tmp_path: Path) -> None:
    async def main() -> None:
        clock, _ = virtual()
        board = FaultBoard(clock=clock, emit=EventLog(clock, source="engine").emit, seed=1)
        async with bench(tmp_path, clock=clock) as lab:
            inner = httpx.ASGITransport(lab.networks.token_services)
            transport = FaultyTransport(inner, board, lambda _: "visa.tsp")
            async with httpx.AsyncClient(transport=transport) as http:
                tsp = TspClient("http://networks", http)
                board.apply([{"link": "visa.tsp", "effect": "duplicate"}])
                first, again = await ask_token(tsp, "visa"), await ask_token(tsp, "visa")
                assert isinstance(first, TokenGrant)
                assert isinstance(again, TokenGrant)
                assert first.token_ref == again.token_ref

    run_virtual(main())
