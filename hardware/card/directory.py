"""Where a terminal finds the application: both directories and the answer to SELECT.

Contactless terminals read the answer to SELECT 2PAY.SYS.DDF01, contact readers a record of
1PAY.SYS.DDF01 (Book 1, 11.3.4 and 12.2; Book B, 3.3.2.3). Knows no state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.card.personality import PERSONALITIES
from hardware.emv import tlv

if TYPE_CHECKING:
    from hardware.card.credentials import Credentials

LAB_IIN = bytes.fromhex("999901")
"""The issuer number no issuer has: what marks a lab card."""
PPSE_NAME = b"2PAY.SYS.DDF01"
PSE_NAME = b"1PAY.SYS.DDF01"
PSE_DIRECTORY_FILE = 1


def entry(credentials: Credentials) -> bytes:
    """What a directory says of an application: name, label, priority (Book 1, 12.2.3)."""
    return (
        tlv.build(0x4F, PERSONALITIES[credentials.network].aid)
        + tlv.build(0x50, _label(credentials))
        + tlv.build(0x87, b"\x01")
    )


def contact_directory() -> bytes:
    """The contact directory: which file holds its records (Book 1, 11.3.4)."""
    proprietary = tlv.build(0xA5, tlv.build(0x88, bytes([PSE_DIRECTORY_FILE])))
    return tlv.build(0x6F, (tlv.build(0x84, PSE_NAME), proprietary))


def payment_directory(credentials: Credentials) -> bytes:
    """The contactless directory with its one entry (Book B, 3.3.2.3)."""
    kernel = tlv.build(0x9F2A, bytes([PERSONALITIES[credentials.network].kernel]))
    listed = tlv.build(0x61, entry(credentials) + kernel)
    proprietary = tlv.build(0xA5, tlv.build(0xBF0C, listed))
    return tlv.build(0x6F, (tlv.build(0x84, PPSE_NAME), proprietary))


def application(credentials: Credentials) -> bytes:
    """SELECT's answer (Book 1, 11.3.4), with the lab's mark."""
    personality = PERSONALITIES[credentials.network]
    pdol = personality.pdol
    proprietary = (
        tlv.build(0x50, _label(credentials)),
        tlv.build(0x87, b"\x01"),
        tlv.build(0x9F38, pdol) if pdol else b"",
        tlv.build(0xBF0C, tlv.build(0x42, LAB_IIN)),
    )
    name = tlv.build(0x84, personality.aid)
    return tlv.build(0x6F, (name, tlv.build(0xA5, proprietary)))


def _label(credentials: Credentials) -> bytes:
    """At most 16 characters of the label (Book 3, A)."""
    return credentials.label[:16].encode("ascii")
