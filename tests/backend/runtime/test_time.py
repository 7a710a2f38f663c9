"""Lab time: jumps wake what was due, virtual waiting is free, durations never jump."""

from __future__ import annotations

import asyncio

import pytest

from backend.runtime.clock import LabClock
from backend.runtime.scheduler import LabScheduler, VirtualClock, VirtualLoop, VirtualScheduler


def run_virtual(make_work):
    loop = VirtualLoop()
    clock = VirtualClock(loop)
    try:
        return loop.run_until_complete(make_work(clock, VirtualScheduler(clock)))
    finally:
        loop.close()


def test_thirty_virtual_seconds_pass_at_once_and_exactly():
    async def wait(clock, scheduler):
        before = clock.now_us()
        await scheduler.sleep(30)
        return clock.now_us() - before

    assert run_virtual(wait) == 30_000_000


def test_virtual_deadline_cuts_a_wait_short():
    async def wait(clock, scheduler):
        with pytest.raises(TimeoutError):
            async with scheduler.deadline(0.5):
                await scheduler.sleep(30)
        return clock.monotonic_us()

    assert run_virtual(wait) == 500_000


def test_waiting_for_what_never_comes_is_an_error_not_a_hang():
    async def wait(clock, scheduler):
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="never come"):
        run_virtual(wait)


def test_a_jump_wakes_what_was_due_in_between_and_nothing_later():
    async def jump():
        clock = LabClock()
        scheduler = LabScheduler(clock)
        soon = scheduler.spawn(scheduler.sleep(3_600), "in an hour")
        later = scheduler.spawn(scheduler.sleep(86_400), "tomorrow")
        await asyncio.sleep(0)
        due = scheduler.next_due_us()
        clock.jump(7_200)
        await soon
        assert not later.done()
        await scheduler.cancel_all()
        return due, clock

    due, clock = asyncio.run(jump())
    assert due is not None
    assert clock.is_moved
    assert 7_199 < clock.offset_s < 7_202


def test_a_jump_leaves_durations_alone():
    clock = LabClock()
    before = clock.monotonic_us()
    clock.jump(86_400)
    assert clock.monotonic_us() - before < 1_000_000


@pytest.mark.parametrize("seconds", [-1, 11 * 366 * 86_400, float("nan")])
def test_lab_time_refuses_to_go_back_or_to_leave_the_century(seconds):
    with pytest.raises(ValueError, match="jump"):
        LabClock().jump(seconds)


@pytest.mark.parametrize("rate", [-0.1, 1_001, float("nan")])
def test_a_rate_has_limits(rate):
    with pytest.raises(ValueError, match="rate"):
        LabClock().set_rate(rate)


def test_a_paused_clock_stands_still_and_a_reset_brings_it_back():
    clock = LabClock()
    clock.set_rate(0)
    assert clock.now_us() == clock.now_us()
    assert clock.is_moved
    clock.reset()
    assert not clock.is_moved
    assert abs(clock.offset_s) < 1


def test_a_failing_background_task_is_reported_not_swallowed():
    async def fail():
        heard = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

        async def broken():
            raise ZeroDivisionError

        task = LabScheduler(LabClock()).spawn(broken(), "broken")
        await asyncio.wait([task])
        await asyncio.sleep(0)
        return heard

    (context,) = asyncio.run(fail())
    assert "broken" in context["message"]
    assert isinstance(context["exception"], ZeroDivisionError)
