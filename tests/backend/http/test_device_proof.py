"""A device proves its key: the session remembers it, and nothing else gets through."""

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from backend.simulation import SimulatedWorld
from backend.wallet.device_proof import CHALLENGE_LIFE_S
from tests.backend.http.phone import Phone
from tests.backend.http.test_wallet_routes import code_of

PATH = "/api/devices/dev_phone"
DEVICE = {"kind": "phone", "name": "Phone"}


def public(key: ECKey) -> dict[str, object]:
    shown = key.as_dict(private=False)
    return {name: shown[name] for name in ("kty", "crv", "x", "y")}


def signed(key: ECKey, given: object, **changes: object) -> dict[str, str]:
    said = {"challenge": given, "deviceId": "dev_phone", "faceEnrolled": True, **changes}
    return {"proof": jws.serialize_compact({"alg": "ES256"}, json.dumps(said).encode(), key)}


async def challenge(phone: Phone) -> object:
    answer = await phone.client.post(f"{PATH}/challenge")
    assert answer.status_code == 200, answer.text
    return answer.json()["challenge"]


@pytest.mark.inv(155)
def test_a_session_remembers_a_device_that_proved_itself(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        assert code_of(await phone.client.post(f"{PATH}/challenge")) == (409, "device_key_missing")
        await phone.client.put(PATH, json={**DEVICE, "publicKey": public(phone.key)})
        before = (await phone.client.get("/api/auth/me")).json()
        assert (before["deviceVerified"], before["faceEnrolled"]) == (False, False)
        assert "payments:in_app" not in before["permissions"]
        body = signed(phone.key, await challenge(phone))
        answer = await phone.client.post(f"{PATH}/proof", json=body)
        assert answer.json() == {"deviceVerified": True, "faceEnrolled": True}
        after = (await phone.client.get("/api/auth/me")).json()
        assert (after["deviceVerified"], after["faceEnrolled"]) == (True, True)
        assert "payments:in_app" in after["permissions"]
        again = await phone.client.post(f"{PATH}/proof", json=body)
        assert code_of(again) == (409, "challenge_expired"), "a challenge is good once"
        await phone.client.put(PATH, json=DEVICE)
        assert (await phone.client.get("/api/auth/me")).json() == after, "a new name only"
        await phone.client.put("/api/devices/dev_watch", json={"kind": "watch", "name": "Watch"})
        other = (await phone.client.get("/api/auth/me")).json()
        assert not other["deviceVerified"], "another device has yet to prove itself"
        audit = (await phone.client.get("/lab/audit?action=device.verified")).json()["audit"]
        assert [line["result"] for line in audit] == ["done"]

    world.run(main())


@pytest.mark.inv(155)
@pytest.mark.parametrize(
    "changes",
    [{"challenge": "00"}, {"deviceId": "dev_other"}, {"faceEnrolled": "yes"}, {"more": 1}],
)
def test_what_the_device_did_not_sign_is_refused_and_audited(
    world: SimulatedWorld, phone: Phone, changes: dict[str, object]
) -> None:
    async def main() -> None:
        await phone.client.put(PATH, json={**DEVICE, "publicKey": public(phone.key)})
        body = signed(phone.key, await challenge(phone), **changes)
        answer = await phone.client.post(f"{PATH}/proof", json=body)
        assert code_of(answer) == (400, "proof_invalid")
        assert not (await phone.client.get("/api/auth/me")).json()["deviceVerified"]
        audit = (await phone.client.get("/lab/audit?action=device.verified")).json()["audit"]
        assert [line["result"] for line in audit] == ["refused"]

    world.run(main())


def test_another_key_and_an_old_challenge(world: SimulatedWorld, phone: Phone) -> None:
    thief = ECKey.generate_key("P-256")

    async def main() -> None:
        await phone.client.put(PATH, json={**DEVICE, "publicKey": public(phone.key)})
        stolen = signed(thief, await challenge(phone))
        answer = await phone.client.post(f"{PATH}/proof", json=stolen)
        assert code_of(answer) == (400, "proof_invalid")
        replaced = await phone.client.put(PATH, json={**DEVICE, "publicKey": public(thief)})
        assert code_of(replaced) == (409, "device_key_known")
        late = signed(phone.key, await challenge(phone))
        await world.sleep(CHALLENGE_LIFE_S)
        answer = await phone.client.post(f"{PATH}/proof", json=late)
        assert code_of(answer) == (409, "challenge_expired")
        for path in ("/api/devices/dev_none/challenge", "/api/devices/dev_other/challenge"):
            assert code_of(await phone.client.post(path)) == (409, "device_not_bound")
        nonsense = await challenge(phone)
        answer = await phone.client.post(f"{PATH}/proof", json={"proof": f"a.{nonsense}.b"})
        assert code_of(answer) == (400, "proof_invalid")
        mine = signed(phone.key, await challenge(phone))
        assert (await phone.client.post(f"{PATH}/proof", json=mine)).status_code == 200
        replaced = await phone.client.put(PATH, json={**DEVICE, "publicKey": public(thief)})
        assert replaced.status_code == 200, "the device itself may change its key"

    world.run(main())


@pytest.mark.parametrize(
    "changes",
    [{"crv": "P-384"}, {"kty": "RSA"}, {"x": "AA"}, {"x": 5}, {"d": "AA"}, {"y": ""}],
)
def test_keys_that_are_none(
    world: SimulatedWorld, phone: Phone, changes: dict[str, object]
) -> None:
    shown = {**public(phone.key), **changes}
    answer = world.run(phone.client.put(PATH, json={**DEVICE, "publicKey": shown}))
    assert code_of(answer) == (400, "public_key_invalid")
