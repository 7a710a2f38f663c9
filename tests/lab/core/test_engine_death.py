"""The engine dies, and phone and till go on: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import orjson
import pytest

from lab.bus import Bus
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import PhoneScreen
from lab.words import tell
from lab.world import opened
from tests.lab.core.running import Running


def kill_engine(running: Running) -> None:
    pid = running.world.engine.child_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


@pytest.mark.inv(1)
def test_a_killed_engine_comes_back_and_the_amount_is_kept(own_lab: Running) -> None:
    """Over 0.25 s: a real process is killed and started again, twice."""
    world = own_lab.world
    own_lab.run(world.wallet.start_with_demo_cards())
    assert own_lab.run(world.hands.tap(1000, "USD")).phase is PosPhase.APPROVED
    states: list[str] = []
    own_lab.call(lambda: world.bus.subscribe(lambda s: states.append(getattr(s, "engine", ""))))

    kill_engine(own_lab)
    own_lab.until(lambda: world.engine.endpoint is None)
    sale = own_lab.run(world.hands.tap(1240, "USD", patience_s=0.0))
    assert sale.phase is PosPhase.FAILED
    assert sale.problem == "engine_unreachable"
    assert world.pos.state.amount_text == "$12.40"
    assert world.pos.state.can_charge
    assert "kept" in tell(world.pos.state.detail)
    assert world.wallet.state.offline
    assert len(world.wallet.state.cards) == 3  # cached, and shown as such

    own_lab.until(lambda: world.engine.endpoint is not None)
    own_lab.until(lambda: not world.wallet.state.offline)
    own_lab.call(world.wallet.close)
    sale = own_lab.run(world.hands.space())
    assert sale.phase is PosPhase.APPROVED
    assert sale.amount_minor == 1240
    shown = [state for state in states if state]
    assert "down" in shown
    assert "restarting" in shown
    assert shown[-1] == "up"


def test_a_request_that_may_have_arrived_is_asked_again_with_its_key(own_lab: Running) -> None:
    """Over 0.25 s: the engine is killed while the bank is slow, and started again."""
    world = own_lab.world
    own_lab.run(world.wallet.start_with_demo_cards())
    own_lab.run(world.console.set_fault("visa.slow", on=True, parameters={"ms": 450}))
    own_lab.call(lambda: world.pos.set_amount(1240, "USD"))

    async def tap_and_kill() -> object:
        sale = world.real_scheduler.spawn(world.hands.tap(1240, "USD", patience_s=0.0), "tap")
        while world.pos.state.phase is not PosPhase.AUTHORIZING:
            await world.real_scheduler.sleep(0.002)
        await world.real_scheduler.sleep(0.1)
        kill_engine(own_lab)
        return await sale

    sale = own_lab.run(tap_and_kill())
    assert sale.phase is PosPhase.NOT_COMPLETED
    assert sale.problem == "engine_silent"
    own_lab.until(lambda: world.pos.state.phase is not PosPhase.NOT_COMPLETED)
    payments = own_lab.run(world.client.payments())
    assert len(payments) == 1  # one key, one payment, however often it was asked
    assert payments[0].tap_id == sale.tap_id
    expected = PosPhase.APPROVED if payments[0].state == "approved" else PosPhase.DECLINED
    assert world.pos.state.phase is expected


def test_an_offline_phone_shows_its_cards_before_any_engine_answers(
    own_lab: Running, tmp_path: Path
) -> None:
    world = own_lab.world
    own_lab.run(world.wallet.start_with_demo_cards())
    cache = world.settings.phone_cache_file.read_bytes()
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "phone.json").write_bytes(cache)

    async def look() -> tuple[PhoneScreen, int, bool]:
        settings = Settings(data_dir=fresh, engine_url="http://127.0.0.1:9", pace=0.0)
        async with opened(settings, Bus()) as offline:
            state = offline.wallet.state
            return state.screen, len(state.cards), state.offline

    assert own_lab.run(look()) == (PhoneScreen.STACK, 3, True)


def test_the_file_of_a_killed_engine_deceives_nobody(own_lab: Running) -> None:
    world = own_lab.world
    old = orjson.loads(world.settings.engine_file.read_bytes())
    kill_engine(own_lab)
    own_lab.until(lambda: world.engine.endpoint is None)
    own_lab.until(lambda: world.engine.endpoint is not None)
    new = orjson.loads(world.settings.engine_file.read_bytes())
    assert new["pid"] != old["pid"]
    assert world.engine.child_pid == new["pid"]


def test_lab_time_moves_here_as_it_moves_there(own_lab: Running) -> None:
    world = own_lab.world
    own_lab.run(world.wallet.start_with_demo_cards())
    before_us = world.clock.now_us()
    own_lab.run(world.console.jump(3600.0))
    assert world.clock.now_us() - before_us >= 3_600_000_000
    assert "clock" in {deviation.kind for deviation in world.console.state.deviations}
    own_lab.call(world.console.mark)
    assert world.console.state.film[-1].kind == "flag"
    sale = own_lab.run(world.hands.tap(1240, "USD"))
    assert sale.phase is PosPhase.APPROVED


def test_a_window_closed_while_the_engine_comes_back_leaves_none_behind(own_lab: Running) -> None:
    """An engine that nobody waits for any more made its folder anew, half a minute later."""
    world = own_lab.world
    killed = world.engine.child_pid
    kill_engine(own_lab)
    own_lab.until(lambda: world.engine.child_pid not in {None, killed})
    started = world.engine.child_pid
    assert started is not None
    assert world.engine.endpoint is None
    own_lab.run(world.engine.stop())
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)
