"""The frames of a tap through nfcpy's driver are remembered with their times, and what went wrong.

Over 0.25 s: whole taps through a serial port, some with frames lost.
"""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from backend.api import LabClock, LabScheduler
from hardware.api import (
    CardFaultPlan,
    FaultyLink,
    Nfcpy,
    NfcReader,
    TapRequest,
    TapResult,
    TerminalConfig,
    Trace,
    TraceRecorder,
    frames_of,
    name_frames,
    nfc_address,
    parse_trace,
    run_tap,
)
from tests.pn532_bench import Bench, Loss, SoftCard

SELECTION = ("field on", "REQA", "ATQA", "ANTICOLLISION CL1", "UID and check byte", "SELECT CL1",
             "SAK", "RATS", "ATS")  # fmt: skip


def tapped(board: Bench, bench: Any, card: SoftCard) -> tuple[TapResult, Trace]:
    """One tap and its trace, through a wrapped link as every link of the till is."""
    clock = LabClock()
    board.put(card)
    address = nfc_address("pn532:" + board.path())
    assert address is not None

    async def tap() -> tuple[TapResult, Trace]:
        reader = NfcReader(address, Nfcpy().open, LabScheduler(clock))
        plan = CardFaultPlan((), stream=bench.stream, clock=clock, scheduler=bench.time)
        recorder = TraceRecorder(clock=clock, reader=reader.url)
        try:
            link = FaultyLink(await reader.wait_for_card(2), plan)
            result = await run_tap(
                link,
                TerminalConfig(),
                TapRequest(1240, 840),
                clock=clock,
                stream=bench.stream,
                on_exchange=recorder.record,
            )
            await link.release()
            recorder.say_goodbye(frames_of(link))
        finally:
            await reader.close()
        return result, recorder.finish(result.kernel)

    return asyncio.run(tap())


def test_a_good_tap_is_remembered_from_field_on_to_field_off(board: Bench, bench: Any) -> None:
    bench.arm(bench.install("mastercard"))
    result, trace = tapped(board, bench, SoftCard(bench.element.card().transmit))
    assert result.reason == "online_request"
    names = [name_frames(line.frames) for line in trace.lines]
    assert names[0] == (*SELECTION, "I(0)", "I(0)")
    assert names[1] == ("I(1)", "I(1)")
    assert names[-1] == ("I(0)", "I(0)", "S(DESELECT)", "S(DESELECT)", "field off")
    times = [line.since_us + frame.at_us for line in trace.lines for frame in line.frames]
    assert times[0] < 0
    # Lab time and the loop's clock are read one after the other: a hair's breadth is none.
    assert all(later > earlier - 2_000 for earlier, later in pairwise(times))
    assert [line.frames[-1].data[1:].hex().upper() for line in trace.lines[:-1]] == [
        line.response for line in trace.lines[:-1]
    ]
    assert parse_trace(trace.to_text()) == trace
    assert "5555555555554444" not in trace.to_text()


@pytest.mark.parametrize(
    ("loss", "name"), [(Loss.LOST, "no answer"), (Loss.SPOILED, "a garbled answer")]
)
def test_what_was_lost_or_spoiled_is_named_with_its_repair(
    board: Bench, bench: Any, loss: Loss, name: str
) -> None:
    seen = [0]

    def meddle(_way: object, frame: bytes) -> bytes | Loss:
        seen[0] += 1
        return loss if seen[0] == 6 else frame  # RATS, ATS, two of the directory, SELECT

    bench.arm()
    board.mischief = meddle
    result, trace = tapped(board, bench, SoftCard(bench.element.card().transmit))
    assert result.reason == "online_request"
    assert name_frames(trace.lines[1].frames) == ("I(1)", name, "R(NAK 1)", "I(1)")


def test_a_card_that_only_asks_for_time_leaves_every_request(board: Bench, bench: Any) -> None:
    slow = SoftCard(bench.element.card().transmit)
    slow.endless_extensions = True
    result, trace = tapped(board, bench, slow)
    assert result.reason == "card_fault"
    (line,) = trace.lines
    assert line.response == ""
    names = name_frames(line.frames)
    assert names.count("S(WTX 1)") > 100
