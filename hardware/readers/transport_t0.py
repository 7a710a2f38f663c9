"""One APDU over the character protocol T=0, where an answer's data are fetched by a second command.

Maps a command with data and answer to what T=0 can carry, and follows the card's procedure words:
61xx (fetch xx bytes) and 6Cxx (ask again, for xx bytes). Contact readers and virtual cards need
this; contactless cards appear as T=1. Knows no reader.

Source: ISO 7816-3, 12.2; EMV Book 1, 9.3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hardware.apdu import CommandApdu
from hardware.runtime.errors import ApduError, CardFault

FETCHES_MAX = 64
_GET_RESPONSE = 0xC0


def exchange_t0(send: Callable[[bytes], bytes], command: bytes) -> bytes:
    """The whole answer to `command`, which `send` carries piece by piece.

    Raises:
        CardFault: the card promises more without end.
    """
    try:
        apdu = CommandApdu.parse(command)
    except ApduError:
        return send(command)
    if apdu.case == 4:
        apdu = replace(apdu, le=None)
    answer, data = send(apdu.to_bytes()), b""
    for _ in range(FETCHES_MAX):
        match answer[-2:-1]:
            case b"\x61":
                data += answer[:-2]
                apdu = CommandApdu(0, _GET_RESPONSE, 0, 0, le=answer[-1] or 256)
            case b"\x6c":
                apdu = replace(apdu, le=answer[-1] or 256, data=b"")
            case _:
                return data + answer
        answer = send(apdu.to_bytes())
    raise CardFault(f"the card asked to be asked again {FETCHES_MAX} times")
