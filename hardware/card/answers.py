"""The pieces a card's answers are made of: templates, the terminal's data taken apart, refusals.

Book 3, 5.4 for lists and 6.5 for the commands that carry them. Knows no application and no state.
"""

from __future__ import annotations

from hardware.emv import tlv
from hardware.emv.dol import parse_dol, split_dol
from hardware.runtime.errors import TlvError


class Refused(Exception):
    """A command that the card does not carry out, with its status word."""

    def __init__(self, sw: int) -> None:
        super().__init__(f"{sw:04X}")
        self.sw = sw


def template(tag: int, objects: dict[int, bytes]) -> bytes:
    """A template with these objects in their order."""
    return tlv.build(tag, (tlv.build(tag, value) for tag, value in objects.items()))


def options_values(data: bytes) -> bytes:
    """The terminal's data out of the command template.

    Raises:
        Refused: there is no such template.
    """
    try:
        return tlv.parse_one(data, 0x83).value
    except TlvError:
        raise Refused(0x6A80) from None


def split(wanted: bytes, data: bytes) -> dict[int, bytes]:
    """The values that a list of the card's asked for, by tag.

    Raises:
        Refused: the data have another length than the list.
    """
    try:
        return split_dol(parse_dol(wanted), data)
    except TlvError:
        raise Refused(0x6700) from None
