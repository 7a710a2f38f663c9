"""Short command and response APDUs (ISO 7816-3 12.1, ISO 7816-4 5.1).

Knows the four cases and the names of status words; knows nothing of what a command means to an
application. Extended lengths are refused: no contactless kernel sends them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.runtime.errors import ApduError

SHORT_DATA_MAX = 255
"""Bytes of command data a short APDU can carry (Lc is one byte)."""
SHORT_ANSWER_MAX = 256
"""Bytes of response data a short APDU can carry (Le 00 asks for 256)."""
_HEADER_LENGTH = 4

STATUS_WORDS: dict[int, str] = {
    0x9000: "success",
    0x6200: "warning, memory unchanged",
    0x6281: "part of the returned data may be corrupted",
    0x6283: "selected file invalidated",
    0x6300: "authentication failed",
    0x6400: "execution error",
    0x6581: "memory failure",
    0x6700: "wrong length",
    0x6882: "secure messaging not supported",
    0x6982: "security status not satisfied",
    0x6983: "authentication method blocked",
    0x6984: "referenced data invalidated: use another interface",
    0x6985: "conditions of use not satisfied",
    0x6986: "command not allowed: see phone",
    0x6A80: "wrong data in command",
    0x6A81: "function not supported",
    0x6A82: "file or application not found",
    0x6A83: "record not found",
    0x6A86: "wrong P1 or P2",
    0x6A88: "referenced data not found",
    0x6B00: "P1 P2 out of range",
    0x6D00: "instruction not supported",
    0x6E00: "class not supported",
    0x6F00: "no precise diagnosis",
}


def status_name(sw: int) -> str:
    """The status word in words; families 61xx, 6Cxx and 63Cx by their rule."""
    if sw in STATUS_WORDS:
        return STATUS_WORDS[sw]
    high, low = sw >> 8, sw & 0xFF
    if high == 0x61:
        return f"{low} more bytes available"
    if high == 0x6C:
        return f"wrong expected length, {low} bytes available"
    if sw & 0xFFF0 == 0x63C0:
        return f"counter at {low & 0x0F}"
    return "unknown status"


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One short command. `le` is the number of answer bytes wanted (256 is coded 00) or None."""

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    def __post_init__(self) -> None:
        for value in (self.cla, self.ins, self.p1, self.p2):
            if not 0 <= value <= 0xFF:
                raise ApduError(f"header byte {value} does not fit in one byte")
        if len(self.data) > SHORT_DATA_MAX:
            raise ApduError(f"{len(self.data)} data bytes need an extended APDU: not supported")
        if self.le is not None and not 1 <= self.le <= SHORT_ANSWER_MAX:
            raise ApduError(f"expected length {self.le} needs an extended APDU: not supported")

    @property
    def case(self) -> int:
        """ISO case: 1 nothing, 2 answer only, 3 data only, 4 both."""
        return 1 + (self.le is not None) + 2 * bool(self.data)

    def to_bytes(self) -> bytes:
        """The bytes on the link."""
        body = bytes([len(self.data)]) + self.data if self.data else b""
        tail = b"" if self.le is None else bytes([self.le & 0xFF])
        return bytes([self.cla, self.ins, self.p1, self.p2]) + body + tail

    @classmethod
    def parse(cls, raw: bytes) -> CommandApdu:
        """Read a command.

        Raises:
            ApduError: too short, lengths that disagree, or an extended APDU.
        """
        if len(raw) < _HEADER_LENGTH:
            raise ApduError(f"a command has at least 4 bytes, got {len(raw)}")
        cla, ins, p1, p2 = raw[:_HEADER_LENGTH]
        body = raw[_HEADER_LENGTH:]
        if not body:
            return cls(cla, ins, p1, p2)
        if len(body) == 1:
            return cls(cla, ins, p1, p2, le=body[0] or SHORT_ANSWER_MAX)
        length = body[0]
        if length == 0:
            raise ApduError("extended length APDUs are not supported")
        data, rest = body[1 : 1 + length], body[1 + length :]
        if len(data) < length:
            raise ApduError(f"Lc says {length} data bytes, {len(data)} are there")
        if len(rest) > 1:
            raise ApduError(f"{len(rest) - 1} bytes after the command's end")
        le = (rest[0] or SHORT_ANSWER_MAX) if rest else None
        return cls(cla, ins, p1, p2, data, le)


