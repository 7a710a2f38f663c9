"""What the kernels share: how one ends, and the two conversations that all of them have.

GET PROCESSING OPTIONS with the card's list (Book 3, 6.5.8 and 10.1) and the reading of every
record the card's locator names (Book 3, 10.2), as generators that yield commands and receive parsed
answers. What a kernel does with the data is its own; a rule that the card breaks ends it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.apdu import (
    CommandApdu,
    ResponseApdu,
    processing_options_command,
    read_record_command,
)
from hardware.emv import tlv
from hardware.emv.dol import DolEntry, build_dol, dol_length, parse_dol
from hardware.runtime.errors import TlvError
from hardware.terminal.card_data import BrokenRule, CardData, Track2, locate_records
from hardware.terminal.outcome import NO_VERIFICATION, CardholderVerification

if TYPE_CHECKING:
    from hardware.emv.bitfields import CryptogramType
    from hardware.terminal.stripe_data import Stripe

DOL_DATA_MAX = 252
_PAYMENT_FILE_MAX = 10
"""Up to this file a signed record counts without its template (Book 3, 10.3)."""
NO_FINDINGS = bytes(5)
SELECT_NEXT = "conditions_not_satisfied"

Step = Callable[[str], None]
"""Told the name of each step reached."""


@dataclass(frozen=True, slots=True)
class KernelResult:
    """How the kernel ended: a reason, and what the card said where it said enough."""

    reason: str
    data: CardData
    track_2: Track2 | None = None
    kind: CryptogramType | None = None
    verification: CardholderVerification = CardholderVerification.NONE
    verification_results: bytes = NO_VERIFICATION
    """Tag 9F34 as the cryptogram or DE 55 carries it."""
    select_next: bool = False
    """Whether the next candidate may be tried."""
    stripe: Stripe | None = None
    """The finished track of a tap in mag-stripe mode; None in EMV mode."""
    findings: bytes = NO_FINDINGS
    """Terminal verification results as they stood at the end (tag 95)."""
    status: bytes = bytes(2)
    """Transaction status information at the end (tag 9B)."""


Kernel = Generator[CommandApdu, ResponseApdu, KernelResult]


def read_list(data: bytes, reason: str, *, select_next: bool = False) -> tuple[DolEntry, ...]:
    """A data object list that a command can carry.

    Raises:
        BrokenRule: it is malformed, or asks for more than a command holds.
    """
    try:
        wanted = parse_dol(data)
    except TlvError:
        raise BrokenRule(reason, select_next=select_next) from None
    if dol_length(wanted) > DOL_DATA_MAX:
        raise BrokenRule(reason, select_next=select_next)
    return wanted


def get_processing_options(
    wanted: tuple[DolEntry, ...],
    values: Mapping[int, bytes],
    data: CardData,
    refusals: Mapping[int, str],
) -> Generator[CommandApdu, ResponseApdu, None]:
    """Collect what GPO answers, in either format (Book 3, 6.5.8.4).

    Args:
        wanted: the card's processing options list.
        values: the terminal's objects by tag.
        data: what the card has said; filled.
        refusals: status word to reason, as this kernel reads them.

    Raises:
        BrokenRule: refused, or no such answer.
    """
    answer = yield processing_options_command(build_dol(wanted, values))
    if not answer.ok:
        reason = refusals.get(answer.sw, "gpo_refused")
        raise BrokenRule(reason, select_next=reason == SELECT_NEXT)
    try:
        template = tlv.parse(answer.data)
    except TlvError:
        raise BrokenRule("gpo_malformed") from None
    if len(template) != 1:
        raise BrokenRule("gpo_malformed")
    match template[0].tag:
        case 0x77:
            data.add(template[0])
        case 0x80 if len(template[0].value) >= 2:
            data.put(0x82, template[0].value[:2])
            data.put(0x94, template[0].value[2:])
        case _:
            raise BrokenRule("gpo_malformed")


def read_records(
    locator: bytes, data: CardData, step: Step
) -> Generator[CommandApdu, ResponseApdu, None]:
    """Every record a locator names, once; signed ones are kept as they came (Book 3, 10.3).

    Raises:
        BrokenRule: a locator that no card has, or a record that is refused or malformed.
    """
    located = []
    for place in locate_records(locator):
        located.append(place)
        if len(located) > data.limits.records:
            raise BrokenRule("too_many_records")
    if located:
        step("records")
    for place in located:
        answer = yield read_record_command(place.sfi, place.record)
        if not answer.ok:
            raise BrokenRule("record_refused")
        try:
            template = tlv.parse_one(answer.data, 0x70)
        except TlvError:
            raise BrokenRule("record_malformed") from None
        data.add(template)
        if place.signed:
            whole = place.sfi > _PAYMENT_FILE_MAX
            data.signed_records += answer.data if whole else template.value
