"""From a capture to a merchant's bank, over `/v1` and `/lab`, in a simulated world."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from backend.api import verify
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone
from tests.backend.http.test_sales import MERCHANT, ordered, paid

DAY_S = 86_400
KEY = {"Authorization": "Bearer sk_test_taplab"}


def asked(
    world: SimulatedWorld, phone: Phone, verb: str, path: str, **form: object
) -> httpx.Response:
    told = {"data": form} if verb == "POST" else {"params": form}
    return world.run(phone.client.request(verb, f"/v1/{path}", headers=KEY, **told))


def lab(world: SimulatedWorld, phone: Phone, method: str, path: str, **body: object) -> object:
    told = {"json": body} if method != "GET" else {}
    answer = world.run(phone.client.request(method, f"/lab/{path}", **told))
    assert answer.status_code < 300, answer.text
    return answer.json()


def captured(world: SimulatedWorld, phone: Phone, amount: int = 10_000) -> str:
    payment_id = paid(world, phone, amount=amount)
    assert ordered(world, phone, "capture", payment_id, "c1").status_code == 200
    world.run(world.sleep(1))
    return payment_id


def money(answer: httpx.Response) -> tuple[int, int]:
    body = answer.json()
    return body["pending"][0]["amount"], body["available"][0]["amount"]


@pytest.mark.inv(223, 226, 227, 228)
def test_a_shop_sees_its_money_come_and_go(
    world: SimulatedWorld, phone: Phone, tmp_path: Path
) -> None:
    payment_id = captured(world, phone)
    assert money(asked(world, phone, "GET", "balance")) == (9_680, 0)
    (line,) = asked(world, phone, "GET", "balance_transactions").json()["data"]
    assert (line["type"], line["amount"], line["fee"], line["net"]) == (
        "charge",
        10_000,
        320,
        9_680,
    )
    assert (line["status"], line["source"]) == ("pending", payment_id.replace("pay_", "ch_"))
    assert [part["type"] for part in line["fee_details"]] == ["stripe_fee"]
    early = asked(world, phone, "POST", "payouts", amount=100, currency="usd")
    assert early.status_code == 400
    assert early.json()["error"]["code"] == "balance_insufficient"

    world.run(world.sleep(2 * DAY_S))  # its clock settles and pays by itself
    (payout,) = asked(world, phone, "GET", "payouts").json()["data"]
    assert (payout["amount"], payout["automatic"]) == (9_680, True)
    assert money(asked(world, phone, "GET", "balance")) == (0, 0)
    world.run(world.sleep(DAY_S))
    payout = asked(world, phone, "GET", f"payouts/{payout['id']}").json()
    assert payout["status"] == "paid"
    lines = asked(world, phone, "GET", "balance_transactions").json()["data"]
    assert [(each["type"], each["net"]) for each in lines] == [
        ("payout", -9_680),
        ("charge", 9_680),
    ]
    assert lines[0]["id"] == payout["balance_transaction"]
    assert lines[1]["status"] == "available"
    one = asked(world, phone, "GET", f"balance_transactions/{lines[1]['id']}").json()
    assert one == lines[1]
    assert verify(tmp_path / "lab")["ok"]


def test_lists_page_filter_and_stay_within_the_merchant(
    world: SimulatedWorld, phone: Phone
) -> None:
    payment_id = captured(world, phone)
    ordered(world, phone, "refunds", payment_id, "r1", amount=1_000)
    ordered(world, phone, "refunds", payment_id, "r2", amount=2_000)
    newest = asked(world, phone, "GET", "balance_transactions", limit=2).json()
    assert newest["has_more"] is True
    assert [each["amount"] for each in newest["data"]] == [-2_000, -1_000]
    assert [each["fee"] for each in newest["data"]] == [-64, -32]
    last = newest["data"][-1]["id"]
    rest = asked(world, phone, "GET", "balance_transactions", starting_after=last).json()
    assert [each["type"] for each in rest["data"]] == ["charge"]
    back = asked(
        world, phone, "GET", "balance_transactions", ending_before=rest["data"][0]["id"], limit=1
    ).json()
    assert [each["id"] for each in back["data"]] == [last]
    refunds = asked(world, phone, "GET", "balance_transactions", type="refund").json()["data"]
    assert len(refunds) == 2
    source = refunds[1]["source"]
    (found,) = asked(world, phone, "GET", "balance_transactions", source=source).json()["data"]
    assert found["id"] == last
    assert asked(world, phone, "GET", f"refunds/{source}").json()["balance_transaction"] == last
    expanded = asked(
        world, phone, "GET", f"charges/{payment_id.replace('pay_', 'ch_')}",
        **{"expand[]": "balance_transaction"},
    ).json()  # fmt: skip
    assert expanded["balance_transaction"]["net"] == 9_680
    for path in ("balance_transactions/txn_00ffffffffffffff", "payouts/po_1", "payouts/%00"):
        assert asked(world, phone, "GET", path).status_code == 404
    unknown = asked(world, phone, "GET", "balance", colour="red")
    assert unknown.json()["error"]["code"] == "parameter_unknown"


@pytest.mark.inv(228)
def test_a_payout_on_demand_is_canceled_or_returned(
    world: SimulatedWorld, phone: Phone, tmp_path: Path
) -> None:
    captured(world, phone)
    lab(world, phone, "POST", "settlement/run", close_open_day=True)
    world.run(world.sleep(DAY_S))
    lab(world, phone, "PUT", f"settlement/terms/{MERCHANT}", available_after_days=2)
    lab(world, phone, "POST", "settlement/accounts", merchant_id=MERCHANT, number="000111111116")
    world.run(world.sleep(DAY_S))
    (payout,) = asked(world, phone, "GET", "payouts").json()["data"]
    world.run(world.sleep(DAY_S))
    failed = asked(world, phone, "GET", f"payouts/{payout['id']}").json()
    assert (failed["status"], failed["failure_code"]) == ("failed", "no_account")
    assert failed["failure_balance_transaction"] != failed["balance_transaction"]
    assert money(asked(world, phone, "GET", "balance")) == (0, 9_680)

    made = asked(
        world, phone, "POST", "payouts", amount=680, currency="usd",
        **{"metadata[week]": "9", "description": "for the float"},
    ).json()  # fmt: skip
    assert (made["status"], made["automatic"], made["metadata"]) == (
        "pending",
        False,
        {"week": "9"},
    )
    assert money(asked(world, phone, "GET", "balance")) == (0, 9_000)
    changed = asked(world, phone, "POST", f"payouts/{made['id']}", **{"metadata[week]": "10"})
    assert changed.json()["metadata"] == {"week": "10"}
    canceled = asked(world, phone, "POST", f"payouts/{made['id']}/cancel").json()
    assert canceled["status"] == "canceled"
    again = asked(world, phone, "POST", f"payouts/{made['id']}/cancel")
    assert again.json()["error"]["code"] == "payout_not_pending"
    assert money(asked(world, phone, "GET", "balance")) == (0, 9_680)
    kinds = [
        each["type"] for each in asked(world, phone, "GET", "balance_transactions").json()["data"]
    ]
    assert kinds == ["payout_cancel", "payout", "payout_failure", "payout", "charge"]
    assert verify(tmp_path / "lab")["ok"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"currency": "usd"}, "parameter_missing"),
        ({"amount": "0", "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": "-1", "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": "1.5", "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": "9" * 15, "currency": "usd"}, "parameter_invalid_integer"),
        ({"amount": "1", "currency": "xxx"}, "invalid_currency"),
        ({"amount": "1", "currency": "usd", "method": "instant"}, "parameter_invalid_choice"),
        ({"amount": "1", "currency": "usd", "colour": "red"}, "parameter_unknown"),
        ({"amount": "1", "currency": "eur"}, "balance_insufficient"),
    ],
)
def test_a_payout_that_cannot_be_changes_nothing(
    world: SimulatedWorld, phone: Phone, form: dict[str, object], code: str
) -> None:
    answer = asked(world, phone, "POST", "payouts", **form)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert asked(world, phone, "GET", "payouts").json()["data"] == []


def test_the_laboratory_looks_at_everything(world: SimulatedWorld, phone: Phone) -> None:
    captured(world, phone)
    run = lab(world, phone, "POST", "settlement/run")
    assert run["batches"] == []
    run = lab(world, phone, "POST", "settlement/run", close_open_day=True)
    (batch,) = run["batches"]
    assert (batch["gross_minor"], batch["net_minor"]) == (10_000, 9_680)
    assert lab(world, phone, "GET", "settlement/batches")["batches"] == [batch]
    (held,) = lab(world, phone, "GET", "settlement/balances")["balances"]
    assert (held["merchant_id"], held["pending_minor"]) == (MERCHANT, 9_680)
    ledger = lab(world, phone, "GET", "ledger")
    assert ledger["sums"] == [{"currency": "USD", "sum_minor": 0}]
    page = lab(world, phone, "GET", f"ledger/entries?merchant_id={MERCHANT}&limit=3")
    assert page["entries"][0]["purpose"] == "settlement"
    older = lab(
        world, phone, "GET",
        f"ledger/entries?merchant_id={MERCHANT}&before_seq={page['next_before_seq']}",
    )  # fmt: skip
    assert older["entries"][0]["seq"] == page["entries"][-1]["seq"] - 1
    wrong = world.run(
        phone.client.put(f"/lab/settlement/terms/{MERCHANT}", json={"time_zone": "Moon/Sea"})
    )
    assert wrong.json()["code"] == "time_zone_unknown"
    nobody = world.run(
        phone.client.put("/lab/settlement/terms/mer_nobody", json={"time_zone": "UTC"})
    )
    assert nobody.json()["code"] == "merchant_not_found"


@pytest.mark.inv(220, 229)
def test_networks_and_bank_agree_and_planted_differences_are_found(
    world: SimulatedWorld, phone: Phone
) -> None:
    payment_id = captured(world, phone)
    ordered(world, phone, "refunds", payment_id, "r1", amount=1_000)
    world.run(world.sleep(4 * DAY_S))
    found = lab(world, phone, "GET", "reconciliation")
    assert found["networks"]["differences"] == []
    assert (found["networks"]["ok"], found["networks"]["in_order"]) == (True, 2)
    assert (found["bank"]["ok"], found["bank"]["in_order"]) == (True, 2)
    statement = lab(world, phone, "GET", "settlement/statement")["lines"]
    assert [(line["kind"], line["amount_minor"]) for line in statement] == [
        ("network", 9_000), ("payout", -8_712),
    ]  # fmt: skip
    day = lab(world, phone, "GET", "settlement/batches")["batches"][0]["business_day"]
    file = world.run(phone.client.get(f"/lab/settlement/clearing?day={day}")).text
    for spoiled, kind in (
        (file.replace(",10000,", ",10001,"), "amount"),
        (file + file.splitlines()[1] + "\n", "duplicate"),
        ("\n".join(file.splitlines()[:-1]) + "\n", "missing_there"),
    ):
        told = lab(world, phone, "POST", "reconciliation", clearing=spoiled)["networks"]
        assert [each["kind"] for each in told["differences"]] == [kind]
        assert told["explained"]
    refused = world.run(phone.client.post("/lab/reconciliation", json={"clearing": "nonsense"}))
    assert (refused.status_code, refused.json()["code"]) == (400, "clearing_file")
