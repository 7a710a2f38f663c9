"""Bad input at the engine's doors: HTTP and ISO 8583 on real sockets. The next tap works.

Every refusal is a problem with a code, nothing reaches a network, nothing is stored, and no secret
of the request comes back in the answer.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import Entropy
from backend.networks.message import MANAGEMENT, Message, decode, encode, frame
from lab.engine_shapes import NfcOrder
from lab.pos.state import PosPhase
from tests.shows.laboratory import PAY, Laboratory, rows_of

ROOT = Path(__file__).resolve().parents[2]
JSON = {"Content-Type": "application/json"}
TOKEN = "4000056655665556"


@pytest.fixture(scope="module")
def order(_module_lab: Laboratory) -> NfcOrder:
    return _module_lab.orders([8000])[0]


def stored(lab: Laboratory) -> list[tuple[object, ...]]:
    """What the engine keeps of the refused requests of this file."""
    database = lab.folder / "engine.db"
    return [
        *rows_of(database, "SELECT key FROM idempotency_keys WHERE key LIKE 'bad-%'"),
        *rows_of(database, "SELECT id FROM payments WHERE terminal_reference LIKE 'bad-%'"),
    ]


@pytest.mark.inv(62, 100)
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "amount_not_positive"),
        ({"amount": -1240}, "amount_not_positive"),
        ({"amount": 12.405}, "amount_not_whole"),
        ({"amount": 1240.0}, "amount_not_whole"),
        ({"amount": "1240"}, "amount_not_whole"),
        ({"amount": True}, "amount_not_whole"),
        ({"amount": None}, "amount_not_whole"),
        ({"amount": 10**12}, "amount_too_large"),
        ({"amount": 10**18}, "amount_too_large"),
        ({"amount": 8001}, "emv_data_disagrees"),
        ({"currency": "EUR"}, "emv_data_disagrees"),
        ({"currency": "JPY"}, "emv_data_disagrees"),
        ({"currency": "usd"}, "currency_unknown"),
        ({"currency": "XXX"}, "currency_unknown"),
        ({"currency": 840}, None),
        ({"token": "1234"}, None),
        ({"token": 4}, None),
        ({"token": ""}, None),
        ({"cryptogram": "00"}, None),
        ({"cryptogram": "zz" * 8}, None),
        ({"atc": 0}, "atc_out_of_range"),
        ({"atc": 65536}, "atc_out_of_range"),
        ({"atc": "1"}, None),
        ({"merchantId": ""}, None),
        ({"merchantId": "x" * 65}, None),
        ({"terminalId": "<script>"}, None),
        ({"emvData": "9F"}, None),
        ({"emvData": "9F2608" + "00" * 30_000}, None),
        ({"expiry": "13"}, None),
        ({"psn": "x"}, None),
        ({"tapId": "a b"}, None),
        ({"synthetic": "yes"}, None),
        ({"pan": TOKEN}, "field_unknown"),
        ({"__proto__": {}}, "field_unknown"),
    ],
    ids=lambda value: json.dumps(value)[:40] if isinstance(value, dict) else value or "",
)
def test_a_payment_that_cannot_be_is_refused_and_leaves_nothing(
    change: dict[str, object], code: str | None, shared_lab: Laboratory, order: NfcOrder
) -> None:
    answer = shared_lab.pay({**order.to_json(), **change}, "bad-field")
    assert answer.status_code in {400, 413}, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"]
    assert code in {None, answer.json()["code"]}
    assert order.token not in answer.text
    assert TOKEN not in answer.text
    assert stored(shared_lab) == []


@pytest.mark.parametrize(
    "name",
    ["token", "cryptogram", "atc", "amount", "currency", "merchantId", "terminalId", "emvData"],
)
def test_a_missing_field_is_named(name: str, shared_lab: Laboratory, order: NfcOrder) -> None:
    body = {key: value for key, value in order.to_json().items() if key != name}
    answer = shared_lab.pay(body, "bad-missing")
    assert (answer.status_code, answer.json()["code"]) == (400, "field_missing")
    assert name in answer.json()["detail"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'"text"', 400),
        (b"\xff\xfe", 400),
        (b"amount=1240", 400),
        (b'{"amount": NaN}', 400),
        (b"[" * 60_000, 400),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, 400),
        (b"x" * 70_000, 413),
    ],
    ids=lambda value: value[:12].decode(errors="replace") if isinstance(value, bytes) else "",
)
def test_a_body_that_is_no_order_is_refused(
    content: bytes, expected: int, shared_lab: Laboratory
) -> None:
    headers = {**JSON, "Idempotency-Key": "bad-body"}
    answer = shared_lab.send("POST", PAY, content=content, headers=headers)
    assert answer.status_code == expected, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_key_is_needed_and_belongs_to_one_request(
    shared_lab: Laboratory, order: NfcOrder
) -> None:
    missing = shared_lab.send("POST", PAY, json=order.to_json())
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    for key in ("x" * 256, "a b"):
        refused = shared_lab.pay(order, key)
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")

    [mine] = shared_lab.orders([8002])
    told = shared_lab.pay(mine, "one-key")
    assert told.json()["approved"]
    changed = shared_lab.pay({**mine.to_json(), "tapId": "tap_other"}, "one-key")
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")
    assert shared_lab.pay(mine, "one-key").content == told.content
    again = shared_lab.pay(mine, "other-key")  # the same tap once more, as if it were new
    assert not (again.is_success and again.json()["approved"]), again.text
    assert shared_lab.holds(8002) == ["held"]


def test_a_token_that_nobody_knows_is_declined_here(
    shared_lab: Laboratory, order: NfcOrder
) -> None:
    told = shared_lab.pay({**order.to_json(), "token": "4999990000000015"}, "unknown-token").json()
    assert (told["approved"], told["reason"]) == (False, "invalid_token")


def test_a_tap_without_chip_data_is_declined_by_the_network(shared_lab: Laboratory) -> None:
    [mine] = shared_lab.orders([8004])
    told = shared_lab.pay({**mine.to_json(), "emvData": ""}, "no-chip-data").json()
    assert (told["approved"], told["responseCode"]) == (False, "30")


@pytest.mark.parametrize("profile_currency", ["JPY", "BHD", "EUR"])
def test_each_currency_counts_in_its_own_minor_units(
    profile_currency: str, shared_lab: Laboratory
) -> None:
    [mine] = shared_lab.orders([8003], currency=profile_currency)
    assert shared_lab.pay(mine, f"money-{profile_currency}").json()["approved"]
    rows = shared_lab.at_networks(
        "SELECT currency FROM host_holds WHERE amount_minor = 8003 AND currency = ?",
        profile_currency,
    )
    assert rows == [(profile_currency,)]


@pytest.mark.parametrize("effect", ["corrupt", "limit_data", "duplicate", "reset_peer", "slicer"])
def test_garbage_on_the_link_costs_one_payment_at_most(effect: str, shared_lab: Laboratory) -> None:
    world = shared_lab.world
    if not world.wallet.cards:
        shared_lab.run(world.wallet.start_with_demo_cards())
    extra = {"limit_data": {"bytes": 7}, "slicer": {"slice_bytes": 3}}.get(effect, {})
    fault = {"link": "visa.auth", "effect": effect, "when": {"nth": 1}, **extra}
    shared_lab.faults(fault)
    shared_lab.run(world.hands.tap(1240, "USD"))
    shared_lab.running.call(world.wallet.close)
    shared_lab.run(world.client.reset_faults())
    sale = shared_lab.run(world.hands.tap(1300, "USD"))
    shared_lab.running.call(world.wallet.close)
    assert sale.phase is PosPhase.APPROVED


# -- ISO 8583 at the host's own door ---------------------------------------------------------------


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """The networks as a process of their own; it may not say anything about what it was sent."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", "networks", "--profile", "instant", "--data-dir",
         str(tmp_path_factory.mktemp("networks"))],
        cwd=ROOT, env=os.environ.copy(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    address, _, port = str(json.loads(process.stdout.readline())["iso"]["visa"]).partition(":")
    yield address, int(port)
    assert process.poll() is None  # it lived through everything
    process.terminate()
    _, words = process.communicate(timeout=20)
    assert "Traceback" not in words
    assert TOKEN not in words


def echo() -> bytes:
    return frame(encode(Message(MANAGEMENT, {"7": "0102030405", "11": "000001", "70": "301"})))


def ask(address: tuple[str, int], sent: bytes) -> bytes:
    """What the host answers before it hangs up or has said one message."""
    with socket.create_connection(address, timeout=2) as line:
        try:
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
            return line.recv(4096)
        except (ConnectionError, TimeoutError):
            return b""


def junk() -> list[bytes]:
    dice = Entropy(8583).stream("junk")
    good = echo()[2:]
    spoiled = [bytes([*good[:at], good[at] ^ 0xFF, *good[at + 1 :]]) for at in range(len(good))]
    return [
        b"\x00\x00",
        b"\xff\xff" + b"x" * 3000,
        b"GET / HTTP/1.1\r\n\r\n",
        frame(b"0100"),
        frame(b"0100" + b"\xff" * 16),
        frame(b"0100" + TOKEN.encode() * 20),
        frame(b"9999" + good[4:]),
        echo()[:-3],
        *map(frame, spoiled),
        *(dice.bytes(1 + n % 200) for n in range(60)),
        *(frame(b"0100" + dice.bytes(60)) for _ in range(60)),
    ]


def test_garbage_at_a_network_ends_that_connection_only(host: tuple[str, int]) -> None:
    for each in junk():
        said = ask(host, each)
        if said:
            decode(said[2:])  # an answer, if any, is a message
    said = ask(host, echo())
    assert decode(said[2:]).fields["39"] == "00"
