"""The engine dies before or after any commit of a rotation or of a card's payment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from backend.api import simulated
from backend.networks.issuing import APPROVED
from backend.payments.machine import State
from backend.runtime.errors import Crashed
from tests.backend.gateway.shop import Shop

ROTATION_COMMITS = 1
PAYMENT_COMMITS = 5  # its own and its host's; whoever reads its events adds some
READERS_COMMITS_MAX = 4
MOMENTS = ("before", "after")


def tell(shop: Shop, story: Callable[[], Awaitable[object]]) -> bool:
    """Whether the engine lived to the end of a story."""
    try:
        shop.world.run(story())
        shop.pass_time(1)  # what is stored in the background
    except Crashed:
        pass
    return shop.world.process.is_up


def commits_of(shop: Shop, story: Callable[[], Awaitable[object]]) -> int:
    before = shop.world.process.commits
    assert tell(shop, story)
    return shop.world.process.commits - before


def test_each_story_has_the_commits_that_are_killed_below(shop: Shop) -> None:
    card = shop.keep()
    shop.pass_time(1)
    assert commits_of(shop, shop.engine.cards.rotation.rotate) == ROTATION_COMMITS
    commits = commits_of(shop, lambda: shop.paying(card))
    assert PAYMENT_COMMITS <= commits <= PAYMENT_COMMITS + READERS_COMMITS_MAX


@pytest.mark.inv(314)
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", range(1, ROTATION_COMMITS + 1))
def test_a_kill_in_a_rotation_leaves_every_card_readable(
    tmp_path: Path, commit: int, moment: str
) -> None:
    with simulated(7, tmp_path / "lab") as world:
        shop = Shop(world, tmp_path / "lab")
        cards = [shop.keep(), shop.keep("5555555555554444")]
        shop.pass_time(1)
        world.process.crash_at(commit, moment)
        assert not tell(shop, shop.engine.cards.rotation.rotate)
        world.run(world.process.start())
        assert shop.red() == []
        shop.world.run(shop.engine.cards.rotation.rotate())
        for card in cards:
            assert shop.pay(card).state is State.APPROVED
        assert shop.red() == []


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", range(1, PAYMENT_COMMITS + READERS_COMMITS_MAX + 1))
def test_a_kill_in_a_card_payment_holds_nothing_twice(
    tmp_path: Path, commit: int, moment: str
) -> None:
    with simulated(7, tmp_path / "lab") as world:
        shop = Shop(world, tmp_path / "lab")
        card = shop.keep()
        shop.pass_time(1)
        world.process.crash_at(commit, moment)
        if tell(shop, lambda: shop.paying(card, key="k")):
            assert commit > PAYMENT_COMMITS  # there were no more to die at
            world.process.crash()
        world.run(world.process.start())
        assert shop.red() == []
        shop.pass_time(3_600)
        final = shop.pay(card, key="k")
        assert final.state in {State.APPROVED, State.REVERSED}
        approved = final.state is State.APPROVED
        held = shop.stored("SELECT coalesce(sum(held_minor), 0) FROM host_balances", "networks")
        assert held == [(1200 * approved,)]
        answered = f"SELECT count(*) FROM host_authorizations WHERE response_code = '{APPROVED}'"  # noqa: S608
        assert shop.stored(answered, "networks") in ([(1,)], [(0,)])
        assert shop.stored("SELECT count(*) FROM vault_codes") == [(0,)]
        assert shop.red() == []
