"""Webhooks over real sockets: to the merchants' own client, to a small receiver, and past trouble.

The engine is a child process; its books are verified at the end.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.runtime.clock import LabClock
from backend.runtime.scheduler import LabScheduler
from backend.webhooks.connections import Connections
from backend.webhooks.ports import Request
from backend.webhooks.post import HttpWay
from backend.webhooks.records import Answer, NoAnswer
from backend.webhooks.signing import header_value
from lab.cli import main
from lab.commands.shared import WRONG_USE
from lab.commands.webhook import line_of
from lab.webhook_receiver import Heard, Receiver
from tests.shows.test_shop_day import DATA, engine, folder, run, site_packages

__all__ = ["engine", "folder", "site_packages"]  # fixtures
SECRET = "whsec_of_a_test"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.mark.inv(195, 206, 244, 247, 248, 257)
def test_the_python_client_believes_what_it_is_told(engine: str, site_packages: Path) -> None:
    done = run(sys.executable, str(DATA / "webhooks.py"), engine, PYTHONPATH=str(site_packages))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "endpoint": ["webhook_endpoint", "enabled", {"team": "till"}],
        "types": [
            "charge.captured",
            "charge.refunded",
            "charge.succeeded",
            "payment_intent.created",
            "payment_intent.succeeded",
            "refund.created",
            "refund.updated",
        ],
        "objects": [True, 1999, 500, "succeeded"],
        "refusals": [True, True],
        "listed": True,
        "retrieved": True,
        "disabled": ["disabled", True],
        "deleted": True,
        "silent": True,
    }


def posted(url: str, body: bytes = b"{}", limit_s: float = 5.0, **headers: str) -> object:
    """One delivery by the engine's own way."""

    async def work() -> object:
        way = HttpWay(Connections(allow_non_loopback=False), LabScheduler(LabClock()))
        answer = await way.post(Request(url, body, headers, limit_s))
        await way.close()
        return answer

    return asyncio.run(work())


def told_by(talk: Talk, limit_s: float = 5.0, times: int = 1) -> list[Answer | NoAnswer]:
    """What the engine's own way makes of a receiver that talks like this."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    async def work() -> list[Answer | NoAnswer]:
        server = await asyncio.start_server(one, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        way = HttpWay(Connections(allow_non_loopback=False), LabScheduler(LabClock()))
        request = Request(f"http://127.0.0.1:{port}/", b"{}", {}, limit_s)
        answers = [await way.post(request) for _ in range(times)]
        await way.close()
        server.close()
        return answers

    return asyncio.run(work())


def saying(*parts: bytes, keeps: bool = False) -> Talk:
    """A receiver that answers every request with these bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n{}")
            for part in parts:
                writer.write(part)
                await writer.drain()
            if not keeps:
                return

    return talk


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ([OK + b"Content-Length: 5\r\n\r\nnoted"], Answer(200, b"noted")),
        ([OK, b"Content-Length: 5\r\n", b"\r\nno", b"ted"], Answer(200, b"noted")),
        (
            [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nnoted\r\n0\r\n\r\n"],
            Answer(200, b"noted"),
        ),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], Answer(204)),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"], Answer(200)),
        ([b"HTTP/1.0 500 No\r\n\r\nuntil the end"], Answer(500, b"until the end")),
        ([OK + b"Content-Length: 900000\r\n\r\n" + b"x" * 90_000], Answer(200, b"x" * 2_048)),
        ([b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.7/\r\n\r\n"], Answer(302)),
        ([b"SSH-2.0-OpenSSH\r\n"], NoAnswer("connection_lost")),
        ([b"HTTP/1.1 200"], NoAnswer("connection_lost")),
        ([OK + b"X: " + b"y" * 90_000], NoAnswer("connection_lost")),
        ([], NoAnswer("connection_lost")),
    ],
)
def test_whatever_a_receiver_says_becomes_an_answer_or_none(
    parts: list[bytes], answer: object
) -> None:
    assert told_by(saying(*parts)) == [answer]


def test_a_connection_is_kept_and_a_closed_one_replaced() -> None:
    connections = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for _ in range(3):  # then it hangs up without a word
            await reader.readuntil(b"\r\n\r\n{}")
            writer.write(OK + b"Content-Length: 0\r\n\r\n")

    assert told_by(talk, times=7) == [Answer(200)] * 7
    assert connections == 3


def test_a_silent_receiver_is_left_after_its_time() -> None:
    async def talk(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert told_by(talk, limit_s=0.05) == [NoAnswer("timed_out")]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://192.0.2.7/hooks", "address_refused"),
        ("http://169.254.169.254/latest", "address_refused"),
        ("http://[::ffff:192.0.2.7]/", "address_refused"),
        ("http://0.0.0.0:1/", "address_refused"),
        ("http://127.0.0.1:1/", "not_connected"),
        ("http://name.invalid/", "not_connected"),
    ],
)
def test_only_this_machine_is_told(url: str, error: str) -> None:
    assert posted(url) == NoAnswer(error)


def test_a_name_that_leads_elsewhere_is_refused_when_it_is_called() -> None:
    async def rebound(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1", "192.0.2.7"]

    async def work() -> object:
        connections = Connections(allow_non_loopback=False, resolve=rebound)
        way = HttpWay(connections, LabScheduler(LabClock()))
        return await way.post(Request("http://localhost:9/", b"{}", {}, 5.0))

    assert asyncio.run(work()) == NoAnswer("address_refused")


@pytest.mark.parametrize(
    ("body", "signed", "status", "refusal"),
    [
        (b'{"type": "charge.succeeded"}', SECRET, 200, None),
        (b'{"type": "charge.succeeded"}', "whsec_other", 400, "wrong_signature"),
        (b"no json", SECRET, 400, "no_event"),
        (b'["no", "event"]', SECRET, 400, "no_event"),
    ],
)
def test_the_small_receiver_believes_signed_events_only(
    body: bytes, signed: str, status: int, refusal: str | None
) -> None:
    heard: list[Heard] = []

    async def work() -> object:
        receiver = Receiver(lambda: 1_000_000, heard.append, SECRET)
        async with receiver.listening() as port:
            way = HttpWay(Connections(allow_non_loopback=False), LabScheduler(LabClock()))
            headers = {"Stripe-Signature": header_value([signed], 1, body)}
            answer = await way.post(Request(f"http://localhost:{port}/", body, headers, 5.0))
            await way.close()
            return answer

    assert asyncio.run(work()) == Answer(status)
    assert [each.refusal for each in heard] == [refusal]


def test_a_delivery_is_one_line_for_a_person() -> None:
    event = {
        "id": "evt_1",
        "type": "charge.succeeded",
        "sequence": 2,
        "data": {"object": {"id": "ch_1", "status": "succeeded"}},
    }
    assert line_of(Heard(event, None)).split() == [
        "charge.succeeded", "evt_1", "#2", "ch_1", "succeeded",
    ]  # fmt: skip
    assert line_of(Heard({}, "wrong_signature")) == "not believed: wrong_signature"


@pytest.mark.parametrize(
    "words", [["--port", "70000"], ["--status", "99"], ["--count", "0"], ["--status", "600"]]
)
def test_wrong_use_of_the_listener_is_said(words: list[str]) -> None:
    assert main(["webhook", "listen", "--secret", SECRET, *words]) == WRONG_USE
