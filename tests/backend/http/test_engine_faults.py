"""Every effect that the engine carries out, in a whole engine: it fires, and leaves nothing behind.

One story for all: taps, a card list, a key of the token service; whatever was refused or left open
is asked again with the same keys when the trouble is over.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from backend.api import AVAILABLE, LABORATORY_LINKS, simulated
from backend.faults.catalogue import terms_of
from backend.simulation import SimulatedWorld
from backend.storage.host_rows import SqlHostStore
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card

OWN = {
    "ms": 600, "jitter_ms": 50, "kb_s": 1, "slice_bytes": 7, "bytes": 9, "code": "91", "field": 39,
}  # fmt: skip
HOST_CLOSES = {("visa.auth", "slow_close")}  # a host closes only on garbage: see the link's tests
PAIRS = [
    (link, effect)
    for link in ("visa.auth", "visa.tsp", "visa.issuer", "database", "cache")
    for effect in sorted(AVAILABLE[link])
    if (link, effect) not in HOST_CLOSES
]
FINAL = {"approved", "declined"}


def plan(link: str, effect: str, **more: object) -> dict[str, object]:
    takes = terms_of(link, effect).takes
    own = {key: value for key, value in OWN.items() if key in takes}
    if (link, effect) == ("cache", "latency"):
        own["ms"] = 90  # above what anybody waits for a cache
    return {"link": link, "effect": effect, **own, **more}


class Bank:
    """A world with a card, and what its bank holds."""

    def __init__(self, world: SimulatedWorld, phone: Phone) -> None:
        self.world, self.phone = world, phone
        self.card = ready_card(world, phone)
        self.before: list[int] = []
        self.begin("T")

    def begin(self, name: str) -> None:
        """New taps, with keys of this name."""
        self.before = self.holds()
        self.taps = {
            f"{name}-{n}": self.phone.tap(self.card["tokenRef"], 1_000 + n) for n in range(3)
        }

    def holds(self) -> list[int]:
        database = self.world.engine.lab.networks_database
        assert database is not None
        found = SqlHostStore(database).read(lambda rows: rows.open_holds("visa"))
        return sorted(minor for _, minor, _ in found)

    def apply(self, *faults: dict[str, object], seed: int = 1) -> None:
        body = {"faults": list(faults), "seed": seed}
        answer = self.world.run(self.phone.client.put("/lab/faults", json=body))
        assert answer.status_code == 200, answer.text

    def board(self) -> list[dict[str, object]]:
        return self.world.run(self.phone.client.get("/lab/faults")).json()["faults"]

    async def go_round(self) -> list[httpx.Response]:
        """What a phone and a till do in the story."""
        told = [await self.phone.pay(tap, key) for key, tap in self.taps.items()]
        told += [await self.phone.client.get("/api/cards") for _ in range(3)]
        told.append(await self.phone.client.get("/api/networks/visa/key"))
        return told

    def quiet_end(self) -> list[dict[str, object]]:
        """All trouble over, much time, then every tap again with its key."""
        self.apply()
        self.world.run(self.world.sleep(8 * 3_600))
        return [answer.json() for answer in self.world.run(self.go_round())[: len(self.taps)]]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with simulated(9, tmp_path / "lab") as world:
        client = world.client()
        phone = Phone(client)
        world.run(phone.sign_in())
        yield Bank(world, phone)
        world.run(client.aclose())


def check_nothing_left(bank: Bank) -> None:
    told = bank.quiet_end()
    assert {answer["status"] for answer in told} <= FINAL
    approved = sorted(
        minor for minor, answer in zip((1_000, 1_001, 1_002), told, strict=True)
        if answer["approved"]
    )  # fmt: skip
    assert bank.holds() == sorted(bank.before + approved)
    ledger = bank.world.run(bank.phone.client.get("/lab/ledger")).json()
    assert sum(each["balance_minor"] for each in ledger["balances"]) == 0
    cards = bank.world.run(bank.phone.client.get("/api/cards")).json()["cards"]
    assert [card["id"] for card in cards] == [bank.card["id"]]


@pytest.mark.inv(114, 142, 334, 335, 336)
@pytest.mark.parametrize("link", ["visa.auth", "visa.tsp", "visa.issuer", "database", "cache"])
def test_each_effect_fires_and_leaves_nothing_behind(link: str, bank: Bank) -> None:
    """Slower than others: a story of eight hours for every effect of the link."""
    for effect in [effect for place, effect in PAIRS if place == link]:
        bank.begin(effect)
        bank.apply(plan(link, effect))
        told = bank.world.run(bank.go_round())
        assert {answer.status_code for answer in told} <= {200, 409, 503}, effect
        (shown,) = bank.board()
        assert shown["fired"], f"{effect} on {link} never fired"
        check_nothing_left(bank)


@pytest.mark.parametrize("seed", [3, 4])
def test_a_mix_of_everything_repeats_from_its_seed(seed: int, tmp_path: Path) -> None:
    """Slower than others: two whole worlds, each with every effect at once."""
    plans = [plan(link, effect, probability=0.2) for link, effect in PAIRS]

    def play(name: str) -> tuple[object, ...]:
        with simulated(seed, tmp_path / name) as world:
            client = world.client()
            phone = Phone(client)
            world.run(phone.sign_in())
            bank = Bank(world, phone)
            bank.apply(*plans, seed=seed)
            told = [(each.status_code, each.content) for each in world.run(bank.go_round())[:3]]
            counts = [fault["fired"] for fault in bank.board()]
            check_nothing_left(bank)
            world.run(client.aclose())
            return told, counts, bank.holds()

    assert play("a") == play("b")


@pytest.mark.parametrize("fault", [{"effect": "limit_data", "bytes": 0}, {"effect": "reset_peer"}])
def test_a_store_that_refuses_is_a_503_to_try_again(fault: dict, bank: Bank) -> None:
    bank.apply({"link": "database", **fault})
    refused = bank.world.run(bank.phone.pay(bank.taps["T-0"], "T-0"))
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_failed")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["content-type"] == "application/problem+json"
    assert bank.holds() == [], "nothing left the engine before the intent was stored"
    renamed = bank.world.run(
        bank.phone.client.put(
            f"/api/devices/{bank.phone.device_id}", json={"kind": "phone", "name": "N"}
        )
    )
    assert (renamed.status_code, renamed.headers["retry-after"]) == (503, "1")
    bank.apply()
    again = bank.world.run(bank.phone.pay(bank.taps["T-0"], "T-0"))
    assert (again.status_code, again.json()["approved"]) == (200, True)
    assert bank.holds() == [1_000]


def test_a_result_that_cannot_be_stored_is_cured_not_forgotten(bank: Bank) -> None:
    bank.world.run(bank.phone.pay(bank.taps["T-0"], "T-0"))
    bank.apply({"link": "database", "effect": "reset_peer", "when": {"nth": 2}})
    refused = bank.world.run(bank.phone.pay(bank.taps["T-1"], "T-1"))
    assert refused.status_code == 503
    assert bank.holds() == [1_000, 1_001], "the bank has answered"
    bank.world.run(bank.world.sleep(120))
    told = bank.world.run(bank.phone.pay(bank.taps["T-1"], "T-1")).json()
    assert (told["status"], bank.holds()) in [
        ("approved", [1_000, 1_001]),
        ("declined", [1_000]),
    ]
    assert bank.board()[0]["fired"] == 1


def test_firings_of_the_disk_are_recorded_without_being_fired_at_for_ever(bank: Bank) -> None:
    bank.apply({"link": "database", "effect": "latency", "ms": 1})
    bank.world.run(bank.phone.pay(bank.taps["T-0"], "T-0"))
    bank.world.run(bank.world.sleep(5))
    before = bank.board()[0]["fired"]
    bank.world.run(bank.world.sleep(86_400))
    assert bank.board()[0]["fired"] == before
    bank.apply()
    bank.world.run(bank.world.sleep(5))
    rows = bank.world.engine.lab.engine_database.read(
        lambda tx: tx._connection.execute(
            "SELECT count(*) FROM events WHERE kind = 'fault.fired'"
        ).fetchone()[0]
    )
    assert rows == before


def test_what_could_not_be_recorded_is_recorded_when_the_disk_has_room(bank: Bank) -> None:
    bank.apply(
        {"link": "database", "effect": "limit_data", "bytes": 0},
        {"link": "visa.auth", "effect": "latency", "ms": 1},
    )
    bank.world.run(bank.world.sleep(60))
    stored = "SELECT count(*) FROM events WHERE kind = 'fault.applied'"

    def count() -> int:
        return bank.world.engine.lab.engine_database.read(
            lambda tx: tx._connection.execute(stored).fetchone()[0]
        )

    assert count() == 0
    bank.apply()
    bank.world.run(bank.world.sleep(10))
    assert count() == 2


def test_faults_end_with_their_engine_and_its_records_are_kept(tmp_path: Path) -> None:
    plan = [{"link": "database", "effect": "limit_data", "bytes": 0}]
    with simulated(2, tmp_path / "lab") as world:
        world.engine.lab.faults.apply(plan)
    with simulated(2, tmp_path / "lab") as world:
        assert world.engine.lab.faults.faults == []
        kinds = world.engine.lab.engine_database.read(
            lambda tx: tx._connection.execute(
                "SELECT kind FROM events WHERE kind LIKE 'fault.%' ORDER BY seq"
            ).fetchall()
        )
    assert [row["kind"] for row in kinds] == ["fault.applied", "fault.applied"]


def test_the_laboratorys_reports_are_counted(bank: Bank) -> None:
    bank.apply(
        {"link": "reader", "effect": "unplug", "at_apdu": 2},
        {"link": "pos.engine", "effect": "lost_response", "when": {"nth": 1}},
    )
    view = bank.world.run(bank.phone.client.get("/lab/faults")).json()
    assert [fault["id"] for fault in view["faults"]] == ["f1", "f2"]
    put_back = bank.world.run(bank.phone.client.put("/lab/faults", json=view))
    assert put_back.status_code == 200, put_back.text
    assert put_back.json()["faults"] == view["faults"]
    view = put_back.json()
    assert {fault["link"] for fault in view["faults"]} <= LABORATORY_LINKS

    def report(seq: int, fault: str, revision: int) -> None:
        data = {"fault": fault, "revision": revision, "link": "?", "effect": "?"}
        event = {
            "seq": seq, "source": "lab", "lab_time_us": 1, "real_time_us": 1, "actor": "reader",
            "kind": "fault.fired", "data": data,
        }  # fmt: skip
        answer = bank.world.run(bank.phone.client.post("/lab/events", json={"events": [event]}))
        assert answer.status_code == 200, answer.text

    report(1, "f1", view["revision"])
    report(1, "f1", view["revision"])
    report(2, "f2", view["revision"])
    report(3, "f2", view["revision"] - 1)
    assert [fault["fired"] for fault in bank.board()] == [1, 1]
