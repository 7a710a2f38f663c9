"""Verification at the networks: the rules by themselves, and one host over a real store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from joserfc import jwe

from backend.networks.decisions import CODE_RULES, METHODS, STEP_UP_DIGITS, TERMS
from backend.networks.message import decode, encode
from backend.networks.step_up import (
    CODE_LIFE_US,
    RESEND_AFTER_US,
    SENDS_MAX,
    TRIES_MAX,
    Progress,
    Stage,
    advance,
)
from backend.networks.token_life import LIFECYCLE
from backend.networks.tsp_terms import TokenGrant, TokenRefused, Verified
from backend.runtime.errors import BackendError, NotFound
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
    virtual,
)


def yellow(network: str, rule: str = "610") -> dict[str, str]:
    return {"cvv": rule + CARDS[network][1][3:]}


def test_a_method_is_spent_by_wrong_tries_or_by_its_last_code() -> None:
    sent = Progress().sent(0)
    assert sent.may_send(RESEND_AFTER_US - 1) is Verified.TOO_EARLY
    assert sent.may_send(RESEND_AFTER_US) is Verified.CODE_SENT
    assert sent.judge(0, is_right=True) is Verified.ACTIVE
    assert sent.judge(CODE_LIFE_US - 1, is_right=False) is Verified.CODE_WRONG
    assert sent.judge(CODE_LIFE_US, is_right=True) is Verified.CODE_EXPIRED
    assert Progress().judge(0, is_right=True) is Verified.CODE_NOT_SENT
    wrong = sent
    for _ in range(TRIES_MAX):
        assert not wrong.is_spent(0)
        wrong = wrong.missed()
    assert wrong.judge(0, is_right=True) is Verified.METHOD_SPENT
    last = Progress()
    for turn in range(SENDS_MAX):
        last = last.sent(turn * RESEND_AFTER_US)
    assert last.may_send(last.sent_at_us + RESEND_AFTER_US) is Verified.SENDS_USED
    assert not last.is_spent(last.expires_at_us - 1)
    assert last.is_spent(last.expires_at_us)


def test_a_verification_that_ended_stays_ended() -> None:
    assert advance(Stage.OPEN, Verified.CODE_WRONG) is Stage.OPEN
    for end in (Stage.PASSED, Stage.FAILED):
        for outcome in Verified:
            assert advance(end, outcome) is end


def test_an_inactive_token_is_only_activated_or_deleted() -> None:
    assert {operation for status, operation in LIFECYCLE if status == "inactive"} == {
        "activate",
        "delete",
    }


async def active_after(lab: Bench, network: str, token_ref: str) -> dict:
    """Verify a token by text message; what its device opens."""
    await lab.tsp.send_code(network, token_ref, "sms", "send-1")
    (notice,) = await lab.tsp.notices(0)
    answer = await lab.tsp.check_code(network, token_ref, "sms", notice.code, "check-1")
    assert answer.outcome is Verified.ACTIVE
    opened = jwe.decrypt_compact(answer.device_payload, DEVICE_KEY).plaintext
    return json.loads(opened or b"")


@pytest.mark.parametrize("network", list(CARDS))
def test_keys_stay_at_the_network_until_the_code_is_right(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            grant = await ask_token(lab.tsp, network, **yellow(network))
            assert isinstance(grant, TokenGrant)
            assert (grant.decision, grant.device_payload) == ("yellow", "")
            assert [method.method for method in grant.methods] == list(METHODS)
            assert {method.term for method in grant.methods} == set(TERMS[network].values())
            payload = await active_after(lab, network, grant.token_ref)
            assert payload["dpan"] == grant.token
            (notice,) = await lab.tsp.notices(0)
            assert len(notice.code) == STEP_UP_DIGITS[network]

    asyncio.run(main())


def test_an_inactive_token_pays_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            grant = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(grant, TokenGrant)

            async def pay(phone: Phone) -> tuple[str, str | None]:
                sent = encode(requests.authorization(payment(lab, phone)))
                answer = requests.answered(decode(await lab.networks.hosts["visa"].handle(sent)), 0)
                return answer.response_code, answer.reason

            other = await phone_with(lab, "visa", device_id="dev_2")
            early = Phone("visa", grant, {**other.payload, "dpan": grant.token})
            assert await pay(early) == ("62", "token_inactive")
            with pytest.raises(NotFound):
                await change(lab.tsp, "visa", grant.token_ref, "resume")
            payload = await active_after(lab, "visa", grant.token_ref)
            assert await pay(Phone("visa", grant, payload)) == ("00", "approved")

    asyncio.run(main())


def test_a_step_repeated_under_its_name_is_done_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            grant = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(grant, TokenGrant)
            ref = grant.token_ref
            for _ in range(3):
                sent = await lab.tsp.send_code("visa", ref, "sms", "send-1")
                assert sent.outcome is Verified.CODE_SENT
            (notice,) = await lab.tsp.notices(0)
            wrong = notice.code[:-1] + str((int(notice.code[-1]) + 1) % 10)
            for _ in range(3):
                answer = await lab.tsp.check_code("visa", ref, "sms", wrong, "check-1")
                assert answer.outcome is Verified.CODE_WRONG
                assert answer.methods[0].tries_left == TRIES_MAX - 1
            await lab.tsp.check_code("visa", ref, "sms", notice.code, "check-2")
            again = await lab.tsp.check_code("visa", ref, "sms", notice.code, "check-3")
            assert again.outcome is Verified.ACTIVE
            assert again.device_payload, "a lost answer does not leave the device without keys"

    asyncio.run(main())


def test_asking_again_goes_on_with_the_same_verification(tmp_path: Path) -> None:
    async def main() -> None:
        clock, _ = virtual()
        async with bench(tmp_path, clock=clock) as lab:
            first = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(first, TokenGrant)
            await lab.tsp.send_code("visa", first.token_ref, "sms", "send-1")
            again = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(again, TokenGrant)
            assert again.token_ref == first.token_ref
            assert again.methods[0].state == "sent"
            green = await ask_token(lab.tsp, "visa")
            assert isinstance(green, TokenGrant)
            assert (green.decision, green.device_payload) == ("yellow", ""), "no way around it"
            await change(lab.tsp, "visa", first.token_ref, "delete")
            gone = await lab.tsp.verification("visa", first.token_ref)
            assert gone.outcome is Verified.FAILED
            await asyncio.sleep(1)

    run_virtual(main())


def test_a_token_that_was_forgotten_is_no_way_around_a_verification(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            old = await ask_token(lab.tsp, "visa")
            new = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(old, TokenGrant)
            assert isinstance(new, TokenGrant)
            assert new.token_ref != old.token_ref
            assert new.device_payload == ""

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cvv": "620"}, "issuer_declined"),
        ({"cvv": "621"}, "network_declined"),
        ({"wallet_decision": "red"}, "wallet_declined"),
    ],
)
def test_any_red_issues_nothing(changes: dict[str, str], code: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            refused = await ask_token(lab.tsp, "visa", **changes)
            assert isinstance(refused, TokenRefused)
            assert refused.code == code

    asyncio.run(main())


def test_what_cannot_be_is_refused_at_the_networks_door(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            with pytest.raises(BackendError, match="400"):
                await ask_token(lab.tsp, "visa", wallet_decision="mauve")
            grant = await ask_token(lab.tsp, "visa", **yellow("visa"))
            assert isinstance(grant, TokenGrant)
            for network, ref in [("visa", "tok_nobody"), ("amex", grant.token_ref)]:
                with pytest.raises(NotFound):
                    await lab.tsp.verification(network, ref)
            with pytest.raises(NotFound, match="no network"):
                await lab.tsp.send_code("diners", grant.token_ref, "sms", "one")
            unknown = await lab.tsp.send_code("visa", grant.token_ref, "pigeon", "one")
            assert unknown.outcome is Verified.METHOD_UNKNOWN
            green = await ask_token(lab.tsp, "mastercard")
            assert isinstance(green, TokenGrant)
            with pytest.raises(NotFound):
                await lab.tsp.verification("mastercard", green.token_ref)

    asyncio.run(main())


def test_the_readme_lists_the_security_codes_as_they_are() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in Path("backend/networks/README.md").read_text().splitlines()
        if line.startswith("| ") and line[2:5] in CODE_RULES
    ]
    assert {row[0] for row in rows} == set(CODE_RULES)
    for code, *cells in rows:
        rule = CODE_RULES[code]
        said = [rule.wallet.value, rule.network.value, rule.issuer.value]
        assert cells[:3] == said
        if rule.refused_by() is None:
            assert cells[3].split(", ") == [f"`{method}`" for method in rule.methods]
        else:
            assert cells[3] == f"refused: `{rule.refused_by()}_declined`"
