"""Bodies and paths that may arrive at the engine's own routes: an answer below 500, always.

A simulated world stands behind them, so what is accepted is really carried out. Every refusal is a
problem document with a stable code.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path

import orjson

from backend.api import simulated
from backend.runtime.entropy import SeededStream
from tests.backend.http.phone import Phone
from tests.backend.http.test_payments import ready_card
from tests.fuzz.generators import misshapen, spoiled
from tests.fuzz.machinery import Case

_FAULT = {"link": "amex.auth", "effect": "latency", "ms": 1, "when": {"nth": 3}}
_QUERIES = (
    "",
    "?limit=3",
    "?limit=-1",
    "?limit=x",
    "?cursor=zzz",
    "?cursor=",
    "?limit=1e9",
    "?a=%00",
    "?state=lost&cardId=%00",
    "?fromUs=9e9&toUs=-1",
    "?user_id=%ff&action=x",
)
_DEVICE = {"kind": "phone", "name": "Phone"}
_READS = (
    "/api/transactions", "/api/cards", "/api/auth/me", "/api/networks/visa/key",
    "/api/networks/diners/key", "/lab/payments", "/lab/payments/pay_x", "/lab/ledger", "/lab/audit",
    "/lab/breakers", "/lab/faults", "/lab/clock", "/lab/metrics/latency",
    "/api/transactions/%2e%2e", "/api/privacy/export", "/lab/metrics",
)  # fmt: skip
_KEYS = ("fuzz", "", " ", "x" * 300, "é".encode().decode("latin-1"), "a b", "order_12345_attempt_1")


def http_case(folder: Path, held: ExitStack) -> Case:
    """Requests with one thing wrong, or none."""
    world = simulated(7, folder / "lab")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        held.enter_context(world)
        phone = Phone(world.client())
        held.callback(lambda: world.run(phone.client.aclose()))
        world.run(phone.sign_in())
        card = ready_card(world, phone)
        order = world.run(phone.order())
    writes = (
        ("POST", "/api/cards", order),
        ("POST", "/api/auth/login", {"email": "a@b.example", "password": "x" * 12}),
        ("PUT", "/lab/faults", {"faults": [_FAULT, _FAULT]}),
        ("POST", "/lab/clock", {"jump_s": 1}),
        ("POST", "/lab/clock", {"rate": 1}),
        ("POST", "/lab/breakers/amex/force", {"state": "auto"}),
        ("PUT", f"/api/devices/{phone.device_id}", {"kind": "phone", "name": "Phone"}),
        ("PUT", f"/api/devices/{phone.device_id}", {**_DEVICE, "publicKey": _public(phone)}),
        ("POST", f"/api/devices/{phone.device_id}/challenge", {}),
        ("POST", f"/api/devices/{phone.device_id}/proof", {"proof": "e30.e30.AAAA"}),
        ("POST", "/api/privacy/erase", {"proof": "not the word"}),
        ("POST", f"/api/cards/{card['id']}/verify", {"method": "sms", "code": "000000"}),
        ("PUT", f"/api/cards/{card['id']}/default", {}),
    )

    async def send(stream: SeededStream) -> str:
        chance = stream.random()
        if chance < 0.15:
            path = stream.choice(_READS) + stream.choice(_QUERIES)
            return _judged(await phone.client.get(path))
        if chance < 0.6:
            method, path = "POST", "/api/payments/nfc"
            body = phone.tap(card["tokenRef"], stream.choice((1, 1240, 1251)))
        else:
            method, path, body = stream.choice(writes)
        document = misshapen(body, stream) if stream.random() < 0.8 else body
        raw = _json(document, body)
        if stream.random() < 0.15:
            raw = spoiled(raw, stream)
        key = stream.choice(_KEYS) if stream.random() < 0.2 else f"fuzz-{stream.randint(0, 10**9)}"
        headers = {"Idempotency-Key": key.encode("latin-1", "replace")}
        headers["Content-Type"] = b"application/json" if stream.random() < 0.95 else b"text/x"
        return _judged(await phone.client.request(method, path, content=raw, headers=headers))

    def case(stream: SeededStream) -> str:
        return world.run(send(stream))

    return case


def _public(phone: Phone) -> dict[str, object]:
    shown = phone.key.as_dict(private=False)
    return {name: shown[name] for name in ("kty", "crv", "x", "y")}


def _json(document: object, otherwise: object) -> bytes:
    try:
        return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # an integer beyond 64 bits, which only a text could bring
        return orjson.dumps(otherwise)


def _judged(answer: object) -> str:
    from httpx import Response

    assert isinstance(answer, Response)
    assert answer.status_code < 500, (answer.status_code, answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        assert answer.json()["code"], answer.text
    return str(answer.status_code)
