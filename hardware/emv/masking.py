"""Masking: account numbers and track data leave the conversation before anything keeps it.

Works on bytes and gives bytes of the same length, so a masked answer still parses: hidden digits
of packed numbers become the nibble E (no digit, no separator, no padding), hidden characters
become `*`. The first six and last four digits stay (PCI DSS 3.4.1). Bytes that no longer parse
are masked on suspicion: too much rather than too little. Knows nothing of who asks.
"""

from __future__ import annotations

import re

from hardware.emv import tlv
from hardware.emv.formats import describe_date, luhn_valid
from hardware.runtime.errors import TlvError

_KEPT_FIRST = 6
_KEPT_LAST = 4
_PAN_LENGTHS = range(12, 20)
_PACKED_TRACKS = frozenset({0x57, 0x9F6B})
_HIDDEN_TEXT = frozenset({0x56, 0x9F1F, 0x5F20, 0x9F0B})
_HIDDEN_PACKED = frozenset({0x9F20, 0x9F46})
"""9F46 is a certificate that public keys open, and the account number is inside."""
_PAN_TAG = 0x5A
_FORMAT_1 = 0x80
_RELAY_LENGTH, _RELAY_COMMAND_LENGTH = 10, 10
_GENERATE_AC, _RELAY_RESISTANCE = 0xAE, 0xEA
_PIN_COMMANDS = frozenset({0x20, 0x21, 0x24, 0x2C})
"""VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER: a PIN is inside (ISO/IEC 7816-4, 11.5)."""
_RISK_DATA_LENGTH = 29
"""9F02, 9F03, 9F1A, 95, 5F2A, 9A, 9C and 9F37 together (Book 3, 9.2.2)."""
_SUSPICIOUS_MAX = 1024
"""Damaged bytes beyond any answer's size are hidden whole: searching them would take too long."""
_DIGIT_RUN = re.compile(r"[0-9]{12,}")


def mask_digits(digits: str, hidden: str = "*") -> str:
    """An account number with its middle hidden; short ones lose all but the last four.

    >>> mask_digits("4242424242424242")
    '424242******4242'
    """
    first = _KEPT_FIRST if len(digits) >= 13 else 0
    last = min(_KEPT_LAST, len(digits))
    return digits[:first] + hidden * (len(digits) - first - last) + digits[len(digits) - last :]


def mask_value(tag: int, value: bytes) -> bytes:
    """One primitive value, masked by what its tag may hold."""
    if tag == _PAN_TAG:
        digits = value.hex().upper()
        body = digits.rstrip("F")
        return bytes.fromhex(mask_digits(body, "E") + digits[len(body) :])
    if tag in _PACKED_TRACKS:
        return _mask_track(value)
    if tag in _HIDDEN_TEXT:
        return b"*" * len(value)
    if tag in _HIDDEN_PACKED:
        return b"\xee" * len(value)
    if tag == _FORMAT_1 and _is_relay_data(value):
        return value
    return mask_runs(value)


def _is_relay_data(value: bytes) -> bool:
    """Four random bytes and three times (Book C-2): digits there are no account number's.

    No other answer of this format and length holds one either (Book 3, 6.5).
    """
    return len(value) == _RELAY_LENGTH and value[4:6] <= value[6:8]


def _mask_track(value: bytes) -> bytes:
    """Track 2: the number's middle and everything behind expiry and service code."""
    text = value.hex().upper()
    separator = text.find("D")
    if separator < 0:
        return bytes.fromhex(mask_digits(text, "E"))
    kept = text[separator : separator + 8]
    rest = text[separator + 8 :]
    body = rest.rstrip("F")
    masked = mask_digits(text[:separator], "E") + kept + "E" * len(body) + rest[len(body) :]
    return bytes.fromhex(masked)


def mask_runs(value: bytes) -> bytes:
    """Whole runs of 12 to 19 digits that pass Luhn, packed or as text, wherever they stand."""
    text = value.hex().upper()
    masked = _DIGIT_RUN.sub(lambda run: _mask_if_card(run.group(), "E"), text)
    if masked != text:
        return bytes.fromhex(masked)
    characters = value.decode("latin-1")
    return _DIGIT_RUN.sub(lambda run: _mask_if_card(run.group(), "*"), characters).encode("latin-1")


