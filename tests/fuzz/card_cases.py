"""What a card may say to the till, and a till to the card: nothing but typed errors and outcomes.

The answers that are changed are those of real taps of the lab's own cards, made anew for each run.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from backend.runtime.entropy import SeededStream
from hardware.apdu import CommandApdu, ResponseApdu
from hardware.api import (
    ENDINGS,
    CardFault,
    CardLinkError,
    CardMute,
    CardRemoved,
    ReaderGone,
    TapRequest,
    TapResult,
    TerminalConfig,
    TornLog,
    run_tap,
)
from hardware.emv import tlv
from hardware.emv.bitfields import explain
from hardware.emv.decode import Node, decode
from hardware.emv.dol import build_dol, dol_length, parse_dol, split_dol
from hardware.emv.formats import Format, decode_numeric, describe_date, pad_or_cut
from hardware.emv.masking import mask_command, mask_objects, mask_response, mask_value
from hardware.runtime.errors import ApduError, TlvError
from hardware.terminal.card_data import BrokenRule, CardData, locate_records
from hardware.trace.recorder import TraceRecorder, parse_trace
from tests.fuzz.generators import crowd, indefinite, nested, objects, reshaped, spoiled, value
from tests.fuzz.machinery import Case
from tests.hardware.conftest import Bench, VirtualTime, complete
from tests.offline_issuer import Made

EXCHANGES_MAX = 40
ORDINARY = TapRequest(1240, 840)
_BREAKS = (CardRemoved("x"), CardMute("x"), ReaderGone("x"), CardFault("x"))
_STARTS = {
    bytes.fromhex("00A404000E"): "ppse",
    bytes.fromhex("00A404"): "select",
    bytes.fromhex("80A8"): "gpo",
    bytes.fromhex("80EA"): "relay",
    bytes.fromhex("00B201"): "record",
    bytes.fromhex("00B202"): "second record",
    bytes.fromhex("00B203"): "third record",
    bytes.fromhex("80AE"): "generate",
    bytes.fromhex("80D0"): "recover",
}
_MEASURED = "1281"
"""An interchange profile with relay resistance; without a signature, which no replay can have."""
_VISA, _RECOVERING = slice(0, 2), 4


def _step_of(command: bytes) -> str:
    return next((step for start, step in _STARTS.items() if command.startswith(start)), "")


def good_answers(folder: Path) -> list[dict[str, bytes]]:
    """What the lab's cards answer in a good tap: with records, without, of other networks."""
    taken = []
    for name, network, with_records in (
        ("records", "visa", True),
        ("plain", "visa", False),
        ("mastercard", "mastercard", False),
        ("amex", "amex", False),
        ("measured", "mastercard", False),
    ):
        place = folder / name
        place.mkdir()
        bench = Bench(place)
        offline = Made(network, profile=_MEASURED).document() if name == "measured" else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the oracle beside the bench, not ours
            bench.arm(bench.install(network, offline=offline))
            result = bench.tap(bench.link(bench.element.card(with_records=with_records)))
        answers = {_step_of(each.command): each.response for each in result.exchanges}
        if "generate" in answers:
            answers["recover"] = answers["generate"]
        taken.append(answers)
        bench.element.close()
    return taken


def _corpus(folder: Path) -> list[bytes]:
    return [answer for taken in good_answers(folder) for answer in taken.values()]


def _any_bytes(corpus: list[bytes], stream: SeededStream) -> bytes:  # noqa: PLR0911 - one a kind
    if stream.random() < 0.005:
        return crowd(stream)
    match stream.randint(0, 9):
        case 0:
            return stream.bytes(stream.randint(0, 80))
        case 1:
            return nested(stream)
        case 2:
            return indefinite(stream)
        case 3 | 4:
            return objects(stream)
        case 5:
            return spoiled(objects(stream), stream)
        case 6:
            return reshaped(stream.choice(corpus)[:-2], stream)
        case _:
            return spoiled(stream.choice(corpus)[:-2], stream)


# Data objects ----------------------------------------------------------------------------------


def tlv_case(folder: Path, held: ExitStack) -> Case:
    """The decoder: whole trees whose offsets fit, or one typed error at a byte of the input."""
    corpus = _corpus(folder)

    def case(stream: SeededStream) -> str:
        data = _any_bytes(corpus, stream)
        offset = None
        try:
            nodes = tlv.parse(data)
        except TlvError as wrong:
            offset = wrong.offset
        if offset is not None:
            assert 0 <= offset <= len(data)
            return "refused"
        for root in nodes:
            for node in root.walk():
                end = node.offset + node.length
                assert data[end - len(node.value) : end] == node.value
                assert node.constructed or not node.children
        return "read"

    return case


