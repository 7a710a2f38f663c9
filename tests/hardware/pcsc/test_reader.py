"""The PC/SC reader over the real service: cards that come, leave, hang, change and are shared.

The service looks for cards every 0.4 s, so a test with a card takes that long; none sleeps.
"""

from __future__ import annotations

import asyncio
import threading

import pytest

from hardware.api import (
    CardFault,
    CardHeld,
    CardMute,
    CardRemoved,
    NoCard,
    Reader,
    ReaderGone,
)
from tests.hardware.pcsc.conftest import FIELD_S, Desk
from tests.pcsc_card import ATR, Misbehave

SELECT = bytes.fromhex("00A404000E325041592E5359532E444446303100")
OK = b"\x90\x00"
UID_COMMAND = bytes.fromhex("FFCA000000")


def polite(command: bytes) -> bytes:
    """A card that knows its UID and says yes to the rest."""
    return b"\x08\x11\x22\x33" + OK if command == UID_COMMAND else b"\x6f\x00" + OK


def after(count: int, then: object):
    """A card that is polite `count` times, the UID's question not counted."""
    left = [count]

    def answer(command: bytes) -> object:
        if command == UID_COMMAND:
            return polite(command)
        left[0] -= 1
        return polite(command) if left[0] >= 0 else then

    return answer


def test_it_is_a_reader_like_any_other(desk: Desk) -> None:
    assert isinstance(desk.reader(), Reader)


def test_a_card_is_waited_for_and_read(desk: Desk) -> None:
    async def tap() -> None:
        reader = desk.reader("acr122u picc interface 00 00")
        waiting = asyncio.ensure_future(reader.wait_for_card(FIELD_S))
        await asyncio.sleep(0)
        card = await asyncio.to_thread(desk.stack.insert, polite)
        link = await waiting
        assert (link.atr, link.uid) == (ATR, b"\x08\x11\x22\x33")
        assert reader.url == f"pcsc:{desk.stack.reader_name()}"
        assert await link.transmit(SELECT) == b"\x6f\x00" + OK
        await link.release()
        assert card.commands == [UID_COMMAND, SELECT]
        with pytest.raises(CardMute):
            await link.transmit(SELECT)

    asyncio.run(tap())


def test_nobody_comes(desk: Desk) -> None:
    with pytest.raises(NoCard):
        asyncio.run(desk.reader().wait_for_card(0.05))


@pytest.mark.parametrize("taps", [2])
def test_a_card_that_stays_is_read_again(desk: Desk, taps: int) -> None:
    desk.stack.insert(polite)

    async def tap() -> None:
        reader = desk.reader()
        for _ in range(taps):
            async with desk.link(reader) as link:
                assert await link.transmit(SELECT)

    asyncio.run(tap())


@pytest.mark.parametrize("apdu", range(4))
def test_the_card_is_pulled_at_every_command(desk: Desk, apdu: int) -> None:
    desk.stack.insert(after(apdu, Misbehave.LEAVE))

    async def tap() -> None:
        async with desk.link(desk.reader()) as link:
            for _ in range(apdu):
                await link.transmit(SELECT)
            with pytest.raises(CardRemoved):
                await link.transmit(SELECT)
            with pytest.raises(CardRemoved):
                await link.transmit(SELECT)

    asyncio.run(tap())


@pytest.mark.parametrize("answer", [Misbehave.SILENT, b""], ids=["silent", "length 0"])
def test_a_silent_card_is_given_up_and_the_reader_comes_back(desk: Desk, answer: object) -> None:
    card = desk.stack.insert(after(0, answer))

    async def tap() -> None:
        reader = desk.reader()
        async with desk.link(reader) as link:
            with pytest.raises(CardMute):
                await link.transmit(SELECT)
            with pytest.raises(CardMute):
                await link.transmit(SELECT)
        with pytest.raises(ReaderGone, match="silent card"):
            await reader.wait_for_card(0.05)
        card.remove()
        with pytest.raises(NoCard):
            await reader.wait_for_card(0.6)
        desk.stack.insert(polite)
        async with desk.link(reader) as link:
            assert await link.transmit(SELECT)

    before = threading.active_count()
    asyncio.run(tap())
    assert threading.active_count() <= before + 2  # the monitor and the card; no worker is left


