"""Payments in apps over the engine's own routes, from a shop's session to money that is held."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import orjson
import pytest
from asn1crypto import cms

from backend.gateway.merchant_keys import PAPER_SHOP, TEA_HOUSE, MerchantKeys
from backend.payments.answer import body_of
from backend.paytoken.authority import Identity, TokenAuthority
from backend.paytoken.content import ClearToken
from backend.paytoken.token import merchant_of, seal
from backend.runtime.entropy import Entropy
from backend.simulation import SimulatedWorld
from backend.storage.audit_tables import audit_logs
from backend.storage.data_folder import DataFolder
from backend.storage.database import Statement
from backend.storage.payment_rows import SqlPaymentRows
from tests.backend.http.phone import Phone
from tests.backend.http.shopper import Shopper, tlv
from tests.backend.http.test_payments import ready_card

WALLET, MERCHANT = "/api/payments/in-app", "/api/merchant-payments"


@pytest.fixture
def shopper(world: SimulatedWorld, phone: Phone) -> Shopper:
    world.run(phone.prove())
    return Shopper(world, phone, ready_card(world, phone))


def keys_of(world: SimulatedWorld) -> MerchantKeys[Any]:
    return world.engine.in_app.keys


class Till:
    """A merchant's server: seals as a wallet would, and hands tokens in at the merchant's door."""

    def __init__(self, shopper: Shopper, merchant_id: str = TEA_HOUSE.id) -> None:
        self.shopper, self.merchant_id = shopper, merchant_id
        self.stream = Entropy(9, simulated=True).stream("till")

    def parts(self) -> tuple[Identity, TokenAuthority]:
        keys, run = keys_of(self.shopper.world), self.shopper.world.run
        return run(keys.identity(self.merchant_id)), run(keys.authority_for(self.merchant_id))

    def content(self, amount: int = 1800, **changes: Any) -> ClearToken:
        payload: Any = self.shopper.phone.payloads[self.shopper.card["tokenRef"]]
        objects = self.shopper.chip_data(amount, "USD", "01020304")
        values: dict[str, Any] = {
            "number": payload["dpan"],
            "expiry": payload["expiry"] + "28",
            "currency_numeric": "840",
            "amount_minor": amount,
            "manufacturer": "040010030273",
            "cryptogram": bytes.fromhex(tlv(objects)),
            "kind": "EMV",
        }
        return ClearToken(**{**values, **changes})

    def token(self, content: ClearToken | None = None, at_us: int | None = None) -> dict[str, Any]:
        identity, authority = self.parts()
        now_us = self.shopper.world.engine.ground.clock.now_us() if at_us is None else at_us
        made = content or self.content()
        return seal(made, merchant_of(identity.certificate), authority, self.stream, now_us)

    def body(self, token: dict[str, Any], **changes: Any) -> dict[str, Any]:
        order = {"merchantId": self.merchant_id, "amount": 1800, "currency": "USD"}
        return {**order, "paymentToken": token, **changes}

    def code(self, body: dict[str, Any], key: str) -> str:
        """The refusal; nothing may have been stored for it."""
        before = self.shopper.get("/lab/payments")
        answer = self.shopper.post(MERCHANT, body, key)
        assert answer.status_code == 400, answer.text
        assert self.shopper.get("/lab/payments") == before
        return str(answer.json()["code"])


@pytest.mark.inv(87, 91, 92, 93, 94, 95)
@pytest.mark.parametrize(("shop", "version"), [(TEA_HOUSE.id, "EC_v1"), (PAPER_SHOP.id, "RSA_v1")])
def test_an_order_in_a_shop_is_paid_with_the_phone(
    shopper: Shopper, shop: str, version: str
) -> None:
    lines = [{"label": "Sencha", "amount": 2000}, {"label": "Welcome", "amount": -200}]
    asked = shopper.session(shop, lineItems=lines)
    assert (asked["version"], asked["status"]) == (3, "waiting")
    assert asked["total"]["amount"] == 1800
    assert asked["merchantCapabilities"] == ["supports3DS", "supportsEMV"]
    order = shopper.order(asked)
    answer = shopper.pay(order, f"pay-{shop}-1790000000000")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["approved"], len(told["authCode"])) == (True, 6)
    transaction = told["transaction"]
    assert transaction["type"] == "in_app"
    assert (transaction["cardId"], transaction["amount"]) == (shopper.card["id"], 1800)

    again = shopper.pay(order, f"pay-{shop}-1790000000000")
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"

    shown = shopper.get(f"/api/merchant-sessions/{asked['id']}")
    assert (shown["status"], shown["transactionId"]) == ("approved", transaction["id"])
    assert shown["token"]["version"] == version
    assert "unpredictableNumber" not in shown  # the device's alone
    rows = shopper.get("/lab/payments")["payments"]
    assert [(row["transaction_type"], row["bank"]) for row in rows] == [("in_app", "held")]
    ledger = shopper.get("/lab/ledger")
    assert sorted(each["balance_minor"] for each in ledger["balances"]) == [-1800, 1800]
    actions = audited(shopper.world)
    assert "payment.approved" in actions


def audited(world: SimulatedWorld) -> list[str]:
    statement = Statement(audit_logs.select())
    rows = world.engine.lab.engine_database.read(lambda tx: tx.all(statement))
    return [row["action"] for row in rows]


@pytest.mark.inv(88)
def test_a_foreign_card_is_as_unknown_as_an_absent_one(
    world: SimulatedWorld, shopper: Shopper
) -> None:
    stranger = Phone(world.client(), "dev_other")

    async def enter() -> dict[str, Any]:
        credentials = {"email": "other@example.test", "password": "a long pass phrase"}
        entered = await stranger.client.post("/api/auth/register", json=credentials)
        assert entered.status_code == 201, entered.text
        await stranger.prove()
        return await stranger.add_card("mastercard")

    theirs = world.run(enter())
    for message in world.engine.devices.waiting("dev_other"):
        stranger.install(message.to_json())
    other = Shopper(world, stranger, theirs)
    asked = shopper.session()
    own = shopper.order(asked)
    foreign = other.order(asked)
    answers = [
        shopper.pay({**own, "cardId": "card_none"}, "k1"),
        shopper.pay({**own, "cardId": theirs["id"]}, "k2"),
        shopper.pay(foreign, "k3"),
        shopper.pay({**foreign, "cardId": own["cardId"]}, "k4"),
    ]
    path = f"/api/cards/{shopper.card['id']}/suspend"
    assert world.run(shopper.phone.client.post(path)).status_code < 300
    answers.append(shopper.pay(own, "k5"))
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["detail"] == "Card not found or inactive"
    assert shopper.get("/lab/payments")["payments"] == []
    world.run(stranger.client.aclose())


@pytest.mark.inv("C49")
def test_the_device_has_to_vouch_for_its_owner(shopper: Shopper) -> None:
    asked = shopper.session()
    answer = shopper.pay(shopper.order(asked, verified=False), "k1")
    assert (answer.status_code, answer.json()["code"]) == (403, "device_verification_required")
    order = shopper.order(asked)
    del order["deviceVerification"]
    assert shopper.pay(order, "k2").json()["code"] == "field_missing"
    forged = shopper.order(asked, verified=False)
    forged["emvData"] = forged["emvData"].replace("1203A0", "1203A4")
    forged["deviceVerification"] = shopper.word(forged)
    told = shopper.pay(forged, "k3").json()
    assert (told["approved"], told["reasonCode"]) == (False, "cryptogram_invalid")


@pytest.mark.inv("C48")
def test_the_key_of_taps_does_not_pay_in_apps(shopper: Shopper) -> None:
    told = shopper.pay(shopper.order(shopper.session(), key="proximity"), "k1").json()
    assert (told["approved"], told["reasonCode"]) == (False, "cryptogram_invalid")


@pytest.mark.inv(90)
def test_a_network_that_is_away_is_said_in_words(shopper: Shopper) -> None:
    def force(state: str) -> None:
        path = "/lab/breakers/visa/force"
        answer = shopper.world.run(shopper.phone.client.post(path, json={"state": state}))
        assert answer.status_code < 300, answer.text

    order = shopper.order(shopper.session())
    force("open")
    told = shopper.pay(order, "k1").json()
    assert (told["approved"], told["status"]) == (False, "not_sent")
    assert told["reason"] == "Network temporarily unavailable"
    database = shopper.world.engine.lab.engine_database
    rows = SqlPaymentRows()
    stored = database.read(lambda tx: rows.find_payment(tx, told["transactionId"]))
    assert stored is not None
    cut = orjson.loads(body_of(replace(stored, reason="network_unavailable")))
    assert cut["reason"] == "Network unavailable"
    force("closed")
    again = shopper.pay(order, "k1").json()  # nothing left: the same key goes on
    assert (again["approved"], again["transaction"]["id"]) == (True, told["transactionId"])


def test_a_declined_order_can_be_paid_with_another_try_and_only_once(shopper: Shopper) -> None:
    asked = shopper.session(amount=1851)  # ends in .51: insufficient funds
    declined = shopper.pay(shopper.order(asked), "k1").json()
    assert (declined["approved"], declined["responseCode"]) == (False, "51")
    assert shopper.get(f"/api/merchant-sessions/{asked['id']}")["status"] == "declined"
    assert shopper.pay(shopper.order(asked), "k2").json()["approved"] is False
    paid = shopper.session()
    assert shopper.pay(shopper.order(paid), "k3").json()["approved"] is True
    twice = shopper.pay(shopper.order(paid), "k4")
    assert (twice.status_code, twice.json()["code"]) == (409, "session_closed")
    cancel = f"/api/merchant-sessions/{paid['id']}/cancel"
    assert shopper.post(cancel, {}, "k5").json()["status"] == "approved"
    closed = shopper.session()
    cancel = f"/api/merchant-sessions/{closed['id']}/cancel"
    assert shopper.post(cancel, {}, "k6").json()["status"] == "cancelled"
    assert shopper.pay(shopper.order(closed), "k7").json()["code"] == "session_closed"
    expired = shopper.session()
    shopper.world.run(shopper.phone.client.post("/lab/clock", json={"jump_s": 301}))
    assert shopper.pay(shopper.order(expired), "k8").json()["code"] == "session_closed"
    assert shopper.get(f"/api/merchant-sessions/{expired['id']}")["status"] == "expired"


@pytest.mark.inv(95)
def test_a_token_is_taken_once(shopper: Shopper) -> None:
    till = Till(shopper)
    token = till.token()
    answer = shopper.post(MERCHANT, till.body(token), "m1")
    assert answer.json()["approved"] is True
    assert shopper.post(MERCHANT, till.body(token), "m1").content == answer.content
    assert till.code(till.body(token), "m2") == "token_replayed"
    assert "payment_token.refused" in audited(shopper.world)
    # Ten minutes later its own key still has the answer, though the token is stale by now.
    shopper.world.run(shopper.phone.client.post("/lab/clock", json={"jump_s": 600}))
    assert shopper.post(MERCHANT, till.body(token), "m1").content == answer.content
    assert till.code(till.body(token), "m3") == "token_stale"


def reordered(token: dict[str, Any]) -> dict[str, Any]:
    """The signature's certificates in the other order, which no canonical encoder would write."""
    outer = cms.ContentInfo.load(base64.b64decode(token["signature"]))
    certificates = outer["content"]["certificates"]
    first, second = certificates[0].dump(), certificates[1].dump()
    raw = base64.b64decode(token["signature"])
    assert first + second in raw
    swapped = raw.replace(first + second, second + first)
    return {**token, "signature": base64.b64encode(swapped).decode()}


