"""Which role a reader can play, by what it is remembered, and what a damaged memory costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import EMULATED, ReaderInfo, Signal
from lab.bench.flow import BenchFlow
from lab.bench.reader_words import labels, reader_kind, reader_state
from lab.bus import Bus
from lab.pos.state import PosPhase
from lab.reader_roles.devices import HISTORY_MAX, Device, Role, roles_of
from lab.reader_roles.lights import signal_of
from lab.reader_roles.memory import ROLES_MAX, ReaderMemory
from lab.reader_roles.table import ReaderTable, named_reader
from lab.words import message, tell

STICK = ReaderInfo("nfcpy:usb:04e6:5591", "SCM SCL3711", "nfcpy", ("apdu", "frames", "emulate"),
                   None, usable=True, why="", serial="A1")  # fmt: skip
DESK = ReaderInfo("pcsc:ACS ACR122U (X7) 00 00", "ACS ACR122U (X7) 00 00", "pcsc", ("apdu",), None,
                  usable=True, why="", model="ACS ACR122U")  # fmt: skip


@pytest.fixture
def shown() -> BenchFlow:
    clock = LabClock()
    return BenchFlow(clock=clock, scheduler=LabScheduler(clock), bus=Bus())


@pytest.fixture
def table(shown: BenchFlow) -> ReaderTable:
    return ReaderTable(shown, LabClock())


@pytest.mark.parametrize(
    ("info", "roles"),
    [
        (EMULATED, (Role.TILL,)),
        (STICK, (Role.TILL, Role.PHONE, Role.BENCH)),
        (DESK, (Role.TILL, Role.BENCH)),
    ],
)
def test_only_what_can_be_a_card_can_be_the_phone(info: ReaderInfo, roles: tuple) -> None:
    assert roles_of(info) == roles


@pytest.mark.parametrize(
    ("url", "serial", "identity"),
    [
        ("pcsc:ACS ACR122U (X7) 00 00", "", "pcsc:ACS ACR122U (X7) 00"),
        ("pcsc:ACS ACR122U (X7) 03 00", "", "pcsc:ACS ACR122U (X7) 00"),
        ("pcsc:ACS ACR122U (X7) 03 01", "", "pcsc:ACS ACR122U (X7) 01"),
        ("pcsc:Plain 00 00", "", "pcsc:Plain 00 00"),
        ("pn532:/dev/ttyUSB0", "FT1", "pn532:#FT1"),
        ("pn532:/dev/ttyUSB3", "FT1", "pn532:#FT1"),
        ("pn532:/dev/ttyUSB0", "", "pn532:/dev/ttyUSB0"),
    ],
)
def test_a_device_is_the_same_wherever_it_is_plugged_in(
    url: str, serial: str, identity: str
) -> None:
    info = ReaderInfo(url, "x", "x", (), None, usable=True, why="", serial=serial)
    assert info.identity == identity


def test_roles_are_kept_and_a_damaged_file_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "readers.json"
    memory = ReaderMemory.load(path)
    memory.remember(STICK.identity, Role.PHONE)
    memory.remember(DESK.identity, Role.TILL)
    memory.silent = True
    memory.forget_till()
    kept = ReaderMemory.load(path)
    assert (kept.roles, kept.silent) == ({STICK.identity: Role.PHONE}, True)
    for damage in (b"", b"[]", b'{"roles": {"x": "king"}, "named": []}', b'{"roles": 3}', b"\xff"):
        path.write_bytes(damage)
        assert ReaderMemory.load(path).roles == {}


def test_the_memory_does_not_grow_for_ever(tmp_path: Path) -> None:
    memory = ReaderMemory.load(tmp_path / "readers.json")
    memory.roles = {str(number): Role.BENCH for number in range(ROLES_MAX)}
    memory.remember("newest", Role.BENCH)
    assert (len(memory.roles), "0" in memory.roles) == (ROLES_MAX, False)


def test_a_reader_that_goes_without_a_role_leaves_the_table_and_returns_with_its_history(
    table: ReaderTable, shown: BenchFlow
) -> None:
    table.found("nfc", (STICK,))
    assert [view.name for view in shown.state.readers] == ["Emulated reader", "SCM SCL3711"]
    table.found("nfc", ())
    assert [view.name for view in shown.state.readers] == ["Emulated reader"]
    table.found("nfc", (STICK,))
    words = [tell(event.what) for event in shown.state.readers[1].history]
    assert words == ["Plugged in", "Unplugged", "Plugged in"]


def test_a_reader_that_goes_in_its_role_is_waited_for_and_known_at_another_port(
    table: ReaderTable, shown: BenchFlow
) -> None:
    toasts = []
    table.toast = toasts.append
    table.found("pcsc", (DESK,))
    table.devices[DESK.url].role = Role.TILL
    table.found("pcsc", ())
    away = shown.state.readers[1]
    assert (away.there, away.usable, away.role, reader_kind(away)) == (
        False, False, "till", "waiting",
    )  # fmt: skip
    assert "comes back" in reader_state(away)
    assert [tell(toast) for toast in toasts] == [
        "ACS ACR122U was unplugged. The till waits for it; the amount stays."
    ]
    table.found("pcsc", (ReaderInfo("pcsc:ACS ACR122U (X7) 05 00", "ACS ACR122U (X7) 05 00", "pcsc",
                                    ("apdu",), None, usable=True, why=""),))  # fmt: skip
    assert [(view.url, view.role, view.there) for view in shown.state.readers[1:]] == [
        ("pcsc:ACS ACR122U (X7) 05 00", "till", True)
    ]


def test_a_list_of_one_kind_says_nothing_of_another(table: ReaderTable, shown: BenchFlow) -> None:
    table.found("nfc", (STICK,))
    table.found("pcsc", (DESK,))
    table.found("pcsc", ())
    assert [view.url for view in shown.state.readers] == ["sim:", STICK.url]


def test_why_a_kind_of_readers_cannot_be_seen_is_no_reader(
    table: ReaderTable, shown: BenchFlow
) -> None:
    trouble = ReaderInfo("pcsc:", "PC/SC readers", "pcsc", (), None, usable=False, why="no service")
    table.found("pcsc", (trouble,))
    assert len(shown.state.readers) == 1


def test_a_history_ends() -> None:
    device = Device(STICK)
    for number in range(HISTORY_MAX + 5):
        device.note(number, message("reader.event.up"))
    assert len(device.history) == HISTORY_MAX
    assert device.history[0].at_us == HISTORY_MAX + 4


def test_two_of_one_model_keep_what_tells_them_apart() -> None:
    twin = ReaderInfo("pcsc:ACS ACR122U 00 01", "ACS ACR122U 00 01", "pcsc", ("apdu",), None,
                      usable=True, why="", model="ACS ACR122U")  # fmt: skip
    views = tuple(Device(info).view() for info in (DESK, twin, STICK))
    assert labels(views) == ("ACS ACR122U 00", "ACS ACR122U 01", "SCM SCL3711")
    assert labels(views[1:]) == ("ACS ACR122U", "SCM SCL3711")


def test_a_named_port_can_be_the_phone_and_a_named_pcsc_reader_is_expected() -> None:
    assert Role.PHONE in roles_of(named_reader("pn532:/dev/ttyAMA0"))
    assert named_reader("pcsc:ACR122U").name == "ACR122U"


def test_the_lights_follow_the_tills_and_never_mean_approved() -> None:
    signals = {phase: signal_of(phase) for phase in PosPhase}
    assert signals[PosPhase.PRESENT] is Signal.READY
    assert signals[PosPhase.READING] is None
    assert signals[PosPhase.AUTHORIZING] is Signal.READ
    assert signals[PosPhase.APPROVED] is signals[PosPhase.IDLE] is Signal.OFF
    assert signals[PosPhase.TRY_AGAIN] is signals[PosPhase.ONE_CARD] is Signal.ALERT
