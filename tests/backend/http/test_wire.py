"""The door of `/v1`: keys, parameters, pages, expansion, idempotency."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backend.simulation import SimulatedWorld
from tests.backend.http.merchant import KEY, VISA, Merchant

CUSTOMERS = "/v1/customers"


def tables(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the engine's own file, but what tells of time or rates alone."""
    with closing(sqlite3.connect(folder / "lab" / "engine.db")) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: connection.execute(f'SELECT * FROM "{name}"').fetchall()  # noqa: S608 - our names
            for (name,) in names
            if name not in {"event_numbers", "network_numbers", "events"}
        }


@pytest.mark.inv(157, 172)
def test_a_key_is_shown_as_basic_or_bearer_and_opens_one_account(merchant: Merchant) -> None:
    basic = base64.b64encode(f"{KEY}:".encode()).decode()
    for header in (f"Bearer {KEY}", f"Basic {basic}"):
        answer = merchant.call("GET", "/v1/account", auth=False, headers={"Authorization": header})
        assert (answer.status_code, answer.json()["id"]) == (200, "mer_corner_market")
    for header in ({}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic %%"}):
        answer = merchant.call("GET", "/v1/account", auth=False, headers=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert "www-authenticate" in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "form", "wanted"),
    [
        ("GET", "/v1/nothing", "", (404, "url_invalid", None)),
        ("DELETE", CUSTOMERS, "", (404, "url_invalid", None)),
        ("GET", f"{CUSTOMERS}/cus_none", "", (404, "resource_missing", "id")),
        ("POST", CUSTOMERS, "nme=x", (400, "parameter_unknown", "nme")),
        ("POST", CUSTOMERS, "address[lane]=x", (400, "parameter_unknown", "address[lane]")),
        ("POST", CUSTOMERS, "address=x", (400, "parameter_invalid_hash", "address")),
        ("POST", CUSTOMERS, "name[first]=x", (400, "parameter_invalid_string", "name")),
        ("POST", CUSTOMERS, "name[first=x", (400, "parameter_invalid", "name[first")),
        ("POST", CUSTOMERS, "name=" + "x" * 257, (400, "parameter_invalid_string_length", "name")),
        ("POST", CUSTOMERS, "name=a%00b", (400, "parameter_invalid_string", "name")),
        ("POST", CUSTOMERS, "metadata=x", (400, "parameter_invalid_hash", "metadata")),
        ("POST", CUSTOMERS, f"metadata[{'k' * 41}]=x",
         (400, "parameter_invalid_string", "metadata")),
        ("POST", CUSTOMERS, f"metadata[k]={'x' * 501}",
         (400, "parameter_invalid_string", "metadata")),
        ("POST", CUSTOMERS, "&".join(f"metadata[k{n}]=x" for n in range(51)),
         (400, "parameter_invalid_hash", "metadata")),
        ("GET", CUSTOMERS, "limit=0", (400, "parameter_invalid_integer", "limit")),
        ("GET", CUSTOMERS, "limit=101", (400, "parameter_invalid_integer", "limit")),
        ("GET", CUSTOMERS, "limit=ten", (400, "parameter_invalid_integer", "limit")),
        ("GET", CUSTOMERS, "starting_after=a&ending_before=b",
         (400, "parameter_invalid", "ending_before")),
        ("GET", CUSTOMERS, "created[since]=1", (400, "parameter_unknown", "created[since]")),
        ("GET", "/v1/account", "expand[]=owner", (400, "property_expansion_invalid", "expand")),
        ("GET", "/v1/account", "expand[]=a.b.c.d.e", (400, "property_expansion_max_depth",
                                                      "expand")),
        ("POST", CUSTOMERS, "name=" + "x" * 1_000_000, (413, "request_too_large", None)),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(
    merchant: Merchant,
    tmp_path: Path,
    method: str,
    path: str,
    form: str,
    wanted: tuple[int, str | None, str | None],
) -> None:
    before = tables(tmp_path)
    assert merchant.refused(method, path, form) == wanted
    assert tables(tmp_path) == before


def test_only_forms_are_read(merchant: Merchant) -> None:
    answer = merchant.call(
        "POST", CUSTOMERS, '{"name": "x"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


@pytest.mark.inv(184)
def test_metadata_is_merged_unset_and_cleared(merchant: Merchant) -> None:
    path = f"{CUSTOMERS}/{merchant.post(CUSTOMERS, 'metadata[a]=1&metadata[b]=2')['id']}"
    assert merchant.post(path, "metadata[b]=&metadata[c]=3")["metadata"] == {"a": "1", "c": "3"}
    assert merchant.post(path, "name=Ann")["metadata"] == {"a": "1", "c": "3"}
    assert merchant.post(path, "metadata=")["metadata"] == {}
    assert merchant.post(path, "name=")["name"] is None


def test_lists_turn_in_both_directions(world: SimulatedWorld, merchant: Merchant) -> None:
    ids = []
    for number in range(5):
        ids.append(merchant.post(CUSTOMERS, f"email={number % 2}@example.com")["id"])
        world.run(world.sleep(2))
    newest = ids[::-1]

    def listed(form: str) -> tuple[list[str], bool]:
        page = merchant.get(CUSTOMERS, form)
        assert (page["object"], page["url"]) == ("list", CUSTOMERS)
        return [each["id"] for each in page["data"]], page["has_more"]

    assert listed("") == (newest, False)
    assert listed("limit=2") == (newest[:2], True)
    assert listed(f"limit=2&starting_after={newest[1]}") == (newest[2:4], True)
    assert listed(f"limit=2&starting_after={newest[3]}") == (newest[4:], False)
    assert listed(f"limit=2&ending_before={newest[3]}") == (newest[1:3], True)
    assert listed(f"limit=2&ending_before={newest[2]}") == (newest[:2], False)
    assert listed("email=1@example.com") == ([newest[1], newest[3]], False)
    second = merchant.get(f"{CUSTOMERS}/{ids[1]}")["created"]
    assert listed(f"created={second}") == ([ids[1]], False)
    assert listed(f"created[gt]={second}") == (newest[:3], False)
    assert listed(f"created[gte]={second}&created[lt]={second + 3}") == ([ids[2], ids[1]], False)
    assert merchant.call("DELETE", f"{CUSTOMERS}/{ids[0]}").json()["deleted"] is True
    assert listed("") == (newest[:4], False)
    assert merchant.get(f"{CUSTOMERS}/{ids[0]}")["deleted"] is True
    assert merchant.refused("POST", f"{CUSTOMERS}/{ids[0]}", "name=x")[:2] == (
        404, "resource_missing",
    )  # fmt: skip


@pytest.mark.inv(177)
def test_a_key_keeps_its_first_answer(merchant: Merchant, tmp_path: Path) -> None:
    first = merchant.call("POST", CUSTOMERS, "name=Ann&metadata[a]=1", key="k1")
    before = tables(tmp_path)
    again = merchant.call("POST", CUSTOMERS, "metadata[a]=1&name=Ann", key="k1")
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["original-request"] == first.headers["request-id"]
    assert "idempotent-replayed" not in first.headers
    other = merchant.call("POST", CUSTOMERS, "name=Bob", key="k1")
    assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
    for key in ("", "k" * 256, "k" * 1000):
        refusal = merchant.refused("POST", CUSTOMERS, "name=Ann", key=key)
        assert refusal == (400, "idempotency_key_invalid", None)
    assert tables(tmp_path) == before


def test_a_key_keeps_a_refusal_of_the_work_but_not_of_the_parameters(merchant: Merchant) -> None:
    assert merchant.refused("POST", CUSTOMERS, "nme=Ann", key="k1")[1] == "parameter_unknown"
    merchant.post(CUSTOMERS, "name=Ann", key="k1")
    gone = f"{CUSTOMERS}/cus_none"
    first = merchant.call("POST", gone, "name=Ann", key="k2")
    again = merchant.call("POST", gone, "name=Ann", key="k2")
    assert again.content == first.content
    assert (again.status_code, again.headers["idempotent-replayed"]) == (404, "true")


def test_a_card_is_in_no_answer_and_no_key(merchant: Merchant, tmp_path: Path) -> None:
    made = merchant.call("POST", "/v1/payment_methods", VISA, key="k1")
    assert made.json()["card"]["last4"] == "4242"
    assert b"4242424242424242" not in made.content
    assert "4242424242424242" not in str(tables(tmp_path))


def test_another_merchants_things_do_not_exist(
    world: SimulatedWorld, merchant: Merchant, tmp_path: Path
) -> None:
    customer = merchant.post(CUSTOMERS, "name=Ann")["id"]
    intent = merchant.paid(capture_method="manual")
    charge = intent["latest_charge"]
    token = (tmp_path / "lab" / "engine.token").read_text()
    lab = {"Authorization": f"Bearer {token}"}
    client = merchant.client
    made = world.run(
        client.post("/lab/merchants", json={"name": "Other", "category": "5812"}, headers=lab)
    ).json()
    other = Merchant(world, client, made["key"]["secret"])
    assert other.get("/v1/account")["id"] == made["merchant"]["id"]
    for method, path, form in (
        ("GET", f"{CUSTOMERS}/{customer}", ""),
        ("GET", f"/v1/payment_intents/{intent['id']}", ""),
        ("POST", f"/v1/payment_intents/{intent['id']}/capture", ""),
        ("POST", f"/v1/payment_intents/{intent['id']}/cancel", ""),
        ("GET", f"/v1/charges/{charge}", ""),
        ("POST", f"/v1/charges/{charge}/capture", ""),
        ("POST", "/v1/refunds", f"charge={charge}"),
        ("POST", "/v1/refunds", f"payment_intent={intent['id']}"),
        ("GET", f"/v1/payment_methods/{intent['payment_method']}", ""),
    ):
        assert other.refused(method, path, form)[:2] == (404, "resource_missing"), path
    for path in (CUSTOMERS, "/v1/payment_intents", "/v1/charges", "/v1/refunds"):
        assert other.get(path)["data"] == []
    assert merchant.get(f"/v1/payment_intents/{intent['id']}")["status"] == "requires_capture"
