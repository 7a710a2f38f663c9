"""Offline approvals on their way: told with one key until answered, and kept over a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import orjson
import pytest

from backend.api import SeededStream, VirtualClock, VirtualLoop, VirtualScheduler
from lab.client import Endpoint, EngineClient, http_client
from lab.engine_shapes import NfcOrder, PaymentAnswer
from lab.errors import SomethingMissing
from lab.pos.kept_approvals import KeptApprovals, KeptTap
from lab.pos.offline import Forwarding, told_words
from lab.words import tell

KEY = "T0000001-00000001"
SEAL = bytes(range(32))
ORDER = NfcOrder(
    token="4242424242424242", cryptogram="1122334455667788", atc=7, amount_minor=1240,
    currency="USD", merchant_id="mer_corner_market", terminal_id="T0000001", emv_data="9F360200",
    expiry="3012", psn="01", tap_id="tap_1", approved_offline=True,
)  # fmt: skip
APPROVED = {
    "status": "approved", "approved": True, "authCode": "123456", "responseCode": "00",
    "network": "visa", "transactionId": "pay_1", "paymentId": "pay_1", "reason": "",
    "steered": None, "latencyMs": {},
}  # fmt: skip


class Engine(httpx.AsyncBaseTransport):
    """The far side of the wire: says what it is told to say, and notes what it heard."""

    def __init__(self, *said: int | dict[str, object]) -> None:
        self.said = list(said)
        self.heard: list[tuple[str, dict[str, object]]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.heard.append((request.headers["Idempotency-Key"], orjson.loads(request.content)))
        word = self.said.pop(0)
        if word == 0:
            raise httpx.ConnectError("nobody there")
        if isinstance(word, int):
            problem = {"type": "about:blank", "title": "no", "status": word, "code": "some_code"}
            return httpx.Response(word, json=problem | {"detail": "no"})
        return httpx.Response(200, json=word)


def forwarded(
    engine: Engine, kept: KeptApprovals | None = None, *, resume: bool = False
) -> tuple[list[PaymentAnswer], float]:
    """What was heard of the order in the end, and how long that took."""
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    scheduler = VirtualScheduler(clock)
    heard: list[PaymentAnswer] = []

    async def run() -> None:
        async with http_client(engine) as http:
            endpoint = Endpoint("http://127.0.0.1:1", "token")
            client = EngineClient(lambda: endpoint, http, clock=clock, scheduler=scheduler)
            forwarding = Forwarding(
                client, scheduler, lambda _o, _k, a: heard.append(a), kept, clock=clock
            )
            if resume:
                forwarding.resume()
                forwarding.resume()  # the second time it is on its way already
            else:
                forwarding.keep(ORDER, KEY)
                await forwarding.tell(ORDER, KEY)
            await asyncio.sleep(60)
            await scheduler.cancel_all()

    try:
        loop.run_until_complete(run())
        return heard, loop.time()
    finally:
        loop.close()


def kept_in(folder: Path, seal: bytes = SEAL) -> KeptApprovals:
    return KeptApprovals(folder / "till-offline.json", seal, SeededStream(3, "nonces"))


@pytest.mark.parametrize(
    "trouble",
    [[0], [503], [409], [{**APPROVED, "status": "not_sent"}, {**APPROVED, "status": "pending"}]],
)
def test_told_again_with_the_same_key_until_there_is_an_answer(
    trouble: list[int | dict[str, object]], tmp_path: Path
) -> None:
    engine, kept = Engine(*trouble, APPROVED), kept_in(tmp_path)
    heard, _ = forwarded(engine, kept)
    assert [answer.payment_id for answer in heard] == ["pay_1"]
    assert {key for key, _ in engine.heard} == {KEY}
    assert len(engine.heard) == len(trouble) + 1
    assert all(body["storeAndForward"] is True for _, body in engine.heard)
    assert kept.all() == ()


def test_an_approval_is_kept_before_it_is_told(tmp_path: Path) -> None:
    kept = kept_in(tmp_path)
    with pytest.raises(IndexError):  # the process dies in the middle of telling
        forwarded(Engine(), kept)
    assert [tap.order for tap in kept_in(tmp_path).all()] == [ORDER]


def test_what_the_engine_will_not_look_at_is_not_told_for_ever(tmp_path: Path) -> None:
    engine, kept = Engine(400), kept_in(tmp_path)
    heard, _ = forwarded(engine, kept)
    assert [(answer.status, answer.reason) for answer in heard] == [("declined", "some_code")]
    assert kept.all() == ()
    assert "some code" in tell(told_words(ORDER, heard[0]))


def test_an_approval_outlives_the_till_and_its_file_shows_no_number(tmp_path: Path) -> None:
    kept_in(tmp_path).keep(KeptTap(ORDER, KEY))
    raw = (tmp_path / "till-offline.json").read_bytes()
    assert ORDER.token.encode() not in raw
    assert ORDER.cryptogram.encode() not in raw
    again = kept_in(tmp_path)
    assert [(tap.order, tap.key) for tap in again.all()] == [(ORDER, KEY)]
    engine = Engine(APPROVED)
    heard, _ = forwarded(engine, again, resume=True)
    assert len(heard) == len(engine.heard) == 1
    assert again.all() == ()


@pytest.mark.parametrize("spoil", ["seal", "key", "text", "shape"])
def test_a_file_that_is_damaged_or_anothers_is_said_so(spoil: str, tmp_path: Path) -> None:
    kept_in(tmp_path).keep(KeptTap(ORDER, KEY))
    path = tmp_path / "till-offline.json"
    text = path.read_text()
    if spoil == "key":
        path.write_text(text.replace(KEY, KEY[:-1] + "2"))
    elif spoil in {"text", "shape"}:
        path.write_text("{" if spoil == "text" else '{"kept": 3}')
    with pytest.raises(SomethingMissing, match="offline approvals"):
        kept_in(tmp_path, bytes(32) if spoil == "seal" else SEAL)
