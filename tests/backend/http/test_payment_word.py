"""In-app payments want a verified device, and its word for exactly this payment."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone
from tests.backend.http.shopper import Shopper
from tests.backend.http.test_payments import ready_card


@pytest.fixture
def unproven(world: SimulatedWorld, phone: Phone) -> Shopper:
    return Shopper(world, phone, ready_card(world, phone))


@pytest.fixture
def shopper(world: SimulatedWorld, unproven: Shopper) -> Shopper:
    world.run(unproven.phone.prove())
    return unproven


def refused(shopper: Shopper, order: dict[str, Any], key: str = "k1") -> tuple[int, str]:
    answer = shopper.pay(order, key)
    assert shopper.get("/lab/payments")["payments"] == [], "nothing was begun"
    return answer.status_code, answer.json()["code"]


@pytest.mark.inv(155, "C49")
def test_a_session_whose_device_proved_nothing_pays_in_no_app(
    world: SimulatedWorld, unproven: Shopper
) -> None:
    order = unproven.order(unproven.session())
    assert refused(unproven, order) == (403, "device_not_verified")
    world.run(unproven.phone.prove())
    assert unproven.pay(order, "k1").json()["approved"] is True, "the refusal spent nothing"


@pytest.mark.inv(155)
def test_a_device_without_a_face_and_a_new_session_pay_in_no_app(
    world: SimulatedWorld, shopper: Shopper
) -> None:
    phone, order = shopper.phone, shopper.order(shopper.session())

    async def prove_without_face() -> None:
        path = f"/api/devices/{phone.device_id}"
        given = (await phone.client.post(f"{path}/challenge")).json()["challenge"]
        said = {"challenge": given, "deviceId": phone.device_id, "faceEnrolled": False}
        answer = await phone.client.post(f"{path}/proof", json={"proof": phone.word(said)})
        assert answer.json() == {"deviceVerified": True, "faceEnrolled": False}

    world.run(prove_without_face())
    assert refused(shopper, order) == (403, "device_not_verified")
    world.run(phone.prove())
    world.run(phone.sign_in())  # a new session: what the old one knew is not its own
    assert refused(shopper, order) == (403, "device_not_verified")


@pytest.mark.inv("C49")
@pytest.mark.parametrize(
    "changes",
    [
        {"reference": "mss_another"},
        {"emvDataSha256": "00" * 32},
        {"method": "wrist"},
        {"method": "smile"},
        {"reference": 7},
        {"more": 1},
    ],
)
def test_a_word_for_something_else_pays_nothing(
    shopper: Shopper, changes: dict[str, object]
) -> None:
    order = shopper.order(shopper.session())
    order["deviceVerification"] = shopper.word(order, **changes)
    assert refused(shopper, order) == (403, "device_verification_wrong")


@pytest.mark.inv("C49")
def test_anothers_word_and_the_word_of_another_payment_pay_nothing(shopper: Shopper) -> None:
    first, second = shopper.session(), shopper.session()
    order = shopper.order(second)
    other = {**order, "deviceVerification": shopper.order(first)["deviceVerification"]}
    assert refused(shopper, other) == (403, "device_verification_wrong")
    key, shopper.phone.key = shopper.phone.key, ECKey.generate_key("P-256")
    stolen = {**order, "deviceVerification": shopper.word(order)}
    shopper.phone.key = key
    assert refused(shopper, stolen, "k2") == (403, "device_verification_wrong")
    assert shopper.pay(order, "k3").json()["approved"] is True


@pytest.mark.inv(165, "C49")
def test_a_card_pays_in_apps_from_its_own_device_only(
    world: SimulatedWorld, shopper: Shopper
) -> None:
    order = shopper.order(shopper.session())
    other = Phone(shopper.phone.client, "dev_second")
    world.run(other.prove())  # the same session speaks for another device now
    assert refused(shopper, order) == (403, "card_on_other_device")
