"""One exchange: a command, its answer, how long it took, and what may be kept of it.

Masked forms are made here, at the moment of recording, so that nothing later has to remember to.
The raw bytes live in memory only, for as long as somebody holds the value. The plain name of a
command comes from its header (Book 1, 11; Book 3, 6).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.apdu import CommandApdu, ResponseApdu
from hardware.emv.formats import decode_text
from hardware.emv.masking import mask_command, mask_response
from hardware.readers.frames import Frame, mask_frames
from hardware.runtime.errors import ApduError

_INSTRUCTIONS = {
    0xA8: "GET PROCESSING OPTIONS",
    0xAE: "GENERATE AC",
    0xCA: "GET DATA",
    0x88: "INTERNAL AUTHENTICATE",
    0x82: "EXTERNAL AUTHENTICATE",
    0x84: "GET CHALLENGE",
    0x20: "VERIFY",
    0x2A: "COMPUTE CRYPTOGRAPHIC CHECKSUM",
    0xEA: "EXCHANGE RELAY RESISTANCE DATA",
    0xD0: "RECOVER AC",
    0xC0: "GET RESPONSE",
}


def name_command(command: bytes) -> str:
    """A command in the field's words, such as `READ RECORD 1 SFI 2`."""
    try:
        apdu = CommandApdu.parse(command)
    except ApduError:
        return "malformed command"
    if apdu.ins == 0xA4:
        printable = apdu.data and all(0x20 <= byte < 0x7F for byte in apdu.data)
        return f"SELECT {decode_text(apdu.data) if printable else apdu.data.hex().upper()}"
    if apdu.ins == 0xB2:
        return f"READ RECORD {apdu.p1} SFI {apdu.p2 >> 3}"
    return _INSTRUCTIONS.get(apdu.ins, f"INS {apdu.ins:02X}")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command and its answer. `response` is empty where none came.

    Times are microseconds: `started_us` of lab time, `duration_us` on the steady clock.
    """

    index: int
    command: bytes = field(repr=False)
    response: bytes = field(repr=False)
    masked_command: str
    masked_response: str
    started_us: int
    duration_us: int
    name: str
    frames: tuple[Frame, ...] = ()
    """What went through the air for it, masked, where the reader tells."""

    @property
    def status(self) -> int | None:
        """The status word, or None where the card sent none."""
        try:
            return ResponseApdu.parse(self.response).sw
        except ApduError:
            return None


def record_exchange(
    index: int,
    command: bytes,
    response: bytes,
    *,
    started_us: int,
    duration_us: int,
    keep_raw: bool = True,
    frames: tuple[Frame, ...] = (),
) -> Exchange:
    """An exchange with its masked forms made. `keep_raw` false drops the bytes (real cards)."""
    masked_command, masked_response = mask_command(command), mask_response(response)
    return Exchange(
        index=index,
        command=command if keep_raw else masked_command,
        response=response if keep_raw else masked_response,
        masked_command=masked_command.hex().upper(),
        masked_response=masked_response.hex().upper(),
        started_us=started_us,
        duration_us=duration_us,
        name=name_command(command),
        frames=mask_frames(
            frames, command=(command, masked_command), response=(response, masked_response)
        ),
    )
