"""What SELECT's answer says of an application, and how a lab card is known from a real one.

A lab card carries tag 42 with a number that no issuer has, inside BF0C. Source: Book 1, 11.3.4
(file control information), ISO/IEC 7812 (issuer identification number). Knows no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.emv import tlv
from hardware.runtime.errors import TlvError

LAB_IIN = "999901"
"""Tag 42 of a lab card; no issuer has this number."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What SELECT's answer says that matters here."""

    pdol: bytes | None
    lab_card: bool


def read_selection(data: bytes, aid: bytes) -> Selection:
    """SELECT's answer (Book 1, 11.3.4).

    Raises:
        TlvError: no file control information of this application.
    """
    template = tlv.parse_one(data, 0x6F)
    name, proprietary = template.find(0x84), template.find(0xA5)
    if name is None or not name.value.startswith(aid) or proprietary is None:
        raise TlvError("the answer is not this application's", template.offset)
    pdol = proprietary.find(0x9F38)
    discretionary = proprietary.find(0xBF0C)
    mark = discretionary.find(0x42) if discretionary is not None else None
    return Selection(
        pdol=pdol.value if pdol is not None else None,
        lab_card=mark is not None and mark.value.hex() == LAB_IIN,
    )
