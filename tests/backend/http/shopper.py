"""A phone that pays in apps, and a shop with its server, as the engine's routes see them.

The cryptogram comes from the issuer's own arithmetic with the token's remote key; that the secure
element makes the same one is shown in `tests/hardware`. Knows only HTTP bodies.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import httpx

from backend.gateway.merchant_keys import TEA_HOUSE
from backend.networks.chip.arqc import cryptogram, read_covered_data
from backend.simulation import SimulatedWorld
from tests.backend.http.phone import CURRENCY_NUMBERS, Phone

IAD = {True: "06021203A40000", False: "06021203A00000"}
"""9F10 with the remote key's index; verified on the device, or not."""


@dataclass
class Shopper:
    """One person with a phone in front of a shop."""

    world: SimulatedWorld
    phone: Phone
    card: dict[str, Any]

    def session(self, merchant_id: str = TEA_HOUSE.id, **changes: object) -> dict[str, Any]:
        """Open a session; what the phone was asked."""
        body = {"merchantId": merchant_id, "amount": 1800, "currency": "USD", **changes}
        answer = self.world.run(self.phone.client.post("/api/merchant-sessions", json=body))
        assert answer.status_code == 201, answer.text
        asked = [
            message.body
            for message in self.world.engine.devices.waiting(self.phone.device_id)
            if message.kind == "payment_request" and message.body["id"] == answer.json()["id"]
        ]
        assert len(asked) == 1
        return dict(asked[0])

    def chip_data(
        self,
        amount: int,
        currency: str,
        random: str,
        *,
        verified: bool = True,
        key: str = "remote",
        terminal: bool = True,
    ) -> dict[str, str]:
        """The signed objects of the next transaction counter; without a terminal's for a block."""
        self.phone.atc += 1
        keys: Any = self.phone.payloads[self.card["tokenRef"]]["keys"]
        objects = {
            "9F02": f"{amount:012d}",
            "9F03": "000000000000",
            "9F1A": "0840" if terminal else "0000",
            "95": "0000000000",
            "5F2A": CURRENCY_NUMBERS[currency],
            "9A": "261120" if terminal else "000000",
            "9C": "00",
            "9F37": random,
            "82": "1000",
            "9F36": f"{self.phone.atc:04x}",
            "9F10": IAD[verified],
            "9F27": "80",
            "5F34": "01",
            "9F26": "00" * 8,
        }
        chip = read_covered_data({tag: bytes.fromhex(text) for tag, text in objects.items()})
        objects["9F26"] = cryptogram(chip, bytes.fromhex(keys[key]["mk"])).hex()
        return objects

    def order(self, asked: dict[str, Any], **changes: object) -> dict[str, Any]:
        """The body of POST /api/payments/in-app."""
        options = ("verified", "key", "terminal")
        signing = {name: changes.pop(name) for name in options if name in changes}
        amount, currency = asked["total"]["amount"], asked["currencyCode"]
        random = asked["unpredictableNumber"]
        objects = self.chip_data(amount, currency, random, **signing)  # type: ignore[arg-type]
        payload = self.phone.payloads[self.card["tokenRef"]]
        body: dict[str, Any] = {
            "cardId": self.card["id"],
            "sessionId": asked["id"],
            "merchantId": asked["merchantId"],
            "amount": amount,
            "currency": currency,
            "token": payload["dpan"],
            "expiry": payload["expiry"],
            "cryptogram": objects["9F26"],
            "atc": self.phone.atc,
            "emvData": tlv(objects),
        }
        return {**body, "deviceVerification": self.word(body), **changes}

    def word(self, body: dict[str, Any], **changes: object) -> str:
        """The device's word for an order."""
        digest = hashlib.sha256(bytes.fromhex(body["emvData"])).hexdigest()
        said = {"emvDataSha256": digest, "method": "face", "reference": body["sessionId"]}
        return self.phone.word({**said, **changes})

    def pay(self, body: dict[str, Any], key: str) -> httpx.Response:
        """POST /api/payments/in-app."""
        return self.post("/api/payments/in-app", body, key)

    def post(self, path: str, body: dict[str, Any], key: str) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return self.world.run(self.phone.client.post(path, json=body, headers=headers))

    def get(self, path: str) -> Any:
        return self.world.run(self.phone.client.get(path)).json()


def tlv(objects: dict[str, str]) -> str:
    return "".join(f"{tag}{len(text) // 2:02X}{text}" for tag, text in objects.items())
