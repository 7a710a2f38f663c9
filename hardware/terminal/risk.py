"""Processing restrictions, terminal risk management and action analysis (Book 3, 10.4 to 10.7).

What a till finds without the card, once the card's data are there: another application version,
dates, a service the issuer does not allow, an amount over the floor limit, a payment that chance
picked; and which cryptogram follows from it and from the action codes of issuer and till. Knows no
kernel.
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
_NOTHING, _EVERYTHING = bytes(5), bytes.fromhex("FFFFFFFFFC")
"""What an issuer without codes of its own means: all but whether relays were measured (C-2, A)."""
_PERCENT_MAX = 99


@dataclass(frozen=True, slots=True)
class ActionCodes:
    """The till's action codes over tag 95's bits (kernel 2: DF8120, DF8121, DF8122).

    Attributes:
        denial: findings that decline.
        online: findings for which the issuer is asked.
        default: findings that decline where the issuer cannot be asked.
    """

    denial: bytes = _NOTHING
    online: bytes = bytes.fromhex("FC50BCF800")
    default: bytes = bytes.fromhex("FC50BCA000")

    def __post_init__(self) -> None:
        assert all(len(code) == 5 for code in (self.denial, self.online, self.default))


@dataclass(frozen=True, slots=True)
class RandomSelection:
    """Which payments below the floor limit go online by chance (Book 3, 10.6.2).

    Attributes:
        target_percent: how many of those below the threshold, 0 to 99.
        max_target_percent: how many just below the floor limit; not under the target.
        threshold_minor: from this amount on the share grows from one to the other.
    """

    target_percent: int = 0
    max_target_percent: int = 0
    threshold_minor: int = 0

    def __post_init__(self) -> None:
        assert 0 <= self.target_percent <= self.max_target_percent <= _PERCENT_MAX
        assert self.threshold_minor >= 0

    def picks(self, amount_minor: int, floor_limit_minor: int | None, percent: int) -> bool:
        """Whether this payment is picked.

        Args:
            amount_minor: of the payment, not above the floor limit.
            floor_limit_minor: None has no limit, and so no growing share.
            percent: a random number from 1 to 99.
        """
        if amount_minor < self.threshold_minor or floor_limit_minor is None:
            return percent <= self.target_percent
        span = floor_limit_minor - self.threshold_minor
        if span <= 0:
            return percent <= self.max_target_percent
        more = self.max_target_percent - self.target_percent
        part = more * (amount_minor - self.threshold_minor) // span
        return percent <= self.target_percent + part


NO_SELECTION = RandomSelection()


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


def wanted_cryptogram(
    data: CardData,
    found: Verdicts,
    codes: ActionCodes,
    *,
    must_ask: bool,
    can_ask: bool,
) -> CryptogramType:
    """What the till asks the card for (Book 3, 10.7).

    An issuer that gave no codes of its own has the till ask for everything that was found.

    Args:
        data: what the card has said: 9F0D, 9F0E and 9F0F are read.
        found: the till's findings.
        codes: the till's own.
        must_ask: the issuer is asked whatever was found (type of till, zero amount, status check).
        can_ask: whether this till can ask an issuer at all.
    """
    if found.meets(data.get(0x9F0E, _NOTHING) or _NOTHING, codes.denial):
        return CryptogramType.AAC
    if not can_ask:
        default = data.get(0x9F0D, _EVERYTHING) or _EVERYTHING
        doubtful = must_ask or found.meets(default, codes.default)
        return CryptogramType.AAC if doubtful else CryptogramType.TC
    online = data.get(0x9F0F, _EVERYTHING) or _EVERYTHING
    if must_ask or found.meets(online, codes.online):
        return CryptogramType.ARQC
    return CryptogramType.TC