@dataclass(frozen=True, slots=True)
class ResponseApdu:
    """One response: data and status word, and how long it took where somebody measured."""

    data: bytes
    sw: int
    duration_us: int = field(default=0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the status word is 9000."""
        return self.sw == 0x9000

    def to_bytes(self) -> bytes:
        """The bytes on the link."""
        return self.data + self.sw.to_bytes(2, "big")

    @classmethod
    def parse(cls, raw: bytes) -> ResponseApdu:
        """Read a response.

        Raises:
            ApduError: shorter than a status word, longer than 256 data bytes, or a status word
                outside 6xxx/9xxx (ISO 7816-3 10.3.3).
        """
        if len(raw) < 2:
            raise ApduError(f"a response has at least 2 bytes, got {len(raw)}")
        if len(raw) > SHORT_ANSWER_MAX + 2:
            raise ApduError(f"a short response has at most 258 bytes, got {len(raw)}")
        sw = int.from_bytes(raw[-2:], "big")
        if sw >> 12 not in {0x6, 0x9}:
            raise ApduError(f"{sw:04X} is no status word")
        return cls(raw[:-2], sw)


def select_command(name: bytes) -> CommandApdu:
    """SELECT by DF name, first occurrence (Book 1, 11.3.2)."""
    return CommandApdu(0x00, 0xA4, 0x04, 0x00, name, SHORT_ANSWER_MAX)


def read_record_command(sfi: int, record: int) -> CommandApdu:
    """READ RECORD `record` of short file identifier `sfi` (Book 1, 11.2.2)."""
    return CommandApdu(0x00, 0xB2, record, (sfi << 3) | 0x04, le=SHORT_ANSWER_MAX)


def processing_options_command(pdol_data: bytes) -> CommandApdu:
    """GET PROCESSING OPTIONS with the PDOL's data in tag 83 (Book 3, 6.5.8).

    Raises:
        ApduError: more PDOL data than a short command carries.
    """
    head = bytes([0x83, len(pdol_data)]) if len(pdol_data) < 0x80 else None
    if head is None:
        if len(pdol_data) > SHORT_DATA_MAX - 3:
            raise ApduError(f"{len(pdol_data)} bytes of PDOL data do not fit a short command")
        head = bytes([0x83, 0x81, len(pdol_data)])
    return CommandApdu(0x80, 0xA8, 0x00, 0x00, head + pdol_data, SHORT_ANSWER_MAX)


def generate_ac_command(reference_control: int, dol_data: bytes) -> CommandApdu:
    """GENERATE APPLICATION CRYPTOGRAM with the CDOL's data (Book 3, 6.5.5).

    Args:
        reference_control: 00 asks for an AAC, 40 for a TC, 80 for an ARQC; 10 more for CDA.
        dol_data: what the card's list asks for.

    Raises:
        ApduError: more data than a short command carries.
    """
    return CommandApdu(0x80, 0xAE, reference_control, 0x00, dol_data, SHORT_ANSWER_MAX)


def recover_ac_command(listed: bytes) -> CommandApdu:
    """RECOVER AC with the values of the card's recovery list (9F51; Book C-2).

    Raises:
        ApduError: more data than a short command carries.
    """
    return CommandApdu(0x80, 0xD0, 0x00, 0x00, listed, SHORT_ANSWER_MAX)


def relay_resistance_command(entropy: bytes) -> CommandApdu:
    """EXCHANGE RELAY RESISTANCE DATA with the terminal's random number (Book C-2)."""
    return CommandApdu(0x80, 0xEA, 0x00, 0x00, entropy, SHORT_ANSWER_MAX)
