"""What a Mastercard token needs for mag-stripe mode: its key, two start values, the track's record.

The issuer prepares the record whole (tracks with empty discretionary data, bitmaps for the dynamic
digits) and both start values (IVCVC3), so the card shows the one as it came and computes with the
others. Source: Book C-2, mag-stripe mode; the code follows published vectors. Knows no APDU.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardware.crypto.card_codes import cvc3
from hardware.emv import tlv
from hardware.runtime.errors import ProvisioningRefused, TlvError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY_LENGTH, _INITIAL_LENGTH, _RECORD_LENGTH_MAX = 16, 2, 255
_FIELDS = ("mk", "ivcvc3Track1", "ivcvc3Track2", "record")


@dataclass(frozen=True, slots=True)
class StripeData:
    """One token's mag-stripe personality.

    Attributes:
        key: the card's key for dynamic codes, 16 bytes.
        initial_1: start value of track 1's code, 2 bytes.
        initial_2: start value of track 2's code, 2 bytes.
        record: the answer to READ RECORD 1 of file 1.
    """

    key: bytes = field(repr=False)
    initial_1: bytes
    initial_2: bytes
    record: bytes = field(repr=False)

    def codes(self, atc: bytes, unpredictable_number: bytes) -> dict[int, bytes]:
        """Tags 9F60 and 9F61: the code of each track over counter and number."""
        return {
            tag: int(cvc3(self.key, initial, atc, unpredictable_number)).to_bytes(2, "big")
            for tag, initial in ((0x9F60, self.initial_1), (0x9F61, self.initial_2))
        }

    def to_json(self) -> dict[str, str]:
        """The object that `read_stripe_data` reads."""
        parts = (self.key, self.initial_1, self.initial_2, self.record)
        return {name: part.hex().upper() for name, part in zip(_FIELDS, parts, strict=True)}


def read_stripe_data(document: object) -> StripeData:
    """Check every field.

    Raises:
        ProvisioningRefused: one is missing or wrong; the message names it and no value.
    """
    if not isinstance(document, dict):
        raise ProvisioningRefused("field 'stripe' is no object")
    key, initial_1, initial_2, record = (_bytes(document, name) for name in _FIELDS)
    lengths = (len(key), len(initial_1), len(initial_2))
    if lengths != (_KEY_LENGTH, _INITIAL_LENGTH, _INITIAL_LENGTH):
        raise ProvisioningRefused("field 'stripe': a key or a start value has another length")
    try:
        tags = [node.tag for node in tlv.parse_one(record, 0x70).children]
    except TlvError:
        raise ProvisioningRefused("field 'stripe.record' is no record") from None
    if len(record) > _RECORD_LENGTH_MAX or len(set(tags)) < len(tags) or 0x9F6B not in tags:
        raise ProvisioningRefused("field 'stripe.record': too long, twice the same, or no track")
    return StripeData(key, initial_1, initial_2, record)


def _bytes(document: Mapping[str, object], name: str) -> bytes:
    value = document.get(name)
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        raise ProvisioningRefused(f"field 'stripe.{name}' is not hex") from None