def bent(token: dict[str, Any], name: str) -> dict[str, Any]:
    raw = bytearray(base64.b64decode(token[name]))
    raw[len(raw) // 2] ^= 1
    return {**token, name: base64.b64encode(bytes(raw)).decode()}


@pytest.mark.inv(95)
def test_tokens_that_must_not_be_used(shopper: Shopper) -> None:
    till, papers = Till(shopper), Till(shopper, PAPER_SHOP.id)
    token = till.token()
    assert till.code(till.body(bent(token, "data")), "t1") == "token_signature"
    assert till.code(till.body(bent(token, "signature")), "t2") == "token_chain"
    assert till.code(till.body({**token, "version": "EC_v2"}), "t3") == "token_version"
    assert till.code(till.body({}), "t4") == "token_version"
    assert till.code(papers.body(token), "t5") == "token_other_merchant"
    other = Till(shopper, "mer_corner_market")
    assert till.code(other.body(token), "t6") == "token_other_merchant"
    assert till.code(till.body(token, amount=1799), "t7") == "amount_differs"
    assert till.code(till.body(token, currency="EUR"), "t8") == "currency_differs"
    assert till.code(till.body(token, currency="ZZZ"), "t9") == "currency_unknown"
    assert till.code(till.body(token, merchantId="mer_none"), "t10") == "merchant_unknown"
    lied = till.content(amount=900, amount_minor=1800)
    assert till.code(till.body(till.token(lied)), "t11") == "emv_data_disagrees"
    short = till.content(kind="3DSecure", cryptogram=bytes(19), eci="7")
    assert till.code(till.body(till.token(short)), "t12") == "token_content"
    empty = till.content(kind="3DSecure", cryptogram=bytes(20), eci="7")
    assert till.code(till.body(till.token(empty)), "t15") == "atc_out_of_range"
    # Certificates are a set: their order says nothing. And none of the refusals took the token.
    assert shopper.post(MERCHANT, till.body(reordered(token)), "t13").json()["approved"] is True
    assert till.code(till.body(token), "t14") == "token_replayed"


@pytest.fixture
def blocks(shopper: Shopper) -> Till:
    return Till(shopper)


def block_of(objects: dict[str, str], **changes: str) -> bytes:
    """The 20 bytes of a cryptogram that was signed without a terminal."""
    parts = {tag: changes.get(f"x{tag}", objects[tag]) for tag in ("9F26", "9F36", "9F37")}
    return bytes.fromhex("".join(parts.values()) + objects["9F10"][6:] + "0000")


@pytest.mark.inv(89, 95)
def test_a_cryptogram_without_chip_data_pays_once(shopper: Shopper, blocks: Till) -> None:
    objects = shopper.chip_data(1800, "USD", "01020304", terminal=False)
    made = blocks.content(kind="3DSecure", cryptogram=block_of(objects), eci="7")
    answer = shopper.post(MERCHANT, blocks.body(blocks.token(made)), "b1")
    assert answer.json()["approved"] is True, answer.text
    payment_id = answer.json()["transactionId"]
    life = shopper.get(f"/lab/payments/{payment_id}")["events"]
    (opened,) = [each["data"] for each in life if each["kind"] == "payment_token.opened"]
    number = shopper.phone.payloads[shopper.card["tokenRef"]]["dpan"]
    assert opened["data_type"] == "3DSecure"
    assert opened["cryptogram"] == objects["9F26"].upper()
    assert (opened["eci"], f"{opened['atc']:04x}") == ("07", objects["9F36"])
    assert opened["card_number"] is None
    (sent,) = [each["data"]["fields"] for each in life if each["kind"] == "message.sent"]
    assert (sent["22"], sent["48"], "55" in sent) == ("810", "ec=07;cb=••••", False)
    assert number not in json.dumps(life)
    # The same block in a token of its own: the counter was there before.
    told = shopper.post(MERCHANT, blocks.body(blocks.token(made)), "b2").json()
    assert (told["approved"], told["reasonCode"]) == (False, "atc_replay")


@pytest.mark.inv(89)
@pytest.mark.parametrize(
    "change",
    [{"x9F26": "00" * 8}, {"x9F36": "0063"}, {"x9F37": "99999999"}],
    ids=["cryptogram", "counter", "number"],
)
def test_a_block_that_was_changed_is_no_payment(
    shopper: Shopper, blocks: Till, change: dict[str, str]
) -> None:
    objects = shopper.chip_data(1800, "USD", "01020304", terminal=False)
    made = blocks.content(kind="3DSecure", cryptogram=block_of(objects, **change), eci="7")
    told = shopper.post(MERCHANT, blocks.body(blocks.token(made)), "b1").json()
    assert (told["approved"], told["reasonCode"]) == (False, "cryptogram_invalid")


@pytest.mark.inv(89)
def test_a_block_pays_the_amount_that_was_signed_and_the_key_of_taps_makes_none(
    shopper: Shopper, blocks: Till
) -> None:
    other = shopper.chip_data(1700, "USD", "01020304", terminal=False)
    made = blocks.content(kind="3DSecure", cryptogram=block_of(other), eci="7")
    told = shopper.post(MERCHANT, blocks.body(blocks.token(made)), "b1").json()
    assert (told["approved"], told["reasonCode"]) == (False, "cryptogram_invalid")
    tapped = shopper.chip_data(1800, "USD", "01020304", terminal=False, key="proximity")
    made = blocks.content(kind="3DSecure", cryptogram=block_of(tapped), eci="7")
    told = shopper.post(MERCHANT, blocks.body(blocks.token(made)), "b2").json()
    assert (told["approved"], told["reasonCode"]) == (False, "cryptogram_invalid")


@pytest.mark.inv(93)
def test_a_shop_that_takes_no_chip_data_gets_none(shopper: Shopper) -> None:
    asked = shopper.session(merchantCapabilities=["supports3DS"])
    dated = shopper.pay(shopper.order(asked), "k1")  # a day was signed: it has no place in a block
    assert (dated.status_code, dated.json()["code"]) == (400, "emv_data_disagrees")
    answer = shopper.pay(shopper.order(asked, terminal=False), "k2")
    assert answer.json()["approved"] is True, answer.text


@pytest.mark.inv(95)
def test_a_signer_whose_certificate_ran_out(shopper: Shopper) -> None:
    till = Till(shopper)
    identity, authority = till.parts()
    merchant = merchant_of(identity.certificate)
    shopper.world.run(shopper.phone.client.post("/lab/clock", json={"jump_s": 30 * 86_400}))
    now_us = shopper.world.engine.ground.clock.now_us()
    late_us = now_us + 6 * 365 * 86_400_000_000
    for _ in range(74):  # six years, a month at a time
        shopper.world.run(shopper.phone.client.post("/lab/clock", json={"jump_s": 30 * 86_400}))
    now_us = shopper.world.engine.ground.clock.now_us()
    assert now_us >= late_us
    old = seal(till.content(), merchant, authority, till.stream, now_us)
    assert till.code(till.body(old), "e1").startswith("token_")
    fresh = till.parts()[1]  # made anew, because the old one is of no use any more
    assert fresh.leaf.certificate != authority.leaf.certificate


def test_doors_want_their_own_keys(shopper: Shopper) -> None:
    asked = shopper.session()
    order = shopper.order(asked)

    async def anonymous() -> list[tuple[int, str]]:
        async with shopper.world.client() as nobody:
            nobody.headers.pop("authorization", None)
            key = {"Idempotency-Key": "k"}
            merchant = {"merchantId": "m", "paymentToken": {}, "amount": 1, "currency": "USD"}
            sent = [
                await nobody.post(WALLET, json=order, headers=key),
                await nobody.post(MERCHANT, json=merchant, headers=key),
                await nobody.post(
                    "/api/merchant-sessions",
                    json={"merchantId": TEA_HOUSE.id, "amount": 1, "currency": "USD"},
                    headers={"Origin": "https://elsewhere.example"},
                ),
            ]
        return [(answer.status_code, answer.json()["code"]) for answer in sent]

    assert shopper.world.run(anonymous()) == [
        (401, "not_signed_in"),
        (401, "local_token_required"),
        (403, "foreign_origin"),
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 0}, "amount_not_positive"),
        ({"amount": 12.5}, "amount_not_whole"),
        ({"currency": "ZZZ"}, "currency_unknown"),
        ({"currency": 7}, "currency_invalid"),
        ({"merchantId": "mer_none"}, "merchant_unknown"),
        ({"merchantId": ""}, "merchant_id_invalid"),
        ({"lineItems": [{"label": "Tea", "amount": 5}]}, "line_items_total"),
        ({"lineItems": [{"label": "Tea"}]}, "line_items_invalid"),
        ({"lineItems": {}}, "line_items_invalid"),
        ({"supportedNetworks": []}, "supported_networks_invalid"),
        ({"supportedNetworks": ["diners"]}, "supported_networks_invalid"),
        ({"merchantCapabilities": ["magic"]}, "merchant_capabilities_invalid"),
        ({"countryCode": "usa"}, "country_code_invalid"),
        ({"surprise": 1}, "field_unknown"),
    ],
)
def test_sessions_that_cannot_be(shopper: Shopper, changes: dict[str, Any], code: str) -> None:
    body = {"merchantId": TEA_HOUSE.id, "amount": 1800, "currency": "USD", **changes}
    answer = shopper.post("/api/merchant-sessions", body, "unused")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_session_tells_nothing_of_devices(shopper: Shopper) -> None:
    bodies = []
    for device in ("dev_phone", "dev_of_nobody"):
        body = {
            "merchantId": TEA_HOUSE.id, "amount": 1, "currency": "USD", "deviceId": device,
        }  # fmt: skip
        answer = shopper.post("/api/merchant-sessions", body, "unused")
        assert answer.status_code == 201
        bodies.append({k: v for k, v in answer.json().items() if k not in {"id", "createdAt"}})
    assert bodies[0].keys() == bodies[1].keys()
    assert "device" not in json.dumps(bodies[0]).lower()
    unknown = shopper.get("/api/merchant-sessions/mss_none")
    assert unknown["code"] == "session_unknown"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 1799}, "emv_data_disagrees"),
        ({"currency": "ZZZ"}, "currency_unknown"),
        ({"currency": "EUR"}, "emv_data_disagrees"),
        ({"merchantId": PAPER_SHOP.id}, "session_differs"),
        ({"sessionId": "mss_none"}, "session_unknown"),
        ({"sessionId": 7}, "session_id_invalid"),
        ({"cryptogram": "00" * 8}, "emv_data_disagrees"),
        ({"cryptogram": "zz"}, "cryptogram_invalid"),
        ({"atc": 9}, "emv_data_disagrees"),
        ({"atc": True}, "atc_invalid"),
        ({"emvData": ""}, "session_differs"),
        ({"emvData": "9F0206"}, "emv_data_malformed"),
        ({"token": "4242"}, "token_invalid"),
        ({"expiry": "12"}, "expiry_invalid"),
        ({"deviceVerification": "smile"}, "device_verification_invalid"),
        ({"surprise": 1}, "field_unknown"),
    ],
)
def test_orders_that_cannot_be(shopper: Shopper, changes: dict[str, Any], code: str) -> None:
    order = shopper.order(shopper.session())
    answer = shopper.pay({**order, **changes}, "k1")
    assert answer.json()["code"] == code, answer.text
    assert 400 <= answer.status_code < 500
    assert shopper.get("/lab/payments")["payments"] == []
    assert shopper.pay(order, "k1").json()["approved"] is True  # nothing was lost


