"""The verdict on each ISO 8583 frame between switch and network host.

Proxies and in-memory links ask `judge` for every frame and carry out what it says, so a fault does
the same to the bytes in both worlds. Reads of a message what conditions look at (DE 2, DE 4, its
type and which data elements are there) and knows no rule of payments.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from backend.faults.alterations import (
    answer_with,
    spoiled,
    with_malformed_field,
    with_wrong_cryptogram,
)
from backend.faults.armed import Facts, Strike
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point
from backend.faults.plan import Fault
from backend.networks.message import AUTHORIZATION, AUTHORIZATION_ANSWER, decode
from backend.runtime.errors import MessageError
from backend.switch.wire import PASS, Direction, Verdict

MANAGEMENT_CLASS = b"08"
KB = 1_000
HELD_BACK_US = 1_000_000
"""How long a reordered answer waits for the next where the plan does not say."""


class WireJudge:
    """Asks the board about frames."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board

    def judge(self, link: str, direction: Direction, frame: bytes) -> Verdict:
        """What happens to this frame (without its length) on that link."""
        if not self._board.concern(link):
            return PASS
        strikes = self._board.strike(link, Point(direction.value), _facts(frame))
        verdict = PASS
        for strike in sorted(strikes, key=_comes_last):
            verdict = _worsen(verdict, strike, frame)
        return verdict

    def close_delay_us(self, link: str) -> int:
        """How much later a closing of that link is passed on."""
        strikes = self._board.strike(link, Point.CLOSE)
        return max((strike.delay_us for strike in strikes), default=0)


def _facts(frame: bytes) -> Facts:
    try:
        message = decode(frame)
    except MessageError:  # what cannot be read matches no condition on its content
        return Facts(is_management=frame[:2] == MANAGEMENT_CLASS, is_authorization=False)
    amount = message.fields.get("4")
    return Facts(
        token=message.fields.get("2", ""),
        amount_minor=None if amount is None else int(amount),
        is_management=frame[:2] == MANAGEMENT_CLASS,
        is_authorization=message.kind in {AUTHORIZATION, AUTHORIZATION_ANSWER},
        fields=[int(number) for number in message.fields],
    )


def _comes_last(strike: Strike) -> bool:
    """What makes a frame unreadable comes after what alters a part of it."""
    return strike.fault.effect == "corrupt"


def _worsen(verdict: Verdict, strike: Strike, frame: bytes) -> Verdict:  # noqa: PLR0911 - a table
    """The verdict with one more fault in it."""
    fault = strike.fault
    change = partial(replace, verdict)
    match fault.effect:
        case "timeout" | "lost_request" | "lost_response":
            return change(copies=0)
        case "duplicate":
            return change(copies=verdict.copies * 2)
        case "reset_peer":
            return change(reset=True)
        case "limit_data":
            return change(cut_after=fault.bytes)
        case "half_open":
            return change(half_open=True)
        case "answer_code":
            return change(answer=answer_with(frame, fault.code))
        case "corrupt" | "wrong_cryptogram" | "malformed_field":
            return change(altered=_alter(verdict.arriving(frame), fault))
        case _:
            return _slow(verdict, strike)


def _slow(verdict: Verdict, strike: Strike) -> Verdict:
    """The verdict with one more fault that costs time."""
    fault = strike.fault
    change = partial(replace, verdict)
    match fault.effect:
        case "latency":
            return change(delay_us=verdict.delay_us + strike.delay_us)
        case "late_answer":
            return change(delay_us=max(verdict.delay_us, strike.delay_us))
        case "reorder":
            return change(held_us=strike.delay_us or HELD_BACK_US)
        case "bandwidth":
            return change(rate_bytes_s=fault.kb_s * KB)
        case "slicer":
            return change(slice_bytes=fault.slice_bytes, slice_gap_us=strike.delay_us)
        case _:
            raise AssertionError(f"the plan lets {fault.effect} through, nothing carries it out")


def _alter(frame: bytes, fault: Fault) -> bytes:
    """The frame with one more thing wrong in it."""
    match fault.effect:
        case "wrong_cryptogram":
            return with_wrong_cryptogram(frame)
        case "malformed_field":
            return with_malformed_field(frame, fault.field)
        case _:
            return spoiled(frame)
