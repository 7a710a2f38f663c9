"""What a network answers: token, cryptogram, counter, money, repeats, reversals, inquiries."""

import asyncio
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from backend.networks.issuing import authorization_code
from backend.networks.message import Message, decode, encode, original_elements, transmission_time
from backend.networks.server import HostSettings
from backend.runtime.entropy import SeededStream
from backend.runtime.errors import MessageError
from backend.switch import requests
from backend.switch.answers import Answered, AuthorizationRequest, NetworkReference, StatusKnown
from tests.backend.networks.bench import Bench, bench, change, payment, phone_with


async def pay(lab: Bench, request: AuthorizationRequest) -> Answered:
    raw = await lab.networks.hosts[request.network].handle(encode(requests.authorization(request)))
    return requests.answered(decode(raw), 0)


async def pay_as(lab: Bench, request: AuthorizationRequest, entry_mode: str) -> Answered:
    asked = requests.authorization(request)
    told = Message(asked.kind, {**asked.fields, "22": entry_mode})
    raw = await lab.networks.hosts[request.network].handle(encode(told))
    return requests.answered(decode(raw), 0)


async def reverse(lab: Bench, request: AuthorizationRequest, amount_minor: int = 1240) -> str:
    message = requests.reversal(
        request.reference, amount_minor, request.currency, lab.clock.now_us()
    )
    return decode(await lab.networks.hosts[request.network].handle(encode(message))).fields["39"]


async def inquire(lab: Bench, request: AuthorizationRequest) -> StatusKnown:
    message = requests.inquiry(request.reference, lab.clock.now_us())
    raw = await lab.networks.hosts[request.network].handle(encode(message))
    return requests.status_known(decode(raw))


@pytest.mark.inv(74, 75)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_payment_is_approved_and_held(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, network)
            answer = await pay(lab, payment(lab, phone))
            assert answer.approved
            assert answer.auth_code is not None
            assert len(answer.auth_code) == 6
            assert answer.token_ref == phone.grant.token_ref
            assert answer.cryptogram_valid is True
            assert (answer.reason, answer.steered) == ("approved", None)
            assert lab.held(network) == [1240]

    asyncio.run(main())