@pytest.mark.parametrize(
    ("answer", "fault"), [(b"\x90", CardFault), (bytes(65_533) + OK, None)], ids=["1", "65535"]
)
def test_answers_of_odd_length(desk: Desk, answer: bytes, fault: type[Exception] | None) -> None:
    desk.stack.insert(after(0, answer))

    async def tap() -> None:
        async with desk.link(desk.reader()) as link:
            if fault is None:
                assert await link.transmit(SELECT) == answer
            else:
                with pytest.raises(fault):
                    await link.transmit(SELECT)

    asyncio.run(tap())


def test_a_card_swapped_faster_than_the_service_looks(desk: Desk) -> None:
    first = desk.stack.insert(polite)

    async def tap() -> None:
        reader = desk.reader()
        async with desk.link(reader) as link:
            await link.transmit(SELECT)
        first.remove()
        second = desk.stack.insert(polite)
        async with desk.link(reader) as link:
            assert await link.transmit(SELECT)
        assert SELECT in second.commands

    asyncio.run(tap())


def test_a_card_swapped_in_the_middle_is_not_talked_on_with(desk: Desk) -> None:
    """Half a payment from one card and half from another is the one thing that must not be."""
    first = desk.stack.insert(polite)

    async def tap() -> None:
        async with desk.link(desk.reader()) as link:
            await link.transmit(SELECT)
            first.remove()
            second = desk.stack.insert(polite)
            with pytest.raises(CardRemoved):
                await link.transmit(SELECT)
            assert second.commands == []

    asyncio.run(tap())


def test_the_service_is_killed_in_the_middle_and_comes_back(desk: Desk) -> None:
    desk.stack.insert(polite)

    async def tap() -> None:
        reader = desk.reader()
        async with desk.link(reader) as link:
            await link.transmit(SELECT)
            desk.stack.kill()
            with pytest.raises(ReaderGone):
                await link.transmit(SELECT)
        with pytest.raises(ReaderGone):
            await reader.wait_for_card(FIELD_S)
        desk.stack.remove_cards()
        desk.stack.start()
        desk.stack.insert(polite)
        async with desk.link(reader) as link:
            assert await link.transmit(SELECT)

    asyncio.run(tap())


def test_the_reader_vanishes_while_a_card_is_waited_for(desk: Desk) -> None:
    async def tap() -> None:
        reader = desk.reader()
        waiting = asyncio.ensure_future(reader.wait_for_card(FIELD_S))
        await asyncio.sleep(0.05)
        await asyncio.to_thread(desk.stack.stop)
        with pytest.raises(ReaderGone):
            await waiting
        desk.stack.start("Other Reader")
        with pytest.raises(ReaderGone, match="not plugged in"):
            await reader.wait_for_card(FIELD_S)

    asyncio.run(tap())


def test_a_part_of_a_name_must_fit_one_reader_only(desk: Desk) -> None:
    with pytest.raises(ReaderGone, match=r"00 00.*00 01"):
        asyncio.run(desk.reader("ACR122U").wait_for_card(FIELD_S))


class OtherProgram:
    """Another program that uses the same card, by the bare functions."""

    def __init__(self, desk: Desk) -> None:
        self.service = desk.service
        self.context = self.service.establish()
        self.card, self.protocol = self.service.connect(self.context, desk.stack.reader_name())

    def close(self) -> None:
        self.service.disconnect(self.card)
        self.service.release(self.context)


def test_two_programs_share_a_card(desk: Desk) -> None:
    desk.stack.insert(polite)
    desk.until_card()

    async def tap() -> None:
        other = OtherProgram(desk)
        assert other.service.transmit(other.card, other.protocol, SELECT)
        async with desk.link(desk.reader()) as link:
            assert await link.transmit(SELECT)
            # Ours until the end of the tap: the other's command waits and does not come between.
            theirs = asyncio.ensure_future(
                asyncio.to_thread(
                    other.service.transmit, other.card, other.protocol, b"\x00\xb2\x01\x0c\x00"
                )
            )
            assert await link.transmit(SELECT)
            assert not theirs.done()
        await asyncio.wait([theirs])
        other.close()

    asyncio.run(tap())


def test_a_program_that_does_not_let_go_is_waited_for_and_then_named(desk: Desk) -> None:
    desk.stack.insert(polite)
    desk.until_card()

    async def tap() -> None:
        other = OtherProgram(desk)
        other.service.begin(other.card)
        reader = desk.reader()
        with pytest.raises(CardHeld, match="another program"):
            await reader.wait_for_card(FIELD_S)
        other.close()
        async with desk.link(reader) as link:
            assert await link.transmit(SELECT)

    asyncio.run(tap())
