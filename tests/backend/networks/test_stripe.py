"""What a network answers to a track with a dynamic code; the card's arithmetic is pyemv's."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.faults import alterations
from backend.networks.chip import keys, stripe
from backend.networks.message import Message, decode, encode
from backend.runtime.errors import MessageError
from backend.switch import requests
from backend.switch.answers import Answered, AuthorizationRequest
from tests import stripe_issuer
from tests.backend.networks.bench import Bench, Phone, bench, payment, phone_with

NUMBER = "5555555555554444"
CARD_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


def track_of(phone: Phone, number: int = 1234, *, length: int = 9) -> str:
    """The track of the phone's next tap, as a till would finish it."""
    phone.atc += 1
    token, expiry = phone.payload["dpan"], phone.payload["expiry"]
    if phone.network == "amex":
        key = bytes.fromhex(phone.payload["keys"]["proximity"]["mk"])
        code = stripe_issuer.amex_code(key, phone.atc, number)
        return f"{token}={expiry}201{phone.atc:05d}{code:05d}{number:04d}"
    key = bytes.fromhex(phone.payload["stripe"]["mk"])
    empty = stripe_issuer.track_2(token, expiry=expiry)
    code = stripe_issuer.code(empty, phone.atc, number, key)
    rest = f"{phone.atc % 10_000:04d}{number:04d}{code % 10_000:04d}{length}"
    return f"{token}={expiry}201{rest}"


def swipe(lab: Bench, phone: Phone, track: str | None = None) -> AuthorizationRequest:
    made = track_of(phone) if track is None else track
    return replace(payment(lab, phone, emv_data=b""), track_2=made, atc=phone.atc)


async def send(lab: Bench, network: str, message: Message) -> Answered:
    return requests.answered(decode(await lab.networks.hosts[network].handle(encode(message))), 0)


async def pay(lab: Bench, request: AuthorizationRequest) -> Answered:
    return await send(lab, request.network, requests.authorization(request))


def replaced(text: str, at: int, digit: str) -> str:
    return text[:at] + digit + text[at:][1:]


def test_the_code_follows_a_published_vector() -> None:
    vectors = json.loads(Path("tests/data/vectors-sample.json").read_text())["vectors"]
    found = next(each for each in vectors if each["algorithm"] == "cvc3")
    asked, expected = found["inputs"], found["expected"]
    key = keys.master_key(bytes.fromhex(asked["imk"]), asked["pan"], asked["psn"])
    start = stripe.start_value(key, bytes.fromhex(asked["track"]))
    unpredictable, atc = bytes.fromhex(asked["un"]), int(asked["atc"], 16)
    assert stripe.code_of(key, start, unpredictable, atc) == expected["cvc3"]


def test_a_personality_is_what_another_issuer_would_make() -> None:
    made = stripe.personalise(CARD_KEY, NUMBER, "2912", "201")
    other = stripe_issuer.personality(NUMBER)
    assert {name: made[name].lower() for name in ("mk", "ivcvc3Track1", "ivcvc3Track2")} == {
        name: other[name] for name in ("mk", "ivcvc3Track1", "ivcvc3Track2")
    }


@pytest.mark.parametrize("network", ["mastercard", "amex"])
def test_a_swipe_is_approved_and_held_once(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, network)
            request = swipe(lab, phone)
            message = requests.authorization(request)
            assert message.fields["22"] == "911"
            assert "55" not in message.fields
            first = await pay(lab, request)
            assert (first.approved, first.cryptogram_valid, first.reason) == (
                True, True, "approved",
            )  # fmt: skip
            assert await pay(lab, request) == replace(first, hops_us=first.hops_us)
            assert lab.held(network) == [1240]

    asyncio.run(main())


@pytest.mark.parametrize("network", ["mastercard", "amex"])
def test_the_same_code_again_is_refused(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, network)
            track = track_of(phone)
            assert (await pay(lab, swipe(lab, phone, track))).approved
            again = await pay(lab, swipe(lab, phone, track))
            assert (again.response_code, again.reason) == ("05", "atc_not_higher")
            # another till says another counter for it: a forgery, which must not count
            claimed = replace(swipe(lab, phone, track), atc=10_001)
            other = await pay(lab, claimed)
            assert (other.response_code, other.reason, other.cryptogram_valid) == (
                "05", "atc_not_higher", False,
            )  # fmt: skip
            assert (await pay(lab, swipe(lab, phone))).approved
            assert lab.held(network) == [1240, 1240]

    asyncio.run(main())


@pytest.mark.parametrize("network", ["mastercard", "amex"])
def test_chip_and_track_share_one_counter(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, network)
            phone.atc = 11_999
            assert (await pay(lab, payment(lab, phone))).approved
            assert (await pay(lab, swipe(lab, phone))).approved
            assert phone.atc == 12_001
            phone.atc = 11_000
            stale = await pay(lab, payment(lab, phone))
            assert stale.reason == "atc_not_higher"

    asyncio.run(main())