def test_a_signature_for_one_session_does_not_pay_another(shopper: Shopper) -> None:
    first, second = shopper.session(), shopper.session()
    order = shopper.order(first, sessionId=second["id"])
    assert shopper.pay(order, "k1").json()["code"] == "session_differs"
    visa_only = shopper.session(supportedNetworks=["amex", "mastercard"])
    assert shopper.pay(shopper.order(visa_only), "k2").json()["code"] == "network_not_taken"


@pytest.mark.inv(319)
@pytest.mark.parametrize("merchant_id", [TEA_HOUSE.id, PAPER_SHOP.id])
def test_a_merchants_new_key_takes_over_and_the_last_one_opens_what_is_under_way(
    shopper: Shopper, merchant_id: str
) -> None:
    till = Till(shopper, merchant_id)

    def renewed() -> str:
        answer = shopper.post(f"/lab/vault/merchants/{merchant_id}/renew", {}, "renew")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["certificate_sha256"])

    under_way, older = till.token(), till.token()
    first = renewed()
    assert shopper.post(MERCHANT, till.body(under_way), "k1").json()["approved"]
    assert shopper.post(MERCHANT, till.body(till.token()), "k2").json()["approved"]
    assert renewed() != first
    assert till.code(till.body(older), "k3") == "token_other_merchant"
    assert audited(shopper.world).count("merchant_key.renewed") == 2
    answer = shopper.post("/lab/vault/merchants/mer_none/renew", {}, "renew")
    assert (answer.status_code, answer.json()["code"]) == (400, "merchant_unknown")


def test_private_keys_are_stored_sealed(shopper: Shopper) -> None:
    till = Till(shopper)
    identity, _ = till.parts()
    folder: DataFolder = shopper.world.engine._folder
    stored = b"".join(
        path.read_bytes() for path in folder.path.iterdir() if path.name.startswith("engine.db")
    )
    assert identity.certificate_pem().splitlines()[1] in stored
    assert b"PRIVATE KEY" not in stored
    assert identity.key_pem().splitlines()[1] not in stored
