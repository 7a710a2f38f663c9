"""Traces hold no card number, read back equal, decode, and recordings play as cards do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hardware.api import (
    CardRemoved,
    ReplayLink,
    TraceFormatError,
    TraceRecorder,
    parse_trace,
    read_dialogues,
)

DPAN = "4242424242424242"


def traced(bench: Any) -> tuple[Any, Any]:
    recorder = TraceRecorder(clock=bench.time, reader="sim:", card="3B80800101\nx")
    bench.arm()
    result = bench.tap(on_exchange=recorder.record)
    return result, recorder.finish(result.kernel)


def test_the_number_is_in_the_raw_exchange_and_not_in_the_trace(bench: Any) -> None:
    result, trace = traced(bench)
    raw = "".join(exchange.response.hex() for exchange in result.exchanges)
    assert DPAN in raw
    text = trace.to_text()
    for form in (text, json.dumps(trace.to_json()), repr(trace)):
        assert DPAN not in form
        assert DPAN[:14] not in form
        assert "2912201" in form
    assert "424242EEEEEE4242D2912201" in text


def test_a_trace_reads_back_equal(bench: Any) -> None:
    result, trace = traced(bench)
    assert parse_trace(trace.to_text()) == trace
    assert (trace.reader, trace.card, trace.kernel) == ("sim:", "3B80800101 x", 3)
    assert trace.date == "2026-11-18T11:06:40.000000Z"
    assert [line.name for line in trace.lines] == [e.name for e in result.exchanges]


def test_the_export_decodes_every_answer(bench: Any) -> None:
    _, trace = traced(bench)
    exported = trace.to_json()
    last = exported["exchanges"][-1]
    assert last["status_name"] == "success"
    tags = {node["tag"] for node in last["decoded"][0]["children"]}
    assert {"9F26", "57", "9F36"} <= tags


def test_a_torn_exchange_is_kept_without_an_answer(bench: Any) -> None:
    recorder = TraceRecorder(clock=bench.time)

    class Torn:
        atr = uid = b""

        async def transmit(self, command: bytes) -> bytes:
            raise CardRemoved(command.hex())

    bench.tap(Torn(), on_exchange=recorder.record)
    trace = recorder.finish()
    assert trace.lines[0].response == ""
    assert parse_trace(trace.to_text()) == trace
    assert trace.to_json()["exchanges"][0]["status"] is None


def test_an_unmasked_trace_from_outside_is_masked_on_reading(bench: Any) -> None:
    _, trace = traced(bench)
    foreign = trace.to_text().replace("EEEEEE", "424242")
    assert DPAN in foreign
    assert DPAN not in parse_trace(foreign).to_text()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00A404000E",
        "# tap-lab trace 1\nnonsense",
        "# tap-lab trace 1\n0 +0.000000 0.000000 C 0 R 9000 x",
        "# tap-lab trace 1\n# kernel: three",
        "# tap-lab trace 1\n" + "#" * (4 * 1024 * 1024),
    ],
)
def test_what_is_no_trace_is_refused(text: str) -> None:
    with pytest.raises(TraceFormatError):
        parse_trace(text)


def dialogue_of(result: Any, changes: dict[int, dict[str, str]] | None = None) -> Any:
    apdus = [
        {"c": exchange.command.hex(), "r": exchange.response.hex()} | (changes or {}).get(i, {})
        for i, exchange in enumerate(result.exchanges)
    ]
    return read_dialogues([{"id": "one", "apdus": apdus}])[0]


def test_a_recording_plays_though_terminal_data_differ(bench: Any) -> None:
    result, _ = traced(bench)
    replayed = bench.tap(ReplayLink(dialogue_of(result)), recorded=True)
    assert replayed.outcome == "online_request"
    assert replayed.unpredictable_number != result.unpredictable_number
    assert replayed.cryptogram == result.cryptogram


@pytest.mark.parametrize("torn", ["", "90", "zz"])
def test_a_torn_recording_is_a_torn_card(bench: Any, torn: str) -> None:
    result, _ = traced(bench)
    replayed = bench.tap(ReplayLink(dialogue_of(result, {1: {"r": torn}})), recorded=True)
    assert replayed.reason == "pulled_too_early"


def test_blank_commands_answer_in_order_and_nothing_else_is_found(bench: Any, run: Any) -> None:
    result, _ = traced(bench)
    blank = {i: {"c": ""} for i in range(3)}
    replayed = bench.tap(ReplayLink(dialogue_of(result, blank)), recorded=True)
    assert replayed.outcome == "online_request"
    link = ReplayLink(read_dialogues([{"apdus": []}])[0])
    assert run(link.transmit(b"\x00\xa4\x04\x00")).hex() == "6a82"


@pytest.mark.parametrize("document", [{}, [1], [{"id": "a"}], [{"apdus": [1]}]])
def test_what_is_no_dialogue_is_refused(document: Any) -> None:
    with pytest.raises(TraceFormatError):
        read_dialogues(document)
    with pytest.raises(TraceFormatError):
        read_dialogues([{"apdus": [{"c": "zz", "r": "9000"}]}])
