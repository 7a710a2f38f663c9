"""What a card may do to a till, at every command of a tap and over every stack.

The window's world stands at the emulated reader, at a real smart card service, and at nfcpy's real
driver on a virtual board. The card is this world's own phone, and at one command it answers what no
card should. Whatever it was: the till says what to do, can charge again within two seconds, nothing
was sent to the bank, no thread is left, and the same card then pays once. Over 0.25 s: an engine is
a process, and each test is a dozen taps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from hardware.api import ScanOutcome, Snapshot, build_tlv
from lab.pos.machine import RESTING
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from tests.hardware.nfc.conftest import REASON
from tests.pcsc_card import Misbehave
from tests.pcsc_stack import PcscStack
from tests.pn532_bench import Bench, Loss, SoftCard, Way, harmless
from tests.shows.laboratory import Laboratory, opened

APDUS = 3
READY_US = 2_000_000
UID_COMMAND = bytes.fromhex("FFCA000000")
FOR_THE_READER = 0xFF
"""The class of commands that a reader keeps from the card: its lights; vpcd's reader keeps none."""
OK = b"\x90\x00"
WIRE_MAX = 65_535
"""Of one message of vpcd's; the other stacks carry what the longest answer has and more."""


def nested(depth: int) -> bytes:
    """Templates inside each other, every length true."""
    data = b""
    for _ in range(depth):
        data = build_tlv(0x6F, data)
    return data


ANSWERS = {
    "one byte": b"\x90",
    "65,538 bytes": bytes(65_536) + OK,
    "templates without end": nested(4_000) + OK,
    "objects without number": b"\x50\x00" * 32_000 + OK,
    "a template of numberless objects": build_tlv(0x6F, b"\x50\x00" * 30_000) + OK,
    "a length that lies": b"\x6f\x83\xff\xff\xff\x84" + OK,
    "a length without end": b"\x6f\x80\x84\x00" + OK,
    "a tag without end": b"\x1f" + b"\xff" * 300 + OK,
    "a status alone": bytes.fromhex("6F00"),
}
TRIES = 3
"""Charges until the card is asked at all: a virtual board on a busy machine may miss the tenth of a
second in which its driver wants to hear of it, which has nothing to do with any card."""
Hook = Callable[[int, Callable[[], bytes]], object]
"""Told the number of the command, from 1, and how the card would answer; what comes instead."""


def honest(_number: int, answer: Callable[[], bytes]) -> object:
    return answer()


class Counter:
    """The phone's card behind a hook that counts the commands of each tap."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.hook: Hook = honest
        self.number = 0

    def look(self) -> None:
        """The phone's owner looks at it: it pays once, and shows a fresh card."""
        world = self.lab.world
        [visa] = [card for card in world.wallet.cards if card.network == "visa"]

        def scanned() -> None:
            element = world.element
            seen = element.face_sensor().scan(element.challenge(), ScanOutcome.MATCH)
            element.arm(seen, visa.token_ref)
            self.transmit = element.card(token_ref=visa.token_ref).transmit

        self.lab.running.call(scanned)
        self.number = 0

    def ask(self, command: bytes, home: Callable[[Callable[[], bytes]], bytes]) -> object:
        self.number += 1
        return self.hook(self.number, lambda: home(lambda: self.transmit(command)))


class Stand(Protocol):
    """A till at one stack, with the phone's card on its reader."""

    lab: Laboratory
    card: Counter

    def put(self) -> None:
        """Lay the card on the reader, as fresh as when it comes."""
        ...


class AtEmulation:
    """`sim:`: the card answers where the flows live."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab, self.card = lab, Counter(lab)

    def put(self) -> None:
        self.card.look()
        reader = self.lab.world.reader
        self.lab.running.call(lambda: (reader.withdraw(), reader.present(self)))

    def transmit(self, command: bytes) -> bytes:
        said = self.card.ask(command, lambda work: work())
        if said is Misbehave.LEAVE:
            self.lab.world.reader.withdraw()
            return OK
        assert isinstance(said, bytes)
        return said


class AtService:
    """A real pcscd: the card answers in a thread of its own, and stays in its slot."""

    def __init__(self, lab: Laboratory, stack: PcscStack) -> None:
        self.lab, self.card, self.stack = lab, Counter(lab), stack
        self._there = False

    def put(self) -> None:
        self.card.look()
        if not self._there:
            self._there = True
            self.stack.insert(self._answer)

    def until_seen(self) -> None:
        """Wait until the till's monitor has found the service again: it looks once a second."""
        real = self.lab.world.real
        assert real is not None
        assert real.monitor is not None
        usable: list[bool] = []

        def looked(snapshot: Snapshot) -> None:
            usable.append(any(seat.has_card for seat in snapshot.seats))

        forget = real.monitor.subscribe(looked)
        self.put()
        self.lab.until(lambda: any(usable))
        forget()

    def left(self) -> None:
        """It was pulled out, or its service died: the next one is put in anew."""
        self._there = False
        self.stack.remove_cards()

    def _answer(self, command: bytes) -> object:
        if command == UID_COMMAND:
            return b"\x08\x01\x02\x03" + OK
        if command[0] == FOR_THE_READER:
            return OK
        said = self.card.ask(command, self.lab.running.call)
        return said[:WIRE_MAX] if isinstance(said, bytes) else said


