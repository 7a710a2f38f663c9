"""What a command does to a card, before it is sent: nothing, something to be confirmed, or never.

A table by instruction, from the books that define them: ISO/IEC 7816-4 and -8, EMV Book 3, 6.5,
Book C-2, GlobalPlatform card specification 11, PC/SC part 3 for commands to the reader (class FF).
What no table knows is asked about: an unknown instruction may do anything. To a card without this
lab's mark no command goes that makes a second cryptogram, whoever confirms.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hardware.apdu import CommandApdu

_READER_CLASS = 0xFF


class Weight(StrEnum):
    """How much a command does."""

    NONE = "none"
    """It reads."""
    CONSENT = "consent"
    """It reads past SELECT on a card that is somebody's own."""
    CHANGES = "changes"
    NEVER = "never"
    """Not on a card of somebody's own."""


@dataclass(frozen=True, slots=True)
class CommandEffect:
    """What a command would do. `what` is a stable word, such as `spends_cryptogram`."""

    weight: Weight
    what: str = ""


HARMLESS = CommandEffect(Weight.NONE)
_READING = frozenset({0xA4, 0xA8, 0xC0, 0xCA, 0xCB, 0xB0, 0xB1, 0xB2, 0xB3, 0x84})
"""SELECT, GET PROCESSING OPTIONS, GET RESPONSE, GET DATA, READ BINARY and RECORD, GET CHALLENGE."""
_PAST_SELECT = CommandEffect(Weight.CONSENT, "reads_past_select")
_TO_STRANGERS: dict[int, CommandEffect] = {
    **dict.fromkeys((0xB0, 0xB1, 0xB2, 0xB3, 0xCA, 0xCB), _PAST_SELECT),
    0xA8: CommandEffect(Weight.CHANGES, "spends_cryptogram"),
}
"""What only reads a lab card, and does more to a card of somebody's own."""
_GENERATE_AC = 0xAE
_PROPRIETARY_CLASS = 0x80
_PROPRIETARY_CRYPTOGRAMS = frozenset({0x2A, 0xD0})
"""COMPUTE CRYPTOGRAPHIC CHECKSUM and RECOVER AC; the standard's own class means others by these."""
_CHANGES: dict[int, str] = {
    0x0E: "erases", 0x0F: "erases", 0x16: "blocks", 0x18: "unblocks", 0x1E: "blocks",
    0x20: "counts_tries", 0x21: "counts_tries", 0x24: "changes_pin", 0x2A: "counts_signatures",
    0x2C: "resets_pin", 0xD0: "writes",
    0x44: "activates", 0x04: "deactivates", 0x82: "counts_tries", 0x88: "counts_signatures",
    0xD2: "writes", 0xD6: "writes", 0xD7: "writes", 0xD8: "writes_keys",
    0xDA: "writes", 0xDB: "writes", 0xDC: "writes", 0xDD: "writes", 0xE0: "creates",
    0xE2: "writes", 0xE4: "erases", 0xE6: "blocks", 0xE8: "erases", 0xEA: "starts_relay_check",
    0xF0: "changes_state", 0xFE: "ends_card",
}  # fmt: skip
_READER_READING = frozenset({0xCA, 0xB0})
"""Of class FF: GET DATA and READ BINARY (PC/SC part 3, 3.2.2.1)."""


def effect_of(command: CommandApdu, *, lab_card: bool) -> CommandEffect:
    """What a command does to a card.

    Args:
        command: what is about to be sent.
        lab_card: whether the application selected carries this lab's mark.
    """
    if command.cla == _READER_CLASS:
        known = command.ins in _READER_READING
        return HARMLESS if known else CommandEffect(Weight.CHANGES, "drives_reader")
    if _asks_for_cryptogram(command):
        weight = Weight.CHANGES if lab_card else Weight.NEVER
        return CommandEffect(weight, "spends_cryptogram")
    if not lab_card and command.ins in _TO_STRANGERS:
        return _TO_STRANGERS[command.ins]
    if command.ins in _READING:
        return HARMLESS
    return CommandEffect(Weight.CHANGES, _CHANGES.get(command.ins, "unknown_command"))


def _asks_for_cryptogram(command: CommandApdu) -> bool:
    proprietary = bool(command.cla & _PROPRIETARY_CLASS)
    return command.ins == _GENERATE_AC or (proprietary and command.ins in _PROPRIETARY_CRYPTOGRAMS)
