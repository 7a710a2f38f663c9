"""The whole laboratory from a seed: taps, a killed engine, a moved clock, the same story twice."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.pos.state import PosPhase
from lab.simulation import SimulatedLab
from lab.wallet.state import PhoneScreen

ROOT = Path(__file__).resolve().parents[2]
STORY = """
import sys
from pathlib import Path
from lab.simulation import SimulatedLab

with SimulatedLab(11, Path(sys.argv[1]), profile="lab", pace=1.0) as lab:
    world = lab.world
    lab.run(world.wallet.start_with_demo_cards())
    lab.run(world.client.put_faults(
        ({"link": "visa.auth", "effect": "latency", "ms": 400, "jitter_ms": 400},)
    ))
    for amount in (1240, 99, 5100):
        assert lab.run(world.hands.tap(amount, "USD")) is not None
        lab.run(world.real_scheduler.sleep(40))
    lab.crash_engine()
    lab.run(lab.restart_engine())
    lab.run(world.hands.tap(77, "EUR"))
    lab.run(world.console.jump(86_400.0))
    print(lab.event_log_sha256, len(lab.events))
"""


def told(folder: Path, hash_seed: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", STORY, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_seed_tells_the_same_story_in_another_process(tmp_path: Path) -> None:
    """Over 0.25 s: two interpreters start."""
    one = told(tmp_path / "one", "1")
    assert int(one.split()[1]) > 80
    assert one == told(tmp_path / "two", "2")


def test_another_seed_tells_another_story(tmp_path: Path) -> None:
    hashes = set()
    for seed in (1, 2):
        with SimulatedLab(seed, tmp_path / str(seed)) as lab:
            hashes.add(lab.event_log_sha256)
    assert len(hashes) == 2


def test_phone_and_till_outlive_the_engine(tmp_path: Path) -> None:
    with SimulatedLab(3, tmp_path) as lab:
        world = lab.world
        lab.run(world.wallet.start_with_demo_cards())
        assert lab.run(world.hands.tap(1000, "USD")).phase is PosPhase.APPROVED

        async def without_patience() -> object:
            lab.crash_engine()
            return await world.hands.tap(1240, "USD", patience_s=0.0)

        sale = lab.run(without_patience())
        assert (sale.phase, sale.problem) == (PosPhase.FAILED, "engine_unreachable")
        assert world.pos.state.amount_text == "$12.40"
        lab.run(lab.restart_engine())
        assert lab.engine.crashes == 1
        sale = lab.run(world.hands.space())
        assert (sale.phase, sale.amount_minor) == (PosPhase.APPROVED, 1240)
        assert len(lab.run(world.client.payments())) == 2


def test_the_phone_hears_of_a_payment_that_ended_after_the_tap(tmp_path: Path) -> None:
    with SimulatedLab(4, tmp_path) as lab:
        world = lab.world
        lab.run(world.wallet.start_with_demo_cards())
        lab.run(world.client.put_faults(({"link": "visa.auth", "effect": "lost_response"},)))
        visa = next(card for card in world.wallet.cards if card.network == "visa")
        sale = lab.run(world.hands.tap(1000, "USD", visa.id))
        assert sale.phase is PosPhase.NOT_COMPLETED
        lab.run(world.client.reset_faults())
        lab.run(world.real_scheduler.sleep(60))
        assert world.pos.state.phase is PosPhase.DECLINED
        assert world.wallet.state.screen is not PhoneScreen.READ
        (payment,) = lab.run(world.client.payments())
        assert payment.state == "reversed"


def test_a_moved_clock_moves_everybody(tmp_path: Path) -> None:
    with SimulatedLab(5, tmp_path) as lab:
        world = lab.world
        before_us = world.clock.now_us()
        lab.run(world.client.move_clock({"jump_s": 86_400}))
        lab.run(world.real_scheduler.sleep(1))
        assert world.clock.now_us() - before_us >= 86_400_000_000
        lab.crash_engine()
        lab.run(lab.restart_engine())
        state = lab.run(world.client.lab_state())
        assert state.now_us - before_us >= 86_400_000_000


def test_what_breaks_in_the_background_is_not_passed_over(tmp_path: Path) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    async def wait(lab: SimulatedLab) -> None:
        lab.world.real_scheduler.spawn(broken(), "broken")
        await lab.world.real_scheduler.sleep(1)

    with SimulatedLab(6, tmp_path) as lab, pytest.raises(Exception, match="broken failed") as told:
        lab.run(wait(lab))
    assert isinstance(told.value.__cause__, ZeroDivisionError)
