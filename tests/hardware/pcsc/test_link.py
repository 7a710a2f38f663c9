"""What a conversation makes of each result, length and protocol that PC/SC can bring."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hardware.api import (
    CardFault,
    CardHeld,
    CardLinkError,
    CardMute,
    CardRemoved,
    PcscReader,
    ReaderGone,
    pcsc_readers,
)
from hardware.readers.pcsc_errors import Code, PcscFault, as_link_error, name_of
from hardware.readers.pcsc_link import Patience, PcscLink
from hardware.readers.pcsc_service import Seat
from hardware.readers.transport_t0 import exchange_t0
from hardware.readers.worker import CallHung, Worker
from tests.hardware.pcsc.scripted_service import ScriptedService

COMMAND = bytes.fromhex("00A4040000")
FIRST = bytes.fromhex("00B2010C00")
OK = b"\x90\x00"
SHORT = Patience(connect_s=0.2, exchange_s=0.2, sharing_s=0.12)


def talk(service: ScriptedService, *commands: bytes) -> list[bytes]:
    async def conversation() -> list[bytes]:
        link = PcscLink("Desk", service, SHORT)
        try:
            await link.open()
            return [await link.transmit(command) for command in commands]
        finally:
            await link.release()

    return asyncio.run(conversation())


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (Code.NO_SMARTCARD, CardRemoved),
        (Code.REMOVED_CARD, CardRemoved),
        (Code.NOT_TRANSACTED, CardRemoved),
        (Code.RESET_CARD, CardRemoved),
        (Code.UNPOWERED_CARD, CardRemoved),
        (Code.UNRESPONSIVE_CARD, CardMute),
        (Code.TIMEOUT, CardMute),
        (Code.SHARING_VIOLATION, CardHeld),
        (Code.NO_SERVICE, ReaderGone),
        (Code.SERVICE_STOPPED, ReaderGone),
        (Code.COMMUNICATION_LOST, ReaderGone),
        (Code.INVALID_HANDLE, ReaderGone),
        (Code.UNKNOWN_READER, ReaderGone),
        (Code.READER_UNAVAILABLE, ReaderGone),
        (Code.NO_READERS, ReaderGone),
        (Code.PROTOCOL_MISMATCH, CardFault),
        (0x80100099, CardFault),
        (0x1F, CardFault),
    ],
)
def test_every_code_is_one_of_the_family(code: int, kind: type[CardLinkError]) -> None:
    fault = as_link_error(PcscFault("SCardTransmit", code), "Desk")
    assert type(fault) is kind
    assert "Desk" in str(fault)
    assert f"{code:08X}" in name_of(code)


@pytest.mark.parametrize(
    ("length", "kind"), [(0, CardRemoved), (1, CardFault), (65_539, CardFault)]
)
def test_answers_that_no_card_may_give(length: int, kind: type[CardLinkError]) -> None:
    service = ScriptedService()
    service.answers = {COMMAND: bytes(length)}
    with pytest.raises(kind):
        talk(service, COMMAND)
    assert service.calls[-2:] == ["disconnect", "release"]


def test_the_longest_answer_passes() -> None:
    service = ScriptedService()
    service.answers = {COMMAND: bytes(65_536) + OK}
    assert [len(answer) for answer in talk(service, COMMAND)] == [65_538]


def test_only_the_first_command_is_repeated_for_a_swapped_card() -> None:
    service = ScriptedService()
    service.answers = {FIRST: OK, COMMAND: Code.NOT_TRANSACTED}
    with pytest.raises(CardRemoved):
        talk(service, FIRST, COMMAND)
    assert service.calls.count("transmit") == 2
    assert "reconnect" not in service.calls
    service.calls.clear()
    with pytest.raises(CardRemoved):
        talk(service, COMMAND)
    assert service.calls.count("transmit") == 2
    assert service.calls.count("reconnect") == 1


def test_a_card_that_is_held_is_tried_for_again_within_the_limit() -> None:
    class Held(ScriptedService):
        left = 2

        def connect(self, context: int, name: str) -> tuple[int, int]:  # noqa: ARG002 -- PC/SC's shape
            self.calls.append("connect")
            self.left -= 1
            if self.left >= 0:
                raise PcscFault("connect", Code.SHARING_VIOLATION)
            return 7, 2

    service = Held()
    service.answers = {COMMAND: OK}
    assert talk(service, COMMAND) == [OK]
    service.left, service.calls = 99, []
    with pytest.raises(CardHeld):
        talk(service, COMMAND)
    assert service.calls.count("connect") == 3  # 0.12 s in steps of 0.05 s


def test_a_listing_says_why_there_is_nothing() -> None:
    service = ScriptedService()
    service.put("Desk", 0x20, bytes.fromhex("3B00"))
    service.put("Busy", 0x20 | 0x80)
    desk, busy = pcsc_readers(service)
    assert (desk.url, desk.card, desk.usable) == ("pcsc:Desk", "3B00", True)
    assert not busy.usable
    assert "another program" in busy.why
    for code, words in (
        (Code.NO_SERVICE, "does not run"),
        (Code.SECURITY_VIOLATION, "polkit"),
        (0x80100099, "failed"),
    ):
        service.stop(code)
        [why] = pcsc_readers(service)
        assert not why.usable
        assert words in why.why


# -- T=0 -------------------------------------------------------------------------------------------


def test_t0_fetches_what_is_promised_and_asks_again_for_the_right_length() -> None:
    said: list[bytes] = []
    script = {
        "00A4040002AABB": "6105",
        "00C0000005": "01020304056102",
        "00C0000002": "06079000",
        "00B2010C00": "6C03",
        "00B2010C03": "0A0B0C9000",
    }

    def send(command: bytes) -> bytes:
        said.append(command)
        return bytes.fromhex(script[command.hex().upper()])

    assert exchange_t0(send, bytes.fromhex("00A4040002AABB00")).hex() == "010203040506079000"
    assert exchange_t0(send, bytes.fromhex("00B2010C00")).hex() == "0a0b0c9000"
    assert len(said) == 5


def test_t0_ends_with_a_card_that_promises_for_ever_and_passes_nonsense_on() -> None:
    with pytest.raises(CardFault):
        exchange_t0(lambda _: b"\x61\x10", COMMAND)
    assert exchange_t0(lambda _: b"\x67\x00", b"\x00") == b"\x67\x00"
    assert exchange_t0(lambda _: b"", COMMAND) == b""


# -- the worker ------------------------------------------------------------------------------------


def test_a_call_that_hangs_is_left_and_tidies_up_when_it_returns() -> None:
    let_go, tidied = threading.Event(), threading.Event()
    worker = Worker("test", tidied.set)

    async def ask() -> None:
        assert await worker.call(lambda: 5, 1.0) == 5
        with pytest.raises(ZeroDivisionError):
            await worker.call(lambda: 1 // 0, 1.0)
        with pytest.raises(CallHung):
            await worker.call(let_go.wait, 0.02)
        assert worker.hangs
        with pytest.raises(CallHung):
            await worker.call(lambda: 5, 1.0)
        await worker.finish(1.0)

    asyncio.run(ask())  # its loop is closed by now: the late result must go nowhere
    assert not tidied.is_set()
    let_go.set()
    assert tidied.wait(1.0)


def test_a_finished_worker_leaves_no_thread() -> None:
    tidied: list[int] = []
    worker = Worker("test", lambda: tidied.append(1))
    asyncio.run(worker.finish(1.0))
    worker._thread.join(1.0)
    assert tidied == [1]
    assert not worker.hangs


def test_a_reader_is_named_by_what_was_asked_for_until_it_is_seen() -> None:
    reader = PcscReader("Desk", ScriptedService(), None, None)
    assert (reader.url, reader.name, reader.capabilities) == (
        "pcsc:Desk", "Desk", frozenset({"apdu"})
    )  # fmt: skip
    assert not Seat("Desk", 0x4, b"").there


@pytest.mark.parametrize("wakes", [True, False])
def test_a_card_that_the_service_overlooks_is_looked_for_once(*, wakes: bool) -> None:
    """pcsc-lite after a pull in the middle and a quick hand; where there is none, it is said."""
    service = ScriptedService()
    service.asleep, service.wakes = True, wakes
    link = PcscLink("Desk", service, SHORT)

    async def tap() -> None:
        try:
            if wakes:
                await link.open()
            else:
                with pytest.raises(CardRemoved):
                    await link.open()
        finally:
            await link.release()

    asyncio.run(tap())
    assert service.calls.count("connect") == 2
    assert service.calls.count("connect_reader") == 1
    assert service.calls.count("disconnect") == (2 if wakes else 1)
