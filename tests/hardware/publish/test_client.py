"""A card in a virtual reader over a real socket: there, gone, back, hung, and taken out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Queue

import pytest

from hardware.api import (
    Address,
    PoweredCard,
    Publication,
    PublicationChange,
    Transmission,
    VpcdClient,
    VpcdUnreachable,
)
from tests.vpcd_reader import GET_ATR, PATIENCE_S, Slot, VirtualReader

ATR = bytes.fromhex("3B80800101")
COMMAND = bytes.fromhex("00A4040000")


class Stream:
    """Zeros."""

    def bytes(self, n: int) -> bytes:
        return bytes(n)

    def random(self) -> float:
        return 0.0

    def randint(self, a: int, _b: int) -> int:
        return a


class Publishing:
    """A client in a thread of its own, with a card that answers what the test says."""

    def __init__(
        self, reader: VirtualReader, *, watchdog_s: float = 5.0, first_word_s: float = 5.0
    ) -> None:
        self.reader = reader
        self.answer: Callable[[bytes], bytes] = lambda _: b"\x90\x00"
        self.sessions: list[int] = []
        self.told: Queue[Publication] = Queue()
        self.ended: Future[None] = Future()
        self._home = ThreadPoolExecutor(1)
        self._client = VpcdClient(
            Address("127.0.0.1", reader.port),
            PoweredCard(lambda: self, Transmission.T1, Stream(), on_session=self.sessions.append),
            at_home=self._home.submit,
            tell=self.told.put,
            watchdog_s=watchdog_s,
            first_word_s=first_word_s,
            pause_s=(0.01, 0.04),
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def transmit(self, command: bytes) -> bytes:
        return self.answer(command)

    def _run(self) -> None:
        try:
            self.ended.set_result(self._client.run())
        except VpcdUnreachable as absent:
            self.ended.set_exception(absent)

    def heard(self, change: PublicationChange) -> str:
        """The next thing that was told, which is this one."""
        told = self.told.get(timeout=PATIENCE_S)
        assert told.change is change
        return told.detail

    def insert(self) -> Slot:
        """The card in the reader, powered."""
        slot = self.reader.accept()
        assert slot.power_on() == ATR
        self.heard(PublicationChange.PUBLISHED)
        return slot

    def stop(self) -> None:
        self._client.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._home.shutdown()


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    with VirtualReader() as made:
        yield made


@pytest.fixture
def publishing(reader: VirtualReader) -> Iterator[Publishing]:
    made = Publishing(reader)
    yield made
    made.stop()


def test_it_is_published_when_the_reader_has_asked_for_it(publishing: Publishing) -> None:
    slot = publishing.reader.accept()
    assert publishing.told.empty()
    assert slot.ask(GET_ATR) == ATR
    assert publishing.heard(PublicationChange.PUBLISHED) == publishing.reader.address


def test_commands_are_answered_in_order_even_when_they_come_at_once(
    publishing: Publishing,
) -> None:
    publishing.answer = lambda command: command[-1:] + b"\x90\x00"
    slot = publishing.insert()
    commands = [COMMAND[:-1] + bytes([n]) for n in range(20)]
    slot.send_raw(b"".join(len(c).to_bytes(2, "big") + c for c in commands))
    assert [slot.receive()[0] for _ in commands] == list(range(20))


def test_a_message_in_pieces_is_one_message(publishing: Publishing) -> None:
    slot = publishing.insert()
    for byte in b"\x00\x05" + COMMAND:
        slot.send_raw(bytes([byte]))
    assert slot.receive() == b"\x90\x00"


def test_nonsense_from_the_reader_is_refused_and_what_follows_is_served(
    publishing: Publishing,
) -> None:
    slot = publishing.insert()
    slot.send_raw(bytes.fromhex("0000" + "000103" + "0001FF"))
    assert slot.ask(COMMAND) == b"\x90\x00"
    for _ in range(3):
        publishing.heard(PublicationChange.BAD_FRAME)


def test_a_reader_that_goes_away_is_waited_for(publishing: Publishing) -> None:
    slot = publishing.insert()
    assert slot.ask(COMMAND) == b"\x90\x00"
    slot.close()
    assert publishing.heard(PublicationChange.READER_GONE)
    assert publishing.sessions == [1]
    publishing.insert()


def test_a_reader_that_is_away_for_long_is_asked_again_and_again(reader: VirtualReader) -> None:
    publishing = Publishing(reader)
    publishing.insert().close()
    reader.close()
    publishing.heard(PublicationChange.READER_GONE)
    for _ in range(3):  # it comes back on the same port every time
        with VirtualReader(reader.port) as again:
            publishing.reader = again
            publishing.insert()
        publishing.heard(PublicationChange.READER_GONE)
    publishing.stop()


def test_a_connection_that_ends_inside_a_message_is_told(publishing: Publishing) -> None:
    slot = publishing.insert()
    slot.send_raw(b"\x00\x05\x00\xa4")
    slot.close()
    assert "inside a message" in publishing.heard(PublicationChange.BAD_FRAME)
    publishing.heard(PublicationChange.READER_GONE)


def test_a_card_that_hangs_is_answered_for_and_not_asked_twice(reader: VirtualReader) -> None:
    """Over 0.25 s: the watchdog's limit passes twice, and a busy machine needs its length."""
    publishing = Publishing(reader, watchdog_s=0.2)
    hangs, asked = threading.Event(), []

    def answer(command: bytes) -> bytes:
        asked.append(command)
        hangs.wait(PATIENCE_S)
        return b"\x6f\x42\x90\x00"

    publishing.answer = answer
    slot = publishing.insert()
    assert slot.ask(COMMAND) == b"\x6f\x00"
    publishing.heard(PublicationChange.TOO_SLOW)
    assert slot.ask(GET_ATR) == ATR, "a card that is thinking is still there"
    assert slot.ask(COMMAND) == b"\x6f\x00"
    hangs.set()
    publishing.heard(PublicationChange.TOO_SLOW)
    publishing.answer = lambda _: b"\x90\x00"
    assert slot.ask(COMMAND) == b"\x90\x00"
    assert asked == [COMMAND], "the second one was answered before the card could begin it"
    publishing.stop()


def test_where_nothing_listens_it_says_so(reader: VirtualReader) -> None:
    reader.close()
    publishing = Publishing(reader)
    with pytest.raises(VpcdUnreachable, match="nothing listens"):
        publishing.ended.result(PATIENCE_S)
    publishing.stop()


def test_a_reader_that_never_asks_holds_another_card(reader: VirtualReader) -> None:
    publishing = Publishing(reader, first_word_s=0.1)
    slot = reader.accept()
    with pytest.raises(VpcdUnreachable, match="another card"):
        publishing.ended.result(PATIENCE_S)
    assert slot.is_left()
    publishing.stop()


def test_who_hangs_up_at_once_is_no_reader(publishing: Publishing) -> None:
    publishing.reader.accept().close()
    with pytest.raises(VpcdUnreachable, match="hung up"):
        publishing.ended.result(PATIENCE_S)


def test_stopping_takes_the_card_out_and_ends_its_session(publishing: Publishing) -> None:
    slot = publishing.insert()
    slot.ask(COMMAND)
    publishing.stop()
    assert publishing.ended.result(PATIENCE_S) is None
    assert slot.is_left()
    assert publishing.sessions == [1]


def test_an_address_is_written_as_people_write_it() -> None:
    assert str(Address("127.0.0.1", 35963)) == "127.0.0.1:35963"
    assert str(Address("::1", 35963)) == "[::1]:35963"
