"""The log of every opening of a number in the networks' vault: its lines, and what chains them.

A line says when, at which network, for which purpose, and whose record and token it was about,
never a digit. Each line's hash (SHA-256 over a JSON array) covers the one before it: a changed,
removed or inserted line breaks every later one. Protects against mistakes and quiet edits, not
against someone who can write the whole log anew. Pure values; knows no vault and no database.
Source: PCI DSS 4.0, 10.2.1 and 10.3.4.
"""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from enum import Enum
from typing import Protocol

import orjson

GENESIS = bytes(32)


class Purpose(Enum):
    """What a number is opened for."""

    PROVISION = "provision"  # a token goes into its device
    SECOND_DEVICE = "second-device"  # the same card for another device of its cardholder
    VERIFY = "verify"  # the same, once its cardholder was verified
    REFRESH = "refresh"  # a token comes in another one's place
    AUTHORIZE = "authorize"  # the issuer hears whose card it is
    REPLACE_CARD = "replace-card"  # its issuer draws the next number


@dataclass(frozen=True, slots=True)
class AccessLine:
    """One opening.

    Attributes:
        at_us: lab time.
        network: in whose vault.
        purpose: a `Purpose`'s word.
        field: "number" of a card, or "token".
        record: the account or token that the number belongs to.
        token_ref: the token that it was about.
    """

    at_us: int
    network: str
    purpose: str
    field: str
    record: str
    token_ref: str


@dataclass(frozen=True, slots=True)
class AccessHead:
    """The last line of the log.

    Attributes:
        seq: its number; 0 while there is none.
        hash: its hash.
    """

    seq: int = 0
    hash: bytes = GENESIS


class AccessRows(Protocol):
    """The log in a unit of work."""

    def add_access(self, line: AccessLine) -> None:
        """Add a line at the end of the chain."""


def line_hash(head: AccessHead, line: AccessLine) -> bytes:
    """SHA-256 of the line that follows `head`."""
    covered = orjson.dumps([head.seq + 1, *astuple(line)])
    return hashlib.sha256(head.hash + covered).digest()
