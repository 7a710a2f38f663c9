"""Cards pay while the vault's keys turn; security codes go with their first authorization."""

from __future__ import annotations

import asyncio

import pytest

from backend.payments.machine import State
from tests.backend.gateway.shop import Shop

CODES = "SELECT count(*) FROM vault_codes"


@pytest.mark.inv(314)
def test_payments_run_while_the_keys_turn(shop: Shop) -> None:
    kept = [shop.keep(), shop.keep("5555555555554444"), shop.keep("378282246310005", cvc="1234")]

    async def turn() -> None:
        for _ in range(3):
            await shop.engine.cards.rotation.rotate()
            await shop.world.sleep(0.001)

    async def day() -> list[State]:
        paid = [shop.paying(kept[count % 3], 1_000 + count) for count in range(30)]
        *payments, _ = await asyncio.gather(*paid, turn())
        return [payment.state for payment in payments]

    assert set(shop.world.run(day())) == {State.APPROVED}
    assert shop.stored("SELECT count(*), min(kek), max(kek) FROM vault_keys") == [(4, 4, 4)]
    assert shop.pay(kept[0]).state is State.APPROVED
    assert shop.red() == []


def test_the_keys_are_shown_and_turned_on_demand(shop: Shop) -> None:
    async def ask(method: str, path: str, *, with_token: bool = True) -> tuple[int, dict]:
        async with shop.world.client(with_token=with_token) as client:
            answer = await client.request(method, path)
            return answer.status_code, answer.json()

    assert shop.world.run(ask("GET", "/lab/vault")) == (
        200, {"keys": [], "cards": 0, "next_rotation_us": None},
    )  # fmt: skip
    card = shop.keep()
    assert shop.world.run(ask("POST", "/lab/vault/rotate"))[1] == {
        "kek": 2, "data_keys": 2, "home": "file",
    }  # fmt: skip
    shown = shop.world.run(ask("GET", "/lab/vault"))[1]
    assert [(key["version"], key["kek"], key["cards"]) for key in shown["keys"]] == [
        (1, 2, 1), (2, 2, 0),
    ]  # fmt: skip
    assert shown["next_rotation_us"] > shown["keys"][-1]["created_at_us"]
    assert shop.world.run(ask("POST", "/lab/vault/rotate", with_token=False))[0] == 401
    assert shop.pay(card).state is State.APPROVED


@pytest.mark.parametrize("number", ["4242424242424242", "4000000000000002", "4000000000000127"])
def test_a_code_goes_with_the_first_answer(shop: Shop, number: str) -> None:
    card = shop.keep(number)
    assert shop.stored(CODES) == [(1,)]
    shop.pay(card)
    assert shop.stored(CODES) == [(0,)]
    again = shop.pay(card)  # as a kept card: nobody asks for its code
    said = dict(shop.events(again))[f"payment.{again.state.value}"]
    assert said["code_matches"] is None


def test_a_code_that_reached_nobody_stays_for_the_next_try(shop: Shop) -> None:
    card = shop.keep("4000000000000127")
    shop.force("open")
    assert shop.pay(card, key="k").state is State.NOT_SENT
    assert shop.stored(CODES) == [(1,)]
    shop.force("auto")
    assert shop.pay(card, key="k").reason == "incorrect_cvc"
    assert shop.stored(CODES) == [(0,)]


def test_a_code_goes_even_if_the_answer_never_came(shop: Shop) -> None:
    card = shop.keep()
    shop.fault(link="visa.auth", effect="lost_response", when={"nth": 1})
    assert shop.pay(card).state is State.UNKNOWN
    assert shop.stored(CODES) == [(0,)]


def test_a_capture_leaves_a_newer_code_alone(shop: Shop) -> None:
    card = shop.keep()
    paid = shop.pay(card)
    assert shop.keep() == card
    shop.ordered("capture", paid)
    assert shop.stored(CODES) == [(1,)]
    said = dict(shop.events(shop.pay(card)))["payment.approved"]
    assert said["code_matches"] is True


def test_a_code_that_nobody_used_is_dropped(shop: Shop) -> None:
    shop.keep()
    shop.pass_time(3_000)
    assert shop.stored(CODES) == [(1,)]
    shop.pass_time(3 * 3_600)
    assert shop.stored(CODES) == [(0,)]
