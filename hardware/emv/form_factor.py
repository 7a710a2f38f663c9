"""Phone or plastic: what the objects of a tap and the card's identifier say, and how surely.

Each piece of evidence names where it stands. Only what a card says of itself decides; an identifier
drawn anew each time is a hint, since some plastic does that too, and one that stays the same tells
against a phone, most surely where it is long enough to name its maker (ISO/IEC 14443-3, 6.5.4).
Sources: Book C-3 annex A (9F6C), Book 3 annex C1 (82), Book C-4 (9F71), EMV Payment Tokenisation
(9F19); the values of 9F6E follow what published traces show: lab approximation. Where nothing
decides, the answer is "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

_CTQ_DEVICE_VERIFIED = 0x80
_AIP_DEVICE_SUPPORTED = 0x02
_FORM_BITS = 0x1F
_CONTACTLESS_FORM_LENGTH = 4
_MASTERCARD_RID = bytes.fromhex("A000000004")
_MASTERCARD_DEVICE_AT = 4
_MASTERCARD_CARD = b"00"
_HIDDEN = 0xEE
_WALLET_ATS = bytes.fromhex("0578807002")
_MANUFACTURER_UID = 7
"""Bytes of an identifier that begins with its maker's number (ISO/IEC 14443-3, 6.5.4)."""


class Medium(StrEnum):
    """What the card is made into."""

    PHONE = "phone"
    """A phone, a watch or another device with an owner's check of its own."""
    PLASTIC = "plastic"
    UNKNOWN = "unknown"


_FORMS = {
    0x01: ("mini card", Medium.PLASTIC),
    0x03: ("mobile phone", Medium.PHONE),
    0x04: ("wrist-worn device", Medium.PHONE),
}
"""Form 00, a standard card, decides nothing: phones say it too."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen.

    Attributes:
        where: the tag, or "UID".
        says: in the field's words.
        points_to: which medium it speaks for.
        decides: whether it is enough by itself.
    """

    where: str
    says: str
    points_to: Medium
    decides: bool


@dataclass(frozen=True, slots=True)
class FormFactor:
    """The verdict and everything that was seen, what decides first."""

    medium: Medium
    evidence: tuple[Evidence, ...] = ()


def judge(
    objects: Mapping[int, bytes], aid: bytes, uid: bytes, *, random_uid: bool, ats: bytes = b""
) -> FormFactor:
    """Phone or plastic.

    Args:
        objects: what the card said, by tag.
        aid: the application that said it; empty where none was selected.
        uid: the anti-collision identifier; empty where it is not known.
        random_uid: whether it is drawn anew each time.
        ats: the answer to select; empty where the driver does not tell.
    """
    said, shown = _from_objects(objects, aid), _from_identifier(uid, random_uid=random_uid)
    if ats == _WALLET_ATS:
        says = "as wallet phones answer in public traces"
        shown.append(Evidence("ATS", says, Medium.PHONE, decides=False))
    # What the card says goes before what its identifier looks like; contradictions decide nothing.
    decisive = [one for one in said if one.decides] or [one for one in shown if one.decides]
    deciding = {evidence.points_to for evidence in decisive}
    medium = deciding.pop() if len(deciding) == 1 else Medium.UNKNOWN
    return FormFactor(medium, (*said, *shown))


def _from_objects(objects: Mapping[int, bytes], aid: bytes) -> list[Evidence]:
    found: list[Evidence] = []
    phone = Medium.PHONE
    qualifiers, profile = objects.get(0x9F6C, b""), objects.get(0x82, b"")
    if len(qualifiers) == 2 and qualifiers[1] & _CTQ_DEVICE_VERIFIED:
        found.append(Evidence("9F6C", "the device verified its owner (CDCVM)", phone, decides=True))
    if aid.startswith(_MASTERCARD_RID) and profile and profile[0] & _AIP_DEVICE_SUPPORTED:
        found.append(Evidence("82", "on-device verification supported", phone, decides=True))
    if objects.get(0x9F71):
        found.append(Evidence("9F71", "results of a check on the mobile", phone, decides=True))
    if objects.get(0x9F19):
        found.append(Evidence("9F19", "its number is a requestor's token", phone, decides=True))
    form = _form(objects.get(0x9F6E, b""), aid)
    if form is not None:
        found.append(form)
    if profile and not found:
        says = "it announces no check of its owner by a device"
        found.append(Evidence("82", says, Medium.PLASTIC, decides=False))
    return found


def _form(value: bytes, aid: bytes) -> Evidence | None:
    if _HIDDEN in value:
        return None
    if aid.startswith(_MASTERCARD_RID):
        device = value[_MASTERCARD_DEVICE_AT : _MASTERCARD_DEVICE_AT + 2]
        if len(device) == len(_MASTERCARD_CARD) and device.isdigit():
            card = device == _MASTERCARD_CARD
            says = "device type card" if card else f"device type {device.decode('ascii')}"
            return Evidence("9F6E", says, Medium.PLASTIC if card else Medium.PHONE, decides=True)
    elif len(value) == _CONTACTLESS_FORM_LENGTH and (value[0] & _FORM_BITS) in _FORMS:
        says, medium = _FORMS[value[0] & _FORM_BITS]
        return Evidence("9F6E", f"form factor {says}", medium, decides=True)
    return None


def _from_identifier(uid: bytes, *, random_uid: bool) -> list[Evidence]:
    if not uid:
        return []
    if random_uid:
        says = "drawn anew each time, as phones do and some plastic"
        return [Evidence("UID", says, Medium.PHONE, decides=False)]
    says = "the same each time: phones draw theirs anew"
    return [Evidence("UID", says, Medium.PLASTIC, decides=len(uid) >= _MANUFACTURER_UID)]
