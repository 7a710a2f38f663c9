"""Marks: what single bytes and bits of a value say, each knowing where in the value it stands.

So that a word and its byte can light up together. Structures beyond plain bits are read here:
issuer application data (Book 3 C7; Visa formats 0, 1, 3 and 2, Mastercard and Amex), verification
lists and results (Book 3, 10.5; Book 4 A4), file locators (Book 3, 10.2), a form factor (Book C-3
Annex A) and a phone's verification results (Book C-4 Annex A). What is not public is labelled lab
approximation. Reads damaged values as far as they go and never raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.emv import bit_tables
from hardware.emv.bit_tables import FIELDS, BitTable
from hardware.emv.lengths import LENGTHS

if TYPE_CHECKING:
    from collections.abc import Callable

APPROXIMATION = "lab approximation"
_TYPES = ("AAC", "TC", "ARQC", "of a reserved type")
_SECOND = ("AAC", "TC", "not requested", "of a reserved type")
_VISA_VERSIONS = {0x0A: "10", 0x11: "17", 0x12: "18", 0x22: "22"}
_AMEX_VERSION = 0x01
_MASTERCARD_VERSIONS = frozenset({0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17})
_MASTERCARD_LENGTHS = frozenset({18, 20, 26, 28})
_METHODS = {
    0x00: "fail verification",
    0x01: "plaintext PIN checked by the card",
    0x02: "enciphered PIN checked online",
    0x03: "plaintext PIN checked by the card, and signature",
    0x04: "enciphered PIN checked by the card",
    0x05: "enciphered PIN checked by the card, and signature",
    0x1E: "signature",
    0x1F: "no verification required",
    0x3F: "no verification performed",
}
_CONDITIONS = {
    0x00: "always",
    0x01: "if unattended cash",
    0x02: "if neither unattended cash, manual cash nor cashback",
    0x03: "if the terminal supports it",
    0x04: "if manual cash",
    0x05: "if cashback",
    0x06: "if in the application's currency and under X",
    0x07: "if in the application's currency and over X",
    0x08: "if in the application's currency and under Y",
    0x09: "if in the application's currency and over Y",
}
_RESULTS = {0x00: "result unknown", 0x01: "failed", 0x02: "successful"}
_FORMS = {
    0x00: "standard card",
    0x01: "mini card",
    0x02: "no card: another object",
    0x03: "mobile phone",
    0x04: "wrist-worn device",
}
_MOBILE_METHODS = {0x00: "no verification on the mobile", 0x01: "verification on the mobile",
                   0x3F: "no verification performed"}  # fmt: skip
_AMEX_READERS = {
    b"\x00\x01": "mag-stripe application version 1 (kernel 2)",
    b"\xc0": "EMV and magnetic-stripe modes, no verification required",
    b"\xc8": "EMV and magnetic-stripe modes, verification required",
}
_MOBILE_CONDITIONS = {0x00: "not required", 0x03: "required by the terminal"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What a byte, some bytes or one bit of a value say."""

    text: str
    offset: int = 0
    """Of the first byte, in the value."""
    length: int = 1
    mask: int = 0
    """The bits that say it; 0 where whole bytes do."""

    @property
    def where(self) -> str:
        """The place as the books count it: "byte 2 bit 8", "bytes 3-5"."""
        first = self.offset + 1
        if self.mask and self.mask & (self.mask - 1) == 0:
            return f"byte {first} bit {self.mask.bit_length()}"
        return f"byte {first}" if self.length == 1 else f"bytes {first}-{first + self.length - 1}"


def marks(tag: int, value: bytes) -> tuple[Mark, ...]:
    """What is known about the bytes of a value; empty for tags without inner structure."""
    if (tag, len(value)) in _OTHER_MEANINGS:
        return _OTHER_MEANINGS[tag, len(value)](value)
    if tag in _STRUCTURES:
        return _STRUCTURES[tag](value)
    if tag not in FIELDS:
        return _length_mark(tag, value)
    length, table = FIELDS[tag]
    found = bits(table, value)
    if len(value) != length:
        wrong = Mark(f"{len(value)} bytes where {length} are due", 0, max(1, len(value)))
        return (wrong, *found)
    return found


def _length_mark(tag: int, value: bytes) -> tuple[Mark, ...]:
    """What a strict terminal would say of an object that is too short or too long."""
    due = LENGTHS.get(tag)
    if due is None or len(value) in due:
        return ()
    wanted = f"{due[0]}" if len(due) == 1 else f"{due[0]} to {due[-1]}"
    verb = "is" if wanted == "1" else "are"
    return (Mark(f"{len(value)} bytes where {wanted} {verb} due", 0, max(1, len(value))),)


