"""The client against a server that misbehaves on the wire: a real one, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from backend.api import LabClock, LabScheduler
from lab.client import Endpoint, EngineClient, http_client
from lab.engine_shapes import NfcOrder
from lab.errors import EngineRefused, EngineUnreachable

ORDER = NfcOrder(
    token="4999990000000006",
    cryptogram="00" * 8,
    atc=1,
    amount_minor=1240,
    currency="USD",
    merchant_id="mer_corner_market",
    terminal_id="T0000001",
    emv_data="",
    expiry="3012",
    psn="01",
    tap_id="tap_1",
)
APPROVED = b'{"status":"approved","transactionId":"pay_1","network":"visa","latencyMs":{}}'


def answer(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


class Server:
    """Plays a list of answers; None hangs up instead. Keeps the heads of what it was asked."""

    def __init__(self, answers: list[bytes | None]) -> None:
        self.answers = answers
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(ln.split(":")[1]) for ln in head.lower().splitlines() if "content-length" in ln), 0
        )
        await reader.readexactly(length)
        self.heads.append(head)
        planned = self.answers.pop(0)
        if planned is not None:
            writer.write(planned)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    def key(self, number: int) -> str:
        line = next(
            ln for ln in self.heads[number].splitlines() if ln.lower().startswith("idempotency")
        )
        return line.partition(":")[2].strip()


def with_client(
    answers: list[bytes | None], work: Callable[[EngineClient], Awaitable[object]]
) -> tuple[Server, object]:
    server = Server(answers)

    async def run() -> object:
        clock = LabClock()
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        async with listening, http_client() as http:
            client = EngineClient(
                lambda: Endpoint(f"http://127.0.0.1:{port}", "t" * 8),
                http,
                clock=clock,
                scheduler=LabScheduler(clock),
            )
            return await work(client)

    return server, asyncio.run(run())


@pytest.mark.inv(396)
def test_a_broken_connection_is_retried_with_the_same_key() -> None:
    server, paid = with_client(
        [None, None, answer("200 OK", APPROVED)],
        lambda client: client.pay_nfc(ORDER, key="T0000001-00000001"),
    )
    assert paid.status == "approved"
    assert [server.key(number) for number in range(3)] == ["T0000001-00000001"] * 3


def test_a_key_in_flight_is_waited_for_and_its_replay_is_marked() -> None:
    problem = b'{"code":"in_flight","detail":"wait"}'
    server, paid = with_client(
        [
            answer("409 Conflict", problem, "Retry-After: 0\r\n"),
            answer("200 OK", APPROVED, "Idempotent-Replayed: true\r\n"),
        ],
        lambda client: client.pay_nfc(ORDER, key="k"),
    )
    assert paid.replayed
    assert len(server.heads) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code":"emv_data_disagrees","detail":"9F02"}', "emv_data_disagrees"),
        (b"{}", "http_400"),
        (b"[]", "not_json"),
    ],
)
def test_a_problem_becomes_a_typed_refusal(body: bytes, code: str) -> None:
    with pytest.raises(EngineRefused) as refusal:
        with_client(
            [answer("400 Bad Request", body)], lambda client: client.pay_nfc(ORDER, key="k")
        )
    assert refusal.value.code == code


def test_a_conflict_that_waiting_cannot_cure_is_not_waited_for() -> None:
    problem = b'{"code":"already_provisioned","detail":"twice"}'
    with pytest.raises(EngineRefused) as refusal:
        with_client(
            [answer("409 Conflict", problem)], lambda client: client.pay_nfc(ORDER, key="k")
        )
    assert refusal.value.code == "already_provisioned"


def test_out_of_patience_says_whether_the_request_may_have_left() -> None:
    with pytest.raises(EngineUnreachable) as lost:
        with_client([None], lambda client: client.pay_nfc(ORDER, key="k", patience_s=0.0))
    assert lost.value.may_have_left


def test_without_an_engine_nothing_has_left() -> None:
    async def run() -> None:
        clock = LabClock()
        async with http_client() as http:
            client = EngineClient(lambda: None, http, clock=clock, scheduler=LabScheduler(clock))
            await client.pay_nfc(ORDER, key="k", patience_s=0.0)

    with pytest.raises(EngineUnreachable) as lost:
        asyncio.run(run())
    assert not lost.value.may_have_left


def test_a_post_without_a_key_is_not_sent_twice() -> None:
    with pytest.raises(EngineUnreachable):
        with_client([None], lambda client: client.force_breaker("visa", "open"))


def test_the_order_keeps_its_token_to_itself() -> None:
    assert "4999990000000006" not in repr(ORDER)
