"""The cryptogram versions that a token can be personalised with. Data, and one function over it.

A version says how 9F10 is laid out, which key makes the cryptogram and what it covers. The same
number means different things to different networks, so a version is named by network and number.
Visa's number tells the layout by its first digit: 0A is format 0, 11 and 12 format 1, 22 format 2.
Mastercard's number is bits: the lowest adds the counters, the third takes the common session key.
Sources: published vectors and public descriptions; Visa 17 and Amex 01 are derived, not confirmed.
Knows no APDU and no counter's storage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from hardware.card.credentials import Network
from hardware.crypto.cryptogram import (
    mastercard_csk,
    mastercard_skd,
    visa_cvn10,
    visa_cvn17,
    visa_cvn18,
)

COUNTERS_LENGTH = 8
"""Bytes of counters at the end of Mastercard's 9F10."""
_VISA_HEAD = 0x06
"""Length of the network's part: key index, version, results."""
_FORMAT_2_HEAD, _FORMAT_2_LENGTH = 0x1F, 32
_DYNAMIC_NUMBER = bytes(2)
"""Where Mastercard's cards tell the number that their signature holds; nobody needs it online."""


class Layout(Enum):
    """How 9F10 is laid out."""

    SHORT = "length, key index, version, results"
    """Visa's formats 0, 1 and 3, and Amex."""
    LONG = "length, version, key index, results, the issuer's own"
    """Visa's format 2, always 32 bytes."""
    COUNTED = "key index, version, results, dynamic number, counters"
    """Mastercard's."""


Algorithm = Callable[[bytes, Mapping[int, bytes], bytes, bytes], bytes]
"""Master key, signed objects with 9F10, results, counters: the 8 bytes of 9F26."""


@dataclass(frozen=True, slots=True)
class Version:
    """One cryptogram version of one network.

    Attributes:
        name: as people of the field write it.
        layout: of 9F10.
        algorithm: makes 9F26.
        pdol: what GPO must carry where it is not the network's ordinary list (9F38).
    """

    name: str
    layout: Layout
    algorithm: Algorithm
    pdol: bytes | None = None

    def issuer_data(self, number: int, key_index: int, results: bytes, counters: bytes) -> bytes:
        """Tag 9F10.

        Args:
            number: the version's own, one byte.
            key_index: derivation key index.
            results: card verification results; four bytes, of Mastercard six.
            counters: Mastercard's eight bytes; the others have no place for them.
        """
        match self.layout:
            case Layout.SHORT:
                return bytes([_VISA_HEAD, key_index, number]) + results
            case Layout.LONG:
                head = bytes([_FORMAT_2_HEAD, number, key_index]) + results
                return head.ljust(_FORMAT_2_LENGTH, b"\x00")
            case Layout.COUNTED:
                return bytes([key_index, number]) + results + _DYNAMIC_NUMBER + counters


VERSIONS: Mapping[tuple[Network, int], Version] = {
    (Network.VISA, 0x0A): Version(
        "10", Layout.SHORT, lambda key, objects, results, _: visa_cvn10(key, objects, results)
    ),
    (Network.VISA, 0x11): Version(
        "17",
        Layout.SHORT,
        lambda key, objects, _results, _counters: visa_cvn17(key, objects),
        # Early qVSDC asks for what its cryptogram covers, and for the currency.
        pdol=bytes.fromhex("9F66049F02069F37045F2A02"),
    ),
    (Network.VISA, 0x12): Version(
        "18", Layout.SHORT, lambda key, objects, _results, _counters: visa_cvn18(key, objects)
    ),
    (Network.VISA, 0x22): Version(
        "22", Layout.LONG, lambda key, objects, _results, _counters: visa_cvn18(key, objects)
    ),
    (Network.MASTERCARD, 0x10): Version(
        "10", Layout.COUNTED, lambda key, objects, results, _: mastercard_skd(key, objects, results)
    ),
    (Network.MASTERCARD, 0x11): Version("11", Layout.COUNTED, mastercard_skd),
    (Network.MASTERCARD, 0x14): Version(
        "14", Layout.COUNTED, lambda key, objects, results, _: mastercard_csk(key, objects, results)
    ),
    (Network.MASTERCARD, 0x15): Version("15", Layout.COUNTED, mastercard_csk),
    # AEIPS 01: the same arithmetic as Visa's version 10.
    (Network.AMEX, 0x01): Version(
        "01", Layout.SHORT, lambda key, objects, results, _: visa_cvn10(key, objects, results)
    ),
}
"""Every version by network and number."""