@pytest.mark.parametrize("at", range(1, 14))
def test_any_changed_digit_is_refused(at: int, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "mastercard")
            track = track_of(phone)
            digit = str((int(track[-at]) + 1) % 10)
            answer = await pay(lab, swipe(lab, phone, replaced(track, len(track) - at, digit)))
            expected = ("30", "track_2_layout") if at == 1 else ("82", "cvc3_invalid")
            assert (answer.response_code, answer.reason) == expected
            assert answer.cryptogram_valid is (None if at == 1 else False)
            assert lab.held("mastercard") == []

    asyncio.run(main())


def test_a_counter_that_the_track_does_not_bear_out(tmp_path: Path) -> None:
    """Else a till's 65535 with one good code would lock a token."""

    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "mastercard")
            forged = await pay(lab, replace(swipe(lab, phone), atc=65_535))
            assert (forged.response_code, forged.reason, forged.cryptogram_valid) == (
                "30", "atc_disagrees", False,
            )  # fmt: skip
            assert (await pay(lab, swipe(lab, phone))).approved

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"22": "071"}, "30", "entry_mode_disagrees"),
        ({"22": "051"}, "30", "entry_mode_disagrees"),
        ({"55": "9F3602000A"}, "30", "entry_mode_disagrees"),
        ({"35": "no track"}, "30", "track_2_malformed"),
        ({"35": "4242424242424242=30122010001123412349"}, "30", "track_2_disagrees"),
        ({"48": "zz=1"}, "30", "track_2_malformed"),
        ({"48": "at=x"}, "30", "atc_disagrees"),
        ({"14": "2911"}, "54", "token_expiry_differs"),
    ],
)
def test_messages_that_contradict_themselves(
    changes: dict[str, str], code: str, reason: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "mastercard")
            message = requests.authorization(swipe(lab, phone))
            spoiled = Message(message.kind, {**message.fields, **changes})
            answer = await send(lab, "mastercard", spoiled)
            assert (answer.response_code, answer.reason) == (code, reason)
            assert lab.held("mastercard") == []

    asyncio.run(main())


def test_visa_has_no_such_track(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            track = f"{phone.payload['dpan']}={phone.payload['expiry']}2010001123412349"
            answer = await pay(lab, swipe(lab, phone, track))
            assert (answer.response_code, answer.reason) == ("30", "track_2_layout")

    asyncio.run(main())


def test_a_message_has_a_track_or_chip_data(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "mastercard")
            fields = dict(requests.authorization(swipe(lab, phone)).fields)
            del fields["35"]
            with pytest.raises(MessageError, match="DE 55, DE 35"):
                encode(Message("0100", fields))

    asyncio.run(main())


def test_the_fault_of_a_wrong_cryptogram_spoils_a_track_too(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "mastercard")
            raw = encode(requests.authorization(swipe(lab, phone)))
            spoiled = alterations.with_wrong_cryptogram(raw)
            answer = decode(await lab.networks.hosts["mastercard"].handle(spoiled))
            assert requests.answered(answer, 0).reason == "cvc3_invalid"

    asyncio.run(main())


@pytest.mark.parametrize(("length", "verified"), [(4, False), (9, True)])
def test_the_last_digit_says_whether_the_device_knew_its_owner(
    length: int, *, verified: bool
) -> None:
    code = stripe_issuer.code(stripe_issuer.track_2(NUMBER), 7, 1234, CARD_KEY)
    track = stripe.read_track(f"{NUMBER}D29122010007{1234}{code % 10_000:04d}{length}")
    checked = stripe.check_mastercard(track, CARD_KEY, 0)
    assert (checked.verdict, checked.atc, checked.verified_on_device) == (
        stripe.StripeVerdict.VALID, 7, verified,
    )  # fmt: skip


@given(seen=st.integers(0, 65_535), ahead=st.integers(1, 9_999))
def test_any_counter_within_reach_is_found_by_its_digits(seen: int, ahead: int) -> None:
    atc = seen + ahead
    if atc > stripe.ATC_MAX:
        return
    code = stripe_issuer.code(stripe_issuer.track_2(NUMBER), atc, 1234, CARD_KEY)
    track = stripe.read_track(f"{NUMBER}={2912}201{atc % 10_000:04d}1234{code % 10_000:04d}9")
    checked = stripe.check_mastercard(track, CARD_KEY, seen)
    assert (checked.verdict, checked.atc) == (stripe.StripeVerdict.VALID, atc)
    again = stripe.check_mastercard(track, CARD_KEY, atc)
    assert (again.verdict, again.atc) == (stripe.StripeVerdict.SEEN_BEFORE, atc)


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{12,19}[D=][0-9]{7,24}", fullmatch=True))
def test_any_text_is_a_track_with_a_verdict_or_a_message_error(text: str) -> None:
    try:
        track = stripe.read_track(text)
    except MessageError:
        return
    for checked in (
        stripe.check_mastercard(track, CARD_KEY, 5),
        stripe.check_amex(track, CARD_KEY, "01", 5),
    ):
        assert checked.code_fits <= (0 < checked.atc <= stripe.ATC_MAX)
        assert (checked.verdict is stripe.StripeVerdict.SEEN_BEFORE) <= (checked.atc <= 5)
