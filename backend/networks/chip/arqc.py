"""The issuer's check of an application cryptogram (ARQC), and of the data it covers.

Theory of operation. The issuer application data (tag 9F10) says which key made the cryptogram
(derivation key index) and by which recipe (cryptogram version number, CVN). The same number means
different things for different networks, so a recipe is found by layout of 9F10 and number. Which
version a device gets is decided when its token is issued (`networks.card_versions`).

Refuses to know: tokens, amounts in other units, what to answer. Sources: EMV Book 2 8.1, public
descriptions of CVN 10, 18 and 22 and of Mastercard's M/Chip CVN 10, 11, 14 and 15; what CVN 17
and Amex's 01 cover is derived and not confirmed by a published vector.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from backend.networks.chip import keys
from backend.runtime.errors import MessageError

# What every recipe covers first, in this order (EMV Book 2 table 26), with lengths in bytes.
MINIMUM_DATA = {
    "9F02": 6,
    "9F03": 6,
    "9F1A": 2,
    "95": 5,
    "5F2A": 2,
    "9A": 3,
    "9C": 1,
    "9F37": 4,
    "82": 2,
    "9F36": 2,
}
CRYPTOGRAM_BYTES = 8
VISA_IAD_LENGTH = 0x06
VISA_IAD_FORMAT_2 = 0x1F
VISA_IAD_BYTES_MIN = 7
MASTERCARD_IAD_BYTES_MIN = 8
ARQC_TYPE, TC_TYPE = 0x80, 0x40
CRYPTOGRAM_TYPE_MASK = 0xC0
RESULT_VERIFIED = 0x04


class SessionKey(Enum):
    """How the key of one transaction comes from the card's."""

    NONE = auto()
    COMMON = auto()
    MASTERCARD = auto()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One cryptogram version.

    Attributes:
        session: how the session key is derived.
        bit_padding: MAC padding method 2, else method 1.
        covers: the slices of 9F10 appended to the objects.
        objects: what comes first, by tag.
    """

    session: SessionKey
    bit_padding: bool
    covers: tuple[slice, ...]
    objects: tuple[str, ...] = tuple(MINIMUM_DATA)


WHOLE = (slice(None),)
VISA_RESULTS = (slice(3, 7),)
MASTERCARD_RESULTS = (slice(2, 8),)
MASTERCARD_COUNTED = (slice(2, 8), slice(10, 18))
VISA_RECIPES = {
    0x01: Recipe(SessionKey.NONE, bit_padding=False, covers=VISA_RESULTS),  # Amex AEIPS 01
    0x0A: Recipe(SessionKey.NONE, bit_padding=False, covers=VISA_RESULTS),
    0x11: Recipe(
        SessionKey.NONE,
        bit_padding=False,
        covers=(slice(4, 5),),
        objects=("9F02", "9F37", "9F36"),
    ),
    0x12: Recipe(SessionKey.COMMON, bit_padding=True, covers=WHOLE),
    0x22: Recipe(SessionKey.COMMON, bit_padding=True, covers=WHOLE),
}
MASTERCARD_RECIPES = {
    0x10: Recipe(SessionKey.MASTERCARD, bit_padding=True, covers=MASTERCARD_RESULTS),
    0x11: Recipe(SessionKey.MASTERCARD, bit_padding=True, covers=MASTERCARD_COUNTED),
    0x14: Recipe(SessionKey.COMMON, bit_padding=True, covers=MASTERCARD_RESULTS),
    0x15: Recipe(SessionKey.COMMON, bit_padding=True, covers=MASTERCARD_COUNTED),
}


class Verdict(Enum):
    """What the issuer found."""

    VALID = "valid"
    INVALID = "cryptogram_invalid"
    UNKNOWN_KEY = "key_index_unknown"
    OTHER_CHANNEL = "key_of_other_channel"
    UNKNOWN_VERSION = "cryptogram_version_unknown"
    NOT_ARQC = "cryptogram_is_no_arqc"
    NOT_TC = "cryptogram_is_no_tc"


@dataclass(frozen=True, slots=True)
class ChipData:
    """The covered data of one DE 55, lengths checked.

    Attributes:
        objects: tag (upper-case hex) to value.
        recipe: how the cryptogram was made; None when this issuer does not know the version.
        key_index: derivation key index, one byte as two hex digits.
    """

    objects: Mapping[str, bytes]
    recipe: Recipe | None
    key_index: str

    @property
    def atc(self) -> int:
        """Application transaction counter, tag 9F36."""
        return int.from_bytes(self.objects["9F36"], "big")

    @property
    def is_holder_verified(self) -> bool:
        """Whether the card's results say that its device verified its owner for this payment.

        Every recipe covers that byte. Which bit it is, is a lab approximation, as on the card.
        """
        issuer_data = self.objects.get("9F10", b"")
        visa = issuer_data[:1] in (bytes([VISA_IAD_LENGTH]), bytes([VISA_IAD_FORMAT_2]))
        results = issuer_data[4:5] if visa else issuer_data[2:3]
        return bool(results and results[0] & RESULT_VERIFIED)

    @property
    def amount_minor(self) -> int:
        """Tag 9F02, minor units."""
        return int(self.objects["9F02"].hex())

    @property
    def currency_number(self) -> str:
        """Tag 5F2A as three digits (ISO 4217)."""
        return self.objects["5F2A"].hex()[1:]


def read_covered_data(objects: Mapping[str, bytes]) -> ChipData:
    """Pick and measure what a cryptogram check needs.

    Raises:
        MessageError: an object is missing, has the wrong length, or is no number where one must be.
    """
    for tag, length in {**MINIMUM_DATA, "9F26": CRYPTOGRAM_BYTES}.items():
        value = objects.get(tag)
        if value is None or len(value) != length:
            raise MessageError(f"chip data: {tag} must be there with {length} bytes")
    for tag in ("9F02", "5F2A"):
        if not objects[tag].hex().isdecimal():
            raise MessageError(f"chip data: {tag} is no number")
    recipe, key_index = _recipe_of(objects.get("9F10", b""))
    return ChipData(objects=objects, recipe=recipe, key_index=key_index)


def check_cryptogram(
    chip: ChipData, issuer_keys: Mapping[str, bytes], pan: str, psn: str, *, approved: bool = False
) -> Verdict:
    """Whether this card's key made the cryptogram over exactly this data.

    Args:
        chip: what the card and the till said.
        issuer_keys: derivation key index to issuer master key (16 bytes).
        pan: the device account number.
        psn: PAN sequence number, 2 digits.
        approved: the till says that the card has approved: it must be a TC, which the same recipe
            makes over another 9F10.
    """
    if chip.recipe is None:
        return Verdict.UNKNOWN_VERSION
    information = chip.objects.get("9F27")
    wanted = TC_TYPE if approved else ARQC_TYPE
    if information and information[0] & CRYPTOGRAM_TYPE_MASK != wanted:
        return Verdict.NOT_TC if approved else Verdict.NOT_ARQC
    issuer_key = issuer_keys.get(chip.key_index)
    if issuer_key is None:
        return Verdict.UNKNOWN_KEY
    expected = cryptogram(chip, keys.master_key(issuer_key, pan, psn))
    same = hmac.compare_digest(expected, chip.objects["9F26"])
    return Verdict.VALID if same else Verdict.INVALID


def cryptogram(chip: ChipData, card_key: bytes) -> bytes:
    """The 8 bytes that this card key makes of this data; the recipe must be known."""
    recipe = chip.recipe
    assert recipe is not None, "ask only for versions that are known"
    match recipe.session:
        case SessionKey.NONE:
            key = card_key
        case SessionKey.COMMON:
            key = keys.common_session_key(card_key, chip.objects["9F36"])
        case SessionKey.MASTERCARD:
            key = keys.mastercard_session_key(card_key, chip.objects["9F36"], chip.objects["9F37"])
        case _:
            assert_never(recipe.session)
    data = b"".join(chip.objects[tag] for tag in recipe.objects)
    data += b"".join(chip.objects["9F10"][part] for part in recipe.covers)
    return keys.mac(key, data, bit_padding=recipe.bit_padding)


def _recipe_of(issuer_data: bytes) -> tuple[Recipe | None, str]:
    """Layouts of 9F10: `06 DKI CVN CVR`, `1F CVN DKI …`, and Mastercard's `DKI CVN CVR`."""
    if len(issuer_data) >= VISA_IAD_BYTES_MIN and issuer_data[0] == VISA_IAD_LENGTH:
        return VISA_RECIPES.get(issuer_data[2]), f"{issuer_data[1]:02X}"
    if len(issuer_data) >= VISA_IAD_BYTES_MIN and issuer_data[0] == VISA_IAD_FORMAT_2:
        return VISA_RECIPES.get(issuer_data[1]), f"{issuer_data[2]:02X}"
    if len(issuer_data) >= MASTERCARD_IAD_BYTES_MIN:
        recipe = MASTERCARD_RECIPES.get(issuer_data[1])
        if recipe is not None and len(issuer_data) < recipe.covers[-1].stop:
            recipe = None  # the counters that it should cover are not there
        return recipe, f"{issuer_data[0]:02X}"
    return None, ""
