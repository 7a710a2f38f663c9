"""The NFC reader on nfcpy's own PN532 driver, at a virtual board: cards, losses, cables.

Every test opens a serial port and waits for drivers, so few are faster than 0.25 s.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import (
    CardFault,
    CardMute,
    CardRemoved,
    Controller,
    NfcAddress,
    NfcPatience,
    Nfcpy,
    NfcReader,
    NoCard,
    ReaderGone,
    ReaderInfo,
    nfc_address,
)
from tests.pn532_bench import PHONE, Bench, Loss, SoftCard, Way
from tests.pn532_chip import Shown

T = TypeVar("T")
COMMAND = bytes.fromhex("00A4040000")
OK = bytes.fromhex("9000")


def reader_at(board: Bench, **patience: float) -> NfcReader:
    address = nfc_address("pn532:" + board.path())
    assert address is not None
    scheduler = LabScheduler(LabClock())
    return NfcReader(address, Nfcpy().open, scheduler, NfcPatience(**patience))


def at(board: Bench, work: Callable[[NfcReader], Awaitable[T]], **patience: float) -> T:
    """Do something with a reader at that board; no thread of it is left behind."""

    async def done() -> T:
        reader = reader_at(board, **patience)
        try:
            return await work(reader)
        finally:
            await reader.close()

    result = asyncio.run(done())
    for thread in threading.enumerate():
        if thread.name.startswith("nfc "):
            thread.join(5)
            assert not thread.is_alive(), thread.name
    return result


def test_it_reads_a_card_in_frames_of_its_own(board: Bench) -> None:
    card = SoftCard(lambda command: command[::-1] + OK)
    board.put(card)

    async def read(reader: NfcReader) -> None:
        assert reader.capabilities == {"apdu", "frames"}
        link = await reader.wait_for_card(1)
        assert (reader.name, reader.url) == ("PN532v1.6", "pn532:" + board.path())
        assert reader.capabilities == {"apdu", "frames", "emulate"}
        assert (link.uid, link.atr) == (PHONE.uid, bytes.fromhex("3B80800101"))
        for length in (5, 252, 253, 254, 1_000):
            command = bytes(position & 0xFF for position in range(length))
            assert await link.transmit(command) == command[::-1] + OK
        await link.release()
        with pytest.raises(CardRemoved):
            await link.transmit(COMMAND)
        again = await reader.wait_for_card(1)
        assert await again.transmit(COMMAND) == COMMAND[::-1] + OK

    at(board, read)
    assert len(card.commands) == 6
    assert 0x56 not in board.chip().commands, "nfcpy's own discovery asks for other things too"


@pytest.mark.parametrize("ats", ["01", "0200", "0278", "0578807002", "0878807002414243"])
def test_any_answer_to_select_that_follows_the_standard_will_do(board: Bench, ats: str) -> None:
    board.put(SoftCard(lambda _: OK, ats=bytes.fromhex(ats)))

    async def read(reader: NfcReader) -> bytes:
        link = await reader.wait_for_card(1)
        assert await link.transmit(bytes(100)) == OK
        return link.atr

    if ats == "0278":
        with pytest.raises(CardFault, match="TA1"):
            at(board, read)
    else:
        historical = bytes.fromhex(ats[10:])
        assert at(board, read)[4:-1] == historical


@pytest.mark.parametrize("sak", [0x20, 0x60, 0x28])
def test_phones_that_can_do_more_than_pay_are_cards_too(board: Bench, sak: int) -> None:
    board.put(SoftCard(lambda _: OK, Shown(PHONE.atqa, PHONE.uid, sak)))

    async def read(reader: NfcReader) -> bytes:
        return await (await reader.wait_for_card(1)).transmit(COMMAND)

    assert at(board, read) == OK


@pytest.mark.parametrize("sak", [0x00, 0x08, 0x40])
def test_a_card_without_iso_dep_is_named_as_one_that_cannot_pay(board: Bench, sak: int) -> None:
    board.put(SoftCard(lambda _: OK, Shown(PHONE.atqa, PHONE.uid, sak)))
    with pytest.raises(CardFault, match="cannot pay"):
        at(board, lambda reader: reader.wait_for_card(1))


def test_no_card_is_said_and_a_late_one_is_found(board: Bench) -> None:
    async def wait(reader: NfcReader) -> bytes:
        with pytest.raises(NoCard):
            await reader.wait_for_card(0.15)
        waiting = asyncio.ensure_future(reader.wait_for_card(5))
        await LabScheduler(LabClock()).sleep(0.1)
        await asyncio.to_thread(board.put, SoftCard(lambda _: OK))
        return await (await waiting).transmit(COMMAND)

    assert at(board, wait) == OK


def mischief(times: int, way: Way, loss: Loss | bytes, only: bytes = b"") -> Callable:
    """Do this to the first so many frames that go this way, after the activation."""
    left = [times]

    def meddle(going: Way, frame: bytes) -> bytes | Loss:
        activation = frame[:1] == b"\xe0" or frame[1:2] == b"\x78"
        if going is way and left[0] and not activation and frame.startswith(only):
            left[0] -= 1
            return loss
        return frame

    return meddle


LOSSES = [Loss.LOST, Loss.SPOILED, b"", b"\x02", b"\x0a\x00", b"\xf2\x3f", b"\xff\xff"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("way", Way)
def test_three_bad_frames_are_repaired_and_nothing_is_done_twice(
    board: Bench, way: Way, loss: Loss | bytes
) -> None:
    card = SoftCard(lambda command: command + OK)
    board.put(card)
    if loss == b"\x02" and way is Way.TO_CARD:
        loss = b"\x0b"  # a forged command is no loss: the other number's would be carried out

    async def read(reader: NfcReader) -> bytes:
        link = await reader.wait_for_card(1)
        await link.transmit(COMMAND)  # the next block has number 1
        board.mischief = mischief(3, way, loss)
        return await link.transmit(COMMAND)

    assert at(board, read) == COMMAND + OK
    assert card.commands == [COMMAND] * 2


@pytest.mark.parametrize("loss", LOSSES)
def test_bad_frames_without_end_are_a_named_fault(board: Bench, loss: Loss | bytes) -> None:
    card = SoftCard(lambda command: command + OK)
    board.put(card)

    async def read(reader: NfcReader) -> bytes:
        link = await reader.wait_for_card(1)
        await link.transmit(COMMAND)
        board.mischief = mischief(1_000, Way.TO_READER, loss)
        with pytest.raises(CardMute if loss is Loss.LOST else CardFault):
            await link.transmit(COMMAND)
        board.mischief = lambda _, frame: frame
        return await (await reader.wait_for_card(1)).transmit(COMMAND)

    assert at(board, read) == COMMAND + OK
    assert card.commands == [COMMAND] * 3


def test_a_card_that_only_asks_for_time_is_given_up(board: Bench) -> None:
    card = SoftCard(lambda _: OK)
    board.put(card)
    card.endless_extensions = True

    async def read(reader: NfcReader) -> bytes:
        with pytest.raises(CardFault, match="without end"):
            await (await reader.wait_for_card(1)).transmit(COMMAND)
        card.endless_extensions = False
        return await (await reader.wait_for_card(1)).transmit(COMMAND)

    assert at(board, read) == OK


def test_a_card_that_takes_all_the_time_there_is_is_given_up_in_time(board: Bench) -> None:
    """Over 0.25 s: it waits for the limit, cut down here, in real time."""
    board.put(SoftCard(lambda _: OK, ats=bytes.fromhex("0320E0")))

    async def read(reader: NfcReader) -> None:
        link = await reader.wait_for_card(1)
        board.mischief = mischief(1_000, Way.TO_READER, Loss.LOST)
        with pytest.raises(CardMute, match=r"more than 0\.4 s"):
            await link.transmit(COMMAND)

    at(board, read, exchange_s=0.4)


def test_a_card_that_leaves_was_removed_and_one_that_stays_silent_is_mute(board: Bench) -> None:
    async def read(reader: NfcReader) -> None:
        board.put(SoftCard(lambda _: OK))
        link = await reader.wait_for_card(1)
        await asyncio.to_thread(board.take_away)
        with pytest.raises(CardRemoved):
            await link.transmit(COMMAND)
        board.put(SoftCard(lambda _: OK))
        link = await reader.wait_for_card(1)
        board.mischief = mischief(1_000, Way.TO_CARD, Loss.LOST)
        with pytest.raises(CardMute):
            await link.transmit(COMMAND)

    at(board, read)


def test_unplugged_it_says_so_and_works_again_when_it_is_back(board: Bench) -> None:
    other = Bench(1)
    paths = [board.path(), other.path()]
    told: list[ReaderInfo] = []

    def opened(address: NfcAddress) -> Controller:
        """The same name leads to whatever is plugged in now."""
        return Nfcpy().open(NfcAddress(address.url, paths[0], on_port=True))

    async def unplug() -> None:
        address = nfc_address("pn532:/dev/ttyUSB0")
        assert address is not None
        reader = NfcReader(address, opened, LabScheduler(LabClock()))
        reader.subscribe(told.append)
        board.put(SoftCard(lambda _: OK))
        link = await reader.wait_for_card(1)
        await asyncio.to_thread(board.unplug)
        with pytest.raises(ReaderGone, match="plug it in again"):
            await link.transmit(COMMAND)
        await link.release()
        with pytest.raises(ReaderGone, match="not plugged in"):
            await reader.wait_for_card(0.1)
        paths.pop(0)
        other.put(SoftCard(lambda _: OK))
        assert await (await reader.wait_for_card(1)).transmit(COMMAND) == OK
        await reader.close()
        with pytest.raises(ReaderGone, match="closed"):
            await reader.wait_for_card(1)

    asyncio.run(unplug())
    other.close()
    assert [info.usable for info in told] == [True, True, False, True, False]
    assert "not plugged in" in told[2].why


def test_unplugged_while_it_waits_it_says_so(board: Bench) -> None:
    async def wait(reader: NfcReader) -> None:
        waiting = asyncio.ensure_future(reader.wait_for_card(30))
        await LabScheduler(LabClock()).sleep(0.3)
        await asyncio.to_thread(board.unplug)
        with pytest.raises(ReaderGone):
            await waiting

    at(board, wait)


def test_whoever_stops_waiting_can_wait_again(board: Bench) -> None:
    """The till cancels: a call may be under way, whose thread is left to itself."""

    async def wait(reader: NfcReader) -> bytes:
        for _ in range(3):
            waiting = asyncio.ensure_future(reader.wait_for_card(30))
            await LabScheduler(LabClock()).sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await asyncio.to_thread(board.put, SoftCard(lambda _: OK))
        return await (await reader.wait_for_card(5)).transmit(COMMAND)

    assert at(board, wait) == OK


def test_a_line_that_talks_nonsense_is_no_controller(board: Bench) -> None:
    board.chip().from_host = lambda _data: board._boards[0]._to_host(b"\x00\x01nonsense" * 9)  # type: ignore[method-assign]
    with pytest.raises(ReaderGone, match="pn532:"):
        at(board, lambda reader: reader.wait_for_card(1))


def test_a_line_that_says_nothing_is_no_controller(board: Bench) -> None:
    board.chip().from_host = lambda _data: None  # type: ignore[method-assign]
    with pytest.raises(ReaderGone, match="HSU"):
        at(board, lambda reader: reader.wait_for_card(1))


def test_a_controller_that_does_not_return_is_left_and_named() -> None:
    stuck = threading.Event()

    class Hanging:
        name, can_emulate = "Hanging", False

        def sense(self) -> None:
            stuck.wait(20)

        def close(self) -> None:
            stuck.set()

    async def wait() -> None:
        address = nfc_address("nfcpy:usb")
        assert address is not None
        reader = NfcReader(
            address,
            lambda _: Hanging(),  # type: ignore[arg-type, return-value]
            LabScheduler(LabClock()),
            NfcPatience(call_s=0.05),
        )
        with pytest.raises(ReaderGone, match="hangs"):
            await reader.wait_for_card(1)
        with pytest.raises(ReaderGone, match="hangs"):
            await reader.wait_for_card(0.1)
        stuck.set()
        await reader.close()

    asyncio.run(wait())
