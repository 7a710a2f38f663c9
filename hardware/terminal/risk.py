"""Processing restrictions and terminal action analysis (Book 3, 10.4 and 10.7).

What a till finds without the card, once the card's data are there: another application version,
dates, a service the issuer does not allow, an amount over the floor limit; and which cryptogram
follows from it and from the action codes of issuer and till. Knows no kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.emv.bitfields import CryptogramType
from hardware.terminal import verdicts
from hardware.terminal.card_data import BrokenRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.terminal.card_data import CardData
    from hardware.terminal.verdicts import Verdicts

_OTHER_THAN_ATM = 0x01
_DOMESTIC_GOODS_AND_SERVICES = 0x28
_INTERNATIONAL_GOODS_AND_SERVICES = 0x14
_CENTURY_PIVOT = 50
_NOTHING = bytes(5)


@dataclass(frozen=True, slots=True)
class ActionCodes:
    """The till's action codes: which findings decline (tag 95's bits; DF8121 of kernel 2).

    The codes for going online and for a default have no say here, where every payment goes online.
    """

    denial: bytes = bytes(5)

    def __post_init__(self) -> None:
        assert len(self.denial) == 5


def restrict(data: CardData, values: Mapping[int, bytes], found: Verdicts) -> None:
    """Note what the card's dates, version and usage control say (Book 3, 10.4).

    Args:
        data: what the card has said.
        values: the terminal's objects: 9A, 9F09 and 9F1A are read.
        found: where it is noted.

    Raises:
        BrokenRule: a date that is none.
    """
    version = data.get(0x9F08)
    if version is not None and version != values.get(0x9F09, version):
        found.note(verdicts.OTHER_VERSION)
    today = date_of(values[0x9A], 0x9A)
    effective, expiry = data.get(0x5F25), data.get(0x5F24)
    if effective is not None and date_of(effective, 0x5F25) > today:
        found.note(verdicts.NOT_YET_EFFECTIVE)
    if expiry is not None and date_of(expiry, 0x5F24) < today:
        found.note(verdicts.EXPIRED)
    if not _usage_allowed(data, values):
        found.note(verdicts.SERVICE_NOT_ALLOWED)


def _usage_allowed(data: CardData, values: Mapping[int, bytes]) -> bool:
    """A purchase in a shop, against application usage control (Book 3, 10.4.2)."""
    control = data.get(0x9F07)
    if control is None:
        return True
    if not control[0] & _OTHER_THAN_ATM:
        return False
    country = data.get(0x5F28)
    if country is None:
        return True
    domestic = country == values[0x9F1A]
    wanted = _DOMESTIC_GOODS_AND_SERVICES if domestic else _INTERNATIONAL_GOODS_AND_SERVICES
    return bool(control[0] & wanted)


def date_of(value: bytes, tag: int) -> tuple[int, int, int]:
    """YYMMDD with the century the books give two digits (Book 4, 6.7.3).

    Raises:
        BrokenRule: it is no date; `tag` names it.
    """
    text = value.hex()
    if not text.isdecimal() or not 1 <= int(text[2:4]) <= 12:
        raise BrokenRule(f"bad_{tag:X}")
    year = int(text[:2])
    return (1900 if year >= _CENTURY_PIVOT else 2000) + year, int(text[2:4]), int(text[4:])


def wanted_cryptogram(data: CardData, found: Verdicts, codes: ActionCodes) -> CryptogramType:
    """What the till asks the card for (Book 3, 10.7).

    A till without offline data authentication never asks for an approval by the card alone: what
    its action codes leave to the card, the issuer decides.
    """
    denial = data.get(0x9F0E, _NOTHING) or _NOTHING
    if found.meets(denial, codes.denial):
        return CryptogramType.AAC
    return CryptogramType.ARQC
