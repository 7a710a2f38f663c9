"""The cryptogram: GENERATE AC and its answer, or RECOVER AC where the last tap was torn.

Book 3, 6.5.5 for both formats of the answer; Book C-2 for recovery: a card with a recovery list
(9F51) that the log knows is asked for its last answer first, and only if it has none for a new one.
A card may give less than it is asked for, never more. Decides nothing about the payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, generate_ac_command, recover_ac_command
from hardware.emv import tlv
from hardware.emv.bitfields import CryptogramType, cryptogram_type
from hardware.emv.dol import build_dol
from hardware.runtime.errors import TlvError
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.kernel import read_list
from hardware.terminal.torn import TornRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from hardware.terminal.kernel import Step
    from hardware.terminal.means import Means
    from hardware.terminal.torn import Question

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
_RECOVERY_LIST = 0x9F51


@dataclass(frozen=True, slots=True)
class Cryptogram:
    """What the card decided, and the bytes of list and answer that its signature covers."""

    kind: CryptogramType
    covered: bytes


def reference_control(wanted: CryptogramType, *, signed: bool) -> int:
    """P1 of GENERATE AC; a refusal is never signed (Book 3, table 12; Book C-2)."""
    sign = signed and wanted is not CryptogramType.AAC
    return _REFERENCE_CONTROL[wanted] | (_SIGN_THE_CRYPTOGRAM if sign else 0)


def ask_for_cryptogram(
    question: Question, data: CardData, means: Means, refusals: Mapping[int, str], step: Step
) -> Generator[CommandApdu, ResponseApdu, tuple[Question, Cryptogram]]:
    """Hear the answer to a torn question, or ask a new one.

    Args:
        question: what this tap would ask.
        data: what the card has said; filled.
        means: the log of torn taps.
        refusals: status word of GENERATE AC to reason, as this kernel reads them.
        step: told the names of the steps.

    Returns:
        The question that was answered, and the answer.

    Raises:
        BrokenRule: refused, no such answer, or more than was asked for.
    """
    log, listed = means.torn, data.get(_RECOVERY_LIST)
    if log is None or listed is None:
        step("generate_ac")
        answer = yield generate_ac_command(question.control, question.listed)
        return question, _read(answer, question, data, refusals)
    wanted = read_list(listed, "bad_9F51")
    number, psn = data.track_2().number, data.get(0x5F34)
    torn = log.find(number, psn, means.now_us)
    if torn is not None and torn.question.same_payment(question):
        step("recover_ac")
        answer = yield recover_ac_command(torn.asked)
        log.drop(torn)
        if answer.ok:
            given = _read(answer, torn.question, data, refusals)
            step("recovered")
            return torn.question, given
    asked = build_dol(wanted, question.values)
    record = TornRecord(number, psn, means.now_us, asked, question)
    log.keep(record)
    step("generate_ac")
    answer = yield generate_ac_command(question.control, question.listed)
    log.drop(record)
    return question, _read(answer, question, data, refusals)


def _read(
    answer: ResponseApdu, question: Question, data: CardData, refusals: Mapping[int, str]
) -> Cryptogram:
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
    if kind not in _MAY_ANSWER[question.wanted]:
        raise BrokenRule("cryptogram_not_asked_for")
    return Cryptogram(kind, question.listed + _without_signature(template[0], answer.data))


def _without_signature(template: tlv.Tlv, answer: bytes) -> bytes:
    """The answer's objects as they came, the signature left out (Book 2, 6.6.1)."""
    return b"".join(
        answer[node.offset : node.offset + node.length]
        for node in template.children
        if node.tag != 0x9F4B
    )
