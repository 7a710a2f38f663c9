"""The verdict on each ISO 8583 frame between switch and network host.

Proxies and in-memory links ask `judge` for every frame and carry out what it says, so a fault does
the same to the bytes in both worlds. Reads of a message what conditions look at (DE 2, DE 4, its
type and which data elements are there) and knows no rule of payments.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from backend.faults.armed import Facts, Strike
from backend.faults.board import FaultBoard
from backend.faults.catalogue import Point
from backend.networks.message import AUTHORIZATION, AUTHORIZATION_ANSWER, decode
from backend.runtime.errors import MessageError
from backend.switch.wire import PASS, Direction, Verdict

MANAGEMENT_CLASS = b"08"
KB = 1_000


class WireJudge:
    """Asks the board about frames."""

    def __init__(self, board: FaultBoard) -> None:
        self._board = board

    def judge(self, link: str, direction: Direction, frame: bytes) -> Verdict:
        """What happens to this frame (without its length) on that link."""
        if not self._board.concern(link):
            return PASS
        verdict = PASS
        for strike in self._board.strike(link, Point(direction.value), _facts(frame)):
            verdict = _worsen(verdict, strike)
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


def _worsen(verdict: Verdict, strike: Strike) -> Verdict:  # noqa: PLR0911 - one return an effect
    """The verdict with one more fault in it."""
    fault = strike.fault
    change = partial(replace, verdict)
    match fault.effect:
        case "latency":
            return change(delay_us=verdict.delay_us + strike.delay_us)
        case "bandwidth":
            return change(rate_bytes_s=fault.kb_s * KB)
        case "slicer":
            return change(slice_bytes=fault.slice_bytes, slice_gap_us=strike.delay_us)
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
        case "corrupt":
            return change(spoiled=True)
        case _:
            raise AssertionError(f"the plan lets {fault.effect} through, nothing carries it out")
