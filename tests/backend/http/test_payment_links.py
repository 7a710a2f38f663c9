"""Payment links: a merchant makes one, a stranger pays it once, and everything else is refused."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.api import verify
from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import Merchant

DAY_S = 86_400
CARD = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 34, "cvc": "123"}


@pytest.fixture
def link(merchant: Merchant) -> dict[str, Any]:
    order = {"amount": 1240, "currency": "usd", "description": "A cup",
             "success_url": "http://127.0.0.1:9/thanks"}  # fmt: skip
    answer = merchant.call(
        "POST", "/payment_links", json.dumps(order), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def path_of(link: dict[str, Any]) -> str:
    return f"/pay/{link['link_id']}"


def pay(world: SimulatedWorld, merchant: Merchant, link: dict[str, Any], **card: object) -> Any:
    body = json.dumps({**CARD, **card})
    json_body = {"Content-Type": "application/json"}
    return world.run(
        merchant.client.request("POST", path_of(link), content=body, headers=json_body)
    )


def about(world: SimulatedWorld, merchant: Merchant, link: dict[str, Any]) -> dict[str, Any]:
    answer = world.run(merchant.client.get(f"{path_of(link)}/about"))
    assert answer.headers["cache-control"] == "no-store"
    return dict(answer.json())


@pytest.mark.inv(298, 299, 301, 302)
def test_a_link_is_paid_once_and_its_merchant_sees_it(
    world: SimulatedWorld, merchant: Merchant, link: dict[str, Any], tmp_path: Path
) -> None:
    assert (link["status"], link["amount"], link["currency"]) == ("active", 1240, "usd")
    assert link["url"].endswith(f"/pay/{link['link_id']}")
    assert link["link_id"].startswith("plink_")
    asked = about(world, merchant, link)
    assert (asked["merchant"], asked["amountText"], asked["successUrl"]) == (
        "Corner Market", "12.40 USD", None,
    )  # fmt: skip
    paid = pay(world, merchant, link)
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert paid.json()["successUrl"] == "http://127.0.0.1:9/thanks"
    again = pay(world, merchant, link)
    assert (again.status_code, again.json()["code"]) == (409, "link_paid")
    seen = merchant.get(f"/payment_links/{link['link_id']}")
    intent = merchant.get(f"/v1/payment_intents/{seen['payment_id']}")
    assert (seen["status"], intent["status"], intent["amount_received"]) == (
        "paid", "succeeded", 1240,
    )  # fmt: skip
    assert intent["metadata"] == {"payment_link": link["link_id"]}
    world.run(world.sleep(2))
    types = [event["type"] for event in merchant.get("/v1/events")["data"]]
    assert "payment_intent.succeeded" in types
    assert verify(tmp_path / "lab")["ok"]


@pytest.mark.inv(299)
def test_a_declined_card_may_be_followed_by_another(
    world: SimulatedWorld, merchant: Merchant, link: dict[str, Any]
) -> None:
    refused = pay(world, merchant, link, number="4000000000000002")
    assert (refused.status_code, refused.json()["code"]) == (402, "card_declined")
    assert "4000" not in refused.text
    assert about(world, merchant, link)["status"] == "active"
    assert pay(world, merchant, link).json()["status"] == "paid"


@pytest.mark.inv(298, 301)
def test_a_link_lives_seven_days_of_lab_time(
    world: SimulatedWorld, merchant: Merchant, link: dict[str, Any]
) -> None:
    world.run(world.sleep(7 * DAY_S - 60))
    assert about(world, merchant, link)["status"] == "active"
    world.run(world.sleep(61))
    assert about(world, merchant, link)["status"] == "expired"
    late = pay(world, merchant, link)
    assert (late.status_code, late.json()["code"]) == (409, "link_expired")


def test_two_strangers_at_once_pay_it_once(
    world: SimulatedWorld, merchant: Merchant, link: dict[str, Any]
) -> None:
    body, json_body = json.dumps(CARD), {"Content-Type": "application/json"}

    async def both() -> list[httpx.Response]:
        send = merchant.client.post
        tries = [send(path_of(link), content=body, headers=json_body) for _ in range(4)]
        return list(await asyncio.gather(*tries))

    answers = world.run(both())
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    charges = merchant.get("/v1/charges")["data"]
    assert [charge["amount_captured"] for charge in charges] == [1240]


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ({"number": "4242424242424241"}, 400, "incorrect_number"),
        ({"number": "4" * 41}, 400, "invalid_field"),
        ({"number": None}, 400, "invalid_field"),
        ({"exp_month": 13}, 400, "invalid_field"),
        ({"exp_year": 20}, 400, "expired_card"),
        ({"cvc": "12345"}, 400, "invalid_field"),
        ({"amount": 1}, 400, "unknown_field"),
    ],
)
def test_what_is_no_card_is_refused_and_nothing_is_begun(
    world: SimulatedWorld, merchant: Merchant, link: dict[str, Any],
    card: dict[str, object], status: int, code: str,
) -> None:  # fmt: skip
    answer = pay(world, merchant, link, **card)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert merchant.get(f"/payment_links/{link['link_id']}")["payment_id"] is None


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({}, "parameter_missing"),
        ({"amount": 0}, "parameter_invalid_integer"),
        ({"amount": 100, "success_url": "javascript:alert(1)"}, "url_invalid"),
        ({"amount": 100, "currency": "xqq"}, "invalid_currency"),
        ({"amount": 100, "colour": "red"}, "parameter_unknown"),
    ],
)
def test_a_link_that_cannot_be_is_refused(
    merchant: Merchant, order: dict[str, object], code: str
) -> None:
    answer = merchant.call(
        "POST", "/payment_links", json.dumps(order), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_link_that_is_none_says_so(world: SimulatedWorld, merchant: Merchant) -> None:
    nowhere = {"link_id": "plink_00000000000000ffffffffff"}
    assert pay(world, merchant, nowhere).status_code == 404
    assert world.run(merchant.client.get(f"{path_of(nowhere)}/about")).status_code == 404


@pytest.mark.inv(300)
def test_the_page_may_load_its_own_files_only(world: SimulatedWorld, merchant: Merchant,
                                              link: dict[str, Any]) -> None:  # fmt: skip
    page = world.run(merchant.client.get(path_of(link)))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in ("pay.css", "pay.js"):
        assert f"/pay/files/{name}" in page.text
        assert world.run(merchant.client.get(f"/pay/files/{name}")).status_code == 200
