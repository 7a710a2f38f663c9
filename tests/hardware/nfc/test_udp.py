"""The NFC reader on nfcpy's UDP driver: another device under the same ISO-DEP, and frames in ASCII.

The card is the test's own, on loopback; every third datagram of a conversation is lost, empty or
nonsense. Over 0.25 s where datagrams are waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import CardRemoved, Nfcpy, NfcReader, nfc_address
from hardware.readers.isodep_target import Command, Over, Reply, Target
from tests.hardware.nfc.conftest import REASON

UID, BCC = bytes.fromhex("08A1B2C3"), bytes([0x08 ^ 0xA1 ^ 0xB2 ^ 0xC3])
ATS = bytes.fromhex("0578807002")
OK = bytes.fromhex("9000")


class UdpCard:
    """A card of type A that hears `106A 26` and says `106A 0400`."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._target = Target(ATS)
        self._count = 0
        self.bad: bytes | None = b"-"
        """What is sent instead of every third frame; None: nothing, `-`: no mischief."""
        self.commands: list[bytes] = []
        self.in_field = True
        self.url = f"nfcpy:udp:127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"end", self._socket.getsockname())
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            datagram, reader = self._socket.recvfrom(1024)
            if datagram == b"end":
                return
            brty, _, text = datagram.partition(b" ")
            answer = self._answer(bytes.fromhex(text.decode())) if brty == b"106A" else None
            if answer is None or not self.in_field:
                continue
            self._count += 1
            datagram = b"106A " + answer.hex().encode()
            if self.bad != b"-" and self._count % 3 == 1 and answer[0] in {2, 3, 0xA2, 0xA3}:
                datagram = self.bad
            if datagram is not None:
                self._socket.sendto(datagram, reader)

    def _answer(self, frame: bytes) -> bytes | None:
        match frame:
            case b"\x26":
                self._target = Target(ATS)
                return b"\x04\x00"
            case b"\x93\x20":
                return UID + BCC
            case _ if frame[:2] == b"\x93\x70":
                return b"\x20"
        match self._target.receive(frame):
            case Reply(answer) | Over(answer):
                return answer
            case Command(apdu):
                self.commands.append(apdu)
                return self._target.answer(apdu + OK)
        return None


@contextlib.contextmanager
def card() -> Iterator[UdpCard]:
    if REASON:
        pytest.skip(REASON)
    made = UdpCard()
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("bad", [b"-", None, b"106A", b"106A 0a", b"106A f23f"])
def test_a_card_is_read_over_datagrams_good_and_bad(bad: bytes | None) -> None:
    commands = [bytes([number]) * 300 for number in range(3)]

    async def read(url: str) -> list[bytes]:
        address = nfc_address(url)
        assert address is not None
        reader = NfcReader(address, Nfcpy().open, LabScheduler(LabClock()))
        try:
            link = await reader.wait_for_card(2)
            assert link.uid == UID
            assert "emulate" not in reader.capabilities
            return [await link.transmit(command) for command in commands]
        finally:
            await reader.close()

    with card() as made:
        made.bad = bad
        assert asyncio.run(read(made.url)) == [command + OK for command in commands]
        assert made.commands == commands


def test_a_card_that_leaves_is_removed_and_found_again() -> None:
    """Over 0.25 s: nfcpy waits a second for a datagram of a card that is not there."""

    async def read(made: UdpCard) -> bytes:
        address = nfc_address(made.url)
        assert address is not None
        reader = NfcReader(address, Nfcpy().open, LabScheduler(LabClock()))
        try:
            link = await reader.wait_for_card(2)
            made.in_field = False
            with pytest.raises(CardRemoved):
                await link.transmit(OK)
            made.in_field = True
            return await (await reader.wait_for_card(2)).transmit(OK)
        finally:
            await reader.close()

    with card() as made:
        assert asyncio.run(read(made)) == OK + OK
