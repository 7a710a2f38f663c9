"""Why the kernel did what it did: the decisions of a tap, in line with the bytes that made them.

Read from the conversation itself (Book B 3.3 for selection, Books C-2 to C-4 for the kernels, Book
3, 6.5.5 for the cryptogram) and from how the tap ended; each names its object, so that a sentence
leads to its bytes. Says too whether a phone or plastic answered. Invents nothing: what the bytes
do not show is not said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lab.bench import relay
from lab.bench.offline_decisions import asked_for, ended_by
from lab.bench.state import COMMAND, RESPONSE, ApduLine, Decision, DecodedNode
from lab.words import Message, message
from lab.words.flow_words import NETWORK_NAMES

Nodes = Mapping[int, tuple[DecodedNode, ...]]
KERNEL_OF = {"A000000004": 2, "A000000003": 3, "A000000025": 4}  # registered provider → kernel
NETWORK_OF = {2: "mastercard", 3: "visa", 4: "amex"}  # Books C-2, C-3, C-4
SUCCESS = "9000"
_RECOVER = "D0"
_DIRECTORY = "325041592E5359532E4444463031"
_NO_QUALIFIERS = "0000"
_NO_MOBILE = "no verification performed"
_DEVICE_VERIFIED = "verification on the consumer's device performed"
_ONLINE_REQUIRED, _VERIFY_REQUIRED = (
    "online cryptogram required",
    "cardholder verification required",
)
_EMV_MODE = "EMV mode supported (kernel 2) or magnetic-stripe mode (kernel 3)"
_DEVICE_DONE = "verification on the consumer's device successful"
_DEVICE_SUPPORTED = "verification on the consumer's device supported"
_MOBILE = "verification on the mobile"
_DEVICE_RESULTS = frozenset({"010002", "1F0302"})  # 9F34 as kernels 2 and 4, and 3, code the phone
_MASKED = re.compile("E{2,}")  # masking touched it: its bits say nothing
_CRYPTOGRAMS = {"ARQC": "waiting", "TC": "good", "AAC": "bad"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How the kernel ended a tap: its outcome and the reason's code."""

    outcome: str
    reason: str


def decide(
    apdus: tuple[ApduLine, ...],
    asked: Nodes,
    decoded: Nodes,
    kernel: int | None,
    ended: Ended | None,
) -> tuple[Decision, ...]:
    """The decisions, in the order of the exchanges."""
    found: list[Decision] = []
    used = kernel
    for apdu in apdus:
        if apdu.sw != SUCCESS:
            found.append(_refused(apdu))
            continue
        if apdu.command_hex[2:4] == "A4":
            used = kernel or KERNEL_OF.get(_selected_name(apdu)[:10])
        found += _said(apdu, asked[apdu.index], decoded[apdu.index], used)
    if ended is not None and apdus:
        found.append(_ended(apdus[-1].index, ended))
    return tuple(found)


def _said(
    apdu: ApduLine,
    question: tuple[DecodedNode, ...],
    answer: tuple[DecodedNode, ...],
    kernel: int | None,
) -> Iterator[Decision]:
    """What one answered exchange decided."""
    match apdu.command_hex[2:4]:
        case "A4":
            yield from _selected(apdu, answer, kernel)
        case "A8":
            yield from _options(apdu.index, question, answer)
            yield from _mode(apdu.index, answer, kernel)
        case "2A":
            yield from _checksum(apdu.index, question, answer)
        case "B2":
            yield from _record(apdu.index, answer)
        case "AE":
            yield from _generated(apdu, question, answer)
        case "D0":
            yield Decision(apdu.index, Message("bench.why.recovered", "good"))
            yield from _cryptogram(apdu.index, answer)
        case "EA":
            yield from relay.measured(apdu)
        case "88":
            text = Message("bench.why.authenticates", "good")
            yield Decision(apdu.index, text, RESPONSE, "9F4B")


