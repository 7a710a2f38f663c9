"""EMV mode as kernels 2 and 4 run it: options, records, findings, GENERATE AC (Book 3, 9 and 10).

Theory of operation: GPO brings the profile and the locator, the records bring the card's data, and
GENERATE AC with the first CDOL the cryptogram, which covers the terminal's own findings. Where
card and till can, the cryptogram comes inside the card's signature (combined data authentication);
the signature is looked at after the card has answered, as the time in the field is dear, and a
false one ends the tap. A card that is asked for an approval and gives it (TC) has approved: the
issuer hears of it later. Kernel 2 also measures how near the card is, and takes up a torn tap
again; then the torn tap's question stands for this one's. What differs between the two kernels is a
`Rules` value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardware.emv.bitfields import (
    AIP_COMBINED_AUTHENTICATION,
    AIP_STATIC_AUTHENTICATION,
    AIP_VERIFICATION_SUPPORTED,
    CAPABILITY_COMBINED_AUTHENTICATION,
    CAPABILITY_STATIC_AUTHENTICATION,
    TTQ_ONLINE_PIN,
    CryptogramType,
    has_bit,
)
from hardware.emv.dol import build_dol
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
from hardware.terminal.generate_ac import ask_for_cryptogram, reference_control
from hardware.terminal.kernel import (
    Kernel,
    KernelResult,
    Step,
    get_processing_options,
    read_list,
    read_records,
)
from hardware.terminal.means import NO_MEANS
from hardware.terminal.outcome import NO_VERIFICATION, CardholderVerification
from hardware.terminal.relay import resist_relay
from hardware.terminal.risk import restrict, wanted_cryptogram
from hardware.terminal.torn import Question
from hardware.terminal.verdicts import Verdicts
from hardware.terminal.verification import Chosen, choose, situation

if TYPE_CHECKING:
    from hardware.terminal.authorities import AuthorityKey
    from hardware.terminal.entry_point import Prepared

_MANDATORY = (0x57, 0x5A, 0x5F24, 0x8C)
"""Objects the records must have brought (Book C-2, 6.2.4; Book C-4, 4.4)."""
_WITH_CRYPTOGRAM = (0x9F36, 0x9F26, 0x9F10)
"""Objects that come with every cryptogram."""

Mode = Callable[[CardData, "Prepared", Mapping[int, bytes], Step], Kernel]
"""A mode from the answer to GPO on: data so far, limits, the terminal's objects, steps."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kernel does in its own way.

    Attributes:
        application_version: tag 9F09.
        refusals: status word of GPO or GENERATE AC to reason.
        own_values: the kernel's own objects for this payment, by tag.
        other_mode: which mode runs instead of this one, by the card's profile; None for none.
            It raises `BrokenRule` where card and till have no mode in common.
        skipped_entry: a locator's first entry that this mode does not read.
        verify_on_device: how the device verified its owner; None where that is not its business.
        check_limit: raises `BrokenRule` where this card is not for this amount.
        static_authentication: whether a card that signs nothing itself is checked all the same.
        relay_resistance: whether it measures how near the card is.
        recovery: whether a torn tap is taken up again.
    """

    application_version: bytes
    refusals: Mapping[int, str]
    own_values: Callable[[Prepared], Mapping[int, bytes]]
    other_mode: Callable[[bytes, Prepared], Mode | None]
    skipped_entry: bytes
    verify_on_device: Callable[[CardData, Prepared, Verdicts], Chosen | None]
    check_limit: Callable[[CardData, Prepared], None] = lambda _data, _prepared: None
    static_authentication: bool = False
    relay_resistance: bool = False
    recovery: bool = False


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
    means = prepared.means
    try:
        wanted = read_list(pdol or b"", "pdol_malformed", select_next=True)
        step("gpo")
        own = {**values, **rules.own_values(prepared)}
        yield from get_processing_options(wanted, own, data, rules.refusals)
        options = build_dol(wanted, own)
        rules.check_limit(data, prepared)
        other_mode = rules.other_mode(data.need(0x82), prepared)
        if other_mode is not None:
            return (yield from other_mode(data, prepared, own, step))
        relay = None
        if rules.relay_resistance:
            relay = yield from resist_relay(data.need(0x82), means, values, found, step)
        locator = data.need(0x94).removeprefix(rules.skipped_entry)
        yield from read_records(locator, data, step)
        step("mandatory_data")
        for tag in _MANDATORY:
            data.need(tag)
        signer = _authentication(rules, data, prepared, values, found, step)
        chosen = _find(rules, data, prepared, values, found, step)
        codes = prepared.combination.action_codes
        must_ask, can_ask = prepared.must_ask, prepared.can_ask
        ask = wanted_cryptogram(data, found, codes, must_ask=must_ask, can_ask=can_ask)
        own |= {0x9F37: values[0x9F37], 0x95: found.to_bytes(), 0x9F34: chosen.results}
        own |= relay.objects() if relay is not None else {}
        question = Question(
            wanted=ask,
            control=reference_control(ask, signed=signer is not None),
            options=options,
            listed=build_dol(read_list(data.need(0x8C), "bad_8C"), own),
            values=own,
            chosen=chosen,
            relay=relay,
        )
        remembering = means if rules.recovery else NO_MEANS
        question, given = yield from ask_for_cryptogram(
            question, data, remembering, rules.refusals, step
        )
        # What a torn tap asked is what its cryptogram covers, and so what goes online.
        values.update({tag: question.values[tag] for tag in values})
        found = Verdicts(values[0x95], found.status)
        if signer is not None and given.kind is not CryptogramType.AAC:
            step("combined_authentication")
            _open_signature(data, signer, prepared, question, given.covered, found)
        for tag in _WITH_CRYPTOGRAM:
            data.need(tag)
        found.did(verdicts.DID_CARD_RISK_MANAGEMENT)
        step("card_decision")
        reason = _reason(question.wanted, given.kind, found, can_ask=can_ask)
        way, results = question.chosen.way, question.chosen.results
        return _ended(
            KernelResult(reason, data, data.track_2(), given.kind, way, results),
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
    question: Question,
    answered: bytes,
    found: Verdicts,
) -> None:
    """Take the cryptogram out of the card's signature; both keys are recovered on the way."""
    found.did(verdicts.DID_AUTHENTICATION)
    today, number = question.values[0x9A], question.values[0x9F37]
    relayed = b"" if question.relay is None else question.relay.exchanged
    exchanged = question.options + answered
    try:
        issuer = issuer_key(data, authority, prepared.authorities, today)
        card = card_key(data, issuer, today)
        data.put(0x9F26, open_combined_signature(data, card, number, exchanged, relayed))
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


def _reason(asked: CryptogramType, given: CryptogramType, found: Verdicts, *, can_ask: bool) -> str:
    """What the cryptogram's type means (Book 3, 10.8)."""
    match given:
        case CryptogramType.AAC if found.meets(verdicts.RELAYED):
            return "relay_suspected"
        case CryptogramType.AAC if asked is CryptogramType.AAC:
            return "till_declined"
        case CryptogramType.AAC:
            return "card_declined"
        case CryptogramType.TC:
            return "offline_approved"
        case CryptogramType.ARQC:
            return "online_request" if can_ask else "online_not_possible"
