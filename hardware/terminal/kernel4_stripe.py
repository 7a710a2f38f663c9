"""Kernel 4: American Express, mag-stripe mode (Book C-4), as far as it is public.

Theory of operation: a card that offers no EMV mode is asked for a cryptogram all the same, with
an unpredictable number from a short range, and the till makes a track of it that a stripe's message
can carry: the counter's five digits, five digits of the cryptogram, four of the number. The range,
which digits stand where and how the cryptogram becomes digits are a lab approximation; the issuer's
half follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.emv.bitfields import CryptogramType
from hardware.emv.dol import build_dol
from hardware.emv.formats import encode_numeric
from hardware.terminal.card_data import BrokenRule, CardData, Track2
from hardware.terminal.emv_mode import Rules
from hardware.terminal.generate_ac import ask_for_cryptogram, reference_control
from hardware.terminal.kernel import Kernel, KernelResult, Step, read_list, read_records
from hardware.terminal.means import NO_MEANS
from hardware.terminal.outcome import CardholderVerification
from hardware.terminal.stripe_data import Stripe
from hardware.terminal.torn import Question
from hardware.terminal.verdicts import Verdicts
from hardware.terminal.verification import NOT_NEEDED, Chosen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.terminal.entry_point import Prepared

_NUMBER_RANGE = 60
"""The unpredictable number lies below it."""
_CODE_BYTES, _CODE_DIGITS, _COUNTER_DIGITS, _NUMBER_DIGITS = 3, 5, 5, 4
_DISCRETIONARY_DIGITS = _COUNTER_DIGITS + _CODE_DIGITS + _NUMBER_DIGITS
_TRACK_2_DIGITS_MAX = 37


def run_stripe_mode(
    rules: Rules,
    data: CardData,
    prepared: Prepared,
    values: Mapping[int, bytes],
    step: Step,
) -> Kernel:
    """The dialogue behind GPO.

    Args:
        rules: the kernel's ways that both modes share.
        data: what GPO answered; filled.
        prepared: the combination with its limits.
        values: the terminal's objects by tag; 9F37 gives the number its randomness.
        step: told the name of each step reached.

    Raises:
        BrokenRule: the card breaks a rule.
    """
    step("magstripe_mode")
    yield from read_records(data.need(0x94), data, step)
    step("mandatory_data")
    track_2 = data.track_2()
    asked = read_list(data.need(0x8C), "bad_8C")
    step("cardholder_verification")
    chosen = rules.verify_on_device(data, prepared, Verdicts()) or _without_device(prepared)
    number = int.from_bytes(values[0x9F37], "big") % _NUMBER_RANGE
    own = {**values, 0x9F34: chosen.results, 0x9F37: encode_numeric(number, 4)}
    question = Question(
        wanted=CryptogramType.ARQC,
        control=reference_control(CryptogramType.ARQC, signed=False),
        options=b"",
        listed=build_dol(asked, own),
        values=own,
        chosen=chosen,
    )
    _, given = yield from ask_for_cryptogram(question, data, NO_MEANS, rules.refusals, step)
    counter, cryptogram = data.need(0x9F36), data.need(0x9F26)
    step("card_decision")
    if given.kind is not CryptogramType.ARQC:
        return KernelResult("card_declined", data, track_2, given.kind)
    stripe = Stripe(_finished(track_2, counter, cryptogram, number))
    step("track_completed")
    return KernelResult(
        "online_request", data, track_2, given.kind, chosen.way, chosen.results, stripe=stripe
    )


def _without_device(prepared: Prepared) -> Chosen:
    """No phone: a signature from the limit on, as for a swipe."""
    if prepared.cvm_required:
        return Chosen(CardholderVerification.SIGNATURE, bytes.fromhex("1E0300"))
    return Chosen(CardholderVerification.NONE, NOT_NEEDED)


def _finished(track: Track2, counter: bytes, cryptogram: bytes, number: int) -> str:
    """The track for the message.

    Raises:
        BrokenRule: the account number leaves no room for the digits.
    """
    head = f"{track.number}D{track.expiry}{track.service_code}"
    if len(head) + _DISCRETIONARY_DIGITS > _TRACK_2_DIGITS_MAX:
        raise BrokenRule("bad_57")
    code = int.from_bytes(cryptogram[-_CODE_BYTES:], "big") % 10**_CODE_DIGITS
    count = int.from_bytes(counter, "big")
    return f"{head}{count:0{_COUNTER_DIGITS}d}{code:0{_CODE_DIGITS}d}{number:0{_NUMBER_DIGITS}d}"
