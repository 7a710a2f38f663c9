"""A PN532 without silicon: the firmware's commands as they come over its serial line (HSU).

What a host sends goes in, what the chip sends comes out; radio and time are given from outside, so
one thread can run any number of chips. Covers what nfcpy's and libnfc's drivers use: diagnosis,
versions, registers, RF configuration, selecting a card of type A (with the firmware's own RATS
where SetParameters asks for it), frames to a card with a time-out, and being a card. Source: NXP
UM0701-02, 6.2 (frames) and 7 (commands).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hardware.readers.isodep_initiator import Act, Initiator, Trouble
from hardware.runtime.errors import CardLinkError

ACK = bytes.fromhex("0000FF00FF00")
SYNTAX_ERROR = bytes.fromhex("0000FF01FF7F8100")
FIRMWARE = bytes.fromhex("32010607")
TIME_OUT, CRC_ERROR, RELEASED, BAD_CONTEXT = 0x01, 0x02, 0x29, 0x27
AUTOMATIC_RATS = 0x10
FIFO_DATA = 0x6339
SENSE_REQUEST = 0x26
HSU_WAKE_UP = 0x55


@dataclass(frozen=True)
class Shown:
    """What a card of type A in the field shows of itself, in the order of transmission."""

    atqa: bytes
    uid: bytes
    sak: int


class Radio(Protocol):
    """The field as one chip sees it."""

    def select(self) -> Shown | None:
        """The card in this chip's field."""

    def send(self, frame: bytes) -> None:
        """To the card in this chip's field; its answer comes by `Chip.heard`."""

    def reply(self, frame: bytes) -> None:
        """To the reader whose field this chip is in."""

    def field_off(self) -> None:
        """This chip ends its field."""

    def after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Call later; what is returned takes it back."""


class Chip:
    """One PN532, from its reset on."""

    def __init__(self, radio: Radio, to_host: Callable[[bytes], None]) -> None:
        self._radio = radio
        self._to_host = to_host
        self._buffer = b""
        self._registers: dict[int, int] = {}
        self._parameters = AUTOMATIC_RATS | 0x04  # after reset: automatic ATR_RES and RATS
        self._time_out_s = 0.0512
        self._forget: Callable[[], None] = _nothing
        self._running = 0
        self._act: Act[bytes] | None = None
        self._initiator = Initiator(5)
        self.shown: Shown | None = None  # what it shows while it is a card
        self.in_field = False  # whether a reader has selected it
        self._inbox: list[bytes] = []
        self._selected = False
        self.commands: list[int] = []

    # Host side ------------------------------------------------------------------------------

    def from_host(self, data: bytes) -> None:
        self._buffer += data
        while (body := self._next_body()) is not None:
            if body == b"":  # an ACK from the host: stop what you are doing
                self._stop()
                continue
            self._to_host(ACK)
            self._stop()
            self.commands.append(body[1])
            self._running = body[1]
            handle = _COMMANDS.get(body[1])
            if handle is None:
                self._running = 0
                self._to_host(SYNTAX_ERROR)
            else:
                handle(self, body[2:])

    def _next_body(self) -> bytes | None:
        """The next frame's TFI, command and data; empty for an ACK, None when none is whole."""
        start = self._buffer.find(b"\x00\xff")
        if start < 0:
            self._buffer = self._buffer[-1:]
            return None
        head = self._buffer[start + 2 :]
        if head[:2] == b"\x00\xff":
            self._buffer = head[2:]
            return b""
        if head[:2] == b"\xff\xff":
            length, offset = int.from_bytes(head[2:4], "big"), 5
        else:
            length, offset = (head[0] if head else 0), 2
        if len(head) < offset + length + 2 or not length:
            return None
        body = head[offset : offset + length]
        self._buffer = head[offset + length + 1 :]
        assert sum(head[offset : offset + length + 1]) & 0xFF == 0, "the host's checksum is wrong"
        assert body[0] == 0xD4, "hosts send D4"
        return body

    def _answer(self, data: bytes = b"") -> None:
        command, self._running = self._running, 0
        self._forget()
        self._forget = _nothing
        body = bytes([0xD5, command + 1]) + data
        if len(body) < 256:
            head = bytes([len(body), -len(body) & 0xFF])
        else:
            size = len(body).to_bytes(2, "big")
            head = b"\xff\xff" + size + bytes([-sum(size) & 0xFF])
        self._to_host(b"\x00\x00\xff" + head + body + bytes([-sum(body) & 0xFF, 0]))

    def _stop(self) -> None:
        self._forget()
        self._forget = _nothing
        self._running = 0
        self._act = None

    # Plain commands ---------------------------------------------------------------------------

    def _diagnose(self, data: bytes) -> None:
        self._answer(data if data[:1] == b"\x00" else b"\x00")

    def _firmware(self, _: bytes) -> None:
        self._answer(FIRMWARE)

    def _status(self, _: bytes) -> None:
        self._answer(bytes([0, int(self._selected), 0, 0]))

    def _read_registers(self, data: bytes) -> None:
        addresses = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
        self._answer(bytes(self._registers.get(address, 0) for address in addresses))

    def _write_registers(self, data: bytes) -> None:
        for at in range(0, len(data), 3):
            self._registers[int.from_bytes(data[at : at + 2], "big")] = data[at + 2]
        self._answer()

    def _set_parameters(self, data: bytes) -> None:
        self._parameters = data[0]
        self._answer()

    def _done(self, _: bytes) -> None:
        self._answer()

    def _power_down(self, _: bytes) -> None:
        self.shown = None
        self._end_field()
        self._answer(b"\x00")

    def _rf_configuration(self, data: bytes) -> None:
        if data[0] == 0x01 and not data[1] & 1:
            self._end_field()
        if data[0] == 0x02:
            self._time_out_s = 100e-6 * 2 ** (data[3] - 1) if data[3] else 10.0
        self._answer()

    # As a reader ------------------------------------------------------------------------------

    def _list_targets(self, data: bytes) -> None:
        self.shown = None
        shown = self._radio.select() if data[1] == 0 else None
        wanted = data[2:]
        if shown is None or (wanted and wanted[-4:] != shown.uid[-4:]):
            self._registers[FIFO_DATA] = SENSE_REQUEST
            self._answer(b"\x00")
            return
        self._selected = True
        found = b"\x01\x01" + shown.atqa[::-1] + bytes([shown.sak, len(shown.uid)]) + shown.uid
        if not (self._parameters & AUTOMATIC_RATS and shown.sak & 0x20):
            self._answer(found)
            return
        self._initiator = Initiator(5)
        self._act = self._listed(found)
        self._step(None)

    def _listed(self, found: bytes) -> Act[bytes]:
        """The firmware's own RATS: the ATS follows the card's numbers."""
        request = next(self._initiator.activate())
        heard = yield request
        if not isinstance(heard, bytes):
            self._selected = False
            return b"\x00"
        return found + heard

    def _data_exchange(self, data: bytes) -> None:
        if not self._selected:
            self._answer(bytes([BAD_CONTEXT]))
            return
        self._act = self._exchanged(data[1:])
        self._step(None)

    def _exchanged(self, command: bytes) -> Act[bytes]:
        answer = yield from self._initiator.exchange(command)
        return b"\x00" + answer

    def _step(self, heard: bytes | Trouble | None) -> None:
        """Go on with what the firmware does by itself."""
        assert self._act is not None
        try:
            outgoing = next(self._act) if heard is None else self._act.send(heard)
        except StopIteration as done:
            self._act = None
            self._answer(done.value)
        except CardLinkError:
            self._act = None
            self._answer(bytes([TIME_OUT]))
        else:
            self._wait(outgoing.wait_us / 1e6, lambda: self._step(Trouble.SILENCE))
            self._radio.send(outgoing.frame)

    def _communicate_thru(self, data: bytes) -> None:
        self._wait(self._time_out_s, lambda: self._answer(bytes([TIME_OUT])))
        self._radio.send(data)

    def _deselect(self, _: bytes) -> None:
        self._end_field()
        self._answer(b"\x00")

    def _end_field(self) -> None:
        self._selected = False
        self._radio.field_off()

    def heard(self, frame: bytes | None) -> None:
        """What the card in this chip's field says; None when it arrives spoiled."""
        if self._act is not None:
            self._forget()
            self._step(Trouble.GARBLED if frame is None else frame)
        elif self._running == 0x42:
            self._answer(bytes([CRC_ERROR]) if frame is None else b"\x00" + frame)

    def _wait(self, seconds: float, call: Callable[[], None]) -> None:
        self._forget()
        self._forget = self._radio.after(seconds, call)

    # As a card --------------------------------------------------------------------------------

    def selected(self) -> Shown | None:
        """A reader makes a field and selects: what this chip shows, if it is a card now."""
        if self._running != 0x8C or self.in_field:
            return None
        self.in_field = True
        return self.shown

    def _init_as_target(self, data: bytes) -> None:
        self.shown = Shown(data[1:3], b"\x08" + data[3:6], data[6])
        self._inbox.clear()

    def asked(self, frame: bytes) -> None:
        """What the reader says in whose field this chip is."""
        match self._running:
            case 0x8C:
                self._answer(b"\x08" + frame)  # 106 kbps, passive, ISO/IEC 14443-4
            case 0x88:
                self._answer(b"\x00" + frame)
            case _:
                self._inbox.append(frame)

    def powered_off(self) -> None:
        """The field that this chip was a card in has gone."""
        self.in_field = False
        self._inbox.clear()
        if self._running == 0x88:
            self._answer(bytes([RELEASED]))

    def _get_command(self, _: bytes) -> None:
        if self.shown is None or not self.in_field:
            self._answer(bytes([RELEASED]))
        elif self._inbox:
            self._answer(b"\x00" + self._inbox.pop(0))

    def _respond(self, data: bytes) -> None:
        if not self.in_field:
            self._answer(bytes([RELEASED]))
            return
        self._answer(b"\x00")
        self._radio.reply(data)


def _nothing() -> None:
    """No time runs."""


_COMMANDS: dict[int, Callable[[Chip, bytes], None]] = {
    0x00: Chip._diagnose,
    0x02: Chip._firmware,
    0x04: Chip._status,
    0x06: Chip._read_registers,
    0x08: Chip._write_registers,
    0x10: Chip._done,  # SetSerialBaudrate
    0x12: Chip._set_parameters,
    0x14: Chip._done,  # SAMConfiguration
    0x16: Chip._power_down,
    0x32: Chip._rf_configuration,
    0x40: Chip._data_exchange,
    0x42: Chip._communicate_thru,
    0x44: Chip._deselect,
    0x4A: Chip._list_targets,
    0x52: Chip._deselect,  # InRelease
    0x88: Chip._get_command,
    0x8C: Chip._init_as_target,
    0x90: Chip._respond,
}