class AtBoard:
    """nfcpy's PN532 driver: the card answers in the board's thread."""

    def __init__(self, lab: Laboratory, board: Bench) -> None:
        self.lab, self.card, self.board = lab, Counter(lab), board
        self.soft = SoftCard(self._answer)

    def put(self) -> None:
        self.card.look()
        self.board.take_away()
        self.soft = SoftCard(self._answer)
        self.board.put(self.soft)

    def _answer(self, command: bytes) -> bytes:
        said = self.card.ask(command, self.lab.running.call)
        if said is Misbehave.LEAVE:
            self.board.remove_cards()
            return OK
        assert isinstance(said, bytes)
        return said


def at(folder: pytest.TempPathFactory, reader: str) -> Iterator[Laboratory]:
    lab = opened(folder.mktemp("till"), reader)
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def _emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    yield from at(tmp_path_factory, "sim:")


@pytest.fixture(scope="module")
def _pcsc(
    tmp_path_factory: pytest.TempPathFactory, pcsc_namespace: PcscStack
) -> Iterator[Laboratory]:
    yield from at(tmp_path_factory, f"pcsc:{pcsc_namespace.reader_name()}")


@pytest.fixture(scope="module")
def _board() -> Iterator[Bench]:
    if REASON:
        pytest.skip(REASON)
    board = Bench(1)
    yield board
    board.close()


@pytest.fixture(scope="module")
def _radio(tmp_path_factory: pytest.TempPathFactory, _board: Bench) -> Iterator[Laboratory]:
    yield from at(tmp_path_factory, f"pn532:{_board.path()}")


@pytest.fixture
def emulation(_emulated: Laboratory) -> AtEmulation:
    return AtEmulation(_emulated)


@pytest.fixture
def service(_pcsc: Laboratory, pcsc_stack: PcscStack) -> AtService:
    return AtService(_pcsc, pcsc_stack)


@pytest.fixture
def board(_radio: Laboratory, _board: Bench) -> Iterator[AtBoard]:
    yield AtBoard(_radio, _board)
    _board.mischief = harmless
    _board.take_away()


@pytest.fixture(params=["emulation", "service", "board"])
def stand(request: pytest.FixtureRequest) -> Stand:
    made: Stand = request.getfixturevalue(request.param)
    return made


_amounts = iter(range(20_000, 90_000, 100))
"""Each payment of this file has an amount of its own, so that its holds are known by it."""


def charge(stand: Stand, hook: Hook) -> tuple[Sale, int]:
    """One charge with the card on the reader under this hook; the sale, and its amount."""
    lab, amount = stand.lab, next(_amounts)
    stand.card.hook = hook
    pos = lab.world.pos
    lab.running.call(lambda: pos.set_amount(amount, "USD"))
    for _ in range(TRIES):
        stand.put()
        sale = lab.run(pos.charge(wait_s=8))
        assert sale is not None
        if sale.problem != "reader_gone" or stand.card.number:
            break
    return sale, amount


def refused(stand: Stand, hook: Hook, patience_us: int = 0) -> Sale:
    """A charge under a bad card: no payment of any kind, and a till that can charge again.

    Args:
        stand: where.
        hook: what the card does.
        patience_us: how long the driver waits for a card that says nothing.
    """
    last_us = stand.lab.world.clock.monotonic_us()

    def watched(number: int, answer: Callable[[], bytes]) -> object:
        nonlocal last_us
        said = hook(number, answer)
        last_us = stand.lab.world.clock.monotonic_us()
        return said

    sale, amount = charge(stand, watched)
    ready_us = stand.lab.world.clock.monotonic_us()
    pos = stand.lab.world.pos
    assert sale.phase is not PosPhase.APPROVED, sale
    assert sale.answer is None
    assert sale.problem
    assert pos.state.phase in RESTING
    assert (pos.state.can_charge, pos.amount_minor) == (True, amount)
    assert ready_us - last_us < READY_US + max(patience_us, ALLOWANCE_US)
    assert stand.lab.holds(amount) == []
    return sale


ALLOWANCE_US = 1_000_000
"""What a driver may take to give a silent card up, beyond the till's own time."""


def pays(stand: Stand) -> None:
    """The same card, honest again, pays once."""
    sale, amount = charge(stand, honest)
    assert sale.phase is PosPhase.APPROVED, sale.problem
    assert len(stand.lab.holds(amount)) == 1


