"""The lines of phone and till on virtual time: what arrives, what comes back, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from backend.api import (
    EventLog,
    LinkFaults,
    SeededStream,
    VirtualClock,
    VirtualLoop,
    VirtualScheduler,
)
from hardware.api import INSTANT, EmulatedReader
from lab import fault_progress
from lab.client import http_client
from lab.errors import EngineUnreachable
from lab.faulty_transport import MARK, PHONE_LINK, TILL_LINK, FaultyTransport, LinkMark
from lab.json_fields import Json
from lab.own_links import OwnLinks

PATIENCE_S = 5.0
TOOK_S = 0.1


@dataclass
class Engine(httpx.AsyncBaseTransport):
    """An engine that takes a tenth of a second; numbers what arrives."""

    scheduler: VirtualScheduler
    arrived: list[bytes] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.arrived.append(await request.aread())
        number = len(self.arrived)
        await self.scheduler.sleep(TOOK_S)
        return httpx.Response(200, json={"number": number}, request=request)


@dataclass
class Lines:
    """Two lines to that engine, on virtual time."""

    loop: VirtualLoop
    clock: VirtualClock
    scheduler: VirtualScheduler
    engine: Engine
    transport: FaultyTransport
    fired: list[str] = field(default_factory=list)

    def put(self, *faults: Json) -> None:
        lines = LinkFaults(self.clock, lambda strike: self.fired.append(strike.fault_id))
        lines.follow(view(1, *faults, at_us=self.clock.now_us()), {PHONE_LINK, TILL_LINK})
        self.transport.use_faults(lines)

    def ask(self, link: str | None = TILL_LINK) -> httpx.Response | type[Exception]:
        """The answer, or what kind of error came instead."""

        async def work() -> httpx.Response | type[Exception]:
            async with http_client(self.transport) as http:
                marks = {} if link is None else {MARK: LinkMark(link)}
                try:
                    return await http.post("http://e/x", content=b"ask", extensions=marks)
                except httpx.TransportError as broken:
                    return type(broken)

        return self.loop.run_until_complete(work())


def view(revision: int, *faults: Json, at_us: int = 0) -> dict[str, object]:
    """What a board shows."""
    named = [{**fault, "id": f"f{n}", "fired": 0} for n, fault in enumerate(faults, 1)]
    return {"seed": 7, "revision": revision, "applied_at_us": at_us, "faults": named}


@pytest.fixture
def lines() -> Iterator[Lines]:
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    scheduler = VirtualScheduler(clock)
    engine = Engine(scheduler)
    yield Lines(loop, clock, scheduler, engine, FaultyTransport(engine, clock, scheduler))
    loop.close()


@pytest.mark.parametrize(
    ("effect", "arrives", "comes", "after_s"),
    [
        ("timeout", 0, httpx.ReadTimeout, PATIENCE_S),
        ("lost_request", 0, httpx.ReadTimeout, PATIENCE_S),
        ("lost_response", 1, httpx.ReadTimeout, PATIENCE_S),
        ("reset_peer", 0, httpx.ReadError, 0.0),
        ("duplicate", 2, {"number": 1}, TOOK_S),
        ("latency", 1, {"number": 1}, TOOK_S + 0.25),
    ],
)
@pytest.mark.parametrize("link", [PHONE_LINK, TILL_LINK])
def test_each_effect(
    lines: Lines, link: str, effect: str, arrives: int, comes: object, after_s: float
) -> None:
    lines.put({"link": link, "effect": effect, **({"ms": 250} if effect == "latency" else {})})
    answer = lines.ask(link)
    assert (answer.json() if isinstance(answer, httpx.Response) else answer) == comes
    assert lines.engine.arrived == [b"ask"] * arrives
    assert lines.loop.time() == pytest.approx(after_s)
    assert lines.fired == ["f1"]


def test_a_spoiled_answer_is_no_json_any_more(lines: Lines) -> None:
    lines.put({"link": TILL_LINK, "effect": "corrupt"})
    answer = lines.ask()
    assert isinstance(answer, httpx.Response)
    assert answer.content.startswith(bytes([ord("{") ^ 0xFF]))


def test_an_answer_later_than_the_callers_patience_is_no_answer(lines: Lines) -> None:
    lines.put({"link": TILL_LINK, "effect": "latency", "ms": 4_901})
    assert lines.ask() is httpx.ReadTimeout
    assert lines.loop.time() == pytest.approx(PATIENCE_S)


@pytest.mark.parametrize("link", [PHONE_LINK, None])
def test_other_ways_are_left_alone(lines: Lines, link: str | None) -> None:
    lines.put({"link": TILL_LINK, "effect": "timeout"})
    assert isinstance(lines.ask(link), httpx.Response)
    assert lines.fired == []


def test_a_time_line_begins_and_ends(lines: Lines) -> None:
    lines.put({"link": TILL_LINK, "effect": "reset_peer", "from_s": 10, "to_s": 20})
    came = []
    for _ in range(3):
        came.append(isinstance(lines.ask(), httpx.Response))
        lines.loop.run_until_complete(lines.scheduler.sleep(10))
    assert came == [True, False, True]


def own_links(lines: Lines, folder: Path) -> OwnLinks:
    reader = EmulatedReader("Desk", lines.scheduler, INSTANT, stream=SeededStream(1, "reader"))
    reader.present(Stubborn())
    return OwnLinks(
        reader,
        lines.transport,
        clock=lines.clock,
        scheduler=lines.scheduler,
        log=EventLog(lines.clock, source="lab.test", world="simulated"),
        earlier=fault_progress.load(folder),
    )


class Stubborn:
    """A card that says no to everything."""

    def transmit(self, command: bytes) -> bytes:
        return bytes.fromhex("6A82") if command else b""


def exchange(lines: Lines, links: OwnLinks) -> str:
    """One card in the field and one command: "ok", or what went wrong."""

    async def work() -> str:
        try:
            link = await links.reader.wait_for_card(1)
            await link.transmit(bytes.fromhex("00A4040000"))
        except Exception as fault:  # noqa: BLE001 -- its name is the result
            return type(fault).__name__
        return "ok"

    return lines.loop.run_until_complete(work())


def test_a_chance_is_drawn_on_from_command_to_command(lines: Lines, tmp_path: Path) -> None:
    board = view(
        3,
        {"link": "card", "effect": "pull", "probability": 0.5},
        {"link": TILL_LINK, "effect": "reset_peer", "probability": 0.5},
    )

    def some(count: int, links: OwnLinks) -> list[object]:
        return [
            (exchange(lines, links), isinstance(lines.ask(), httpx.Response))
            for _ in range(count)
        ]  # fmt: skip

    whole = own_links(lines, tmp_path)
    whole.follow(board)
    expected = some(20, whole)
    assert len(set(expected)) == 4
    drawn = []
    for count in (1, 7, 12):
        links = own_links(lines, tmp_path)
        links.follow(board)
        drawn += some(count, links)
        fault_progress.keep(tmp_path, links.progress())
    assert drawn == expected
    assert links.progress().matched == {"f1": 20, "f2": 20}


def test_an_unplugged_reader_is_so_for_the_next_command_too(lines: Lines, tmp_path: Path) -> None:
    board = view(3, {"link": "reader", "effect": "unplug", "when": {"nth": 1}})
    for _ in range(2):
        links = own_links(lines, tmp_path)
        links.follow(board)
        assert exchange(lines, links) == "ReaderGone"
        fault_progress.keep(tmp_path, links.progress())
    links.follow(view(4))
    assert exchange(lines, links) == "ok"
    fault_progress.keep(tmp_path, links.progress())
    assert list(tmp_path.iterdir()) == []


def test_another_board_or_a_damaged_file_begins_anew(lines: Lines, tmp_path: Path) -> None:
    nth = {"link": "reader", "effect": "unplug", "when": {"nth": 2}}
    for revision, content in ((3, None), (4, None), (4, b"{"), (4, b'{"seed": 7}')):
        if content is not None:
            (tmp_path / fault_progress.FILE).write_bytes(content)
        links = own_links(lines, tmp_path)
        links.follow(view(revision, nth))
        assert exchange(lines, links) == "ok"
        fault_progress.keep(tmp_path, links.progress())
    links = own_links(lines, tmp_path)
    assert links.progress() == fault_progress.load(tmp_path)  # kept while no board was seen


def test_a_message_to_a_phone_that_is_cut_off_is_lost(lines: Lines, tmp_path: Path) -> None:
    links = own_links(lines, tmp_path)

    def reaches() -> bool:
        async def work() -> bool:
            try:
                await links.reach(PHONE_LINK)
            except EngineUnreachable:
                return False
            return True

        return lines.loop.run_until_complete(work())

    assert reaches()
    cut = {"link": PHONE_LINK, "effect": "timeout", "from_s": 5}
    links.follow(view(1, cut, at_us=lines.clock.now_us()))
    assert (reaches(), links.is_cut(PHONE_LINK)) == (True, False)
    lines.loop.run_until_complete(lines.scheduler.sleep(5))
    assert (reaches(), links.is_cut(PHONE_LINK), links.is_cut(TILL_LINK)) == (False, True, False)
    links.follow(view(2, {"link": PHONE_LINK, "effect": "lost_response", "when": {"nth": 1}}))
    assert [reaches(), reaches(), links.is_cut(PHONE_LINK)] == [False, True, False]
    links.follow(view(3, {"link": PHONE_LINK, "effect": "latency", "ms": 700}))
    begun_s = lines.loop.time()
    assert reaches()
    assert lines.loop.time() - begun_s == pytest.approx(0.7)