def _mask_if_card(digits: str, hidden: str) -> str:
    # Zeros in front are padding of format n, never part of an account number.
    body = digits.lstrip("0")
    if len(body) in _PAN_LENGTHS and luhn_valid(body):
        return digits[: len(digits) - len(body)] + mask_digits(body, hidden)
    return digits


def mask_objects(data: bytes) -> bytes:
    """A sequence of data objects with every primitive masked; what does not parse, by suspicion."""
    try:
        nodes = tlv.parse(data)
    except TlvError:
        return _mask_suspicious(data)
    masked = bytearray(data)
    for root in nodes:
        for node in root.walk():
            if not node.constructed:
                end = node.offset + node.length
                masked[end - len(node.value) : end] = mask_value(node.tag, node.value)
    return bytes(masked)


def _mask_suspicious(data: bytes, *, whole_bytes: bool = False) -> bytes:
    """Damaged bytes: what follows any 5A, 57, 56 or 9F6B goes, and windows that pass Luhn.

    Args:
        data: the bytes.
        whole_bytes: values begin at whole bytes here, so numbers do (Book 3, 5.4): a number of odd
            length ends before its padding F or a track's separator D.
    """
    if len(data) > _SUSPICIOUS_MAX:
        return b"\xee" * len(data)
    masked = bytearray(data)
    for at, byte in enumerate(data[:-1]):
        if byte in {0x56, 0x57, 0x5A, 0x6B}:
            length = data[at + 1]
            if 7 <= length <= 0x60:
                end = min(len(data), at + 2 + length)
                masked[at + 2 : end] = b"\xee" * (end - at - 2)
    text = masked.hex().upper()
    for start in range(0, len(text), 2 if whole_bytes else 1):
        for size in _PAN_LENGTHS:
            window = text[start : start + size]
            if whole_bytes and size % 2 and text[start + size : start + size + 1] not in {"D", "F"}:
                continue
            if len(window) == size and window[0] in "23456" and luhn_valid(window):
                text = text[:start] + mask_digits(window, "E") + text[start + size :]
    return bytes.fromhex(text)


def mask_command(command: bytes) -> bytes:
    """A command as it may be kept.

    SELECT, GET PROCESSING OPTIONS and READ RECORD carry names and the terminal's own data, which
    hold no account number; relay resistance carries four random bytes. GENERATE AC carries what a
    card's list asks for, value after value; anything else a user types is masked as damaged bytes
    are.
    """
    if len(command) >= 2 and command[1] in {0xA4, 0xA8, 0xB2}:
        return command
    if len(command) == _RELAY_COMMAND_LENGTH and command[1] == _RELAY_RESISTANCE:
        return command
    if len(command) >= 2 and command[1] in _PIN_COMMANDS:
        return command[:5] + b"\xee" * len(command[5:])
    if len(command) >= 2 and command[1] == _GENERATE_AC:
        known = 5 + _known_length(command[5:])
        return command[:known] + _mask_suspicious(command[known:], whole_bytes=True)
    return command[:5] + _mask_suspicious(command[5:])


def _known_length(data: bytes) -> int:
    """Bytes of GENERATE AC's data that are the till's own, if they begin as all issuers' lists do.

    Amount, other amount, country, verification results, currency, date, type and random number:
    looked at as digits, country and results alone would often pass for a card number. Only where
    amounts, codes and date are what they must be; else nothing is taken for known.
    """
    if len(data) < _RISK_DATA_LENGTH:
        return 0
    text = data.hex()
    amounts, country, currency, date = text[:24], text[24:28], text[38:42], text[42:48]
    numeric = (amounts + country + currency).isdecimal()
    small = amounts[0] == amounts[12] == country[0] == currency[0] == "0"
    if numeric and small and describe_date(bytes.fromhex(date)) is not None:
        return _RISK_DATA_LENGTH
    return 0


def mask_response(response: bytes) -> bytes:
    """A response as it may be kept: data objects masked, the status word as it is."""
    if len(response) < 2:
        return response
    return mask_objects(response[:-2]) + response[-2:]
