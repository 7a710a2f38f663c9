"""The benchmark's own arithmetic: what it measures is there, what it cannot is said with a remedy.

No figure is judged here: a timed test would judge the machine.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from backend.api import LabClock, audit_share
from hardware.api import Address
from lab.bench_suite import (
    against_pyemv,
    idle,
    merchant_wire,
    stacks,
    tear_outs,
    wallet_figures,
)
from lab.bench_suite.figure import figure, missing
from lab.bench_suite.measures import rows_of
from lab.bench_suite.stacks import Stacks
from lab.errors import EngineRefused
from lab.load.wire import LeanClient
from tests.lab.core.running import Running


def test_a_figure_shows_its_median_and_a_missing_one_its_reason() -> None:
    shown = figure("a", [3.0, 1.00049, 2.0], 5)
    assert shown == {"name": "a", "median": 2.0, "rounds": [3.0, 1.0, 2.0], "target": 5}
    gone = missing("b", None, "no reader: plug one in")
    assert rows_of({"figures": [shown, gone, figure("c", [1.0], None)]}) == (
        "a: 2.0 (target 5)",
        "b: not measured (no reader: plug one in)",
        "c: 1.0",
    )


def test_stacks_that_are_not_there_are_said_and_the_others_measured(lab: Running) -> None:
    """Nothing listens on that port: the card does not get into the reader."""
    nobody = Stacks(vpcd=Address("127.0.0.1", 9))
    found = lab.run(stacks.figures(lab.world, nobody, rounds=2, taps=1))
    by_name = {str(each["name"]): each for each in found}
    assert len(by_name["tap_in_process_ms"]["rounds"]) == 2
    assert by_name["tap_in_process_over_bare"]["median"] > 0
    assert by_name["tap_pcsc_over_bare"]["median"] is None
    assert ":" in str(by_name["tap_pcsc_ms"]["missing"])
    assert "--boards" in str(by_name["tap_pn532_ms"]["missing"])
    assert lab.world.element.armed is None


def test_pyemv_says_the_same_and_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["cryptogram_against_pyemv", "tlv_against_pyemv"]
    found = against_pyemv.figures(LabClock(), rounds=1)
    assert [each["name"] for each in found] == names
    assert all(each["median"] > 0 for each in found)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    absent = against_pyemv.figures(LabClock(), rounds=1)
    assert [each["name"] for each in absent] == names
    assert all("pip install pyemv" in str(each["missing"]) for each in absent)


def test_every_place_is_torn_and_nothing_is_wrong_after_it(lab: Running) -> None:
    """Over 0.25 s: some hundred pairs of taps."""
    tried, wrong = lab.run(tear_outs.figures(lab.world))
    assert tried["median"] >= 3 * 3 * 2 * len(tear_outs.EFFECTS)
    assert wrong["median"] == 0
    assert lab.world.element.armed is None


def test_watching_is_measured_or_said(lab: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "WATCHED_S", 0.01)
    (found,) = lab.run(idle.figures(lab.world.clock, lab.world.real_scheduler, rounds=1))
    assert found["name"] == "idle_monitor_cpu_percent"
    assert found["median"] is not None or found["missing"]


def test_the_wallets_figures_are_taken(lab: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over 0.25 s: a database is made, with every revision that it ever had."""
    for name, few in (("LISTS", 4), ("TOKENS", 2), ("PAYMENTS", 3)):
        monkeypatch.setattr(wallet_figures, name, few)
    found = {str(each["name"]): each for each in lab.run(_wallet_figures(lab))}
    assert set(found) == {
        "card_list_from_cache_ms", "card_list_from_sql_ms", "ec_v1_seal_ms", "ec_v1_open_ms",
        "payment_with_audit_ms", "audit_share_ms",
    }  # fmt: skip
    assert found.pop("audit_share_ms")["target"] == 0.2
    assert all(len(each["rounds"]) == 2 and each["median"] > 0 for each in found.values())


async def _wallet_figures(lab: Running) -> list[dict[str, object]]:
    before = await _lookups(lab)
    made = await wallet_figures.figures(lab.world, rounds=2)
    hits, misses = (now - then for now, then in zip(await _lookups(lab), before, strict=True))
    assert (hits, misses) >= (8, 8), "one list of two was read, and one was kept"
    return made


def test_a_merchants_program_is_timed_and_what_it_took_is_settled(lab: Running) -> None:
    """Over 0.25 s: forty-eight payments, settled twice."""
    before = {each.id for each in lab.run(lab.world.client.payments(limit=200))}
    made = lab.run(merchant_wire.figures(lab.world, rounds=2, payments=8))
    found = {str(each["name"]): each for each in made}
    assert list(found) == [
        "v1_payments_per_second_1_connections", "v1_payments_per_second_8_connections",
        "v1_payments_per_second_64_connections", "settlement_captures_per_second",
        "settlement_captures",
    ]  # fmt: skip
    assert found["settlement_captures"]["rounds"] == [24, 24]
    assert all(len(each["rounds"]) == 2 and each["median"] > 0 for each in found.values())
    payments = lab.run(lab.world.client.payments(limit=200))
    states = [each.state for each in payments if each.id not in before]
    assert states == ["captured"] * 48


def test_a_merchants_program_says_what_it_was_refused(lab: Running) -> None:
    async def ask() -> object:
        client = LeanClient(await lab.world.engine.ready(), 1)
        try:
            return await client.send(client.form("/v1/refunds", {}, "sk_test_nobody", "k"))
        finally:
            await client.close()

    with pytest.raises(EngineRefused, match="wrong, rolled or revoked") as refused:
        lab.run(ask())
    assert (refused.value.code, refused.value.status) == ("api_key_invalid", 401)


async def _lookups(lab: Running) -> tuple[int, int]:
    """How often the engine had a card list at hand, and how often not."""
    endpoint = await lab.world.engine.ready()
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    async with httpx.AsyncClient(base_url=endpoint.url, headers=headers) as client:
        kinds = (await client.get("/lab/metrics")).json()["cache"]["kinds"]
    cards = kinds.get("cards", {"hits": 0, "misses": 0})
    return cards["hits"], cards["misses"]


@pytest.mark.inv(148)
def test_one_of_two_engines_has_an_audit_trail(tmp_path: Path) -> None:
    """What the figure compares: as many payments with a line as without."""
    shares = asyncio.run(audit_share(tmp_path, rounds=2, payments=3))
    assert len(shares) == 2
    with closing(sqlite3.connect(tmp_path / "measured.db")) as database:
        (payments,) = database.execute("SELECT count(*) FROM payments").fetchone()
        (lines,) = database.execute("SELECT count(*) FROM audit_logs").fetchone()
        states = database.execute("SELECT DISTINCT state FROM payments").fetchall()
    assert (payments, lines, states) == (2 * (20 + 6), 20 + 6, [("approved",)])
