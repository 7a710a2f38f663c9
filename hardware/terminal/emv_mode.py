"""EMV mode as kernels 2 and 4 run it: options, records, findings, GENERATE AC (Book 3, 9 and 10).

Theory of operation: GPO brings the profile and the locator, the records bring the card's data, and
GENERATE AC with the first CDOL the cryptogram, which covers the terminal's own findings. What
differs between the two kernels is a `Rules` value. There is no offline data authentication here,
which the terminal says in its findings; so nothing is approved by a card alone. A card may give
less than it is asked for, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, generate_ac_command
from hardware.emv import tlv
from hardware.emv.bitfields import (
    AIP_VERIFICATION_SUPPORTED,
    TTQ_ONLINE_PIN,
    CryptogramType,
    cryptogram_type,
    has_bit,
)
from hardware.emv.dol import build_dol
from hardware.runtime.errors import TlvError
from hardware.terminal import verdicts
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.kernel import (
    Kernel,
    KernelResult,
    Step,
    get_processing_options,
    read_list,
    read_records,
)
from hardware.terminal.outcome import NO_VERIFICATION, CardholderVerification
from hardware.terminal.risk import restrict, wanted_cryptogram
from hardware.terminal.verdicts import Verdicts
from hardware.terminal.verification import Chosen, choose, situation

if TYPE_CHECKING:
    from hardware.terminal.entry_point import Prepared

_MANDATORY = (0x57, 0x5A, 0x5F24, 0x8C)
"""Objects the records must have brought (Book C-2, 6.2.4; Book C-4, 4.4)."""
_REFERENCE_CONTROL = {
    CryptogramType.AAC: 0x00,
    CryptogramType.TC: 0x40,
    CryptogramType.ARQC: 0x80,
}
_MAY_ANSWER = {
    CryptogramType.AAC: {CryptogramType.AAC},
    CryptogramType.TC: {CryptogramType.AAC, CryptogramType.ARQC, CryptogramType.TC},
    CryptogramType.ARQC: {CryptogramType.AAC, CryptogramType.ARQC},
}
_FORMAT_1_LENGTH_MIN = 11


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kernel does in its own way.

    Attributes:
        application_version: tag 9F09.
        refusals: status word of GPO or GENERATE AC to reason.
        own_values: the kernel's own objects for this payment, by tag.
        check_profile: raises `BrokenRule` where the card cannot do EMV mode.
        skipped_entry: a locator's first entry that this mode does not read.
        verify_on_device: how the device verified its owner; None where that is not its business.
    """

    application_version: bytes
    refusals: Mapping[int, str]
    own_values: Callable[[Prepared], Mapping[int, bytes]]
    check_profile: Callable[[bytes], None]
    skipped_entry: bytes
    verify_on_device: Callable[[CardData, Prepared, Verdicts], Chosen | None]


def run_emv_mode(
    rules: Rules,
    pdol: bytes | None,
    prepared: Prepared,
    values: MutableMapping[int, bytes],
    step: Step,
) -> Kernel:
    """The dialogue from GPO on; the terminal's findings are left in `values` (tag 95).

    Args:
        rules: the kernel's own ways.
        pdol: the card's processing options data object list, often none.
        prepared: the combination with its limits.
        values: the terminal's objects by tag.
        step: told the name of each step reached.
    """
    data, found = CardData(), Verdicts()
    values[0x9F09] = rules.application_version
    try:
        wanted = read_list(pdol or b"", "pdol_malformed", select_next=True)
        step("gpo")
        own = {**values, **rules.own_values(prepared)}
        yield from get_processing_options(wanted, own, data, rules.refusals)
        rules.check_profile(data.need(0x82))
        locator = data.need(0x94).removeprefix(rules.skipped_entry)
        yield from read_records(locator, data, step)
        step("mandatory_data")
        for tag in _MANDATORY:
            data.need(tag)
        chosen = _find(rules, data, prepared, values, found, step)
        values[0x95] = found.to_bytes()
        ask = wanted_cryptogram(data, found, prepared.combination.action_codes)
        step("generate_ac")
        own |= {0x95: values[0x95], 0x9F34: chosen.results}
        kind = yield from _generate(ask, own, data, rules.refusals)
        step("card_decision")
        return _conclude(data, kind, chosen)
    except BrokenRule as broken:
        return KernelResult(broken.reason, data, select_next=broken.select_next)


def _find(
    rules: Rules,
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> Chosen:
    """Everything the till finds out without the card; the cardholder's verification comes back."""
    found.note(verdicts.NOT_AUTHENTICATED_OFFLINE)
    if prepared.over_floor_limit:
        found.note(verdicts.OVER_FLOOR_LIMIT)
    step("processing_restrictions")
    restrict(data, values, found)
    step("cardholder_verification")
    chosen = rules.verify_on_device(data, prepared, found)
    if chosen is None and not has_bit(data.need(0x82), AIP_VERIFICATION_SUPPORTED):
        chosen = Chosen(CardholderVerification.NONE, NO_VERIFICATION)
    if chosen is None:
        online_pin = has_bit(prepared.ttq, TTQ_ONLINE_PIN)
        here = situation(values, required=prepared.cvm_required, online_pin=online_pin)
        chosen = choose(data, here, found)
    step("terminal_decision")
    return chosen


def _generate(
    wanted: CryptogramType,
    values: Mapping[int, bytes],
    data: CardData,
    refusals: Mapping[int, str],
) -> Generator[CommandApdu, ResponseApdu, CryptogramType]:
    """Ask for a cryptogram and collect the answer, in either format (Book 3, 6.5.5.4).

    Args:
        wanted: what the terminal decided.
        values: the terminal's objects, findings included.
        data: what the card has said; filled.
        refusals: status word to reason, as this kernel reads them.

    Raises:
        BrokenRule: refused, no such answer, or more than was asked for.
    """
    asked = read_list(data.need(0x8C), "bad_8C")
    command = generate_ac_command(_REFERENCE_CONTROL[wanted], build_dol(asked, values))
    answer = yield command
    if not answer.ok:
        raise BrokenRule(refusals.get(answer.sw, "cryptogram_refused"))
    try:
        template = tlv.parse(answer.data)
    except TlvError:
        raise BrokenRule("cryptogram_malformed") from None
    if len(template) != 1:
        raise BrokenRule("cryptogram_malformed")
    inside = template[0].value
    match template[0].tag:
        case 0x77:
            data.add(template[0])
        case 0x80 if len(inside) >= _FORMAT_1_LENGTH_MIN:
            data.put(0x9F27, inside[:1])
            data.put(0x9F36, inside[1:3])
            data.put(0x9F26, inside[3:11])
            if inside[11:]:
                data.put(0x9F10, inside[11:])
        case _:
            raise BrokenRule("cryptogram_malformed")
    kind = cryptogram_type(data.need(0x9F27))
    if kind is None:
        raise BrokenRule("cryptogram_type_unknown")
    if kind not in _MAY_ANSWER[wanted]:
        raise BrokenRule("cryptogram_not_asked_for")
    for tag in (0x9F36, 0x9F26, 0x9F10):
        data.need(tag)
    return kind


def _conclude(data: CardData, kind: CryptogramType, chosen: Chosen) -> KernelResult:
    """What the cryptogram's type means where nothing is approved offline."""
    track_2 = data.track_2()
    match kind:
        case CryptogramType.AAC:
            reason = "card_declined"
        case CryptogramType.TC:
            reason = "offline_not_supported"
        case CryptogramType.ARQC:
            reason = "online_request"
    return KernelResult(reason, data, track_2, kind, chosen.way, chosen.results)
