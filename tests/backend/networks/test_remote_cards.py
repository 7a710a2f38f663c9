"""A host and cards that are not there: what a sealed block must be, and what is answered twice."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from backend.networks.message import Message, decode, encode
from backend.networks.numbers import TOKEN_PREFIX, check_digit
from backend.runtime.errors import MessageError
from backend.switch import requests
from backend.switch.answers import Answered, AuthorizationRequest, NetworkReference
from tests.backend.networks.bench import Bench, bench, change, payment, phone_with

GOOD = "4242424242424242"
TOKEN_NUMBER = TOKEN_PREFIX["visa"] + "000000001"
TOKEN_NUMBER += check_digit(TOKEN_NUMBER)


async def block(
    lab: Bench, number: object = GOOD, rrn: str = "", *, to: str = "visa", **more: object
) -> str:
    key = ECKey.import_key(dict(await lab.tsp.public_key(to)))
    body = {"pan": number, "rrn": rrn, **more}
    return jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, json.dumps(body).encode(), key)


async def typed(
    lab: Bench, number: object = GOOD, *, to: str = "visa", rrn: str | None = None, **more: Any
) -> AuthorizationRequest:
    """A typed card's request at the visa host."""
    changes = {name: more.pop(name) for name in ("amount_minor", "expiry") if name in more}
    reference: NetworkReference = more.pop("reference", None) or lab.reference()
    return AuthorizationRequest(
        **{
            "payment_id": "pay_1", "tap_id": None, "network": "visa", "reference": reference,
            "token": "", "expiry": "3012", "psn": "", "amount_minor": 1240, "currency": "USD",
            "merchant_id": "mer_1", "merchant_name": "Shop", "merchant_category": "5814",
            "terminal_id": "TILL0001", "emv_data": b"", "is_remote": True,
            "sealed_card": await block(
                lab, number, reference.rrn if rrn is None else rrn, to=to, **more
            ),
            **changes,
        }
    )  # fmt: skip


async def answer_to(lab: Bench, request: AuthorizationRequest) -> Answered:
    raw = await lab.networks.hosts["visa"].handle(encode(requests.authorization(request)))
    return requests.answered(decode(raw), 1_000)


@pytest.mark.parametrize(
    ("card", "code", "reason"),
    [
        ({}, "00", "approved"),
        ({"code": "123"}, "00", "approved"),
        ({"code": "12"}, "N7", "incorrect_cvc"),
        ({"code": "1234"}, "N7", "incorrect_cvc"),
        ({"code": 123}, "N7", "incorrect_cvc"),
        ({"rrn": "999999999999"}, "30", "not_sealed"),
        ({"to": "mastercard"}, "30", "not_sealed"),
        ({"number": 4242424242424242}, "30", "not_sealed"),
        ({"number": "4242424242424241"}, "14", "invalid_card_number"),
        ({"number": "5555555555554444"}, "14", "invalid_card_number"),
        ({"number": TOKEN_NUMBER}, "14", "invalid_card_number"),
        ({"expiry": "2501"}, "54", "expired_card"),
    ],
)
def test_what_a_host_says_to_a_typed_card(
    tmp_path: Path, card: dict[str, Any], code: str, reason: str
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            answer = await answer_to(lab, await typed(lab, **card))
            assert (answer.response_code, answer.reason) == (code, reason)
            assert lab.held("visa") == ([1240] if code == "00" else [])
            said = {"code": code != "N7"} if "code" in card else {"code": None}
            assert answer.code_matches is said["code"]

    asyncio.run(main())


@settings(max_examples=12)
@given(noise=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=400))
def test_what_is_no_block_is_refused(tmp_path_factory: pytest.TempPathFactory, noise: str) -> None:
    async def main() -> None:
        async with bench(tmp_path_factory.mktemp("host")) as lab:
            request = replace(await typed(lab), sealed_card=noise or "x")
            assert (await answer_to(lab, request)).reason == "not_sealed"

    asyncio.run(main())


@pytest.mark.parametrize("field", ["2", "23", "35", "55"])
def test_a_sealed_card_comes_alone(tmp_path: Path, field: str) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            message = requests.authorization(await typed(lab))
            content = {"2": GOOD, "23": "001", "35": "4242", "55": "9F2601AA"}[field]
            with pytest.raises(MessageError, match=f"DE 127 and DE {field}"):
                encode(Message(message.kind, {**message.fields, field: content}))

    asyncio.run(main())


def test_a_repeat_hears_the_first_answer_and_another_card_does_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            reference = lab.reference()
            first = await answer_to(lab, await typed(lab, reference=reference, code="123"))
            again = await answer_to(lab, await typed(lab, reference=reference, code="123"))
            assert (again.auth_code, again.code_matches) == (first.auth_code, True)
            for other in (
                await typed(lab, "4012888888881881", reference=reference),
                await typed(lab, reference=reference, amount_minor=1300),
            ):
                assert (await answer_to(lab, other)).reason == "reference_reused"
            phone = await phone_with(lab, "visa")
            tap = payment(lab, phone, reference=reference)
            assert (await answer_to(lab, tap)).reason == "reference_reused"
            assert lab.held("visa") == [1240]

    asyncio.run(main())


def test_typed_and_tapped_are_one_account(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            assert (await answer_to(lab, await typed(lab, amount_minor=30_000_00))).approved
            tap = await answer_to(lab, payment(lab, phone, 30_000_00))
            assert (tap.approved, tap.reason) == (False, "insufficient_funds")

    asyncio.run(main())


@pytest.mark.inv(318)
def test_a_replaced_card_is_typed_in_vain_and_its_token_pays(tmp_path: Path) -> None:
    """What a network token is for: it outlives the number that it stands for."""

    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            await change(lab.tsp, "visa", phone.grant.token_ref, "replace-card", by="ISSUER")
            answer = await answer_to(lab, await typed(lab))
            assert (answer.response_code, answer.reason) == ("14", "card_replaced")
            assert (await answer_to(lab, payment(lab, phone))).approved

    asyncio.run(main())
