"""EMV mode as kernels 2 and 4 run it: options, records, findings, GENERATE AC (Book 3, 9 and 10).

Theory of operation: GPO brings the profile and the locator, the records bring the card's data, and
GENERATE AC with the first CDOL the cryptogram, which covers the terminal's own findings. Where
card and till can, the cryptogram comes inside the card's signature (combined data authentication);
the signature is looked at after the card has answered, as the time in the field is dear, and a
false one ends the tap. A card that is asked for an approval and gives it (TC) has approved: the
issuer hears of it later. What differs between the two kernels is a `Rules` value. A card may give
less than it is asked for, never more.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, generate_ac_command
from hardware.emv import tlv
from hardware.emv.bitfields import (
    AIP_COMBINED_AUTHENTICATION,
    AIP_STATIC_AUTHENTICATION,
    AIP_VERIFICATION_SUPPORTED,
    CAPABILITY_COMBINED_AUTHENTICATION,
    CAPABILITY_STATIC_AUTHENTICATION,
    TTQ_ONLINE_PIN,
    CryptogramType,
    cryptogram_type,
    has_bit,
)
from hardware.emv.dol import build_dol
from hardware.runtime.errors import TlvError
from hardware.terminal import verdicts
from hardware.terminal.authentication import (
    DYNAMIC_OBJECTS,
    STATIC_OBJECTS,
    Unauthentic,
    authority_of,
    card_key,
    check_static_data,
    feasible,
    issuer_key,
    open_combined_signature,
)
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
    from hardware.terminal.authorities import AuthorityKey
    from hardware.terminal.entry_point import Prepared

_MANDATORY = (0x57, 0x5A, 0x5F24, 0x8C)
"""Objects the records must have brought (Book C-2, 6.2.4; Book C-4, 4.4)."""
_WITH_CRYPTOGRAM = (0x9F36, 0x9F26, 0x9F10)
"""Objects that come with every cryptogram."""
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
_SIGN_THE_CRYPTOGRAM = 0x10
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
        check_limit: raises `BrokenRule` where this card is not for this amount.
        static_authentication: whether a card that signs nothing itself is checked all the same.
    """

    application_version: bytes
    refusals: Mapping[int, str]
    own_values: Callable[[Prepared], Mapping[int, bytes]]
    check_profile: Callable[[bytes], None]
    skipped_entry: bytes
    verify_on_device: Callable[[CardData, Prepared, Verdicts], Chosen | None]
    check_limit: Callable[[CardData, Prepared], None] = lambda _data, _prepared: None
    static_authentication: bool = False


@dataclass(frozen=True, slots=True)
class _Cryptogram:
    """What the card decided, and the bytes of list and answer that its signature covers."""

    kind: CryptogramType
    covered: bytes


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
    data, found = CardData(prepared.combination.limits), Verdicts()
    values[0x9F09] = rules.application_version
    try:
        wanted = read_list(pdol or b"", "pdol_malformed", select_next=True)
        step("gpo")
        own = {**values, **rules.own_values(prepared)}
        yield from get_processing_options(wanted, own, data, rules.refusals)
        rules.check_profile(data.need(0x82))
        rules.check_limit(data, prepared)
        locator = data.need(0x94).removeprefix(rules.skipped_entry)
        yield from read_records(locator, data, step)
        step("mandatory_data")
        for tag in _MANDATORY:
            data.need(tag)
        signer = _authentication(rules, data, prepared, values, found, step)
        chosen = _find(rules, data, prepared, values, found, step)
        values[0x95] = found.to_bytes()
        codes = prepared.combination.action_codes
        must_ask, can_ask = prepared.must_ask, prepared.can_ask
        ask = wanted_cryptogram(data, found, codes, must_ask=must_ask, can_ask=can_ask)
        step("generate_ac")
        options = build_dol(wanted, own)
        own |= {0x95: values[0x95], 0x9F34: chosen.results}
        given = yield from _generate(ask, own, data, rules.refusals, signed=signer is not None)
        if signer is not None and given.kind is not CryptogramType.AAC:
            step("combined_authentication")
            _open_signature(data, signer, prepared, values, options + given.covered, found)
        for tag in _WITH_CRYPTOGRAM:
            data.need(tag)
        found.did(verdicts.DID_CARD_RISK_MANAGEMENT)
        step("card_decision")
        reason = _reason(ask, given.kind, can_ask=can_ask)
        return _ended(
            KernelResult(reason, data, data.track_2(), given.kind, chosen.way, chosen.results),
            found,
        )
    except BrokenRule as broken:
        return _ended(KernelResult(broken.reason, data, select_next=broken.select_next), found)
    except Unauthentic as false:
        return _ended(KernelResult(false.reason, data), found)


def _ended(result: KernelResult, found: Verdicts) -> KernelResult:
    return replace(result, findings=found.to_bytes(), status=found.status)


