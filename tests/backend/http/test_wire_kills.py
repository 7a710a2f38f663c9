"""A killed engine: the same request with the same key arrives at the same end, once.

Every commit of a request is a place to die, before and after it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.api import simulated, verify
from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import Merchant
from tests.backend.http.test_sales import at_network

INTENTS = "/v1/payment_intents"
PAY = {"amount": "1240", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
COMMITS_MAX = 12


def asked(merchant: Merchant, path: str, form: dict[str, str]) -> httpx.Response | None:
    """The answer; None when the engine died before it gave one."""
    try:
        return merchant.call("POST", path, form, key="k1")
    except httpx.TransportError:
        return None


def killed(
    world: SimulatedWorld, merchant: Merchant, path: str, form: dict[str, str], at: tuple[int, Any]
) -> tuple[bool, dict[str, Any]]:
    """Whether it died at that commit, and what the key answers once it is up again."""
    world.process.crash_at(*at)
    first = asked(merchant, path, form)
    died = not world.process.is_up
    world.process.crash_never()
    if died:
        world.run(world.process.start())
    world.run(world.sleep(1))
    answer = first if first is not None and not died else asked(merchant, path, form)
    assert answer is not None
    again = asked(merchant, path, form)
    assert again is not None
    assert again.content == answer.content
    return died, answer.json()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commit", range(1, 8))
def test_a_payment_is_made_once_however_often_the_engine_dies(
    tmp_path: Path, commit: int, moment: str
) -> None:
    with simulated(17, tmp_path / "lab") as world:
        merchant = Merchant(world, world.client())
        merchant.paid(100)  # the network's key and a block of numbers are had
        _, told = killed(world, merchant, INTENTS, PAY, (commit, moment))
        world.run(world.sleep(7_200))
        listed = merchant.get("/v1/charges")["data"]
        taken = [each for each in listed if each["amount"] == 1240 and each["captured"]]
        (intent,) = [each for each in merchant.get(INTENTS)["data"] if each["amount"] == 1240]
        if "error" in told:  # it died while the network was asked: cured, and nobody has paid
            assert told["error"]["payment_intent"]["id"] == intent["id"]
            assert (intent["status"], taken) == ("requires_payment_method", [])
        else:
            paid = intent["status"] == "succeeded"
            assert told["id"] == intent["id"]
            assert len(taken) == paid
            assert paid or intent["last_payment_error"]["code"] == "processing_error"
        posted = at_network(tmp_path, "SELECT sum(posted_minor) FROM host_postings")
        assert posted == [(100 + 1240 * len(taken),)]
        assert at_network(tmp_path, "SELECT sum(held_minor) FROM host_balances") == [(0,)]
        report = verify(tmp_path / "lab")
        assert report["ok"], [each for each in report["checks"] if not each["ok"]]
        world.run(merchant.client.aclose())


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("what", ["capture", "cancel", "refund"])
def test_an_order_after_the_sale_is_carried_out_once(
    tmp_path: Path, what: str, moment: str
) -> None:
    with simulated(18, tmp_path / "lab") as world:
        merchant = Merchant(world, world.client())
        intent = merchant.paid(1240, capture_method="automatic" if what == "refund" else "manual")
        path, form = f"{INTENTS}/{intent['id']}/{what}", {}
        if what == "refund":
            path, form = "/v1/refunds", {"payment_intent": intent["id"], "amount": "500"}
        world.run(world.sleep(5))
        died, told = killed(world, merchant, path, form, (1, moment))
        assert died
        world.run(world.sleep(60))
        left = {"capture": 1240, "cancel": 0, "refund": 740}[what]
        posted = at_network(tmp_path, "SELECT coalesce(sum(posted_minor), 0) FROM host_postings")
        assert posted == [(left,)]
        assert "error" not in told
        assert len(merchant.get("/v1/refunds")["data"]) == (what == "refund")
        report = verify(tmp_path / "lab")
        assert report["ok"], [each for each in report["checks"] if not each["ok"]]
        world.run(merchant.client.aclose())


def test_a_request_that_nobody_repeats_is_taken_up_at_the_next_start(tmp_path: Path) -> None:
    states = set()
    for commit in range(1, 9):
        folder = tmp_path / str(commit)
        with simulated(19, folder / "lab") as world:
            merchant = Merchant(world, world.client())
            merchant.paid(100)
            world.process.crash_at(commit, "after")
            asked(merchant, INTENTS, PAY)
            world.process.crash_never()
            if not world.process.is_up:
                world.run(world.process.start())
            world.run(world.sleep(7_200))
            made = [each for each in merchant.get(INTENTS)["data"] if each["amount"] == 1240]
            states |= {each["status"] for each in made}
            assert verify(folder / "lab")["ok"]
            world.run(merchant.client.aclose())
    assert states == {"succeeded", "requires_payment_method"}