def decode_case(folder: Path, held: ExitStack) -> Case:
    """The tree for the eye and the masks: never an error, never another length, no number."""
    corpus = _corpus(folder)

    def case(stream: SeededStream) -> str:
        data = _any_bytes(corpus, stream)
        if stream.random() < 0.3:
            data += bytes.fromhex(stream.choice(("9000", "6985", "6A82", "6F00")))
        nodes = decode(data)
        masked = mask_objects(data)
        assert len(masked) == len(data)
        assert len(mask_response(data)) == len(mask_command(data)) == len(data)
        _check_hidden(data, masked)
        if any(_faulty(node) for node in nodes):
            return "damaged"
        return "with status" if any(node.tag == "SW" for node in nodes) else "read"

    return case


def _faulty(node: Node) -> bool:
    return node.fault or any(_faulty(child) for child in node.children)


def _check_hidden(data: bytes, masked: bytes) -> None:
    """A whole number or track in its own object does not come through."""
    try:
        roots = tlv.parse(data)
    except TlvError:
        return
    for root in roots:
        for node in root.walk():
            if node.tag in {0x5A, 0x57} and node.value.startswith(
                bytes.fromhex("4242424242424242")
            ):
                end = node.offset + node.length
                shown = masked[end - len(node.value) : end].hex()
                assert not shown.startswith("4242424242424242"), node.tag


def values_case(folder: Path, held: ExitStack) -> Case:
    """Lists, formats, locators and bit fields, each with whatever bytes."""

    def case(stream: SeededStream) -> str:
        data = value(stream)
        tag = stream.choice((0x5A, 0x57, 0x9F10, 0x9F27, 0x9F6C, 0x95, 0x82, 0x9F33, 0x9F6E, 0x56))
        assert len(mask_value(tag, data)) == len(data)
        explain(tag, data)
        describe_date(data)
        decode_numeric(data)
        wanted = stream.randint(0, 40)
        for data_format in Format:
            assert len(pad_or_cut(data, wanted, data_format)) == wanted
        try:
            match stream.randint(0, 3):
                case 0:
                    entries = parse_dol(data)
                    built = build_dol(entries, {0x9F02: bytes(6), 0x5A: b"\x42" * 8})
                    assert len(built) == dol_length(entries)
                    split_dol(entries, built)
                case 1:
                    list(locate_records(data))
                case _:
                    card = CardData()
                    card.put(0x57, data)
                    card.track_2()
        except (TlvError, BrokenRule):
            return "refused"
        return "read"

    return case


# Commands and answers --------------------------------------------------------------------------


def apdu_case(folder: Path, held: ExitStack) -> Case:
    """Both parsers: what they read they write back."""
    commands = [bytes.fromhex(start.hex().ljust(10, "0")) for start in _STARTS]
    corpus = _corpus(folder)

    def case(stream: SeededStream) -> str:
        is_command = stream.random() < 0.5
        raw = stream.choice(commands if is_command else corpus)
        for _ in range(stream.randint(0, 2)):
            raw = spoiled(raw, stream)
        if is_command and len(raw) > 4 and stream.random() < 0.5:
            raw = raw[:4] + bytes([len(raw) - 4 & 0xFF]) + raw[4:]
        reached = "neither"
        try:
            command = CommandApdu.parse(raw)
            assert CommandApdu.parse(command.to_bytes()) == command
            reached = "command"
        except ApduError:
            pass
        try:
            assert ResponseApdu.parse(raw).to_bytes() == raw
            reached = "response"
        except ApduError:
            pass
        return reached

    return case


