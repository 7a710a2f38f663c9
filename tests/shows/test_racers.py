"""Many keys and many racers over `/v1`: each key is carried out once, and every racer is told so.

A whole engine as a child process, and merchants' servers that all send the same requests at once,
each on a connection of its own. What became of the money is read from the engine's and from the
networks' own files. Knows no client library: those have a show of their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx
import pytest

from backend.api import verify
from lab.loopback import LoopbackTransport
from tests.shows.laboratory import IN_FLIGHT, OK, Laboratory, rows_of

INTENTS = "/v1/payment_intents"
SECRET = "sk_test_taplab"
ORDER = {
    "currency": "usd", "payment_method": "pm_card_visa", "capture_method": "manual",
    "confirm": "true",
}  # fmt: skip
KEYS, RACERS = 12, 16
PARTS, KEYS_A_PART, RACERS_FULL, KEYS_AT_ONCE = 10, 50, 64, 5
PAUSE_S = 0.05
CENTS = 50
"""Cents below this steer no answer of the networks."""
PART_MINOR = 40
LIMIT_S = 30


def amount_of(number: int) -> int:
    """Amounts tell the payments apart, and grow with their numbers."""
    return 100 * (1 + number // CENTS) + number % CENTS


@dataclass
class Race:
    """Servers of one merchant with one story, and how often they were told to wait."""

    lab: Laboratory
    client: httpx.AsyncClient
    racers: int
    in_flight: Counter[str]

    async def one(self, path: str, form: Mapping[str, object], key: str) -> httpx.Response:
        """One server's request, repeated while another one's is under way, as its client would."""
        while True:
            answer = await self.client.post(path, data=form, headers={"Idempotency-Key": key})
            if answer.status_code != IN_FLIGHT:
                return answer
            assert answer.json()["error"]["code"] == "idempotency_key_in_use"
            assert answer.headers["Stripe-Should-Retry"] == "true"
            self.in_flight[key] += 1
            await self.lab.world.real_scheduler.sleep(PAUSE_S)

    async def same(self, path: str, form: Mapping[str, object], key: str) -> dict[str, object]:
        """Everybody sends it with one key; the answer that all of them are given."""
        answers = await asyncio.gather(*(self.one(path, form, key) for _ in range(self.racers)))
        assert {answer.status_code for answer in answers} == {OK}, answers[0].text
        assert len({answer.content for answer in answers}) == 1, key
        first = [each for each in answers if "Idempotent-Replayed" not in each.headers]
        assert len(first) == 1, key  # everybody else was told what that one was told
        originals = {each.headers.get("Original-Request") for each in answers} - {None}
        assert originals == {first[0].headers["Request-Id"]}
        return dict(answers[0].json())

    async def story(self, number: int) -> None:
        """A payment of its own amount: made, captured in part, that given back."""
        amount = amount_of(number)
        order = {**ORDER, "amount": amount}
        made = await self.same(INTENTS, order, f"pay-{number}")
        assert (made["amount"], made["status"]) == (amount, "requires_capture")
        part = amount - PART_MINOR
        taken = {"amount_to_capture": part}
        captured = await self.same(f"{INTENTS}/{made['id']}/capture", taken, f"take-{number}")
        assert captured["amount_received"] == part
        back = {"payment_intent": made["id"], "amount": part}
        refund = await self.same("/v1/refunds", back, f"back-{number}")
        assert (refund["amount"], refund["payment_intent"]) == (part, made["id"])
        changed = await self.one(INTENTS, {**order, "amount": amount + 1}, f"pay-{number}")
        assert changed.status_code == 400
        assert changed.json()["error"]["type"] == "idempotency_error"


def servers(lab: Laboratory) -> httpx.AsyncClient:
    """A connection for each request under way; as many are kept as the quick race needs."""
    endpoint = lab.world.engine.endpoint
    assert endpoint is not None
    return httpx.AsyncClient(
        base_url=endpoint.url,
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=LIMIT_S,
        transport=LoopbackTransport(),
    )


def race(lab: Laboratory, numbers: range, racers: int) -> Counter[str]:
    """All of these keys at once; how often a racer heard that another was at work."""
    in_flight: Counter[str] = Counter()

    async def tell(number: int) -> None:
        async with servers(lab) as client:
            await Race(lab, client, racers, in_flight).story(number)

    async def everybody() -> None:
        await asyncio.gather(*map(tell, numbers))

    lab.run(everybody())
    return in_flight


def expect_each_key_once(lab: Laboratory, keys: int) -> None:
    """One payment, one capture, one refund a key: at the engine, at the network, in the books."""
    amounts = [amount_of(number) for number in range(keys)]
    parts = [amount - PART_MINOR for amount in amounts]
    engine = lab.folder / "engine.db"
    assert rows_of(
        engine,
        "SELECT amount_minor, captured_minor, refunded_minor, state FROM payments ORDER BY 1",
    ) == [(each, part, part, "captured") for each, part in zip(amounts, parts, strict=True)]
    assert rows_of(engine, "SELECT amount_minor FROM refunds ORDER BY 1") == _rows(parts)
    assert lab.at_networks("SELECT amount_minor FROM host_authorizations ORDER BY 1") == _rows(
        amounts
    )
    lab.until(lambda: _presented(lab, "refund") == _rows(parts))  # the network is told after us
    assert _presented(lab, "completion") == _rows(parts)
    assert _posted_minor(lab) == 0
    report = verify(lab.folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def _rows(amounts: Iterable[int]) -> list[tuple[object, ...]]:
    return [(amount,) for amount in amounts]


def _presented(lab: Laboratory, kind: str) -> list[tuple[object, ...]]:
    return lab.at_networks(
        "SELECT amount_minor FROM host_presentments WHERE kind = ? ORDER BY 1", kind
    )


def _posted_minor(lab: Laboratory) -> object:
    [(posted,)] = lab.at_networks("SELECT coalesce(sum(posted_minor), 0) FROM host_postings")
    return posted


@pytest.mark.inv(109, 112, 172)
def test_many_racers_with_many_keys_pay_take_and_give_back_once_a_key(own_lab: Laboratory) -> None:
    own_lab.faults({"link": "visa.auth", "effect": "latency", "ms": 150})
    in_flight = race(own_lab, range(KEYS), RACERS)
    assert {f"pay-{number}" for number in range(KEYS)} <= in_flight.keys()
    expect_each_key_once(own_lab, KEYS)


@pytest.mark.inv(174, 191)
def test_racers_with_keys_of_their_own_take_once_and_give_back_no_more(own_lab: Laboratory) -> None:
    """Nobody's key helps here: what is left of a payment does."""
    amount, refused = amount_of(0), 400

    async def run() -> tuple[Counter[int], Counter[int]]:
        async with servers(own_lab) as client:
            racing = Race(own_lab, client, 1, Counter())
            held = {**ORDER, "amount": amount}
            made = (await racing.one(INTENTS, held, "pay")).json()
            taken = await asyncio.gather(
                *(
                    racing.one(f"{INTENTS}/{made['id']}/capture", {}, f"take-{number}")
                    for number in range(RACERS)
                )
            )
            back = {"payment_intent": made["id"], "amount": PART_MINOR}
            given = await asyncio.gather(
                *(racing.one("/v1/refunds", back, f"back-{number}") for number in range(RACERS))
            )
            return _statuses(taken), _statuses(given)

    took, gave = own_lab.run(run())
    assert took == {OK: 1, refused: RACERS - 1}
    assert gave == {OK: amount // PART_MINOR, refused: RACERS - amount // PART_MINOR}
    own_lab.until(lambda: _posted_minor(own_lab) == amount % PART_MINOR)
    report = verify(own_lab.folder)
    assert report["ok"], [check for check in report["checks"] if not check["ok"]]


def _statuses(answers: Iterable[httpx.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.full("sim")
@pytest.mark.parametrize("part", range(PARTS))
def test_sixty_four_racers_with_five_hundred_keys(own_lab: Laboratory, part: int) -> None:
    """Fifty keys an engine, whose network takes longer from part to part."""
    own_lab.faults({"link": "visa.auth", "effect": "latency", "ms": 1 + 20 * part})
    for begin in range(0, KEYS_A_PART, KEYS_AT_ONCE):
        race(own_lab, range(begin, begin + KEYS_AT_ONCE), RACERS_FULL)
    expect_each_key_once(own_lab, KEYS_A_PART)
