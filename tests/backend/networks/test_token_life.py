"""The life of issued tokens at their network: who holds them, what takes their place, for whom."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe

from backend.networks import numbers
from backend.networks.message import decode, encode
from backend.networks.token_life import REASONS, Suspender, advance_held
from backend.networks.tsp_terms import TokenGrant, TokenRefused
from backend.runtime.entropy import Entropy
from backend.runtime.errors import BadRequest, NotFound
from backend.runtime.scheduler import VirtualClock
from backend.switch import requests
from tests.backend.networks.bench import (
    CARDS,
    DEVICE_KEY,
    Bench,
    Phone,
    ask_token,
    bench,
    change,
    payment,
    phone_with,
    run_virtual,
    sealed,
    virtual,
)

ISSUER, CARDHOLDER, WALLET = "ISSUER", "CARDHOLDER", "TOKEN_REQUESTOR"


async def pays(lab: Bench, phone: Phone, amount_minor: int = 1240) -> tuple[str, str | None]:
    host = lab.networks.hosts[phone.network]
    raw = await host.handle(encode(requests.authorization(payment(lab, phone, amount_minor))))
    answer = requests.answered(decode(raw), 0)
    return answer.response_code, answer.reason


def opened(grant: TokenGrant) -> Phone:
    plain = jwe.decrypt_compact(grant.device_payload, DEVICE_KEY).plaintext
    return Phone("visa", grant, json.loads(plain or b""))


@pytest.mark.inv(52, 53, 57, 61)
def test_a_token_pays_again_when_the_last_who_held_it_lets_go(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            ref = phone.grant.token_ref
            for by in (CARDHOLDER, ISSUER, CARDHOLDER):
                assert await change(lab.tsp, "visa", ref, "suspend", by) == "suspended"
            state = await lab.tsp.token("visa", ref)
            assert state.suspended_by == (CARDHOLDER, ISSUER)
            assert await change(lab.tsp, "visa", ref, "resume", CARDHOLDER) == "suspended"
            assert await change(lab.tsp, "visa", ref, "resume", WALLET) == "suspended"
            assert await pays(lab, phone) == ("62", "token_suspended")
            last = await lab.tsp.change_token("visa", ref, "resume", by=ISSUER, reason="FOUND")
            assert (last.status, last.story[-1].reason) == ("active", "FOUND")
            assert await pays(lab, phone) == ("00", "approved")
            story = (await lab.tsp.token("visa", ref)).story
            assert [(each.operation, each.actor, each.suspended_by) for each in story] == [
                ("suspend", CARDHOLDER, (CARDHOLDER,)),
                ("suspend", ISSUER, (CARDHOLDER, ISSUER)),
                ("resume", CARDHOLDER, (ISSUER,)),
                ("resume", ISSUER, ()),
            ], "what changed nothing is no part of the story"
            assert await lab.tsp.token_events("visa", story[1].id) == list(story[2:])
            assert await lab.tsp.token_events("amex", 0) == []

    asyncio.run(main())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["suspend", "resume", "delete", "activate"]),
            st.sampled_from([each.value for each in Suspender]),
        ),
        max_size=12,
    ),
    st.sampled_from(["inactive", "active"]),
)
def test_who_holds_and_what_it_is_never_part(steps: list[tuple[str, str]], status: str) -> None:
    held: frozenset[str] = frozenset()
    for operation, by in steps:
        after = advance_held(status, held, operation, by)
        if after is None:
            continue
        before, (status, held) = status, after
        assert (status == "suspended") == bool(held)
        assert before != "deactivated" or status == "deactivated", "there is no way back"
        assert advance_held(status, held, operation, by) == (status, held), "repeats change nothing"


@pytest.mark.inv(51, 55)
def test_a_refreshed_token_is_another_one_for_the_same_device(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            old = await phone_with(lab, "visa")
            await pays(lab, old)
            grant = await lab.tsp.refresh_token("visa", old.grant.token_ref)
            again = await lab.tsp.refresh_token("visa", old.grant.token_ref)
            new = opened(grant)
            assert opened(again).payload == new.payload, "a lost answer makes no third token"
            assert new.payload["replaces"] == old.grant.token_ref
            assert grant.token_ref != old.grant.token_ref
            assert (grant.token, grant.par) != (old.grant.token, "")
            assert grant.par == old.grant.par
            assert new.payload["keys"] != old.payload["keys"]
            assert await pays(lab, new) == ("00", "approved"), "its counter begins anew"
            assert await pays(lab, old) == ("14", "token_deactivated")
            before = await lab.tsp.token("visa", old.grant.token_ref)
            assert (before.status, before.replaced_by) == ("deactivated", grant.token_ref)
            await change(lab.tsp, "visa", old.grant.token_ref, "suspend", CARDHOLDER)
            assert (await lab.tsp.token("visa", grant.token_ref)).status == "suspended"
            kept = opened(await lab.tsp.refresh_token("visa", grant.token_ref))
            state = await lab.tsp.token("visa", kept.grant.token_ref)
            assert (state.status, state.suspended_by) == ("suspended", (CARDHOLDER,))

    asyncio.run(main())


def test_racers_for_one_refresh_get_one_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            old = await phone_with(lab, "visa")
            grants = await asyncio.gather(
                *(lab.tsp.refresh_token("visa", old.grant.token_ref) for _ in range(6))
            )
            assert len({grant.token_ref for grant in grants}) == 1

    asyncio.run(main())


def test_a_new_card_goes_behind_the_same_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            watch = await phone_with(lab, "visa", device_id="dev_2", device_type="watch")
            with pytest.raises(BadRequest, match="only its issuer"):
                await change(lab.tsp, "visa", phone.grant.token_ref, "replace-card", CARDHOLDER)
            state = await lab.tsp.change_token(
                "visa", phone.grant.token_ref, "replace-card", by=ISSUER, reason="STOLEN"
            )
            assert state.card_last4 != "4242"
            assert (state.status, state.par) == ("active", phone.grant.par)
            other = await lab.tsp.token("visa", watch.grant.token_ref)
            assert (other.card_last4, other.device_type) == (state.card_last4, "watch")
            assert await pays(lab, phone) == ("00", "approved")
            refused = await ask_token(lab.tsp, "visa", device_id="dev_3")
            assert isinstance(refused, TokenRefused)
            assert refused.code == "card_replaced"

    asyncio.run(main())


def test_a_stolen_card_pays_again_once_its_issuer_sent_another(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa", "4000000000009979")
            assert (await pays(lab, phone))[0] == "43"
            await change(lab.tsp, "visa", phone.grant.token_ref, "replace-card", ISSUER)
            assert await pays(lab, phone) == ("00", "approved")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("operation", "by", "reason", "error"),
    [
        ("suspend", "NOBODY", "LOST", BadRequest),
        ("suspend", ISSUER, "FOUND", BadRequest),
        ("resume", ISSUER, "LOST", BadRequest),
        ("delete", ISSUER, "", BadRequest),
        ("melt", ISSUER, "OTHER", NotFound),
        ("activate", ISSUER, "OTHER", NotFound),
    ],
)
def test_words_that_no_operation_knows(
    operation: str, by: str, reason: str, error: type[BadRequest], tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            with pytest.raises(error):
                await change(lab.tsp, "visa", phone.grant.token_ref, operation, by, reason)
            state = await lab.tsp.token("visa", phone.grant.token_ref)
            assert (state.status, state.story) == ("active", ())

    asyncio.run(main())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"by": "ISSUER"}', b'{"by": 1, "reason": "LOST"}'])
def test_a_body_that_is_none_changes_nothing(body: bytes, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            ref = (await phone_with(lab, "visa")).grant.token_ref
            transport = httpx.ASGITransport(lab.networks.token_services)
            async with httpx.AsyncClient(transport=transport, base_url="http://networks") as http:
                answer = await http.post(f"/visa/tsp/tokens/{ref}/suspend", content=body)
                assert answer.status_code == 400
            assert (await lab.tsp.token("visa", ref)).status == "active"

    asyncio.run(main())


def test_who_is_not_the_issuer_cannot_take_back_what_the_issuer_holds(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            ref = (await phone_with(lab, "visa")).grant.token_ref
            await change(lab.tsp, "visa", ref, "suspend", ISSUER, "FRAUDULENT")
            refused = await ask_token(lab.tsp, "visa")
            assert isinstance(refused, TokenRefused)
            assert refused.code == "token_suspended"
            await change(lab.tsp, "visa", ref, "resume", ISSUER)
            await change(lab.tsp, "visa", ref, "suspend", CARDHOLDER)
            anew = await phone_with(lab, "visa")
            assert anew.grant.token_ref != ref
            assert (await lab.tsp.token("visa", ref)).status == "deactivated"

    asyncio.run(main())


def test_a_token_that_nobody_activates_goes_back_after_thirty_days(tmp_path: Path) -> None:
    async def main() -> None:
        clock, scheduler = virtual()
        assert isinstance(clock, VirtualClock)
        async with bench(tmp_path, clock=clock) as lab:
            first = await ask_token(lab.tsp, "visa", cvv="610")
            assert isinstance(first, TokenGrant)
            await scheduler.sleep(30 * 86_400)
            same = await ask_token(lab.tsp, "visa", cvv="610")
            assert isinstance(same, TokenGrant)
            assert same.token_ref == first.token_ref
            await scheduler.sleep(1)
            assert (await lab.tsp.verification("visa", first.token_ref)).outcome.value == "failed"
            assert (await lab.tsp.token("visa", first.token_ref)).status == "deactivated"

    run_virtual(main())


def test_a_token_says_how_sure_anyone_is_of_its_cardholder(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            green = await phone_with(lab, "mastercard")
            assert (green.grant.assurance_method, green.grant.requestor_id) == ("10", "50110030273")
            waiting = await ask_token(lab.tsp, "visa", cvv="610")
            assert isinstance(waiting, TokenGrant)
            assert waiting.assurance_method == "00"
            await lab.tsp.send_code("visa", waiting.token_ref, "bank_app", "s1")
            code = (await lab.tsp.notices(0))[-1].code
            await lab.tsp.check_code("visa", waiting.token_ref, "bank_app", code, "s2")
            state = await lab.tsp.token("visa", waiting.token_ref)
            assert (state.status, state.assurance_method) == ("active", "12")
            assert len(state.par) == 29

    asyncio.run(main())


@given(st.integers(min_value=0, max_value=2**31))
def test_token_ranges_and_card_ranges_never_meet(seed: int) -> None:
    stream = Entropy(seed, simulated=True).stream("numbers")
    for network in numbers.NETWORKS:
        token = numbers.draw_token(network, stream)
        assert numbers.is_token(token)
        assert numbers.is_luhn_valid(token)
        assert numbers.network_of(token) == network
    assert not any(numbers.is_token(number) for number in numbers.TEST_CARDS)
    assert len(set(numbers.TOKEN_PREFIX.values())) == len(numbers.NETWORKS)


def test_a_card_number_from_a_token_range_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            for network, prefix in numbers.TOKEN_PREFIX.items():
                body = prefix + "7" * (numbers.TOKEN_DIGITS[network] - len(prefix) - 1)
                number = body + numbers.check_digit(body)
                refused = await ask_token(
                    lab.tsp,
                    network,
                    number,
                    sealed_pan=sealed(await lab.tsp.public_key(network), number),
                    cvv=CARDS[network][1],
                )
                assert isinstance(refused, TokenRefused)
                assert refused.code == "number_is_token"

    asyncio.run(main())


def test_every_operation_has_its_reasons() -> None:
    assert set(REASONS) == {"suspend", "resume", "delete", "replace-card"}
    assert all("OTHER" in reasons for reasons in REASONS.values())
