"""Kernel 3: Visa, qVSDC, online only (Book C-3).

Theory of operation: a generator that yields a command and receives the parsed answer. GPO carries
the terminal's data in the PDOL's order and brings back everything an online payment needs, the
cryptogram included; records are read only where the card's AFL names some. Then, without the
card: the cryptogram's type decides, and the cardholder's verification must fit the amount. There
is no offline approval here: a TC asks the issuer where the card allows it, and is declined where it
does not, because offline data authentication is not performed.
"""

# ruff: noqa: PLR2004 -- the specifications' own numbers, named where they are not obvious

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.apdu import (
    CommandApdu,
    ResponseApdu,
    processing_options_command,
    read_record_command,
)
from hardware.emv import tlv
from hardware.emv.bitfields import (
    CTQ_CDCVM_PERFORMED,
    CTQ_ONLINE_IF_ODA_FAILS,
    CTQ_ONLINE_PIN_REQUIRED,
    CTQ_SIGNATURE_REQUIRED,
    CTQ_SWITCH_IF_ODA_FAILS,
    TTQ_ONLINE_PIN,
    TTQ_SIGNATURE,
    CryptogramType,
    cryptogram_type,
    has_bit,
    visa_cryptogram_type,
)
from hardware.emv.dol import build_dol, dol_length, parse_dol
from hardware.runtime.errors import TlvError
from hardware.terminal.card_data import BrokenRule, CardData, Track2, locate_records
from hardware.terminal.outcome import CardholderVerification

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from hardware.terminal.entry_point import Prepared

KERNEL_ID = 3
RECORDS_MAX = 32
"""Records one tap reads at most; a card that names more is broken or hostile."""
PDOL_DATA_MAX = 252
_MANDATORY = (0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
"""Objects every online answer has (Book C-3, table 5-2)."""
_SELECT_NEXT = "conditions_not_satisfied"
_GPO_REFUSALS = {0x6984: "switch_interface", 0x6985: _SELECT_NEXT, 0x6986: "see_phone"}


@dataclass(frozen=True, slots=True)
class KernelResult:
    """How the kernel ended: a reason, and what the card said where it said enough."""

    reason: str
    data: CardData
    track_2: Track2 | None = None
    kind: CryptogramType | None = None
    verification: CardholderVerification = CardholderVerification.NONE
    select_next: bool = False
    """Whether the next candidate may be tried."""


def run_kernel(
    pdol: bytes | None,
    prepared: Prepared,
    terminal_values: Mapping[int, bytes],
    step: Callable[[str], None],
) -> Generator[CommandApdu, ResponseApdu, KernelResult]:
    """The dialogue from GPO on.

    Args:
        pdol: the card's processing options data object list out of SELECT's answer.
        prepared: the combination with its transaction qualifiers.
        terminal_values: the terminal's objects by tag.
        step: told the name of each step reached.
    """
    data = CardData()
    try:
        wanted = parse_dol(pdol or b"")
    except TlvError:
        return KernelResult("pdol_malformed", data, select_next=True)
    if all(entry.tag != 0x9F66 for entry in wanted):
        return KernelResult("pdol_without_ttq", data, select_next=True)
    if dol_length(wanted) > PDOL_DATA_MAX:
        return KernelResult("pdol_malformed", data, select_next=True)
    step("gpo")
    answer = yield processing_options_command(build_dol(wanted, terminal_values))
    if not answer.ok:
        reason = _GPO_REFUSALS.get(answer.sw, "gpo_refused")
        return KernelResult(reason, data, select_next=reason == _SELECT_NEXT)
    try:
        _collect_options(answer.data, data)
        yield from _read_records(data, step)
        return _decide(data, prepared, step)
    except BrokenRule as broken:
        return KernelResult(broken.reason, data)


def _collect_options(answer: bytes, data: CardData) -> None:
    """GPO's answer, in either format (Book 3, 6.5.8.4)."""
    try:
        template = tlv.parse(answer)
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


def _read_records(
    data: CardData, step: Callable[[str], None]
) -> Generator[CommandApdu, ResponseApdu, None]:
    """Every record the card names, once (Book C-3, 5.4.1)."""
    located = []
    for place in locate_records(data.get(0x94) or b""):
        located.append(place)
        if len(located) > RECORDS_MAX:
            raise BrokenRule("afl_malformed")
    if located:
        step("records")
    for sfi, record in located:
        answer = yield read_record_command(sfi, record)
        if not answer.ok:
            raise BrokenRule("record_refused")
        try:
            template = tlv.parse_one(answer.data, 0x70)
        except TlvError:
            raise BrokenRule("record_malformed") from None
        data.add(template)


def _decide(data: CardData, prepared: Prepared, step: Callable[[str], None]) -> KernelResult:
    """Without the card: mandatory data, the cryptogram's type, the cardholder's verification."""
    step("mandatory_data")
    for tag in _MANDATORY:
        data.need(tag)
    track_2 = data.track_2()
    kind = _kind(data)
    step("card_decision")
    qualifiers = data.get(0x9F6C) or b""
    if kind is CryptogramType.AAC:
        return KernelResult("card_declined", data, track_2, kind)
    if kind is CryptogramType.TC and not has_bit(qualifiers, CTQ_ONLINE_IF_ODA_FAILS):
        switch = has_bit(qualifiers, CTQ_SWITCH_IF_ODA_FAILS)
        reason = "switch_interface" if switch else "offline_not_supported"
        return KernelResult(reason, data, track_2, kind)
    step("cardholder_verification")
    verification = _verify(qualifiers, prepared.ttq)
    if prepared.cvm_required and verification is CardholderVerification.NONE:
        return KernelResult("cvm_not_satisfied", data, track_2, kind)
    return KernelResult("online_request", data, track_2, kind, verification)


def _kind(data: CardData) -> CryptogramType:
    """The cryptogram's type: 9F27 says it, or else the card's results inside 9F10."""
    information = data.get(0x9F27)
    if information is not None:
        kind = cryptogram_type(information)
    else:
        kind = visa_cryptogram_type(data.need(0x9F10))
    if kind is None:
        raise BrokenRule("cryptogram_type_unknown")
    return kind


def _verify(qualifiers: bytes, ttq: bytes) -> CardholderVerification:
    """What the card asks for and the till can do (Book C-3, 5.7): the device goes first."""
    if has_bit(qualifiers, CTQ_CDCVM_PERFORMED):
        return CardholderVerification.DEVICE
    if has_bit(qualifiers, CTQ_ONLINE_PIN_REQUIRED) and has_bit(ttq, TTQ_ONLINE_PIN):
        return CardholderVerification.ONLINE_PIN
    if has_bit(qualifiers, CTQ_SIGNATURE_REQUIRED) and has_bit(ttq, TTQ_SIGNATURE):
        return CardholderVerification.SIGNATURE
    return CardholderVerification.NONE
