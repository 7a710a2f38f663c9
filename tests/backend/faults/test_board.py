"""The board's verdicts: conditions, chances, counts, and the same again from the same seed."""

import pytest

from backend.faults.alterations import SPOILED_BYTES, spoiled
from backend.faults.board import FaultBoard
from backend.faults.wire_judge import WireJudge
from backend.networks.message import Message, encode
from backend.runtime.entropy import SeededStream
from backend.runtime.errors import BadRequest
from backend.runtime.events import Event, EventLog
from backend.switch.wire import PASS, Direction


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.lab_us = 1_790_000_000_000_000

    def now_us(self) -> int:
        return self.lab_us

    def monotonic_us(self) -> int:
        return self.lab_us


def payment_frame(amount_minor: int = 1240, number: str = "4999990000000004") -> bytes:
    return encode(
        Message(
            "0100",
            {
                "2": number, "3": "000000", "4": f"{amount_minor:012d}", "7": "1120183000",
                "11": "000001", "14": "3012", "22": "071", "23": "001", "32": "990001",
                "37": "0" * 12, "41": "T" * 8, "42": "M" * 15, "49": "840", "55": "950100",
            },
        )
    )  # fmt: skip


ECHO = encode(Message("0800", {"7": "1120183000", "11": "000001", "70": "301"}))


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def board(clock: Hands, events: list[Event]) -> FaultBoard:
    log = EventLog(clock, source="engine", world="simulated")
    log.subscribe(events.append)
    return FaultBoard(clock=clock, emit=log.emit, seed=3)


def fired(board: FaultBoard) -> list[int]:
    return [fault["fired"] for fault in board.view()["faults"]]


def test_without_faults_everything_passes(board: FaultBoard) -> None:
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()) is PASS


def test_nth_counts_what_the_other_conditions_let_through(board: FaultBoard) -> None:
    board.apply(
        [
            {
                "link": "visa.auth",
                "effect": "lost_request",
                "when": {"nth": 2, "amount_minor_gte": 100},
            }
        ]
    )
    amounts = [100, 99, 500, 100]
    lost = [
        WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame(amount)).copies == 0
        for amount in amounts
    ]
    assert lost == [False, False, True, False]
    assert fired(board) == [1]


def test_bin_and_link_choose(board: FaultBoard) -> None:
    board.apply([{"link": "visa.auth", "effect": "lost_request", "when": {"bin": "49"}}])
    other = payment_frame(number="4222222222222")
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, other) is PASS
    assert WireJudge(board).judge("amex.auth", Direction.REQUEST, payment_frame()) is PASS
    assert WireJudge(board).judge("visa.auth", Direction.ANSWER, payment_frame()) is PASS
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).copies == 0
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, b"garbage") is PASS


def test_the_time_line_is_lab_time_since_the_plan_was_applied(
    board: FaultBoard, clock: Hands
) -> None:
    board.apply([{"link": "visa.auth", "effect": "lost_request", "from_s": 10, "to_s": 20}])
    seen = []
    for _ in range(5):
        seen.append(WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).copies)
        clock.lab_us += 5_000_000
    assert seen == [1, 1, 0, 0, 1]


def test_chance_repeats_with_the_seed_and_with_no_other(board: FaultBoard) -> None:
    plan = [{"link": "visa.auth", "effect": "lost_request", "probability": 0.3}]

    def play(seed: int) -> list[int]:
        board.apply(plan, seed=seed)
        return [
            WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).copies
            for _ in range(200)
        ]

    first = play(5)
    assert play(5) == first
    assert play(6) != first
    stream = SeededStream(5, "faults.visa.auth")
    assert first == [0 if stream.random() < 0.3 else 1 for _ in range(200)]
    board.apply(plan)
    assert board.view()["seed"] == 3


def test_effects_on_one_frame_add_up(board: FaultBoard) -> None:
    link = {"link": "visa.auth"}
    board.apply(
        [
            {**link, "effect": "latency", "ms": 100},
            {**link, "effect": "latency", "ms": 50, "jitter_ms": 10},
            {**link, "effect": "bandwidth", "kb_s": 2},
            {**link, "effect": "slicer", "slice_bytes": 4, "ms": 3},
            {**link, "effect": "limit_data", "bytes": 8},
            {**link, "effect": "corrupt"},
        ]
    )
    verdict = WireJudge(board).judge("visa.auth", Direction.ANSWER, payment_frame())
    assert 140_000 <= verdict.delay_us <= 160_000
    assert (verdict.rate_bytes_s, verdict.slice_bytes, verdict.slice_gap_us) == (2_000, 4, 3_000)
    assert (verdict.cut_after, verdict.altered) == (8, spoiled(payment_frame()))
    assert fired(board) == [1] * 6


def test_management_is_left_alone_by_what_counts_payments(board: FaultBoard) -> None:
    board.apply([{"link": "visa.auth", "effect": "lost_request", "when": {"nth": 1}}])
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, ECHO) is PASS
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).copies == 0
    board.apply([{"link": "visa.auth", "effect": "timeout"}])
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, ECHO).copies == 0
    assert WireJudge(board).judge("visa.auth", Direction.ANSWER, payment_frame()).copies == 0


def test_a_black_hole_for_chosen_requests_leaves_other_answers_alone(board: FaultBoard) -> None:
    board.apply([{"link": "visa.auth", "effect": "timeout", "when": {"nth": 1}}])
    assert WireJudge(board).judge("visa.auth", Direction.ANSWER, payment_frame()) is PASS
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).copies == 0


def test_each_firing_is_said(board: FaultBoard, events: list[Event]) -> None:
    board.apply([{"link": "visa.auth", "effect": "reset_peer"}])
    for _ in range(2):
        assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()).reset
    said = [dict(event.data) for event in events if event.kind == "fault.fired"]
    assert said == [
        {
            "fault": "f1",
            "revision": board.revision,
            "link": "visa.auth",
            "effect": "reset_peer",
            "fired": number,
        }
        for number in (1, 2)
    ]


def test_a_view_can_be_put_back(board: FaultBoard) -> None:
    board.apply([{"link": "visa.auth", "effect": "latency", "ms": 5, "when": {"nth": 2}}])
    before = board.faults
    view = board.view()
    assert board.apply(view["faults"], seed=view["seed"]) == before


def test_a_wrong_plan_leaves_what_was_on(board: FaultBoard) -> None:
    board.apply([{"link": "visa.auth", "effect": "reset_peer"}])
    with pytest.raises(BadRequest):
        board.apply([{"link": "visa.auth", "effect": "timeout"}, {"link": "moon"}])
    assert [fault.effect for fault in board.faults] == ["reset_peer"]
    board.reset()
    assert board.view()["faults"] == []
    assert WireJudge(board).judge("visa.auth", Direction.REQUEST, payment_frame()) is PASS


def test_a_closing_may_be_late(board: FaultBoard) -> None:
    assert WireJudge(board).close_delay_us("visa.auth") == 0
    board.apply([{"link": "visa.auth", "effect": "slow_close", "ms": 70}])
    assert WireJudge(board).close_delay_us("amex.auth") == 0
    assert WireJudge(board).close_delay_us("visa.auth") == 70_000
    assert fired(board) == [1]


def test_a_spoiled_frame_keeps_its_length_and_loses_its_head() -> None:
    raw = payment_frame()
    bad = spoiled(raw)
    assert len(bad) == len(raw)
    assert bad[SPOILED_BYTES:] == raw[SPOILED_BYTES:]
    assert all(a != b for a, b in zip(bad[:SPOILED_BYTES], raw[:SPOILED_BYTES], strict=True))