@pytest.mark.inv(74)
@pytest.mark.parametrize(("entry_mode", "key"), [("071", "proximity"), ("810", "remote")])
def test_a_key_signs_for_its_own_channel_only(entry_mode: str, key: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            keys = phone.payload["keys"]
            assert (keys["proximity"]["dki"], keys["remote"]["dki"]) == ("01", "02")
            assert keys["proximity"]["mk"] != keys["remote"]["mk"]
            phone.verified = True
            for used, signing in keys.copy().items():
                keys["proximity"] = signing
                answer = await pay_as(lab, payment(lab, phone), entry_mode)
                assert answer.approved is (used == key)
                if used != key:
                    assert answer.reason == "key_of_other_channel"
                    assert answer.cryptogram_valid is False

    asyncio.run(main())


@pytest.mark.inv("C49")
def test_a_remote_cryptogram_vouches_for_its_owner(tmp_path: Path) -> None:
    """Nobody met: only the signed word of the device says that its owner was there."""

    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            phone.payload["keys"]["proximity"] = phone.payload["keys"]["remote"]
            unseen = await pay_as(lab, payment(lab, phone), "810")
            assert (unseen.approved, unseen.reason) == (False, "cardholder_not_verified")
            assert unseen.cryptogram_valid is True
            phone.verified = True
            claimed = payment(lab, phone)
            phone.verified = False  # the word is under the signature: it cannot be put in later
            said = claimed.emv_data.replace(bytes.fromhex("1203A4"), bytes.fromhex("1203A0"))
            other = replace(claimed, emv_data=said, reference=lab.reference())
            changed = await pay_as(lab, other, "810")
            assert changed.reason == "cryptogram_invalid"
            assert (await pay_as(lab, claimed, "810")).approved

    asyncio.run(main())


def test_no_authorization_code_comes_again_after_a_restart(tmp_path: Path) -> None:
    async def approvals(run: int) -> list[str | None]:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            phone.atc = run * 10  # the card goes on counting, whatever the host does
            orders = [
                payment(lab, phone, reference=NetworkReference(f"{number:012d}", "000001", 0))
                for number in range(phone.atc, phone.atc + 3)
            ]
            return [(await pay(lab, order)).auth_code for order in orders]

    codes = asyncio.run(approvals(0)) + asyncio.run(approvals(1))
    assert None not in codes
    assert len(set(codes)) == len(codes)


def test_a_round_of_authorization_codes_has_each_once() -> None:
    step, count = 618_033, 1_000_000
    assert math.gcd(step, count) == 1
    assert authorization_code("visa", count + 5) == authorization_code("visa", 5)
    assert len({authorization_code("amex", number) for number in range(1, 1_001)}) == 1_000


@pytest.mark.parametrize(
    ("amount", "code", "reason"),
    [
        (1051, "51", "insufficient_funds"),
        (1054, "54", "expired_card"),
        (1061, "61", "exceeds_limit"),
        (1062, "62", "restricted_card"),
        (1091, "91", "issuer_unavailable"),
        (1096, "96", "system_malfunction"),
    ],
)
def test_amounts_steer_the_issuer_and_say_so(
    amount: int, code: str, reason: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            answer = await pay(lab, payment(lab, phone, amount))
            assert (answer.response_code, answer.reason) == (code, reason)
            assert answer.steered == f"amount ends .{code}"
            assert answer.auth_code is None
            assert lab.held("visa") == []

    asyncio.run(main())


def test_one_switch_turns_steering_off(tmp_path: Path) -> None:
    async def main() -> None:
        settings = HostSettings(profile="instant", steering=False)
        async with bench(tmp_path, settings=settings) as lab:
            phone = await phone_with(lab, "visa")
            assert (await pay(lab, payment(lab, phone, 1051))).approved

    asyncio.run(main())


@pytest.mark.parametrize(
    ("number", "code", "reason"),
    [
        ("4000000000000002", "05", "do_not_honor"),
        ("4000000000009995", "51", "insufficient_funds"),
        ("4000000000000341", "14", "invalid_card_number"),
        ("4000000000009979", "43", "stolen_card"),
    ],
)
def test_test_cards_keep_their_meaning(number: str, code: str, reason: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa", number)
            answer = await pay(lab, payment(lab, phone))
            assert (answer.response_code, answer.reason) == (code, reason)
            assert answer.steered is None
            assert answer.cryptogram_valid is True

    asyncio.run(main())


@pytest.mark.parametrize(("currency", "limit"), [("USD", 5_000_000), ("JPY", 50_000)])
def test_the_limit_is_in_major_units_and_counts_what_is_held(
    currency: str, limit: int, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            assert (await pay(lab, payment(lab, phone, limit, currency))).approved
            over = await pay(lab, payment(lab, phone, 1, currency))
            assert (over.response_code, over.steered) == ("51", None)
            assert (await pay(lab, payment(lab, phone, 1, "EUR"))).approved

    asyncio.run(main())


def test_a_load_card_never_runs_out_of_money(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa", "4000990000000004")
            for _ in range(2):
                assert (await pay(lab, payment(lab, phone, 5_000_000, "USD"))).approved

    asyncio.run(main())


@pytest.mark.inv(74)
@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("9A", "261121"),
        ("9F37", "00000000"),
        ("9F36", "0009"),
        ("95", "0000000001"),
        ("9F26", "00" * 8),
    ],
)
def test_any_change_of_what_the_card_signed_is_refused(
    tag: str, value: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            data = phone.chip_data(1240, "USD", **{tag: value})
            answer = await pay(lab, payment(lab, phone, emv_data=data))
            assert (answer.response_code, answer.reason) == ("82", "cryptogram_invalid")
            assert answer.cryptogram_valid is False
            assert lab.held("visa") == []

    asyncio.run(main())


@pytest.mark.inv(74)
def test_every_byte_of_the_cryptogram_counts(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            for place in range(8):
                data = bytearray(phone.chip_data(1240, "USD"))
                data[data.index(b"\x9f\x26\x08") + 3 + place] ^= 0x01
                answer = await pay(lab, payment(lab, phone, emv_data=bytes(data)))
                assert answer.reason == "cryptogram_invalid"

    asyncio.run(main())


def test_a_token_suspended_during_its_payment_pays_no_more(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            rules = lab.networks.hosts["visa"].rules
            request = requests.authorization(payment(lab, phone))
            examined = rules.examiner.examine(request)
            assert examined.refusal is None
            await change(lab.tsp, "visa", phone.grant.token_ref, "suspend")
            row = await rules.authorize(request, examined, 0)
            assert (row.response_code, row.reason) == ("62", "token_suspended")
            assert lab.held("visa") == []

    asyncio.run(main())


def test_a_forged_counter_does_not_brick_the_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            forged = phone.chip_data(1240, "USD", **{"9F36": "FFFF"})
            assert not (await pay(lab, payment(lab, phone, emv_data=forged))).approved
            assert (await pay(lab, payment(lab, phone))).approved

    asyncio.run(main())


def test_a_counter_counts_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            data = phone.chip_data(1240, "USD")
            assert (await pay(lab, payment(lab, phone, emv_data=data))).approved
            replayed = await pay(lab, payment(lab, phone, emv_data=data))
            assert (replayed.response_code, replayed.reason) == ("05", "atc_not_higher")
            assert replayed.cryptogram_valid is True
            assert lab.held("visa") == [1240]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changes", "code", "reason"),
    [
        ({"amount_minor": 1241}, "30", "emv_data_disagrees"),
        ({"currency": "EUR"}, "30", "emv_data_disagrees"),
        ({"token": "4999990000000004"}, "14", "token_unknown"),
        ({"expiry": "3011"}, "54", "token_expiry_differs"),
        ({"emv_data": b"\x9f"}, "30", "emv_data_malformed"),
        ({"emv_data": b"\x9f\x36\x02\x00\x01"}, "30", "emv_data_malformed"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    changes: dict, code: str, reason: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            answer = await pay(lab, replace(payment(lab, phone), **changes))
            assert (answer.response_code, answer.reason) == (code, reason)
            assert answer.cryptogram_valid is None
            assert lab.held("visa") == []

    asyncio.run(main())


def test_one_reference_has_one_answer_and_one_hold(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, inline=False) as lab:
            phone = await phone_with(lab, "visa")
            request = payment(lab, phone)
            answers = await asyncio.gather(*(pay(lab, request) for _ in range(8)))
            assert len(set(map(repr, answers))) == 1
            assert answers[0].approved
            assert lab.held("visa") == [1240]
            other = await pay(lab, replace(payment(lab, phone, 99), reference=request.reference))
            assert (other.response_code, other.reason) == ("94", "reference_reused")
            assert lab.held("visa") == [1240]

    asyncio.run(main())


def test_a_reversal_releases_once_and_may_be_repeated(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            request = payment(lab, phone)
            approved = await pay(lab, request)
            kept = await pay(lab, payment(lab, phone, 300))
            assert kept.approved
            assert await reverse(lab, request, 1241) == "64"
            assert lab.held("visa") == [1240, 300]
            assert [await reverse(lab, request) for _ in range(3)] == ["00", "00", "00"]
            assert lab.held("visa") == [300]
            known = await inquire(lab, request)
            assert known == StatusKnown(
                found=True, response_code="00", auth_code=approved.auth_code, reversed=True
            )
            assert lab.store.read(lambda rows: rows.held_minor("nobody", "USD")) == 0
            assert (await pay(lab, request)) == approved  # a repeat still hears its first answer
            assert lab.held("visa") == [300]

    asyncio.run(main())


def test_an_authorization_that_its_reversal_overtook_never_holds(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            request = payment(lab, phone)
            assert await reverse(lab, request) == "00"
            late = await pay(lab, request)
            assert (late.response_code, late.reason) == ("05", "reversed_before_arrival")
            assert lab.held("visa") == []
            assert await inquire(lab, request) == StatusKnown(
                found=False, response_code=None, auth_code=None, reversed=True
            )

    asyncio.run(main())


def test_an_inquiry_about_nothing_finds_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            known = await inquire(lab, payment(lab, phone))
            assert known == StatusKnown(
                found=False, response_code=None, auth_code=None, reversed=False
            )

    asyncio.run(main())


def test_management_messages(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            host = lab.networks.hosts["amex"]
            for code, answer in (("001", "00"), ("301", "00"), ("002", "00"), ("161", "30")):
                fields = {"7": "1120183000", "11": "000001", "70": code}
                raw = await host.handle(encode(Message("0800", fields)))
                assert decode(raw).fields["39"] == answer

    asyncio.run(main())


def test_answers_are_no_requests(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            reference = ("000000000001", "000001", transmission_time(lab.clock.now_us()))
            fields = {"7": reference[2], "11": reference[1], "37": reference[0], "39": "00"}
            with pytest.raises(MessageError, match="no request"):
                await lab.networks.hosts["visa"].handle(encode(Message("0110", fields)))
            wrong = {"4": "0" * 12, "7": reference[2], "11": reference[1], "37": reference[0],
                     "49": "840", "90": "9" + original_elements(reference)[1:]}  # fmt: skip
            with pytest.raises(MessageError, match="DE 90"):
                await lab.networks.hosts["visa"].handle(encode(Message("0400", wrong)))

    asyncio.run(main())


def test_a_damaged_request_is_answered_or_refused_as_no_message(tmp_path: Path) -> None:
    async def main() -> None:
        stream = SeededStream(1, "damage")
        outcomes = Counter[str]()
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            clean = encode(requests.authorization(payment(lab, phone)))
            for _ in range(300):
                raw = bytearray(clean)
                start = stream.randint(0, len(raw) - 1)
                damage = stream.bytes(stream.randint(1, 6))
                if stream.random() < 0.6:  # digits reach deeper than noise
                    damage = bytes(0x30 + byte % 10 for byte in damage)
                raw[start : start + len(damage)] = damage
                try:
                    answer = decode(await lab.networks.hosts["visa"].handle(bytes(raw)))
                except MessageError:
                    outcomes["no message"] += 1
                else:
                    outcomes[answer.fields["39"]] += 1
        assert outcomes["no message"] > 30  # the harness reached both sides of the door
        assert len(outcomes) >= 5

    asyncio.run(main())


def test_names_that_do_not_fit_are_carried_as_well_as_can_be(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            request = replace(payment(lab, phone), terminal_id="Kasse ß 123456",
                              merchant_id="x" * 40)  # fmt: skip
            fields = requests.authorization(request).fields
            assert fields["41"] == "Kasse ? "
            assert fields["42"] == "x" * 15
            assert fields["43"].rstrip() == "Café ?ód?"
            assert (await pay(lab, request)).approved

    asyncio.run(main())
