"""Commands as people type them: hex with blanks, the common ones by name, decoded while typed.

Pure functions over text; the decoder and the table of effects are the hardware's own. Sources for
the common ones: Book 1, 11; Book 3, 6.5; PC/SC part 3, 3.2.2 for those of the reader (class FF).
"""

from __future__ import annotations

import re

from hardware.api import (
    ApduError,
    CardLists,
    CommandApdu,
    CommandEffect,
    Weight,
    decode_command,
    effect_of,
    name_command,
)
from lab.anycard.state import Parsed
from lab.bench.conversation import flat
from lab.words import Message, message

COMMON: tuple[tuple[str, str], ...] = (
    ("00A404000E325041592E5359532E444446303100", "SELECT 2PAY.SYS.DDF01 (contactless directory)"),
    ("00A404000E315041592E5359532E444446303100", "SELECT 1PAY.SYS.DDF01 (contact directory)"),
    ("00A4040007A000000003101000", "SELECT Visa"),
    ("00A4040007A000000004101000", "SELECT Mastercard"),
    ("00A4040006A0000000250100", "SELECT Amex"),
    ("00A4040007D276000085010100", "SELECT NDEF (type 4 tag)"),
    ("80A8000002830000", "GET PROCESSING OPTIONS, empty list"),
    ("00B2010C00", "READ RECORD 1 of file 1"),
    ("00B2020C00", "READ RECORD 2 of file 1"),
    ("00B2011400", "READ RECORD 1 of file 2"),
    ("80CA9F3600", "GET DATA 9F36 (transaction counter)"),
    ("80CA9F1300", "GET DATA 9F13 (last online counter)"),
    ("80CA9F1700", "GET DATA 9F17 (PIN tries left)"),
    ("80CA9F4F00", "GET DATA 9F4F (log format)"),
    ("0084000000", "GET CHALLENGE"),
    ("FFCA000000", "GET DATA of the reader: UID"),
    ("FFCA010000", "GET DATA of the reader: ATS"),
)
"""Hex and name of what is asked most."""
HEX_MAX = 522
"""The longest short command: 261 bytes."""
_BETWEEN = re.compile(r"[\s:_-]+|0x", re.IGNORECASE)
_HEX = re.compile(r"[0-9A-F]*")


def bare_hex(typed: str) -> str:
    """The digits alone, in capitals: blanks, colons and 0x are how people write."""
    return _BETWEEN.sub("", typed).upper()


def completions(typed: str) -> tuple[tuple[str, str], ...]:
    """Common commands that begin with the digits typed, or whose name holds the words typed."""
    digits, words = bare_hex(typed), typed.casefold().split()
    if not words:
        return COMMON
    return tuple(
        (code, name)
        for code, name in COMMON
        if (digits and code.startswith(digits)) or all(word in name.casefold() for word in words)
    )


def command_of(typed: str) -> CommandApdu:
    """The command that was typed.

    Raises:
        ApduError: it is none; the message says why.
    """
    digits = bare_hex(typed)
    if _HEX.fullmatch(digits) is None:
        wrong = next(character for character in digits if character not in "0123456789ABCDEF")
        raise ApduError(f"{wrong!r} is no hex digit")
    if len(digits) > HEX_MAX:
        raise ApduError(f"{len(digits) // 2} bytes are more than a short command has")
    if len(digits) % 2:
        raise ApduError(f"{len(digits)} digits: half a byte is missing at the end")
    return CommandApdu.parse(bytes.fromhex(digits))


def parse_typed(typed: str, heard: tuple[str, ...] = (), *, lab_card: bool = False) -> Parsed:
    """A command as far as it is typed, decoded; what is wrong with it, in words.

    Args:
        typed: the field's text.
        heard: earlier answers of this conversation, in hex: the card's own lists are in them.
        lab_card: whether the application selected carries the lab's mark.
    """
    if not typed.strip():
        return Parsed()
    try:
        command = command_of(typed)
    except ApduError as fault:
        return Parsed(hex=bare_hex(typed), problem=str(fault))
    lists, raw = CardLists(), command.to_bytes()
    for answer in heard:
        lists.hear(bytes.fromhex(answer))
    return Parsed(
        hex=raw.hex().upper(),
        name=name_command(raw),
        nodes=tuple(flat(decode_command(raw, lists), 0)),
        effect=effect_words(effect_of(command, lab_card=lab_card)),
    )


def effect_words(effect: CommandEffect) -> Message | None:
    """What a command would do, in words; None where it only reads."""
    if effect.weight is Weight.NONE:
        return None
    kind = "bad" if effect.weight is Weight.NEVER else "waiting"
    key = "never" if effect.weight is Weight.NEVER else effect.what
    return message(f"raw.effect.{key}", kind)