def reader_marks(value: bytes) -> tuple[Mark, ...]:
    """9F6E where the terminal sends it: enhanced contactless reader capabilities (kernel 4)."""
    return bits(bit_tables.AMEX_READER, value)


def bits(table: BitTable, value: bytes, at: int = 0) -> tuple[Mark, ...]:
    """The set bits of `table` in `value`, which stands at `at` of a longer one."""
    return tuple(
        Mark(text, at + index, 1, mask)
        for index, mask, text in table
        if index < len(value) and value[index] & mask
    )


def _cryptogram_information(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 1:
        return (Mark("reserved cryptogram type", 0, max(1, len(value))),)
    kind = value[0] >> 6
    found = [Mark(_TYPES[kind] if kind < 3 else "reserved cryptogram type", 0, 1, 0xC0)]
    if value[0] & 0x08:
        found.append(Mark("advice required", 0, 1, 0x08))
    return tuple(found)


def _issuer_data(value: bytes) -> tuple[Mark, ...]:
    if len(value) >= 7 and value[0] in {0x06, 0x1F}:
        return _visa_issuer_data(value)
    if len(value) in _MASTERCARD_LENGTHS and value[1] in _MASTERCARD_VERSIONS:
        return _mastercard_issuer_data(value)
    return ()


def _visa_issuer_data(value: bytes) -> tuple[Mark, ...]:
    """Visa formats 0/1/3 (length, key, version, results), 2 (1F, version, key); Amex like 0."""
    version_at, key_at = (2, 1) if value[0] == 0x06 else (1, 2)
    version = value[version_at]
    amex = value[0] == 0x06 and version == _AMEX_VERSION
    name = "01" if amex else _VISA_VERSIONS.get(version, f"byte {version:02X}")
    results = value[3:7]
    whole = results.hex().upper()
    whose = "Amex layout" if amex else f"Visa format {'0/1/3' if value[0] == 0x06 else '2'}"
    return (
        Mark(f"cryptogram version {name}", version_at),
        Mark(f"key index {value[key_at]:02X}", key_at),
        Mark(f"first cryptogram {_TYPES[results[1] >> 4 & 3]}", 4, 1, 0x30),
        Mark(f"second cryptogram {_SECOND[results[1] >> 6]}", 4, 1, 0xC0),
        *bits(bit_tables.VISA_RESULTS, results, 3),
        Mark(f"card verification results {whole} ({whose}; other bits: {APPROXIMATION})", 3, 4),
        *_rest(value, 7, "issuer discretionary data"),
    )


def _mastercard_issuer_data(value: bytes) -> tuple[Mark, ...]:
    """Key index, version, six bytes of results, dynamic number, counters."""
    results = value[2:8]
    whole = results.hex().upper()
    return (
        Mark(f"cryptogram version {value[1]:02X}", 1),
        Mark(f"key index {value[0]:02X}", 0),
        Mark(f"first cryptogram {_TYPES[results[0] >> 4 & 3]}", 2, 1, 0x30),
        Mark(f"second cryptogram {_SECOND[results[0] >> 6]}", 2, 1, 0xC0),
        *bits(bit_tables.MASTERCARD_RESULTS, results, 2),
        Mark(f"script counter {results[2] >> 4}", 4, 1, 0xF0),
        Mark(f"PIN tries left {results[2] & 15}", 4, 1, 0x0F),
        Mark(f"card verification results {whole} (Mastercard; {APPROXIMATION})", 2, 6),
        Mark(f"dynamic number {value[8:10].hex().upper()}", 8, 2),
        *_rest(value, 10, "plaintext or enciphered counters"),
    )


def _rest(value: bytes, at: int, name: str) -> tuple[Mark, ...]:
    rest = value[at:]
    return (Mark(f"{name} {rest.hex().upper()}", at, len(rest)),) if rest else ()


def _verification_list(value: bytes) -> tuple[Mark, ...]:
    if len(value) < 8:
        return (Mark(f"{len(value)} bytes where at least 8 are due", 0, max(1, len(value))),)
    found = [
        Mark(f"amount {letter} is {int.from_bytes(value[at : at + 4], 'big')} minor units", at, 4)
        for letter, at in (("X", 0), ("Y", 4))
    ]
    for at in range(8, len(value) - 1, 2):
        number = (at - 8) // 2 + 1
        found.append(Mark(f"rule {number}: {_rule(value[at], value[at + 1])}", at, 2))
    if len(value) % 2:
        found.append(Mark("half a rule", len(value) - 1))
    return tuple(found)


def _rule(code: int, condition: int) -> str:
    method = _METHODS.get(code & 0x3F, f"method {code & 0x3F:02X}")
    otherwise = "try the next rule" if code & 0x40 else "verification has failed"
    when = _CONDITIONS.get(condition, f"condition {condition:02X}")
    return f"{method}, {when}; if it does not succeed, {otherwise}"


def _verification_results(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 3:
        return (Mark(f"{len(value)} bytes where 3 are due", 0, max(1, len(value))),)
    method = _METHODS.get(value[0] & 0x3F, f"method {value[0] & 0x3F:02X}")
    if value[0] & 0x3F == 0x01:
        method += " (or by the phone itself)"
    return (
        Mark(method, 0),
        Mark(_CONDITIONS.get(value[1], f"condition {value[1]:02X}"), 1),
        Mark(_RESULTS.get(value[2], f"result {value[2]:02X}"), 2),
    )


def _locator(value: bytes) -> tuple[Mark, ...]:
    found = []
    for at in range(0, len(value) - 3, 4):
        file, first, last, signed = value[at] >> 3, *value[at + 1 : at + 4]
        records = f"record {first}" if first == last else f"records {first} to {last}"
        count = f", the first {signed} signed" if signed else ", none of them signed"
        found.append(Mark(f"{records} of file {file}{count}", at, 4))
    if len(value) % 4:
        found.append(Mark("an entry cut short", len(value) - len(value) % 4, len(value) % 4))
    return tuple(found)


def _form_factor(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 4:
        return (Mark(f"third party data of {len(value)} bytes (kernel 2)", 0, max(1, len(value))),)
    code = value[0] & 0x1F
    form = _FORMS.get(code, f"form {code:02X}")
    return (
        Mark(f"version {value[0] >> 5} of the indicator", 0, 1, 0xE0),
        Mark(f"{form} (which phones say, too)" if code == 0 else form, 0, 1, 0x1F),
        *bits(bit_tables.FORM_FACTOR, value),
        Mark("contactless" if value[3] & 0x0F == 0 else "another technology", 3, 1, 0x0F),
    )


def _mobile_results(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 3:
        return (Mark(f"{len(value)} bytes where 3 are due", 0, max(1, len(value))),)
    return (
        Mark(_MOBILE_METHODS.get(value[0], f"method {value[0]:02X}"), 0),
        Mark(_MOBILE_CONDITIONS.get(value[1], f"condition {value[1]:02X}"), 1),
        Mark(_RESULTS.get(value[2], f"result {value[2]:02X}"), 2),
    )


def _amex_reader(value: bytes) -> tuple[Mark, ...]:
    return (Mark(_AMEX_READERS.get(value, "another reader"), 0, max(1, len(value))),)


def _places(what: str) -> Callable[[bytes], tuple[Mark, ...]]:
    """A track's bitmap (Book C-2, mag-stripe mode): bit 1 is the track's last digit."""

    def read(value: bytes) -> tuple[Mark, ...]:
        named = int.from_bytes(value, "big")
        places = [bit + 1 for bit in range(len(value) * 8) if named >> bit & 1]
        words = f"digits {_ranges(places)} from the track's end" if places else "no digit"
        return (Mark(f"{what}: {words}", 0, max(1, len(value))),)

    return read


def _ranges(numbers: list[int]) -> str:
    """Rising numbers in words: neighbours as a range."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(
        f"{run[0]} to {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs
    )


def _counter_digits(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 1:
        return (Mark(f"{len(value)} bytes where 1 is due", 0, max(1, len(value))),)
    return (Mark(f"{value[0]} of these digits are the counter's", 0),)


def _code(value: bytes) -> tuple[Mark, ...]:
    if len(value) != 2:
        return (Mark(f"{len(value)} bytes where 2 are due", 0, max(1, len(value))),)
    digits = f"{int.from_bytes(value, 'big'):05d}"
    return (Mark(f"code {digits}: a track takes as many of its last digits as it has room for",
                 0, 2),)  # fmt: skip


_STRUCTURES: dict[int, Callable[[bytes], tuple[Mark, ...]]] = {
    0x9F27: _cryptogram_information,
    0x9F10: _issuer_data,
    0x8E: _verification_list,
    0x9F34: _verification_results,
    0x94: _locator,
    0x9F60: _code,
    0x9F61: _code,
    0x9F62: _places("dynamic code"),
    0x9F63: _places("unpredictable number and counter"),
    0x9F64: _counter_digits,
    0x9F65: _places("dynamic code"),
    0x9F67: _counter_digits,
    0x9F6D: _amex_reader,
    0x9F6E: _form_factor,
    0x9F71: _mobile_results,
}
_OTHER_MEANINGS: dict[tuple[int, int], Callable[[bytes], tuple[Mark, ...]]] = {
    (0x9F66, 2): _places("unpredictable number and counter"),
}
"""Tags that mean something else where they have that length."""
