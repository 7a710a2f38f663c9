"""A published card in the field: nfcpy's PN532 driver as card on one board, as reader on the other.

Every test runs two drivers face to face, so few are faster than 0.25 s.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue
from typing import TypeVar

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import (
    CardMute,
    CardRemoved,
    Controller,
    NfcAddress,
    NfcClient,
    NfcLink,
    Nfcpy,
    NfcReader,
    NfcUnreachable,
    PoweredCard,
    Publication,
    PublicationChange,
    Transmission,
    nfc_address,
)
from tests.pn532_bench import PATIENCE_S, Bench, Loss, Way

T = TypeVar("T")
COMMAND = bytes.fromhex("00A4040000")
OK = bytes.fromhex("9000")


class Counting:
    """1, 2, 3: each identifier differs from the one before."""

    def __init__(self) -> None:
        self._next = 0

    def bytes(self, n: int) -> bytes:
        self._next += 1
        return self._next.to_bytes(n, "big")

    def random(self) -> float:
        return 0.0

    def randint(self, a: int, _b: int) -> int:
        return a


class Held:
    """A card in board 1, answering as a test likes, in a home of its own."""

    def __init__(
        self,
        pair: Bench,
        watchdog_s: float = 2.0,
        silence_s: float = 2.0,
        open_controller: Callable[[NfcAddress], Controller] | None = None,
    ) -> None:
        self.answer: Callable[[bytes], bytes] = lambda command: command + OK
        self.told: Queue[Publication] = Queue()
        self.sessions: Queue[int] = Queue()
        self.commands: list[bytes] = []
        self.ended: Future[None] = Future()
        self._home = ThreadPoolExecutor(1)
        address = nfc_address("pn532:" + pair.path(1))
        assert address is not None
        self.address = address
        card = PoweredCard(lambda: self, Transmission.T1, Counting(), on_session=self.sessions.put)
        self._client = NfcClient(
            address,
            open_controller or Nfcpy().open,
            card,
            at_home=self._home.submit,
            tell=self.told.put,
            watchdog_s=watchdog_s,
            silence_s=silence_s,
            pause_s=(0.01, 0.04),
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def transmit(self, command: bytes) -> bytes:
        self.commands.append(command)
        return self.answer(command)

    def _run(self) -> None:
        try:
            self.ended.set_result(self._client.run())
        except NfcUnreachable as absent:
            self.ended.set_exception(absent)

    def heard(self) -> Publication:
        return self.told.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self._client.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._home.shutdown()


@contextmanager
def held(pair: Bench, **options: float) -> Iterator[Held]:
    made = Held(pair, **options)  # type: ignore[arg-type]
    try:
        assert made.heard() == Publication(PublicationChange.PUBLISHED, made.address.url)
        yield made
    finally:
        made.close()


def read(pair: Bench, *works: Callable[[NfcLink], Awaitable[T]]) -> list[T]:
    """Hold these conversations, one after the other, from board 0."""

    async def done() -> list[T]:
        address = nfc_address("pn532:" + pair.path(0))
        assert address is not None
        reader = NfcReader(address, Nfcpy().open, LabScheduler(LabClock()))
        try:
            results = []
            for work in works:
                link = await reader.wait_for_card(PATIENCE_S)
                results.append(await work(link))
                await link.release()
            return results
        finally:
            await reader.close()

    return asyncio.run(done())


async def ask(link: NfcLink) -> tuple[bytes, bytes]:
    return link.uid, await link.transmit(COMMAND)


def test_each_conversation_is_a_fresh_card_with_a_new_identifier(pair: Bench) -> None:
    with held(pair) as card:
        first, second = read(pair, ask, ask)
        assert first[1] == second[1] == COMMAND + OK
        assert first[0][:1] == second[0][:1] == b"\x08"
        assert first[0] != second[0]
        assert [card.sessions.get(timeout=PATIENCE_S) for _ in range(2)] == [1, 1]


def test_long_commands_and_answers_pass_in_parts(pair: Bench) -> None:
    async def long(link: NfcLink) -> list[bytes]:
        return [await link.transmit(bytes([1]) * length) for length in (60, 61, 62, 250, 255)]

    with held(pair) as card:
        [answers] = read(pair, long)
        assert answers == [command + OK for command in card.commands]
        assert [len(answer) - 2 for answer in answers] == [60, 61, 62, 250, 255]


def test_a_card_that_thinks_keeps_the_reader_waiting(pair: Bench) -> None:
    """Over 0.25 s: the card takes longer than a reader would wait unasked."""
    thinking = threading.Event()

    def slowly(command: bytes) -> bytes:
        thinking.wait(0.3)
        return command + OK

    with held(pair) as card:
        card.answer = slowly
        frames: list[bytes] = []
        pair.mischief = lambda _, frame: frames.append(frame) or frame
        [(_, answer)] = read(pair, ask)
        assert answer == COMMAND + OK
        assert card.commands == [COMMAND]
        assert b"\xf2\x08" in frames


@pytest.mark.parametrize("way", Way)
def test_a_thinking_card_is_heard_though_its_request_for_time_gets_lost(
    pair: Bench, way: Way
) -> None:
    """Over 0.25 s: the card thinks, and the first S(WTX), or the reader's, does not arrive."""
    thinking, lost = threading.Event(), [False]

    def slowly(command: bytes) -> bytes:
        thinking.wait(0.2)
        return command + OK

    def meddle(going: Way, frame: bytes) -> bytes | Loss:
        if going is way and frame[:1] == b"\xf2" and not lost[0]:
            lost[0] = True
            return Loss.LOST
        return frame

    with held(pair, silence_s=0.4) as card:
        card.answer = slowly
        pair.mischief = meddle
        [(_, answer)] = read(pair, ask)
        assert (answer, card.commands, lost) == (COMMAND + OK, [COMMAND], [True])


