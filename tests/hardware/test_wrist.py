"""The wrist sensor: worn, unlocked once, and never again off the arm. And the device's word."""

from __future__ import annotations

import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from hardware.api import FaceAssertion, NotArmed, RemoteRequest, WristSensor, WristState

CODE = "000000"


def worn(element: Any) -> WristSensor:
    sensor = element.wrist_sensor()
    sensor.put_on()
    assert sensor.unlock(CODE)
    return sensor


@pytest.mark.inv(389)
def test_it_vouches_only_while_it_is_worn_and_unlocked(bench: Any) -> None:
    element = bench.element
    sensor = element.wrist_sensor()
    assert sensor.confirm(element.challenge()) is None
    assert not sensor.unlock(CODE), "off the wrist no passcode counts"
    sensor.put_on()
    assert (sensor.state, sensor.confirm(element.challenge())) == (WristState.LOCKED, None)
    assert sensor.unlock(CODE)
    for _ in range(2):  # one passcode is good for as long as it stays on
        element.arm(sensor.confirm(element.challenge()), "tok-visa")
        assert element.armed == "tok-visa"
        element.disarm()
    sensor.put_on()
    assert sensor.state is WristState.UNLOCKED, "it was never off"
    sensor.take_off()
    assert (sensor.state, sensor.confirm(element.challenge())) == (WristState.OFF, None)
    sensor.put_on()
    assert sensor.state is WristState.LOCKED


@pytest.mark.inv(389)
def test_what_it_says_counts_once_and_for_its_own_element(bench: Any) -> None:
    element = bench.element
    seen = worn(element).confirm(element.challenge())
    element.arm(seen, "tok-visa")
    with pytest.raises(NotArmed):
        element.arm(seen, "tok-visa")
    stranger = WristSensor(b"\x07" * 32)
    stranger.put_on()
    assert stranger.unlock(CODE)
    with pytest.raises(NotArmed):
        element.arm(stranger.confirm(element.challenge()), "tok-visa")
    challenge = element.challenge()
    as_face = worn(element).confirm(challenge)
    with pytest.raises(NotArmed):  # the method is inside what is signed
        element.arm(FaceAssertion(challenge, "face", as_face.mac), "tok-visa")


def test_five_wrong_passcodes_end_it_until_it_is_put_on_again(bench: Any) -> None:
    sensor = bench.element.wrist_sensor()
    sensor.put_on()
    assert [(sensor.unlock("123456"), sensor.tries_left) for _ in range(5)] == [
        (False, left) for left in (4, 3, 2, 1, 0)
    ]
    assert not sensor.unlock(CODE)
    sensor.take_off()
    sensor.put_on()
    assert sensor.unlock(CODE)


def said(element: Any, word: str) -> dict[str, object]:
    """What stands in a device's word, its signature checked by another library."""
    key = ECKey.import_key(element.word_key())
    found: dict[str, object] = json.loads(
        jws.deserialize_compact(word, key, algorithms=["ES256"]).payload
    )
    return found


@pytest.mark.inv(155)
def test_a_device_answers_a_challenge_with_a_key_of_its_own(bench: Any) -> None:
    element = bench.element
    word = element.prove("c0ffee", "dev_phone", face_enrolled=True)
    assert said(element, word) == {
        "challenge": "c0ffee",
        "deviceId": "dev_phone",
        "faceEnrolled": True,
    }
    assert element.prove("c0ffee", "dev_phone", face_enrolled=True) == word, "it repeats"
    assert element.word_key() != element.public_key(), "signing and sealing have two keys"


@pytest.mark.inv("C49")
@pytest.mark.parametrize("method", ["face", "passcode", "wrist"])
def test_the_word_for_a_payment_says_how_its_owner_was_known(bench: Any, method: str) -> None:
    element = bench.element
    challenge = element.challenge()
    match method:
        case "face":
            seen = element.face_sensor().scan(challenge, "match")
        case "passcode":
            seen = element.face_sensor().passcode(challenge, CODE)
        case _:
            sensor = worn(element)
            seen = sensor.confirm(challenge)
    element.arm(seen, "tok-visa")
    request = RemoteRequest(999, 978, 276, "261118", b"\x09\x08\x07\x06", "mss_1")
    made = element.sign_remote("tok-visa", request)
    word = said(element, made.word)
    assert (word["method"], word["reference"]) == (method, "mss_1")
    assert len(str(word["emvDataSha256"])) == 64
    with pytest.raises(NotArmed):
        element.sign_remote("tok-visa", request)
