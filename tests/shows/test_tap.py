"""One tap as a stranger's script sees it: approved with its hops, declined with its reason.

Also what this till cannot read yet: such cards can be added, and the till says plainly why not.
"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from lab.pos.state import PosPhase
from lab.wallet.state import PhoneScreen
from tests.shows.laboratory import Laboratory, tap_lab

HOPS = ("reader", "engine", "network", "issuer", "database")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tap")


@pytest.mark.inv(62)
def test_a_tap_is_approved_with_its_hops(folder: Path) -> None:
    """Over 0.25 s: a real phone's timing, and an engine that starts."""
    ran = tap_lab("tap", "--amount", "12.40", "--currency", "USD", "--json", data_dir=folder)
    assert ran.returncode == 0, ran.stderr
    document = orjson.loads(ran.stdout)
    assert (document["outcome"], document["response_code"]) == ("approved", "00")
    assert (document["kernel"], document["apdu_count"]) == (3, 3)
    assert document["atc"] > 0
    assert len(document["auth_code"]) == 6
    latency = document["latency_ms"]
    assert all(latency[hop] > 0 for hop in HOPS)
    assert sum(latency[hop] for hop in HOPS) <= latency["total"]


def test_an_amount_that_steers_says_so(folder: Path) -> None:
    arguments = ["tap", "--amount", "12.51", "--profile", "instant"]
    ran = tap_lab(*arguments, "--json", data_dir=folder)
    assert ran.returncode == 1
    document = orjson.loads(ran.stdout)
    assert (document["outcome"], document["response_code"]) == ("declined", "51")
    assert document["auth_code"] is None
    assert "amount ends .51" in ran.stderr
    ran = tap_lab(*arguments, data_dir=folder)
    assert ran.returncode == 1
    assert "amount ends .51" in ran.stdout


@pytest.mark.parametrize(("network", "kernel", "commands"), [("mastercard", 2, 7), ("amex", 4, 6)])
def test_mastercard_and_amex_pay_too(
    network: str, kernel: int, commands: int, folder: Path
) -> None:
    arguments = ["tap", "--amount", "72.40", "--card", network, "--profile", "instant", "--json"]
    ran = tap_lab(*arguments, data_dir=folder)
    assert ran.returncode == 0, ran.stderr
    document = orjson.loads(ran.stdout)
    assert (document["outcome"], document["kernel"], document["apdu_count"]) == (
        "approved", kernel, commands,
    )  # fmt: skip


def test_keys_pressed_while_the_phone_arms_do_not_change_the_amount(
    shared_lab: Laboratory,
) -> None:
    """$12.40 and a hasty 1240 once became $124,012.40."""
    world = shared_lab.world
    if not world.wallet.cards:
        shared_lab.run(world.wallet.start_with_demo_cards())
    typed: list[object] = []

    def hasty(state: object) -> None:
        if getattr(state, "screen", None) is PhoneScreen.PAY_SHEET and not typed:
            typed.append(state)
            world.pos.key("99")

    shared_lab.running.call(lambda: world.bus.subscribe(hasty))
    sale = shared_lab.run(world.hands.tap(1240, "USD"))
    shared_lab.running.call(world.wallet.close)
    assert typed
    assert sale is not None
    assert (sale.amount_minor, sale.phase) == (1240, PosPhase.APPROVED)