def medium(asked: Nodes, decoded: Nodes) -> Message:
    """Phone or plastic, and how one can tell."""
    answers = [node for nodes in decoded.values() for node in nodes]
    questions = [node for nodes in asked.values() for node in nodes]
    requestor = object_of(answers, "9F19")
    results = object_of(questions, "9F34")
    verified = {
        "9F6C": says(answers, "9F6C", _DEVICE_VERIFIED),
        "9F71": says(answers, "9F71", _MOBILE),
        "DF4B": says(answers, "DF4B", _DEVICE_DONE),
        "9F34": results is not None and results.value in _DEVICE_RESULTS,
    }
    for tag, says_so in verified.items():
        if says_so:
            return message("bench.medium.phone", "good", where=tag)
    if says(answers, "82", _DEVICE_SUPPORTED):
        return message("bench.medium.device", "good", where="82")
    if requestor is not None:
        return message("bench.medium.token", "waiting", requestor=requestor.value)
    if any(object_of(answers, tag) is not None for tag in ("9F26", "9F61")):
        return Message("bench.medium.plastic")
    return Message("bench.medium.unknown")


def object_of(nodes: list[DecodedNode] | tuple[DecodedNode, ...], tag: str) -> DecodedNode | None:
    """The first object with that tag."""
    return next((node for node in nodes if node.tag == tag), None)


def words_about(nodes: list[DecodedNode] | tuple[DecodedNode, ...], tag: str) -> tuple[str, ...]:
    """What the bits of the first object with that tag say."""
    words: list[str] = []
    inside = False
    for node in nodes:
        if node.kind == "bit" and inside:
            words.append(node.name)
        elif inside:
            break
        elif node.tag == tag:
            inside = True
            words += [node.meaning] if node.meaning else []
    return tuple(words)


def says(nodes: list[DecodedNode] | tuple[DecodedNode, ...], tag: str, word: str) -> bool:
    """Whether one of an object's bits says that."""
    return word in words_about(nodes, tag)


def _refused(apdu: ApduLine) -> Decision:
    if apdu.command_hex[2:4] == _RECOVER and apdu.sw:
        return Decision(apdu.index, message("bench.why.nothing_to_recover", sw=apdu.sw))
    if not apdu.sw:
        return Decision(apdu.index, message("bench.why.torn", "bad", name=apdu.name))
    text = message("bench.why.refused", "bad", sw=apdu.sw, meaning=apdu.meaning)
    return Decision(apdu.index, text)


def _selected_name(apdu: ApduLine) -> str:
    return apdu.name.removeprefix("SELECT ")


def _selected(
    apdu: ApduLine, answer: tuple[DecodedNode, ...], number: int | None
) -> Iterator[Decision]:
    if _DIRECTORY in apdu.command_hex:
        names = [node.value for node in answer if node.tag == "4F"]
        key = "bench.why.offered" if len(names) == 1 else "bench.why.several"
        text = message(key, count=len(names), names=", ".join(names))
        yield Decision(apdu.index, text, RESPONSE, "4F" if names else "")
        return
    name = _selected_name(apdu)
    if number is not None:
        network = NETWORK_NAMES.get(NETWORK_OF.get(number, ""), name)
        text = message("bench.why.kernel", kernel=number, network=network, name=name)
        yield Decision(apdu.index, text, RESPONSE, "84")
    wanted = words_about(answer, "9F38")
    if wanted:
        text = message("bench.why.list", count=len(wanted))
        yield Decision(apdu.index, text, RESPONSE, "9F38")
    else:
        yield Decision(apdu.index, Message("bench.why.no_list"))


def _options(
    index: int, question: tuple[DecodedNode, ...], answer: tuple[DecodedNode, ...]
) -> Iterator[Decision]:
    if says(question, "9F66", _ONLINE_REQUIRED):
        yield Decision(index, Message("bench.why.must_ask"), COMMAND, "9F66")
    elif object_of(question, "9F66") is not None:
        yield Decision(index, Message("bench.why.left_to_card"), COMMAND, "9F66")
    for tag in ("9F66", "9F6E"):
        if says(question, tag, _VERIFY_REQUIRED):
            yield Decision(index, Message("bench.why.must_verify"), COMMAND, tag)
    if says(answer, "9F6C", _DEVICE_VERIFIED):
        yield Decision(index, Message("bench.why.verified", "good"), RESPONSE, "9F6C")
    for tag in _silent_about_owner(answer):
        yield Decision(index, Message("bench.why.nobody"), RESPONSE, tag)
    locator = words_about(answer, "94")
    if locator:
        text = message("bench.why.records", where="; ".join(locator))
        yield Decision(index, text, RESPONSE, "94")
    elif object_of(answer, "9F26") is not None:
        yield Decision(index, Message("bench.why.no_records"), RESPONSE, "9F26")
    yield from _cryptogram(index, answer)