def card_case(folder: Path, held: ExitStack) -> Case:
    """The lab's card: whatever a till or a program sends, a status word comes out."""
    bench = Bench(folder)
    held.callback(bench.element.close)
    offline = Made("mastercard", profile="3381").document()
    good: dict[str, list[bytes]] = {}
    for token_ref in (bench.install(), bench.install("mastercard", offline=offline)):
        bench.arm(token_ref)
        good[token_ref] = [exchange.command for exchange in bench.tap().exchanges]
    number = b"\x00\x00\x04\x11\x22\x33\x44\x00"
    *before, generate = good["tok-mastercard"]
    also = [b"\x00\x88" + number, b"\x80\xea" + number]
    recover = bytes.fromhex("80D000000A") + bytes(11)
    good["tok-mastercard"] = [*before, *also, recover, generate]

    def case(stream: SeededStream) -> str:
        token_ref = stream.choice(tuple(good))
        bench.arm(token_ref)
        card = bench.element.card(with_records=stream.random() < 0.5)
        status = ""
        for command in good[token_ref]:
            sent = spoiled(command, stream) if stream.random() < 0.4 else command
            answer = ResponseApdu.parse(card.transmit(sent))
            status = f"{answer.sw:04X}"
            if not answer.ok and stream.random() < 0.5:
                break
        return status

    return case


# Whole taps ------------------------------------------------------------------------------------


class _Spoken:
    """A link whose answers are given by step; a step may break instead."""

    atr = uid = b""

    def __init__(self, answers: dict[str, bytes], breaks: dict[str, CardLinkError]) -> None:
        self._answers, self._breaks = answers, breaks
        self.exchanges = 0

    async def transmit(self, command: bytes) -> bytes:
        self.exchanges += 1
        step = _step_of(command)
        if step in self._breaks:
            raise self._breaks[step]
        return self._answers.get(step, b"\x6a\x82")

    async def release(self) -> None:
        """Nothing to let go."""


def tap_case(folder: Path, held: ExitStack) -> Case:
    """One to three changed answers: an outcome of the table, and the till is ready for the next."""
    everything = good_answers(folder)
    config = TerminalConfig()
    time = VirtualTime()

    def tap(link: Any, stream: SeededStream, **options: Any) -> TapResult:
        drawn = TapRequest(stream.choice((0, 1, 1240, 5000, 999_999_999_999)), 840)
        request = options.pop("request", drawn)
        result = complete(run_tap(link, config, request, clock=time, stream=stream, **options))
        _check_result(result)
        return result

    def case(stream: SeededStream) -> str:
        torn = TornLog()
        recovering = stream.random() < 0.2
        others = everything[_VISA] if stream.random() < 0.9 else everything
        good = everything[_RECOVERING] if recovering else stream.choice(others)
        changed, breaks = dict(good), {}
        for _ in range(stream.randint(1, 3)):
            hot = ("recover", "relay") if recovering else ("gpo", "gpo", "select")
            step = stream.choice((*good, *hot))
            if stream.random() < 0.04:
                breaks[step] = stream.choice(_BREAKS)
            else:
                changed[step] = _changed(changed.get(step, b"\x90\x00"), stream)
        recorder = TraceRecorder(clock=time)
        how = {"consent": stream.random() < 0.1, "recorded": stream.random() < 0.1, "torn": torn}
        if recovering:
            # Torn where it counts, so that the changed answers meet a till that remembers.
            tap(_Spoken(good, {"generate": _BREAKS[0]}), stream, request=ORDINARY, torn=torn)
            how["request"] = ORDINARY
        link = _Spoken(changed, breaks)
        result = tap(link, stream, on_exchange=recorder.record, **how)
        assert link.exchanges <= EXCHANGES_MAX
        if stream.random() < 0.1:
            parse_trace(recorder.finish(result.kernel).to_text()).to_json()
        ready = tap(_Spoken(everything[0], {}), stream)
        assert ready.outcome in {"online_request", "declined"}, ready.reason
        return "recovered" if result.recovered else str(result.outcome)

    return case


def _changed(answer: bytes, stream: SeededStream) -> bytes:
    """One answer with something wrong: mostly in its data, now and then in its status word."""
    data, status = answer[:-2], answer[-2:]
    chance = stream.random()
    if chance < 0.05:
        return stream.bytes(stream.randint(0, 4))
    if chance < 0.15:
        status = stream.bytes(2)
    elif chance < 0.16:
        data = crowd(stream)
    elif chance < 0.5:
        data = reshaped(data, stream)
    else:
        data = spoiled(data, stream)
    return data + status


def _check_result(result: TapResult) -> None:
    family = result.reason if result.reason in ENDINGS else result.reason.split("_")[0]
    assert result.outcome is ENDINGS[family].outcome, result.reason
    assert result.steps[-1] == "outcome"
    if result.outcome == "online_request":
        assert result.token
        assert result.emv_data
        assert result.cryptogram_type in {"ARQC", "TC"}
    else:
        assert not result.emv_data or result.cryptogram_type is not None
