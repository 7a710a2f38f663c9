"""Card numbers and device account numbers: check digit, network, mask, and a filter for logs.

Knows nothing of issuers or tokens beyond their leading digits. The check digit is Luhn's
(ISO/IEC 7812-1 annex B); masks keep at most the first six and last four (PCI DSS 3.4.1), ours
keep the last four only.
"""

from __future__ import annotations

import logging
import re

PAN_DIGITS_MIN = 13
PAN_DIGITS_MAX = 19
_DOUBLED = str.maketrans("0123456789", "0246813579")
_DIGIT_RUN = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])", re.ASCII)
# EMV tags 5A (card number) and 57 (track 2 equivalent data) as hex: tag, one length byte, value.
_TAGGED = re.compile(
    r"(?<![0-9A-Fa-f])((?:[0-9A-Fa-f]{2})*?)(5[Aa]|57)(0[7-9A-Da-d]|1[0-3])([0-9A-Fa-f]{14,38})"
)
_MASK_CHARACTER = "•"
_FORMATTER = logging.Formatter()


def luhn_ok(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1 annex B)."""
    if not (digits.isascii() and digits.isdigit()):
        return False
    return (
        sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))
    ) % 10 == 0


def with_check_digit(body: str) -> str:
    """`body` followed by its Luhn digit."""
    assert body.isdigit(), "a card number is digits"
    return next(body + digit for digit in "0123456789" if luhn_ok(body + digit))


def is_pan(digits: str) -> bool:
    """Whether this has the length and check digit of a card number or token."""
    return PAN_DIGITS_MIN <= len(digits) <= PAN_DIGITS_MAX and luhn_ok(digits)


def network_of(digits: str) -> str | None:
    """`visa`, `mastercard` or `amex` by leading digits, else None."""
    if digits.startswith("4"):
        return "visa"
    if digits.startswith(("34", "37")):
        return "amex"
    if "51" <= digits[:2] <= "55" or "2221" <= digits[:4] <= "2720":
        return "mastercard"
    return None


def mask(digits: str) -> str:
    """`•••• 4242`: what people and logs may see."""
    return f"{_MASK_CHARACTER * 4} {digits[-4:]}"


def mask_text(text: str) -> str:
    """`text` with every run of 13 to 19 digits that Luhn accepts, and tags 5A and 57, masked."""
    return _DIGIT_RUN.sub(_mask_run, _TAGGED.sub(_mask_tagged, text))


class MaskingFilter(logging.Filter):
    """Masks card numbers in a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace text and traceback where they carry a card number; always lets it pass."""
        text = record.getMessage()
        masked = mask_text(text)
        if masked != text:
            record.msg, record.args = masked, None
        if record.exc_info and not record.exc_text:
            record.exc_text = _FORMATTER.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = mask_text(record.exc_text)
        return True


def _mask_run(found: re.Match[str]) -> str:
    digits = re.sub("[^0-9]", "", found.group())
    return _MASK_CHARACTER * (len(digits) - 4) + digits[-4:] if luhn_ok(digits) else found.group()


def _mask_tagged(found: re.Match[str]) -> str:
    before, tag, length, value = found.groups()
    covered = int(length, 16) * 2
    number = re.split("[^0-9]", value[:covered], maxsplit=1)[0]
    if len(value) < covered or not is_pan(number.rstrip("Ff")):
        return found.group()
    return before + tag + length + _MASK_CHARACTER * covered + value[covered:]
