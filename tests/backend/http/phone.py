"""A phone and a till as the engine's routes see them: seals a card, opens its keys, taps.

Cryptograms come from the issuer's own arithmetic; whether that is right is shown elsewhere, with
an oracle. Knows only HTTP bodies.
"""

import json
from dataclasses import dataclass, field

import httpx
from joserfc import jwe, jws
from joserfc.jwk import ECKey

from backend.networks.chip.arqc import MINIMUM_DATA, cryptogram, read_covered_data
from backend.payments.records import DEFAULT_MERCHANT

CARDS = {
    "visa": ("4242424242424242", "123"),
    "mastercard": ("5555555555554444", "123"),
    "amex": ("378282246310005", "1234"),
}
CURRENCY_NUMBERS = {"USD": "0840", "EUR": "0978"}
IAD_CVN_18 = "06011203A00000"
SEALING = {"alg": "ECDH-ES", "enc": "A256GCM"}


@dataclass
class Phone:
    """One device of one person.

    Attributes:
        client: HTTP client, with the engine's token for signing in as the demo user.
        dpans: what the secure element knows, by token reference.
    """

    client: httpx.AsyncClient
    device_id: str = "dev_phone"
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    payloads: dict[str, dict[str, object]] = field(default_factory=dict)
    atc: int = 0

    async def sign_in(self) -> None:
        answer = await self.client.post("/api/auth/login", json={"demo": True})
        assert answer.status_code == 200, answer.text
        await self.register()

    async def register(self) -> None:
        answer = await self.client.put(
            f"/api/devices/{self.device_id}", json={"kind": "phone", "name": "Phone"}
        )
        assert answer.status_code == 200, answer.text

    async def prove(self) -> None:
        """Show the device's key and answer a challenge with it, a face enrolled."""
        shown = self.key.as_dict(private=False)
        key = {name: shown[name] for name in ("kty", "crv", "x", "y")}
        path = f"/api/devices/{self.device_id}"
        await self.client.put(path, json={"kind": "phone", "name": "Phone", "publicKey": key})
        given = (await self.client.post(f"{path}/challenge")).json()["challenge"]
        said = {"challenge": given, "deviceId": self.device_id, "faceEnrolled": True}
        answer = await self.client.post(f"{path}/proof", json={"proof": self.word(said)})
        assert answer.status_code == 200, answer.text

    def word(self, said: dict[str, object]) -> str:
        """Something signed by this device."""
        return jws.serialize_compact({"alg": "ES256"}, json.dumps(said).encode(), self.key)

    async def order(self, network: str = "visa", number: str | None = None) -> dict[str, str]:
        """The body of POST /api/cards."""
        published, cvv = CARDS[network]
        number = number or published
        key = (await self.client.get(f"/api/networks/{network}/key")).json()
        public = ECKey.import_key({name: key[name] for name in ("kty", "crv", "x", "y")})
        inside = {"pan": number, "deviceKey": self.key.as_dict(private=False)}
        sealed = jwe.encrypt_compact(SEALING, json.dumps(inside).encode(), public)
        return {
            "network": network,
            "encryptedPan": sealed,
            "expiry": "12/30",
            "cvv": cvv,
            "last4": number[-4:],
            "deviceId": self.device_id,
        }

    async def send(self, order: dict[str, str], key: str) -> httpx.Response:
        return await self.client.post("/api/cards", json=order, headers={"Idempotency-Key": key})

    async def add_card(self, network: str = "visa") -> dict[str, object]:
        answer = await self.send(await self.order(network), f"provision-{network}-{self.device_id}")
        assert answer.status_code == 201, answer.text
        card: dict[str, object] = answer.json()["card"]
        return card

    def install(self, message: dict[str, object]) -> None:
        """Take a provision_token message into the secure element."""
        body = message["body"]
        assert isinstance(body, dict)
        opened = jwe.decrypt_compact(body["payload"], self.key, algorithms=list(SEALING.values()))
        assert opened.plaintext is not None
        self.payloads[body["tokenRef"]] = json.loads(opened.plaintext)

    def tap(
        self, token_ref: object, amount: int = 1240, currency: str = "USD", **changes: object
    ) -> dict[str, object]:
        """The body of POST /api/payments/nfc for one tap."""
        self.atc += 1
        payload = self.payloads[str(token_ref)]
        keys = payload["keys"]
        assert isinstance(keys, dict)
        objects = {
            "9F02": f"{amount:012d}",
            "9F03": "000000000000",
            "9F1A": "0840",
            "95": "0000000000",
            "5F2A": CURRENCY_NUMBERS[currency],
            "9A": "261120",
            "9C": "00",
            "9F37": "01020304",
            "82": "2000",
            "9F36": f"{self.atc:04x}",
            "9F10": IAD_CVN_18,
            "9F27": "80",
            "9F26": "00" * 8,
        }
        chip = read_covered_data({tag: bytes.fromhex(text) for tag, text in objects.items()})
        objects["9F26"] = cryptogram(chip, bytes.fromhex(keys["proximity"]["mk"])).hex()
        assert set(MINIMUM_DATA) <= set(objects)
        body: dict[str, object] = {
            "token": payload["dpan"],
            "cryptogram": objects["9F26"],
            "atc": self.atc,
            "amount": amount,
            "currency": currency,
            "merchantId": DEFAULT_MERCHANT.id,
            "terminalId": DEFAULT_MERCHANT.terminal_id,
            "emvData": "".join(_tlv(tag, text) for tag, text in objects.items()),
            "expiry": payload["expiry"],
            "psn": payload["psn"],
        }
        return {**body, **changes}

    async def pay(self, body: dict[str, object], key: str) -> httpx.Response:
        return await self.client.post(
            "/api/payments/nfc", json=body, headers={"Idempotency-Key": key}
        )


def _tlv(tag: str, text: str) -> str:
    return f"{tag}{len(text) // 2:02X}{text}"
