"""A bank's card of tests, by hand: a directory of two applications, GPO, a record with a name.

Answers bytes to bytes, so that it can lie in any stack. Carries no lab mark; its number is a
published test number.
"""

from __future__ import annotations

from hardware.api import build_tlv

NUMBER = "4242424242424242"
HOLDER = b"DOE/JANE"
DIRECTORY = b"2PAY.SYS.DDF01"
OK = b"\x90\x00"
NOT_FOUND = b"\x6a\x82"
OPTIONS = (
    build_tlv(
        0x77,
        build_tlv(0x82, b"\x20\x00")
        + build_tlv(0x94, bytes.fromhex("08010100"))
        + build_tlv(0x57, bytes.fromhex(NUMBER + "D29122010000000000000F"))
        + build_tlv(0x9F26, bytes(8)),
    )
    + OK
)


def answer(command: bytes) -> bytes:
    """What this card says."""
    name = command[5 : 5 + command[4]] if len(command) > 5 else b""
    match command[1]:
        case 0xA4 if name == DIRECTORY:
            return _directory()
        case 0xA4 if name[:1] == b"\xa0":
            inner = build_tlv(0xA5, build_tlv(0x9F38, bytes.fromhex("9F66049F02069F3704")))
            return build_tlv(0x6F, build_tlv(0x84, name) + inner) + OK
        case 0xA8:
            return OPTIONS
        case 0xB2:
            return build_tlv(0x70, build_tlv(0x5F20, HOLDER)) + OK
        case _:
            return NOT_FOUND


def _directory() -> bytes:
    entries = b"".join(
        build_tlv(0x61, build_tlv(0x4F, bytes.fromhex(aid)) + build_tlv(0x87, bytes([priority])))
        for priority, aid in ((2, "A0000000041010"), (1, "A0000000031010"))
    )
    inner = build_tlv(0xA5, build_tlv(0xBF0C, entries))
    return build_tlv(0x6F, build_tlv(0x84, DIRECTORY) + inner) + OK