def test_a_card_that_never_answers_is_answered_for(pair: Bench) -> None:
    """Over 0.25 s: the watchdog waits."""
    never = threading.Event()

    def stuck(_: bytes) -> bytes:
        never.wait(PATIENCE_S)
        return OK

    with held(pair, watchdog_s=0.2) as card:
        card.answer = stuck
        [(_, answer)] = read(pair, ask)
        assert answer == bytes.fromhex("6F00")
        assert card.heard() == Publication(PublicationChange.TOO_SLOW, "0.2 s")
        never.set()


def test_a_reader_may_pause_but_not_for_ever(pair: Bench) -> None:
    """Over 0.25 s: the reader pauses for two of the card's waits, then for more than five."""
    scheduler = LabScheduler(LabClock())

    async def pausing(link: NfcLink) -> bytes:
        await link.transmit(COMMAND)
        await scheduler.sleep(0.12)
        return await link.transmit(COMMAND)

    async def vanishing(link: NfcLink) -> bytes:
        await link.transmit(COMMAND)
        await scheduler.sleep(0.5)
        with pytest.raises((CardMute, CardRemoved)):
            await link.transmit(COMMAND)
        return b""

    with held(pair, silence_s=0.05) as card:
        assert read(pair, pausing, vanishing, pausing) == [COMMAND + OK, b"", COMMAND + OK]
        assert [card.sessions.get(timeout=PATIENCE_S) for _ in range(3)] == [2, 1, 2]


@pytest.mark.parametrize("loss", [Loss.LOST, Loss.SPOILED, b"\x0a"])
@pytest.mark.parametrize("way", Way)
def test_bad_frames_are_repaired_between_the_two(pair: Bench, way: Way, loss: Loss | bytes) -> None:
    """Each third frame after the activation is bad."""
    count = [0]

    def meddle(going: Way, frame: bytes) -> bytes | Loss:
        activation = frame[:1] == b"\xe0" or frame[1:2] == b"\x78"
        if going is not way or activation:
            return frame
        count[0] += 1
        return loss if count[0] % 3 == 1 else frame

    async def four(link: NfcLink) -> list[bytes]:
        return [await link.transmit(bytes([number]) * 70) for number in range(4)]

    with held(pair) as card:
        pair.mischief = meddle
        [answers] = read(pair, four)
        assert card.commands == [bytes([number]) * 70 for number in range(4)]
        assert answers == [command + OK for command in card.commands]


def test_a_controller_that_was_unplugged_is_waited_for(pair: Bench) -> None:
    other = Bench(1)
    paths = [pair.path(1), other.path()]

    def opened(address: NfcAddress) -> Controller:
        return Nfcpy().open(NfcAddress(address.url, paths[0], on_port=True))

    card = Held(pair, open_controller=opened)
    try:
        assert card.heard().change is PublicationChange.PUBLISHED
        pair.unplug(1)
        assert card.heard().change is PublicationChange.READER_GONE
        paths.pop(0)
        assert card.heard().change is PublicationChange.PUBLISHED
    finally:
        card.close()
        other.close()
    card.ended.result(0)


def test_a_controller_that_is_not_there_is_said(pair: Bench) -> None:
    pair.unplug(1)
    card = Held(pair)
    with pytest.raises(NfcUnreachable, match="not plugged in"):
        card.ended.result(PATIENCE_S)
    card.close()


def test_a_controller_that_cannot_be_a_card_is_refused(pair: Bench) -> None:
    closed = []

    class ReadsOnly:
        name, can_emulate = "ACR122U", False

        def close(self) -> None:
            closed.append(self)

    card = Held(pair, open_controller=lambda _: ReadsOnly())  # type: ignore[arg-type, return-value]
    with pytest.raises(NfcUnreachable, match="ACR122U cannot be a card"):
        card.ended.result(PATIENCE_S)
    card.close()
    assert closed