def threads(lab: Laboratory) -> set[str]:
    """Those of the product, by name; a virtual card of these tests has one of its own.

    The reader's lights follow a sale in one that ends when they are told: that is waited for.
    """

    def names() -> set[str]:
        return {t.name for t in threading.enumerate() if "(_serve)" not in t.name}

    lab.until(lambda: not any(name.startswith("lights of") for name in names()))
    return names()


def instead(at_apdu: int, said: object) -> Hook:
    """The card does its work, and something else comes out at that command."""

    def hook(number: int, answer: Callable[[], bytes]) -> object:
        good = answer()
        return said if number == at_apdu else good

    return hook


@pytest.mark.parametrize("kind", ANSWERS)
def test_bad_answers_at_every_command(stand: Stand, kind: str) -> None:
    pays(stand)
    before = threads(stand.lab)
    for apdu in range(1, APDUS + 1):
        sale = refused(stand, instead(apdu, ANSWERS[kind]))
        assert sale.tap is None or sale.tap.apdu_count <= APDUS + 1
    pays(stand)
    assert threads(stand.lab) <= before


@pytest.mark.parametrize("moment", ["before", "after"])
def test_pulled_at_every_command(stand: Stand, moment: str) -> None:
    def pull(at_apdu: int) -> Hook:
        def hook(number: int, answer: Callable[[], bytes]) -> object:
            if number != at_apdu:
                return answer()
            if moment == "after":
                answer()
            return Misbehave.LEAVE

        return hook

    for apdu in range(1, APDUS + 1):
        sale = refused(stand, pull(apdu))
        assert sale.problem == "pulled_too_early", apdu
        if isinstance(stand, AtService):
            stand.left()
    pays(stand)


def test_nothing_at_every_command(emulation: AtEmulation, board: AtBoard) -> None:
    """An answer of no bytes; the service's own time-out is another test's."""
    for stand in (emulation, board):
        for apdu in range(1, APDUS + 1):
            assert refused(stand, instead(apdu, b"")).problem == "card_fault"
        pays(stand)


def test_a_card_silent_at_any_command_leaves_no_thread(service: AtService) -> None:
    """Nobody can call a driver back that waits: it is left, and ends when the card is pulled."""
    pays(service)
    before = threads(service.lab)
    for apdu in range(1, APDUS + 1):
        sale = refused(service, instead(apdu, Misbehave.SILENT), patience_us=6_000_000)
        assert sale.problem == "card_silent"
        service.left()
        pays(service)
    assert threads(service.lab) <= before


@pytest.mark.parametrize("apdu", range(1, APDUS + 1))
def test_the_service_dies_at_any_command_and_comes_back_at_once(
    service: AtService, apdu: int
) -> None:
    with ThreadPoolExecutor(1) as starter:  # the service ends with the thread that started it

        def die(number: int, answer: Callable[[], bytes]) -> object:
            good = answer()
            if number != apdu:
                return good
            service.stack.kill()
            starter.submit(service.stack.start).result()
            return Misbehave.LEAVE

        assert refused(service, die).problem in {"reader_gone", "pulled_too_early"}
        service.left()
        service.until_seen()
        pays(service)


@pytest.mark.parametrize("apdu", range(1, APDUS + 1))
def test_a_card_that_only_asks_for_time_is_given_up(board: AtBoard, apdu: int) -> None:
    def asks(number: int, answer: Callable[[], bytes]) -> object:
        board.soft.endless_extensions = number + 1 == apdu
        return answer()

    if apdu == 1:
        put = board.put

        def put_slow() -> None:
            put()
            board.soft.endless_extensions = board.card.hook is not honest

        board.put = put_slow  # type: ignore[method-assign]
    assert refused(board, asks).problem == "card_fault"
    pays(board)


@pytest.mark.parametrize("apdu", range(1, APDUS + 1))
def test_wrong_block_numbers_are_repaired_once_and_given_up_for_ever(
    board: AtBoard, apdu: int
) -> None:
    left = 0

    def renumber(way: Way, frame: bytes) -> bytes | Loss:
        nonlocal left
        if left and way is Way.TO_READER and frame[0] & 0xE2 == 0x02:
            left -= 1
            return bytes([frame[0] ^ 1]) + frame[1:]
        return frame

    def wrong(times: int) -> Hook:
        def hook(number: int, answer: Callable[[], bytes]) -> object:
            nonlocal left
            left = times if number == apdu else left
            return answer()

        return hook

    board.board.mischief = renumber
    sale, amount = charge(board, wrong(1))
    assert sale.phase is PosPhase.APPROVED
    assert len(board.lab.holds(amount)) == 1
    assert refused(board, wrong(1_000)).problem == "card_fault"
    left = 0
    pays(board)
