"""The ring between the I/O thread and the window: bounded, newest first, asleep when empty."""

from __future__ import annotations

import threading

import pytest
from pytestqt.qtbot import QtBot

from lab.pos.state import PosPhase, PosState
from lab.wallet.state import WalletState
from lab.window.drain import Drain


@pytest.fixture
def shown() -> list[object]:
    return []


@pytest.fixture
def drain(shown: list[object]) -> Drain:
    return Drain({PosState: shown.append, WalletState: shown.append})


def test_only_the_latest_state_of_each_type_is_shown(drain: Drain, shown: list[object]) -> None:
    first = WalletState(clock_text="14:02")
    drain.put(first)
    for number in range(10_000):
        drain.put(PosState(amount_text=str(number)))
    assert drain.waiting == 2
    assert drain.replaced == 9_999
    drain.drain_now()
    assert shown == [first, PosState(amount_text="9999")]
    assert drain.waiting == 0


def test_a_state_put_by_another_thread_arrives_in_the_windows(drain: Drain, qtbot: QtBot) -> None:
    arrived: list[int] = []
    drain._show[PosState] = lambda _state: arrived.append(threading.get_ident())
    thread = threading.Thread(target=drain.put, args=(PosState(PosPhase.AMOUNT),))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(arrived), timeout=1000)
    assert arrived == [threading.get_ident()]


def test_no_timer_runs_when_there_is_nothing_to_show(
    drain: Drain, shown: list[object], qtbot: QtBot
) -> None:
    assert drain.is_idle
    drain.put(PosState())
    qtbot.waitUntil(lambda: bool(shown), timeout=1000)
    assert drain.is_idle


def test_a_value_that_nobody_shows_is_a_programmers_slip(drain: Drain) -> None:
    with pytest.raises(KeyError, match="str"):
        drain.put("a word")
