"""What a card number says about itself while it is typed: network, length, check digit.

Prefixes as the networks publish them; the check digit is ISO/IEC 7812-1 annex B (Luhn). Numbers
pass through and are never kept, logged or put into an error.
"""

from __future__ import annotations

NETWORKS = ("visa", "mastercard", "amex")
_LENGTHS = {"visa": (13, 16, 19), "mastercard": (16,), "amex": (15,)}
_GROUPS = {"amex": (4, 6, 5)}
NUMBER_DIGITS_MAX = 19


def digits_of(text: str, limit: int) -> str:
    """The decimal digits in what somebody typed, at most `limit` of them."""
    return "".join(c for c in text if c.isascii() and c.isdigit())[:limit]


def network_of(digits: str) -> str:
    """The network by its prefix, as soon as the prefix says it; else ""."""
    if digits.startswith("4"):
        return "visa"
    if digits[:2] in {"34", "37"}:
        return "amex"
    two, four = int(digits[:2] or 0), int(digits[:4] or 0)
    if 51 <= two <= 55 or (len(digits) >= 4 and 2221 <= four <= 2720):
        return "mastercard"
    return ""


def is_complete(digits: str) -> bool:
    """Whether the number has a length that its network uses."""
    return len(digits) in _LENGTHS.get(network_of(digits), ())


def passes_luhn(digits: str) -> bool:
    """Whether the check digit fits."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return bool(digits) and total % 10 == 0


def cvv_length(network: str) -> int:
    """Digits of the code on the card: four for Amex, three for the others."""
    return 4 if network == "amex" else 3


def grouped(digits: str) -> str:
    """The number as it stands on a card, in groups."""
    sizes = _GROUPS.get(network_of(digits), (4, 4, 4, 4, 3))
    groups, start = [], 0
    for size in sizes:
        groups.append(digits[start : start + size])
        start += size
    return " ".join(group for group in groups if group)
