"""The monitor: it sees what comes and goes, survives its service, and costs nothing while idle."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.api import PcscMonitor, Snapshot
from hardware.readers.pcsc_errors import Code
from tests.hardware.pcsc.conftest import FIELD_S, Desk
from tests.hardware.pcsc.scripted_service import EMPTY, PRESENT, ScriptedService
from tests.pcsc_stack import OMNIKEY

OK = b"\x90\x00"
ASK_S = 0.1


class Watching:
    """A monitor and what it told, to be waited for."""

    def __init__(self, monitor: PcscMonitor) -> None:
        self.monitor = monitor
        self.told: list[Snapshot] = []
        self._news = threading.Condition()
        monitor.subscribe(self._hear)

    def _hear(self, snapshot: Snapshot) -> None:
        with self._news:
            self.told.append(snapshot)
            self._news.notify_all()

    def until(self, reached: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait for it; asking again, since a reader that comes in between is seen late."""
        for _ in range(int(FIELD_S / ASK_S)):
            with self._news:
                if self._news.wait_for(lambda: reached(self.monitor.snapshot), ASK_S):
                    return self.monitor.snapshot
            self.monitor.look_now()
        raise AssertionError(self.monitor.snapshot)


@pytest.fixture
def scripted() -> Iterator[tuple[ScriptedService, Watching]]:
    service = ScriptedService()
    monitor = PcscMonitor(service)
    before = monitor_threads()  # a window's world that other tests share watches, too
    yield service, Watching(monitor)
    monitor.close()
    assert monitor_threads() - before == set()


def monitor_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "pcsc-monitor"}


def names(snapshot: Snapshot) -> list[str]:
    return [seat.name for seat in snapshot.seats]


def test_readers_and_cards_come_and_go_on_the_real_service(desk: Desk) -> None:
    """Over 0.25 s: the service looks for cards every 0.4 s."""
    watching = Watching(desk.monitor)
    slots = [desk.stack.reader_name(0), desk.stack.reader_name(1)]
    assert names(watching.until(lambda snapshot: len(snapshot.seats) == 2)) == slots
    card = desk.stack.insert(lambda _: OK, slot=1)
    watching.until(lambda snapshot: [seat.has_card for seat in snapshot.seats] == [False, True])
    card.remove()
    watching.until(lambda snapshot: not any(seat.has_card for seat in snapshot.seats))
    desk.stack.kill()
    gone = watching.until(lambda snapshot: snapshot.fault is not None)
    assert names(gone) == []
    desk.stack.start(OMNIKEY)
    desk.monitor.look_now()
    back = watching.until(lambda snapshot: bool(snapshot.seats))
    assert names(back)[0].startswith(OMNIKEY)
    assert back.fault is None


def test_an_idle_monitor_sleeps_in_the_service(desk: Desk) -> None:
    """Under 1 % of a processor, shown by what it does and not by a clock: it is woken by nothing.

    After the first look the thread is blocked in the service; the kernel counts how often it gave
    the processor up, and that number stands still while another program works with a card.
    """
    watching = Watching(desk.monitor)
    watching.until(lambda snapshot: len(snapshot.seats) == 2)
    desk.stack.insert(lambda _: OK, slot=1)
    watching.until(lambda snapshot: any(seat.has_card for seat in snapshot.seats))
    before = desk.monitor.wake_ups
    switches = switches_of(thread_id(desk.monitor))
    context = desk.service.establish()
    for _ in range(200):
        desk.service.reader_names(context)
    desk.service.release(context)
    assert desk.monitor.wake_ups - before <= 5  # what was asked before may still come in
    assert switches_of(thread_id(desk.monitor)) - switches <= 20


def thread_id(monitor: PcscMonitor) -> int:
    assert monitor._thread is not None
    assert monitor._thread.native_id is not None
    return monitor._thread.native_id


def switches_of(thread: int) -> int:
    """How often the kernel took the thread off the processor or it gave it up."""
    status = Path(f"/proc/{os.getpid()}/task/{thread}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


def test_the_service_is_looked_for_once_a_second_while_it_is_away(
    scripted: tuple[ScriptedService, Watching],
) -> None:
    service, watching = scripted
    service.put("Desk", EMPTY)
    watching.until(lambda snapshot: names(snapshot) == ["Desk"])
    service.stop(Code.SERVICE_STOPPED)
    watching.until(lambda snapshot: snapshot.fault is not None)
    calls, looks = len(service.calls), watching.monitor.snapshot.look
    watching.monitor.look_now()
    last = watching.until(lambda snapshot: snapshot.look > looks).look
    assert len(service.calls) - calls <= 3 * (last - looks) + 1  # as often as told, not in a circle
    service.stop(Code.SUCCESS)
    watching.monitor.look_now()
    assert names(watching.until(lambda snapshot: snapshot.fault is None)) == ["Desk"]


def test_a_reader_that_is_plugged_in_is_seen(scripted: tuple[ScriptedService, Watching]) -> None:
    service, watching = scripted
    watching.until(lambda snapshot: snapshot.look > 0)
    service.put("Desk", EMPTY)
    watching.until(lambda snapshot: names(snapshot) == ["Desk"])
    service.put("Counter", PRESENT)
    seats = watching.until(lambda snapshot: len(snapshot.seats) == 2).seats
    assert [seat.has_card for seat in seats] == [False, True]


def test_a_system_that_does_not_tell_of_plugging_is_asked() -> None:
    """As macOS: the pseudo reader is unknown there."""
    service = ScriptedService(tells_of_plugging=False)
    monitor = PcscMonitor(service)
    watching = Watching(monitor)
    service.put("Desk", EMPTY)
    monitor.look_now()
    watching.until(lambda snapshot: names(snapshot) == ["Desk"])
    service.put("Counter", EMPTY)
    monitor.look_now()
    watching.until(lambda snapshot: len(snapshot.seats) == 2)
    monitor.close()


def test_a_driver_that_calls_nothing_a_change_does_not_keep_it_spinning() -> None:
    class Restless(ScriptedService):
        def states(self, context, known, wait_ms):  # noqa: ARG002 -- PC/SC's shape
            self.calls.append("states")
            return self._seats(known)

    service = Restless()
    service.put("Desk", EMPTY)
    monitor = PcscMonitor(service)
    watching = Watching(monitor)
    watching.until(lambda snapshot: snapshot.look >= 2)
    assert service.calls.count("states") <= 5
    monitor.close()


def test_closing_is_no_wait_and_happens_once(scripted: tuple[ScriptedService, Watching]) -> None:
    service, watching = scripted
    watching.until(lambda snapshot: snapshot.look > 0)
    watching.monitor.close()
    watching.monitor.close()
    assert "release" in service.calls