def _mode(index: int, answer: tuple[DecodedNode, ...], kernel: int | None) -> Iterator[Decision]:
    """Kernels 2 and 4 read a card without EMV mode as one of the stripe age."""
    profile = object_of(answer, "82")
    if kernel in {2, 4} and profile is not None and not says(answer, "82", _EMV_MODE):
        yield Decision(index, Message("bench.why.stripe_mode"), RESPONSE, "82")


def _silent_about_owner(answer: tuple[DecodedNode, ...]) -> Iterator[str]:
    """Objects by which a card says that it has verified nobody, as a phone does at a gate."""
    qualifiers = object_of(answer, "9F6C")
    if qualifiers is not None and qualifiers.value == _NO_QUALIFIERS:
        yield "9F6C"
    if says(answer, "9F71", _NO_MOBILE):
        yield "9F71"


def _record(index: int, answer: tuple[DecodedNode, ...]) -> Iterator[Decision]:
    rules = [word for word in words_about(answer, "8E") if word.startswith("rule ")]
    if rules:
        text = message("bench.why.rules", first=rules[0].partition(": ")[2].partition(";")[0])
        yield Decision(index, text, RESPONSE, "8E")
    for tag in ("9F65", "9F66", "9F67"):
        for word in words_about(answer, tag):
            yield Decision(index, message("bench.why.places", where=word), RESPONSE, tag)
    wanted = words_about(answer, "8C")
    if wanted:
        yield Decision(index, message("bench.why.risk_list", count=len(wanted)), RESPONSE, "8C")


def _checksum(
    index: int, question: tuple[DecodedNode, ...], answer: tuple[DecodedNode, ...]
) -> Iterator[Decision]:
    """COMPUTE CRYPTOGRAPHIC CHECKSUM: a code, or why there is none (Book C-2, mag-stripe mode)."""
    number = object_of(question, "9F6A")
    if number is not None:
        text = message("bench.why.number", number=number.value.lstrip("0") or "0")
        yield Decision(index, text, COMMAND, "9F6A")
    if says(answer, "DF4B", _DEVICE_DONE):
        yield Decision(index, Message("bench.why.verified", "good"), RESPONSE, "DF4B")
    code, counter = words_about(answer, "9F61"), words_about(answer, "9F36")
    if code:
        text = message("bench.why.code", "waiting", code=code[0].split(":")[0],
                       counter=counter[0] if counter else "?")  # fmt: skip
        yield Decision(index, text, RESPONSE, "9F61")
        return
    for word in words_about(answer, "DF4B"):
        yield Decision(index, message("bench.why.no_code", "bad", why=word), RESPONSE, "DF4B")


def _generated(
    apdu: ApduLine, question: tuple[DecodedNode, ...], answer: tuple[DecodedNode, ...]
) -> Iterator[Decision]:
    index, wanted = apdu.index, asked_for(apdu.command_hex)
    results = object_of(question, "95")
    if results is not None and not _MASKED.search(results.value):
        found = words_about(question, "95")
        key = "bench.why.found" if found else "bench.why.nothing_found"
        text = message(key, "waiting" if found else "neutral", what="; ".join(found))
        yield Decision(index, text, COMMAND, "95")
    how = object_of(question, "9F34")
    if how is not None and how.value in _DEVICE_RESULTS:
        yield Decision(index, Message("bench.why.verified", "good"), COMMAND, "9F34")
    if wanted is not None:
        yield Decision(index, wanted)
    yield from _cryptogram(index, answer)


def _cryptogram(index: int, answer: tuple[DecodedNode, ...]) -> Iterator[Decision]:
    """What the card decided: 9F27 says it, or for Visa the results inside 9F10."""
    for tag in ("9F27", "9F10"):
        for word in words_about(answer, tag):
            kind = word.removeprefix("first cryptogram ")
            if kind in _CRYPTOGRAMS:
                text = message(f"bench.why.{kind.lower()}", _CRYPTOGRAMS[kind], tag=tag)
                yield Decision(index, text, RESPONSE, tag)
                return


def _ended(index: int, ended: Ended) -> Decision:
    outcome, reason = ended.outcome.replace("_", " "), ended.reason.replace("_", " ")
    own = ended_by(ended.reason)
    if own is not None:
        return Decision(index, own)
    if ended.outcome == "online_request":
        return Decision(index, Message("bench.why.online", "good"))
    key = "bench.why.ended" if outcome == reason else "bench.why.ended_because"
    return Decision(index, message(key, "bad", outcome=outcome, reason=reason))
