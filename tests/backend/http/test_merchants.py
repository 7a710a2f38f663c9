"""Merchants and their keys: taken on, set up, keys rolled and ended, and what is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.api import simulated
from backend.gateway.api_keys import DEFAULT_SECRET, PREFIX, ApiKeys
from backend.payments.records import DEFAULT_MERCHANT
from backend.simulation import SimulatedWorld
from backend.storage.database import Transaction
from tests.backend.http.phone import Phone
from tests.backend.http.test_lab_routes import code_of, send
from tests.backend.http.test_sales import paid

TEA = {"name": "Tea Corner", "category": "5499"}
HOUR_S = 3_600


def keys_of(world: SimulatedWorld) -> ApiKeys[Transaction]:
    return world.engine.gateway.accounts.keys


def opens(world: SimulatedWorld, secret: str) -> str | None:
    found = keys_of(world).merchant_of(secret)
    return None if found is None else found.id


def take_on(world: SimulatedWorld, **settings: object) -> tuple[str, dict[str, Any]]:
    """A new merchant: its identifier, its first key."""
    answer = send(world, "POST", "/lab/merchants", {**TEA, **settings})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["merchant"]["id"], answer.json()["key"]


def jump(world: SimulatedWorld, seconds: float) -> None:
    assert send(world, "POST", "/lab/clock", {"jump_s": seconds}).status_code == 200


@pytest.mark.inv(157)
def test_a_fresh_folder_has_a_merchant_with_the_published_key(world: SimulatedWorld) -> None:
    assert opens(world, DEFAULT_SECRET) == DEFAULT_MERCHANT.id
    assert opens(world, DEFAULT_SECRET + "x") is None
    for wrong in ("", PREFIX, "sk_live_taplab", "taplab", PREFIX + "x" * 1_000, "Bearer sk"):
        assert opens(world, wrong) is None


@pytest.mark.inv(157, 158)
def test_a_merchant_is_taken_on_with_a_key_of_its_own(world: SimulatedWorld) -> None:
    merchant_id, key = take_on(world, country="DE", settlement_currency="eur", tier=2)
    assert key["secret"].startswith(PREFIX)
    assert key["secret"].endswith(key["last4"])
    assert opens(world, key["secret"]) == merchant_id
    shown = send(world, "GET", f"/lab/merchants/{merchant_id}").json()
    assert shown["merchant"]["settlement_currency"] == "EUR"
    assert shown["merchant"]["statement_name"] == "Tea Corner"
    assert [each["status"] for each in shown["keys"]] == ["live"]
    assert "secret" not in shown["keys"][0]
    listed = send(world, "GET", "/lab/merchants").json()["merchants"]
    assert {DEFAULT_MERCHANT.id, merchant_id} <= {each["id"] for each in listed}


@pytest.mark.inv(158)
def test_settings_change_at_once_for_whoever_holds_the_key(world: SimulatedWorld) -> None:
    merchant_id, key = take_on(world)
    before = keys_of(world).merchant_of(key["secret"])
    assert before is not None
    assert before.tier == 1
    wanted = {
        "tier": 3,
        "fee_plan": {"basis_points": 150, "fixed_major": "0.10"},
        "reserve_basis_points": 1_000,
        "evidence_days": 21,
        "payout_schedule": "weekly",
    }
    answer = send(world, "POST", f"/lab/merchants/{merchant_id}", wanted)
    assert answer.status_code == 200, answer.text
    after = keys_of(world).merchant_of(key["secret"])
    assert after is not None
    shown = after.to_json()
    assert shown["fee_plan"]["refund_fee"] == "proportional"  # type: ignore[index]  # an object
    assert after.fee_plan.of_capture(10_000, "USD") == 160
    assert {**shown, **wanted, "fee_plan": shown["fee_plan"]} == shown
    assert after.name == before.name


BAD_SETTINGS = [
    ({"name": ""}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "two\nlines"}, "name"),
    ({"name": None}, "name"),
    ({"category": "54"}, "category"),
    ({"country": "Germany"}, "country"),
    ({"settlement_currency": "XYZ"}, "settlement_currency"),
    ({"settlement_currency": "XAU"}, "settlement_currency"),
    ({"payout_schedule": "hourly"}, "payout_schedule"),
    ({"tier": 4}, "tier"),
    ({"statement_name": "1234567"}, "statement_name"),
    ({"statement_name": "TEA*CORNER"}, "statement_name"),
    ({"reserve_basis_points": 10_001}, "reserve_basis_points"),
    ({"reserve_basis_points": -1}, "reserve_basis_points"),
    ({"dispute_fee": "-1"}, "dispute_fee"),
    ({"dispute_fee": "1e3"}, "dispute_fee"),
    ({"evidence_days": 6}, "evidence_days"),
    ({"evidence_days": 22}, "evidence_days"),
    ({"fee_plan": {"percent": 3}}, "fee_plan"),
    ({"fee_plan": {"basis_points": 2.9}}, "fee_plan.basis_points"),
    ({"fee_plan": {"fixed_major": "NaN"}}, "fee_plan.fixed_major"),
    ({"fee_plan": {"refund_fee": "half"}}, "fee_plan.refund_fee"),
]


@pytest.mark.parametrize(("bad", "field"), BAD_SETTINGS)
def test_a_setting_that_cannot_be_is_refused_with_its_field(
    world: SimulatedWorld, bad: dict[str, object], field: str
) -> None:
    path = f"/lab/merchants/{DEFAULT_MERCHANT.id}"
    before = send(world, "GET", path).json()
    answer = send(world, "POST", path, {"tier": 2, **bad})
    assert code_of(answer) == (400, "setting_invalid")
    assert answer.json()["field"] == field
    assert code_of(send(world, "POST", "/lab/merchants", {**TEA, **bad}))[0] == 400
    assert send(world, "GET", path).json() == before


def test_what_is_missing_unknown_or_of_no_merchant_is_said(world: SimulatedWorld) -> None:
    cases: list[tuple[str, str, object, tuple[int, str]]] = [
        ("POST", "/lab/merchants", {"name": "Tea"}, (400, "missing_field")),
        ("POST", "/lab/merchants", {**TEA, "owner": "me"}, (400, "unknown_field")),
        ("GET", "/lab/merchants/mer_nobody", None, (404, "merchant_not_found")),
        ("POST", "/lab/merchants/mer_nobody", {"tier": 1}, (404, "merchant_not_found")),
        ("POST", "/lab/merchants/mer_nobody/keys", None, (404, "merchant_not_found")),
        (
            "POST",
            "/lab/merchants/mer_tea_house/keys/key_taplab/revoke",
            None,
            (404, "key_not_found"),
        ),
        (
            "POST",
            f"/lab/merchants/{DEFAULT_MERCHANT.id}/keys/key_taplab/roll",
            {"grace_s": 10**9},
            (400, "grace_range"),
        ),
    ]
    for method, path, body, wanted in cases:
        assert code_of(send(world, method, path, body)) == wanted
    assert opens(world, DEFAULT_SECRET) == DEFAULT_MERCHANT.id


@pytest.mark.inv(157)
def test_a_rolled_key_lives_for_its_grace_and_no_longer(world: SimulatedWorld) -> None:
    merchant_id, key = take_on(world)
    assert opens(world, key["secret"]) == merchant_id  # remembered from here on
    path = f"/lab/merchants/{merchant_id}/keys/{key['id']}"
    rolled = send(world, "POST", f"{path}/roll", {"grace_s": HOUR_S})
    assert rolled.status_code == 201
    new = rolled.json()["key"]
    assert {opens(world, key["secret"]), opens(world, new["secret"])} == {merchant_id}
    assert code_of(send(world, "POST", f"{path}/roll")) == (409, "key_not_live")
    jump(world, HOUR_S - 1)
    assert opens(world, key["secret"]) == merchant_id
    jump(world, 2)
    assert opens(world, key["secret"]) is None
    assert opens(world, new["secret"]) == merchant_id


@pytest.mark.inv(157)
def test_a_revoked_key_opens_nothing_from_that_moment_and_for_ever(tmp_path: Path) -> None:
    with simulated(7, tmp_path / "lab") as world:
        assert opens(world, DEFAULT_SECRET) == DEFAULT_MERCHANT.id
        path = f"/lab/merchants/{DEFAULT_MERCHANT.id}/keys/key_taplab/revoke"
        for _ in range(2):
            assert send(world, "POST", path).json()["key"]["status"] == "revoked"
            assert opens(world, DEFAULT_SECRET) is None
        trail = send(world, "GET", "/lab/audit?action=api_key.revoked").json()["audit"]
        assert len(trail) == 1
    with simulated(7, tmp_path / "lab") as world:
        assert opens(world, DEFAULT_SECRET) is None


@pytest.mark.inv(157)
def test_no_secret_is_stored_anywhere(tmp_path: Path) -> None:
    with simulated(7, tmp_path / "lab") as world:
        _, key = take_on(world)
    with closing(sqlite3.connect(tmp_path / "lab" / "engine.db")) as database:
        dump = "\n".join(database.iterdump())
    assert key["id"] in dump
    assert key["secret"] not in dump
    assert key["secret"][len(PREFIX) :].encode().hex() not in dump.lower()
    assert DEFAULT_SECRET not in dump


@pytest.mark.inv(158)
def test_a_payment_after_a_new_name_carries_it(world: SimulatedWorld, phone: Phone) -> None:
    path = f"/lab/merchants/{DEFAULT_MERCHANT.id}"
    assert send(world, "POST", path, {"name": "Market on the Corner"}).status_code == 200
    paid(world, phone)
    listed = send(world, "GET", "/lab/payments").json()["payments"]
    assert listed[0]["merchant_name"] == "Market on the Corner"


@pytest.mark.inv(320, 324)
def test_a_merchant_that_calls_too_often_is_told_when_to_come_back(world: SimulatedWorld) -> None:
    _, key = take_on(world)

    async def main() -> list[httpx.Response]:
        async with world.client(with_token=False) as client:
            headers = {"Authorization": f"Bearer {key['secret']}"}
            return [await client.get("/v1/account", headers=headers) for _ in range(101)]

    *passed, refused = world.run(main())
    assert {answer.status_code for answer in passed} == {200}
    assert passed[0].headers["x-ratelimit-limit"] == "100"
    assert [int(each.headers["x-ratelimit-remaining"]) for each in passed] == [*range(99, -1, -1)]
    assert refused.status_code == 429
    assert refused.json()["error"]["type"] == "rate_limit_error"
    assert refused.json()["error"]["code"] == "rate_limit"
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-remaining"]) == ("1", "0")
    assert "request-id" in refused.headers
