"""Kernel 3: Visa, qVSDC (Book C-3).

Theory of operation: a generator that yields a command and receives the parsed answer. GPO carries
the terminal's data in the PDOL's order and brings back everything an online payment needs, the
cryptogram included; records are read only where the card's AFL names some. Then, without the
card: the cryptogram's type decides, and the cardholder's verification must fit the amount. An
approval by the card (TC) stands where the till did not demand the issuer, the card is not expired
and its signature is true; else it asks the issuer where the card allows it, or changes to another
interface, or is declined. Where the till wants the card authenticated for an online payment
(qualifiers, byte 1 bit 1), a card that can do so signs beside its answer and its records hold the
certificates; a false or missing signature declines. The findings stay in the till: Visa's
cryptogram is older than they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hardware.emv.bitfields import (
    AIP_DYNAMIC_AUTHENTICATION,
    AIP_MSD_OFFERED,
    CTQ_CDCVM_PERFORMED,
    CTQ_ONLINE_IF_EXPIRED,
    CTQ_ONLINE_IF_ODA_FAILS,
    CTQ_ONLINE_PIN_REQUIRED,
    CTQ_SIGNATURE_REQUIRED,
    CTQ_SWITCH_IF_ODA_FAILS,
    TTQ_AUTHENTICATION_FOR_ONLINE,
    TTQ_ONLINE_CRYPTOGRAM_REQUIRED,
    TTQ_ONLINE_PIN,
    TTQ_SIGNATURE,
    CryptogramType,
    cryptogram_type,
    has_bit,
    visa_cryptogram_type,
)
from hardware.terminal import verdicts
from hardware.terminal.authentication import (
    DYNAMIC_OBJECTS,
    FAST_OFFLINE,
    FAST_ONLINE,
    Unauthentic,
    authority_of,
    card_key,
    check_fast_signature,
    feasible,
    issuer_key,
)
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.kernel import (
    SELECT_NEXT,
    Kernel,
    KernelResult,
    Step,
    get_processing_options,
    read_list,
    read_records,
)
from hardware.terminal.outcome import CardholderVerification
from hardware.terminal.risk import date_of
from hardware.terminal.verdicts import Verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.emv.dol import DolEntry
    from hardware.terminal.entry_point import Prepared

KERNEL_ID = 3
_MANDATORY = (0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
"""Objects every online answer has (Book C-3, table 5-2)."""
_GPO_REFUSALS = {0x6984: "switch_interface", 0x6985: SELECT_NEXT, 0x6986: "see_phone"}
_VERIFICATION_RESULTS = {
    CardholderVerification.NONE: bytes.fromhex("3F0000"),
    CardholderVerification.DEVICE: bytes.fromhex("1F0302"),
    CardholderVerification.SIGNATURE: bytes.fromhex("1E0300"),
    CardholderVerification.ONLINE_PIN: bytes.fromhex("020300"),
}
"""9F34 for each way (Book 4, A4)."""


def run_kernel(
    pdol: bytes | None, prepared: Prepared, values: Mapping[int, bytes], step: Step
) -> Kernel:
    """The dialogue from GPO on.

    Args:
        pdol: the card's processing options data object list out of SELECT's answer.
        prepared: the combination with its transaction qualifiers.
        values: the terminal's objects by tag.
        step: told the name of each step reached.
    """
    data, found = CardData(prepared.combination.limits), Verdicts()
    try:
        wanted = read_list(pdol or b"", "pdol_malformed", select_next=True)
        _demand_qualifiers(wanted)
        step("gpo")
        own = {**values, 0x9F66: prepared.ttq}
        yield from get_processing_options(wanted, own, data, _GPO_REFUSALS)
        yield from read_records(data.get(0x94) or b"", data, step)
        result = _decide(data, prepared, values, found, step)
        return replace(result, findings=found.to_bytes(), status=found.status)
    except BrokenRule as broken:
        return KernelResult(
            broken.reason, data, select_next=broken.select_next, findings=found.to_bytes()
        )
    except Unauthentic as false:
        return KernelResult(false.reason, data, findings=found.to_bytes(), status=found.status)


def _demand_qualifiers(wanted: tuple[DolEntry, ...]) -> None:
    """A list without 9F66 is none of a Visa application (Book C-3, 5.2)."""
    if all(entry.tag != 0x9F66 for entry in wanted):
        raise BrokenRule("pdol_without_ttq", select_next=True)


def _decide(
    data: CardData, prepared: Prepared, values: Mapping[int, bytes], found: Verdicts, step: Step
) -> KernelResult:
    """Without the card: mandatory data, the cryptogram's type, the cardholder's verification."""
    step("mandatory_data")
    _refuse_stripe_data(data)
    for tag in _MANDATORY:
        data.need(tag)
    track_2 = data.track_2()
    kind = _kind(data)
    step("card_decision")
    qualifiers = data.get(0x9F6C) or b""
    found.did(verdicts.DID_CARD_RISK_MANAGEMENT)
    if kind is CryptogramType.AAC:
        return KernelResult("card_declined", data, track_2, kind)
    if kind is CryptogramType.TC:
        reason = _approval(data, prepared, values, found, step)
    else:
        reason = "online_request" if prepared.can_ask else "online_not_possible"
        _authenticate(data, prepared, values, found, step)
    if reason not in _GO_ON:
        return KernelResult(reason, data, track_2, kind)
    step("cardholder_verification")
    verification = _verify(qualifiers, prepared.ttq)
    if prepared.cvm_required and verification is CardholderVerification.NONE:
        return KernelResult("cvm_not_satisfied", data, track_2, kind)
    if verification is not CardholderVerification.NONE:
        found.did(verdicts.DID_VERIFICATION)
    if verification is CardholderVerification.ONLINE_PIN:
        # Only the issuer knows the PIN, whatever the card approved.
        reason = "online_request" if prepared.can_ask else "online_not_possible"
    results = _VERIFICATION_RESULTS[verification]
    return KernelResult(reason, data, track_2, kind, verification, results)


_GO_ON = {"online_request", "offline_approved"}


def _approval(
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> str:
    """What an approval by the card is worth here (Book C-3, 5.6 and 5.7)."""
    qualifiers = data.get(0x9F6C) or b""
    online = prepared.can_ask and has_bit(qualifiers, CTQ_ONLINE_IF_ODA_FAILS)
    if has_bit(prepared.ttq, TTQ_ONLINE_CRYPTOGRAM_REQUIRED):
        found.note(verdicts.NOT_AUTHENTICATED_OFFLINE)
        if online:
            return "online_request"
        switch = has_bit(qualifiers, CTQ_SWITCH_IF_ODA_FAILS)
        return "switch_interface" if switch else "offline_not_supported"
    if date_of(data.need(0x5F24), 0x5F24) < date_of(values[0x9A], 0x9A):
        found.note(verdicts.EXPIRED)
        ask = prepared.can_ask and has_bit(qualifiers, CTQ_ONLINE_IF_EXPIRED)
        return "online_request" if ask else "application_expired"
    try:
        _demand_signing(data, found)
        _check_signature(data, prepared, values, found, step, FAST_OFFLINE)
    except Unauthentic:
        if online:
            return "online_request"
        if has_bit(qualifiers, CTQ_SWITCH_IF_ODA_FAILS):
            return "switch_interface"
        raise
    return "offline_approved"


def _demand_signing(data: CardData, found: Verdicts) -> None:
    if not has_bit(data.need(0x82), AIP_DYNAMIC_AUTHENTICATION):
        found.note(verdicts.NOT_AUTHENTICATED_OFFLINE)
        raise Unauthentic("not_possible")


def _refuse_stripe_data(data: CardData) -> None:
    """A card of the stripe age: profile and locator, and no cryptogram (MSD).

    The path is gone from the book: terminals have had to do without it since, and such an answer
    lacks mandatory data, which ends the tap (Book C-3, 5.2).

    Raises:
        BrokenRule: it is one.
    """
    offered = has_bit(data.get(0x82) or b"", AIP_MSD_OFFERED)
    if offered and data.get(0x9F26) is None and data.get(0x9F10) is None:
        raise BrokenRule("msd_not_supported")


_FAST_OBJECTS = (*DYNAMIC_OBJECTS, 0x9F4B, 0x9F69)
"""What fast dynamic data authentication needs of the card (Book C-3)."""


def _authenticate(
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
) -> None:
    """Check the card's signature, where the till asked for one and the card can make it.

    Raises:
        Unauthentic: it is false, cannot be checked, or is not there.
    """
    asked = has_bit(prepared.ttq, TTQ_AUTHENTICATION_FOR_ONLINE)
    if not asked or not has_bit(data.get(0x82) or b"", AIP_DYNAMIC_AUTHENTICATION):
        found.note(verdicts.NOT_AUTHENTICATED_OFFLINE)
        return
    _check_signature(data, prepared, values, found, step, FAST_ONLINE)


def _check_signature(
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    found: Verdicts,
    step: Step,
    data_format: int,
) -> None:
    """Recover the keys and look at the signature; raises as `_authenticate` does."""
    step("fast_authentication")
    authority = authority_of(data, prepared.rid, prepared.authorities)
    if not feasible(data, _FAST_OBJECTS, authority, verdicts.DYNAMIC_DATA_FAILED, found):
        raise Unauthentic("data_missing" if authority is not None else "authority_unknown")
    assert authority is not None, "feasible says so"
    found.did(verdicts.DID_AUTHENTICATION)
    try:
        issuer = issuer_key(data, authority, prepared.authorities, values[0x9A])
        check_fast_signature(data, card_key(data, issuer, values[0x9A]), values, data_format)
    except Unauthentic:
        found.note(verdicts.DYNAMIC_DATA_FAILED)
        raise


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