def _authentication(
    rules: Rules,
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> AuthorityKey | None:
    """Which authority vouches for the signature that the cryptogram shall come in; None for none.

    Combined authentication goes before static (Book 3, 10.3).

    Raises:
        Unauthentic: the issuer's signature over the card's data is false.
    """
    profile, capabilities = data.need(0x82), values[0x9F33]
    authority = authority_of(data, prepared.rid, prepared.authorities)
    asked = prepared.combination.offline_authentication
    if (
        asked
        and has_bit(profile, AIP_COMBINED_AUTHENTICATION)
        and has_bit(capabilities, CAPABILITY_COMBINED_AUTHENTICATION)
    ):
        failure = verdicts.COMBINED_DATA_FAILED
        return authority if feasible(data, DYNAMIC_OBJECTS, authority, failure, found) else None
    if (
        asked
        and rules.static_authentication
        and has_bit(profile, AIP_STATIC_AUTHENTICATION)
        and has_bit(capabilities, CAPABILITY_STATIC_AUTHENTICATION)
    ):
        failure = verdicts.STATIC_DATA_FAILED
        if feasible(data, STATIC_OBJECTS, authority, failure, found):
            assert authority is not None, "feasible says so"
            step("static_authentication")
            found.did(verdicts.DID_AUTHENTICATION)
            _check_static(data, authority, prepared, values, found)
        return None
    found.note(verdicts.NOT_AUTHENTICATED_OFFLINE)
    return None


def _check_static(
    data: CardData,
    authority: AuthorityKey,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
) -> None:
    try:
        check_static_data(data, issuer_key(data, authority, prepared.authorities, values[0x9A]))
    except Unauthentic:
        found.note(verdicts.STATIC_DATA_FAILED)
        raise


def _open_signature(
    data: CardData,
    authority: AuthorityKey,
    prepared: Prepared,
    values: Mapping[int, bytes],
    exchanged: bytes,
    found: Verdicts,
) -> None:
    """Take the cryptogram out of the card's signature; both keys are recovered on the way."""
    found.did(verdicts.DID_AUTHENTICATION)
    try:
        issuer = issuer_key(data, authority, prepared.authorities, values[0x9A])
        card = card_key(data, issuer, values[0x9A])
        data.put(0x9F26, open_combined_signature(data, card, values[0x9F37], exchanged))
    except Unauthentic:
        found.note(verdicts.COMBINED_DATA_FAILED)
        raise


def _find(
    rules: Rules,
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> Chosen:
    """Everything the till finds out without the card; the cardholder's verification comes back."""
    found.did(verdicts.DID_RISK_MANAGEMENT)
    if prepared.over_floor_limit:
        found.note(verdicts.OVER_FLOOR_LIMIT)
    if prepared.selected:
        found.note(verdicts.SELECTED_BY_CHANCE)
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
    if chosen.results != NO_VERIFICATION:
        found.did(verdicts.DID_VERIFICATION)
    step("terminal_decision")
    return chosen


def _generate(
    wanted: CryptogramType,
    values: Mapping[int, bytes],
    data: CardData,
    refusals: Mapping[int, str],
    *,
    signed: bool,
) -> Generator[CommandApdu, ResponseApdu, _Cryptogram]:
    """Ask for a cryptogram and collect the answer, in either format (Book 3, 6.5.5.4).

    Args:
        wanted: what the terminal decided.
        values: the terminal's objects, findings included.
        data: what the card has said; filled.
        refusals: status word to reason, as this kernel reads them.
        signed: ask for the cryptogram inside a signature; a refusal is never signed.

    Raises:
        BrokenRule: refused, no such answer, or more than was asked for.
    """
    asked = read_list(data.need(0x8C), "bad_8C")
    control = _REFERENCE_CONTROL[wanted]
    if signed and wanted is not CryptogramType.AAC:
        control |= _SIGN_THE_CRYPTOGRAM
    listed = build_dol(asked, values)
    answer = yield generate_ac_command(control, listed)
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
    return _Cryptogram(kind, listed + _without_signature(template[0], answer.data))


def _without_signature(template: tlv.Tlv, answer: bytes) -> bytes:
    """The answer's objects as they came, the signature left out (Book 2, 6.6.1)."""
    return b"".join(
        answer[node.offset : node.offset + node.length]
        for node in template.children
        if node.tag != 0x9F4B
    )


def _reason(asked: CryptogramType, given: CryptogramType, *, can_ask: bool) -> str:
    """What the cryptogram's type means (Book 3, 10.8)."""
    match given:
        case CryptogramType.AAC if asked is CryptogramType.AAC:
            return "till_declined"
        case CryptogramType.AAC:
            return "card_declined"
        case CryptogramType.TC:
            return "offline_approved"
        case CryptogramType.ARQC:
            return "online_request" if can_ask else "online_not_possible"
