"""Identifiers that sort by time.

A payment's identifier begins with its moment, so neighbours in time are neighbours in the
database's tree: inserting stays as cheap at two million rows as at none, and a page of history is
a range of the primary key. Knows nothing of what it names.
"""

from __future__ import annotations

from backend.runtime.entropy import Stream

TIME_HEX_DIGITS = 14
RANDOM_BYTES = 5


def ordered_identifier(prefix: str, at_us: int, stream: Stream) -> str:
    """`pay_065c…`: 14 hex digits of lab time (µs) and 40 random bits."""
    return f"{first_identifier_at(prefix, at_us)}{stream.bytes(RANDOM_BYTES).hex()}"


def first_identifier_at(prefix: str, at_us: int) -> str:
    """Sorts before every `ordered_identifier` made at or after `at_us`, after all earlier ones."""
    assert at_us >= 0, "lab time starts at the Unix epoch"
    return f"{prefix}_{at_us:0{TIME_HEX_DIGITS}x}"
