"""Commands that a contactless reader answers itself and never passes on: class FF.

Behind a real reader they ask for the identifier of the card in the field (PC/SC part 3, 3.2.2.1.3);
on a virtual one they arrive at the card, so the publisher plays the reader here. Knows no card.
"""

from __future__ import annotations

READER_CLASS = 0xFF
ATS = bytes.fromhex("0578807002")
"""What a wallet phone answers to RATS: frames of 256 bytes, FWI 7, no historical bytes."""
_GET_DATA = bytes.fromhex("FFCA")
_NOT_SUPPORTED = bytes.fromhex("6A81")
_WRONG_LENGTH = bytes.fromhex("6700")
_END_REACHED = bytes.fromhex("6282")
_SUCCESS = bytes.fromhex("9000")


def answer_as_reader(command: bytes, uid: bytes) -> bytes:
    """The reader's answer to a command of its class: UID, ATS, or "function not supported"."""
    assert command[0] == READER_CLASS, "only commands for the reader"
    if command[:2] != _GET_DATA or len(command) < 4 or command[3] != 0:
        return _NOT_SUPPORTED
    match command[2]:
        case 0x00:
            data = uid
        case 0x01:
            data = ATS
        case _:
            return _NOT_SUPPORTED
    return _with_length(data, command[4:])


def _with_length(data: bytes, le: bytes) -> bytes:
    """Le 00 asks for all; a short one is told the length, a long one the end (same clause)."""
    if len(le) != 1:
        return _WRONG_LENGTH
    if le[0] in {0, len(data)}:
        return data + _SUCCESS
    if le[0] < len(data):
        return bytes([0x6C, len(data)])
    return data + _END_REACHED
