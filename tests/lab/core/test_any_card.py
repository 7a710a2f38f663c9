"""Any card without a window: typed commands, the shared reader, enrolment, pre-flight's lines."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path

import pytest

from hardware.api import CardHeld, CardLink, NoCard, PlainTag, build_tlv
from lab.anycard.account import mask_uid
from lab.anycard.enrolment import THINGS_MAX, EnrolmentStore
from lab.anycard.raw import RawFlow
from lab.anycard.raw_commands import COMMON, command_of, completions, parse_typed
from lab.anycard.till_reader import Arrival, TillReader
from lab.bus import Bus
from lab.console.state import Deviation
from lab.errors import NotDone
from lab.preflight import checks
from lab.preflight.state import PreflightLine, PreflightState, ScreenSize
from lab.preflight.wakefulness import Sleep, Wakefulness
from lab.words import ENGLISH, Message, tell

KEY = bytes(range(32))
UID = bytes.fromhex("04A1B2C3D4E5F6")
READER = "pcsc:A reader"

# -- typed commands ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["00A4040000", "00 a4 04 00 00", "00:A4:04:00:00", "0x00a4040000"]
)
def test_hex_is_taken_as_people_write_it(typed: str) -> None:
    assert command_of(typed).to_bytes() == bytes.fromhex("00A4040000")
    assert parse_typed(typed).name.startswith("SELECT")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("00A", "half a byte"),
        ("00A40", "half a byte"),
        ("SELECT", "no hex digit"),
        ("00A4", "at least 4 bytes"),
        ("00A4040005A0", "Lc says 5"),
        ("00A404000000FF", "extended"),
        ("00" * 262, "more than a short command"),
        ("\u0661\u0662", "no hex digit"),
        ("00A4040000" + "\U0001f600", "no hex digit"),
    ],
)
def test_what_is_no_command_is_said_in_words(typed: str, why: str) -> None:
    parsed = parse_typed(typed)
    assert why in parsed.problem
    assert (parsed.name, parsed.nodes) == ("", ())


def test_every_common_command_is_one_and_none_changes_a_lab_card() -> None:
    for code, _name in COMMON:
        parsed = parse_typed(code, lab_card=True)
        assert (parsed.problem, parsed.effect) == ("", None), code


def test_completion_by_digits_and_by_words() -> None:
    assert [name for _, name in completions("00A40400 0E32")] == [COMMON[0][1]]
    assert [code for code, _ in completions("counter get")] == ["80CA9F3600", "80CA9F1300"]
    assert completions("") == COMMON
    assert completions("nothing such") == ()


def test_a_cards_own_list_names_what_is_typed() -> None:
    wanted = build_tlv(0xA5, build_tlv(0x9F38, bytes.fromhex("9F02069F3704")))
    selected = build_tlv(0x6F, build_tlv(0x84, b"AAAA") + wanted) + b"\x90\x00"
    typed = "80A800000C830A000000001240112233 44"
    parsed = parse_typed(typed, (selected.hex(),))
    assert {"9F02", "9F37"} <= {node.tag for node in parsed.nodes}
    assert "9F02" not in {node.tag for node in parse_typed(typed).nodes}


def test_every_effect_has_its_sentence() -> None:
    for ins in range(256):
        for cla in ("00", "80", "FF"):
            effect = parse_typed(f"{cla}{ins:02X}0000").effect
            assert effect is None or tell(effect)


# -- the shared reader ---------------------------------------------------------------------------


class Link:
    def __init__(self) -> None:
        self.atr, self.uid, self.released = b"", UID, False

    async def transmit(self, command: bytes) -> bytes:
        return command

    async def release(self) -> None:
        self.released = True


class QueueReader:
    """A reader into which a test puts what comes."""

    url, name, capabilities = READER, "A reader", frozenset({"read"})

    def __init__(self) -> None:
        self.coming: asyncio.Queue[CardLink | Exception] = asyncio.Queue()

    async def wait_for_card(self, timeout_s: float) -> CardLink:
        assert timeout_s > 0
        came = await self.coming.get()
        if isinstance(came, Exception):
            raise came
        return came

    async def close(self) -> None:
        return


def test_the_till_takes_its_reader_back() -> None:
    async def play() -> None:
        bare, told = QueueReader(), []
        reader = TillReader(bare)
        reader.on_taken_back = lambda: told.append(True)
        first, second = Link(), Link()
        bare.coming.put_nowait(first)
        assert await reader.borrow(1.0) is first
        bare.coming.put_nowait(second)
        assert await reader.wait_for_card(1.0) is second
        assert (first.released, told) == (True, [True])

    asyncio.run(play())


def test_a_wait_that_the_till_ends_is_said_and_the_till_is_never_disturbed() -> None:
    async def play() -> None:
        bare = QueueReader()
        reader = TillReader(bare)
        borrowing = asyncio.ensure_future(reader.borrow(1.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        charging = asyncio.ensure_future(reader.wait_for_card(1.0))
        with pytest.raises(CardHeld):
            await borrowing
        with pytest.raises(CardHeld):
            await reader.borrow(1.0)  # while the till waits
        link = Link()
        bare.coming.put_nowait(link)
        assert await charging is link
        borrowing = asyncio.ensure_future(reader.borrow(1.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await reader.give_back()
        with pytest.raises(CardHeld):
            await borrowing
        bare.coming.put_nowait(NoCard("nobody"))
        with pytest.raises(NoCard):
            await reader.borrow(1.0)

    asyncio.run(play())


def test_what_comes_is_shown_and_may_be_answered_for() -> None:
    async def play() -> None:
        bare, seen = QueueReader(), []
        reader, instead = TillReader(bare), Link()

        async def arrived(arrival: Arrival) -> CardLink | None:
            seen.append(arrival)
            return instead if arrival.uid == UID else None

        reader.on_arrival = arrived
        thing = Link()
        bare.coming.put_nowait(thing)
        assert await reader.wait_for_card(1.0) is instead
        assert thing.released
        tag = PlainTag("a tag", uid=b"\x01\x02\x03\x04", sak=0, atqa=b"\x44\x00")
        bare.coming.put_nowait(tag)
        with pytest.raises(PlainTag):
            await reader.wait_for_card(1.0)
        assert seen[-1].tag is tag

    asyncio.run(play())


class NoTime:
    """A clock that stands still and a scheduler that never comes back to anybody."""

    def now_us(self) -> int:
        return 0

    def monotonic_us(self) -> int:
        return 0

    def spawn(self, work: Coroutine[object, object, object], _name: str) -> None:
        work.close()


def test_typed_commands_go_to_the_benchs_reader_where_one_has_that_role() -> None:
    async def play() -> None:
        till, bench, entered = QueueReader(), QueueReader(), []

        @contextlib.asynccontextmanager
        async def bench_reader() -> AsyncIterator[QueueReader]:
            entered.append("in")
            try:
                yield bench
            finally:
                entered.append("out")

        time = NoTime()
        raw = RawFlow(reader=TillReader(till), clock=time, scheduler=time, bus=Bus())  # type: ignore[arg-type]
        raw.bench_reader = bench_reader
        link = Link()
        bench.coming.put_nowait(link)
        await raw.send("00A4040000")
        assert (raw.state.done, raw.state.in_conversation) == (1, True)
        await raw.send("0084000000")
        assert (raw.state.done, entered) == (2, ["in"])
        await raw.let_go()
        assert (link.released, entered) == (True, ["in", "out"])
        bench.coming.put_nowait(NoCard("nobody"))
        await raw.send("0084000000")
        assert raw.state.problem == Message("raw.no_card", "waiting")
        assert entered == ["in", "out"] * 2
        raw.bench_reader = contextlib.nullcontext
        till.coming.put_nowait(link)
        await raw.send("0084000000")
        assert raw.state.done == 3

    asyncio.run(play())


# -- enrolment -----------------------------------------------------------------------------------


def enrol(store: EnrolmentStore, uid: bytes = UID, *, once: bool = False, card: str = "c1") -> str:
    return store.add(uid, once=once, reader=READER, card_id=card, card="Visa ·4242", at_us=1).id


def test_a_thing_is_remembered_by_a_keyed_hash_and_found_again(tmp_path: Path) -> None:
    path = tmp_path / "enrolment.json"
    enrol(EnrolmentStore(path, KEY))
    assert UID.hex().upper() not in path.read_text().upper()
    assert path.stat().st_mode & 0o777 == 0o600
    again = EnrolmentStore(path, KEY)
    found = again.find(UID, random_uid=False, reader=READER)
    assert found is not None
    assert (found.card_id, found.thing, found.once) == ("c1", "04…E5F6", False)
    assert again.find(UID, random_uid=False, reader="pcsc:another") is None
    assert again.find(UID[:-1] + b"\x00", random_uid=False, reader=READER) is None
    assert again.find(b"", random_uid=False, reader=READER) is None
    assert EnrolmentStore(path, bytes(32)).find(UID, random_uid=False, reader=READER) is None


def test_the_same_thing_gets_another_card_and_can_be_forgotten(tmp_path: Path) -> None:
    store = EnrolmentStore(tmp_path / "enrolment.json", KEY)
    identifier = enrol(store)
    assert enrol(store, card="c2") == identifier
    [thing] = store.things
    assert thing.card_id == "c2"
    store.forget(identifier)
    store.forget(identifier)
    assert EnrolmentStore(tmp_path / "enrolment.json", KEY).things == ()


def test_a_random_identifier_is_kept_without_a_hash_for_any_such_thing(tmp_path: Path) -> None:
    store = EnrolmentStore(tmp_path / "enrolment.json", KEY)
    enrol(store, bytes.fromhex("08010203"), once=True)
    enrol(store, bytes.fromhex("08040506"), once=True)
    [thing] = store.things  # one waits at a reader, not a heap of them
    assert (thing.uid_hash, thing.once) == ("", True)
    other = bytes.fromhex("08AABBCC")
    assert store.find(other, random_uid=True, reader=READER) == thing
    assert store.find(UID, random_uid=False, reader=READER) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"things": [1]}', '{"things": [{"id": "x"}]}', "\x00\xff"]
)
def test_a_damaged_list_is_said_and_the_next_thing_begins_anew(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "enrolment.json"
    path.write_text(content, encoding="latin-1")
    store = EnrolmentStore(path, KEY)
    assert store.things == ()
    assert "enrolment.json" in store.damage
    enrol(store)
    assert EnrolmentStore(path, KEY).damage == ""


def test_a_list_has_an_end_and_a_full_disk_is_said(tmp_path: Path) -> None:
    store = EnrolmentStore(tmp_path / "enrolment.json", KEY)
    for number in range(THINGS_MAX):
        enrol(store, number.to_bytes(7, "big"))
    with pytest.raises(NotDone, match="forget one"):
        enrol(store)
    nowhere = EnrolmentStore(tmp_path / "none" / "enrolment.json", KEY)
    with pytest.raises(NotDone, match="cannot be written"):
        enrol(nowhere)
    assert nowhere.things == ()


@pytest.mark.parametrize(
    ("uid", "shown"), [("04A1B2C3D4E5F6", "04…E5F6"), ("DEADBEEF", "DE…BEEF"), ("0102", "…02")]
)
def test_an_identifier_is_shortened(uid: str, shown: str) -> None:
    assert mask_uid(uid) == shown


# -- pre-flight ----------------------------------------------------------------------------------

MOVED = Deviation("clock", "clock", Message("deviation.clock"))
FAULT = Deviation("traffic", "traffic", Message("deviation.traffic"))


@pytest.mark.parametrize(
    ("line", "kind", "action"),
    [
        (checks.reader_line("R", 12.0, ""), "good", ""),
        (checks.reader_line("R", None, ""), "waiting", "read_once"),
        (checks.reader_line("R", 12.0, "unplugged"), "bad", "read_once"),
        (checks.engine_line(3.0, ""), "good", ""),
        (checks.engine_line(900.0, ""), "waiting", "again"),
        (checks.engine_line(None, "refused"), "bad", "again"),
        (checks.faults_line(()), "good", ""),
        (checks.faults_line((MOVED,)), "good", ""),
        (checks.faults_line((FAULT, MOVED)), "bad", "normal"),
        (checks.faults_line(None), "waiting", "again"),
        (checks.clock_line(()), "good", ""),
        (checks.clock_line((FAULT,)), "good", ""),
        (checks.clock_line((MOVED,)), "bad", "normal"),
        (checks.clock_line(None), "waiting", "again"),
        (checks.sleep_line(Sleep.PREVENTED), "good", ""),
        (checks.sleep_line(Sleep.POSSIBLE), "waiting", "keep_awake"),
        (checks.sleep_line(Sleep.UNKNOWN), "waiting", "keep_awake"),
        (checks.sound_line(), "good", "beep"),
        (checks.screen_line(ScreenSize(1280, 720, 1.0)), "good", "fill"),
        (checks.screen_line(ScreenSize(1920, 1080, 1.5)), "good", "fill"),
        (checks.screen_line(ScreenSize(1280, 720, 1.5)), "waiting", "fill"),
        (checks.screen_line(ScreenSize(1920, 1080, 1.0)), "waiting", "fill"),
    ],
)
def test_each_line_has_its_shape_and_its_action(
    line: PreflightLine, kind: str, action: str
) -> None:
    assert (line.text.kind, line.action) == (kind, action)
    assert tell(line.text)
    assert not action or f"preflight.action.{action}" in ENGLISH


def test_only_what_stands_in_the_way_makes_it_not_ready() -> None:
    amber, red = checks.sleep_line(Sleep.UNKNOWN), checks.engine_line(None, "refused")
    assert PreflightState((amber,)).ready
    assert not PreflightState((amber, red)).ready
    assert not PreflightState().ready


LOCKS = """\
Tap Lab 1000 me 4711 systemd-inhibit idle:sleep a demonstration block
NetworkManager 0 root 500 NetworkManager sleep handles sleep delay
"""


@pytest.mark.parametrize(
    ("system", "said", "sleep"),
    [
        ("linux", LOCKS, Sleep.PREVENTED),
        ("linux", LOCKS.splitlines()[1], Sleep.POSSIBLE),
        ("linux", "", Sleep.POSSIBLE),
        ("linux", None, Sleep.UNKNOWN),
        ("darwin", "   PreventUserIdleDisplaySleep    1\n", Sleep.PREVENTED),
        ("darwin", "   PreventUserIdleDisplaySleep    0\n", Sleep.POSSIBLE),
        ("darwin", None, Sleep.UNKNOWN),
        ("win32", None, Sleep.POSSIBLE),
        ("aix", None, Sleep.UNKNOWN),
    ],
)
def test_whether_a_machine_may_sleep(system: str, said: str | None, sleep: Sleep) -> None:
    assert Wakefulness(system, lambda _command: said).look() is sleep


def test_windows_is_asked_to_stay_awake_and_released() -> None:
    flags: list[int] = []

    def set_state(wanted: int) -> bool:
        flags.append(wanted)
        return True

    wakefulness = Wakefulness("win32", lambda _command: None, lambda _command: None, set_state)
    assert wakefulness.keep_awake()
    assert wakefulness.look() is Sleep.PREVENTED
    wakefulness.let_sleep()
    assert flags == [0x80000003, 0x80000000]
    assert wakefulness.look() is Sleep.POSSIBLE


def test_a_lock_is_held_by_a_child_that_ends_with_us() -> None:
    """Over 0.25 s: whether a child was refused shows only when it has had time to end."""

    def held(_command: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def refused(_command: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/false"], stdin=subprocess.PIPE)

    wakefulness = Wakefulness("linux", lambda _command: None, held)
    assert wakefulness.keep_awake()
    assert wakefulness.look() is Sleep.PREVENTED
    wakefulness.let_sleep()
    assert wakefulness.look() is Sleep.UNKNOWN
    assert not Wakefulness("linux", lambda _command: None, refused).keep_awake()
    assert not Wakefulness("linux", lambda _command: None, lambda _command: None).keep_awake()
