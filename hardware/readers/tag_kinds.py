"""What a thing in the field is, from what it shows before anybody asks it for anything.

Card types answer selection with a byte of their own (SAK; NXP AN10833 lists them), a reader over
PC/SC puts the same into the answer to reset of a storage card (PC/SC part 3, supplement), and
readers of the Asian transit cards name those there too. An identifier of four bytes that begins
with 08 is drawn anew each time (ISO/IEC 14443-3, 6.5.4). Knows no command and no payment; what no
public table says is called unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from hardware.readers.nfc_controller import ISO_DEP_BIT, NFC_DEP_BIT

RANDOM_UID_START, RANDOM_UID_LENGTH = 0x08, 4
_STORAGE_CARD = bytes.fromhex("804F0CA000000306")
_NAME_AT, _NAME_END = 13, 15
_CONTACTLESS = b"\x80\x01"


class TagFamily(StrEnum):
    """What people use such a thing for."""

    SMART_CARD = "smart_card"
    """It takes commands: a payment card, a passport, a phone."""
    TRANSIT = "transit"
    NDEF = "ndef"
    """A sticker or wristband that carries a link or a text (NFC Forum)."""
    ACCESS = "access"
    """Doors and lockers, canteens, and older transit."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TagKind:
    """A kind of card or tag, and where that is written."""

    family: TagFamily
    name: str
    source: str


UNKNOWN_KIND = TagKind(TagFamily.UNKNOWN, "unknown", "no public table names it")
_SELECTION = "SAK, NXP AN10833"
_ANSWER = "answer to reset, PC/SC part 3 supplement"

_BY_SAK: dict[int, TagKind] = {
    0x00: TagKind(TagFamily.NDEF, "NFC Forum type 2 tag (MIFARE Ultralight, NTAG)", _SELECTION),
    0x08: TagKind(TagFamily.ACCESS, "MIFARE Classic 1K", _SELECTION),
    0x09: TagKind(TagFamily.ACCESS, "MIFARE Mini", _SELECTION),
    0x10: TagKind(TagFamily.ACCESS, "MIFARE Plus 2K, security level 2", _SELECTION),
    0x11: TagKind(TagFamily.ACCESS, "MIFARE Plus 4K, security level 2", _SELECTION),
    0x18: TagKind(TagFamily.ACCESS, "MIFARE Classic 4K", _SELECTION),
}
_BY_CARD_NAME: dict[int, TagKind] = {
    0x0001: TagKind(TagFamily.ACCESS, "MIFARE Classic 1K", _ANSWER),
    0x0002: TagKind(TagFamily.ACCESS, "MIFARE Classic 4K", _ANSWER),
    0x0003: TagKind(TagFamily.NDEF, "NFC Forum type 2 tag (MIFARE Ultralight)", _ANSWER),
    0x0026: TagKind(TagFamily.ACCESS, "MIFARE Mini", _ANSWER),
    0x003A: TagKind(TagFamily.NDEF, "NFC Forum type 2 tag (MIFARE Ultralight C)", _ANSWER),
    0x003B: TagKind(TagFamily.TRANSIT, "FeliCa (transit in Japan and Hong Kong)", _ANSWER),
    0xF011: TagKind(TagFamily.TRANSIT, "FeliCa 212K", "answer to reset, ACS readers"),
    0xF012: TagKind(TagFamily.TRANSIT, "FeliCa 424K", "answer to reset, ACS readers"),
}
_ISO_DEP = TagKind(
    TagFamily.SMART_CARD, "card or phone that takes commands (ISO-DEP)", "SAK bit 6, ISO 14443-3"
)
_PEER = TagKind(TagFamily.UNKNOWN, "NFC-DEP device, no card", "SAK bit 7, NFC Forum")
DESFIRE = TagKind(
    TagFamily.TRANSIT, "MIFARE DESFire (transit and campus cards)", "SELECT D2760000850100"
)
NDEF_TYPE_4 = TagKind(TagFamily.NDEF, "NFC Forum type 4 tag", "SELECT D2760000850101")
CALYPSO = TagKind(TagFamily.TRANSIT, "Calypso transit card", "SELECT 1TIC.ICA")
PASSPORT = TagKind(TagFamily.ACCESS, "passport or identity card", "SELECT A0000002471001, ICAO")
PROBES: tuple[tuple[bytes, TagKind], ...] = (
    (bytes.fromhex("D2760000850101"), NDEF_TYPE_4),
    (bytes.fromhex("D2760000850100"), DESFIRE),
    (b"1TIC.ICA", CALYPSO),
    (bytes.fromhex("A0000002471001"), PASSPORT),
)
"""Names by which a card without a payment directory says what else it is."""


@dataclass(frozen=True, slots=True)
class Activation:
    """What a card of type A showed while it was selected; bytes in the order of transmission."""

    sak: int
    atqa: bytes
    ats: bytes = b""


@runtime_checkable
class Activated(Protocol):
    """A link whose driver saw the selection itself; PC/SC hides it."""

    @property
    def activation(self) -> Activation | None:
        """What was seen."""
        ...


def activation_of(link: object) -> Activation | None:
    """What the link's driver saw of the selection, if it saw any."""
    return link.activation if isinstance(link, Activated) else None


def is_random(uid: bytes) -> bool:
    """Whether the identifier is drawn anew each time, so that it cannot be recognized."""
    return len(uid) == RANDOM_UID_LENGTH and uid[0] == RANDOM_UID_START


def kind_of(atr: bytes, activation: Activation | None = None) -> TagKind:
    """What it is by selection or by answer to reset; unknown where neither says."""
    if activation is not None:
        return _by_selection(activation.sak)
    if _STORAGE_CARD in atr and len(atr) > _NAME_END:
        return _BY_CARD_NAME.get(int.from_bytes(atr[_NAME_AT:_NAME_END], "big"), UNKNOWN_KIND)
    if atr[2:4] == _CONTACTLESS:
        return _ISO_DEP
    return UNKNOWN_KIND


def _by_selection(sak: int) -> TagKind:
    if sak & ISO_DEP_BIT:
        return _ISO_DEP
    if sak & NFC_DEP_BIT:
        return _PEER
    return _BY_SAK.get(sak, UNKNOWN_KIND)
