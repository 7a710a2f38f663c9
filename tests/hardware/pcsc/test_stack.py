"""The private smart-card service that other tests stand on: it serves, dies and comes back.

These tests wait for another program's own poll of 0.4 s, so they are not fast.
"""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.pcsc_stack import ACR122U, OMNIKEY, PcscStack

OK = 0
NO_SERVICE = 0x8010001D
PRESENT_MASK = 0x20


def transmit(name: str, command: bytes) -> bytes:
    """One command over pyscard's bare functions."""
    scard = pytest.importorskip("smartcard.scard")
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    assert code == OK
    state = 0
    while not state & PRESENT_MASK:
        code, states = scard.SCardGetStatusChange(context, 5000, [(name, state)])
        assert code == OK
        state = states[0][1]
    code, card, protocol = scard.SCardConnect(
        context, name, scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_ANY
    )
    assert code == OK
    code, answer = scard.SCardTransmit(card, protocol, list(command))
    assert code == OK
    scard.SCardDisconnect(card, scard.SCARD_LEAVE_CARD)
    scard.SCardReleaseContext(context)
    return bytes(answer)


def list_names() -> tuple[int, list[str]]:
    scard = pytest.importorskip("smartcard.scard")
    code, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    if code != OK:
        return code & 0xFFFFFFFF, []
    _, names = scard.SCardListReaders(context, [])
    scard.SCardReleaseContext(context)
    return OK, list(names)


def test_a_card_from_outside_is_read_over_pcsc(pcsc_stack: PcscStack) -> None:
    card = pcsc_stack.insert(lambda _: b"\x6f\x00\x90\x00", slot=1)
    answer = transmit(pcsc_stack.reader_name(slot=1), bytes.fromhex("00A40400"))
    assert answer == b"\x6f\x00\x90\x00"
    assert card.commands == [bytes.fromhex("00A40400")]


def test_the_service_dies_and_comes_back_with_other_readers(pcsc_stack: PcscStack) -> None:
    assert list_names() == (OK, [f"{ACR122U} 00 00", f"{ACR122U} 00 01"])
    pcsc_stack.kill()
    assert list_names() == (NO_SERVICE, [])
    pcsc_stack.start(OMNIKEY, ACR122U)
    assert list_names()[1] == [
        f"{OMNIKEY} 00 00", f"{OMNIKEY} 00 01", f"{ACR122U} 00 00", f"{ACR122U} 00 01",
    ]  # fmt: skip
    pcsc_stack.insert(lambda _: b"\x90\x00", reader=1)
    assert transmit(pcsc_stack.reader_name(), bytes.fromhex("00A40400")) == b"\x90\x00"
    pcsc_stack.stop()
    assert list_names() == (NO_SERVICE, [])


def test_vpcd_is_not_to_be_reached_from_outside(pcsc_stack: PcscStack) -> None:
    """It listens on every address, so it may do that only where there is none but loopback."""
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 0x8C7B)) != OK
    links = subprocess.run(  # noqa: S603 - the system's own program
        pcsc_stack.inside("ip", "-brief", "address"), capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[0] for line in links.splitlines()] == ["lo"]
