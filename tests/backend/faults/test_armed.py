"""The conditions on every kind of link, on the board and on the laboratory's copy of it."""

import pytest

from backend.api import LABORATORY_LINKS, BadRequest, Facts, LinkFaults, Point, Strike
from backend.faults.board import FaultBoard
from backend.runtime.events import Event, EventLog

PLAN = [
    {"link": "visa.auth", "effect": "timeout"},
    {"link": "card", "effect": "pull", "at_apdu": 3, "moment": "before"},
    {"link": "card", "effect": "mute", "ms": 20, "probability": 0.5},
    {"link": "pos.engine", "effect": "latency", "ms": 40, "jitter_ms": 10, "probability": 0.5},
    {"link": "reader", "effect": "collision", "when": {"nth": 2}},
]


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.lab_us = 1_790_000_000_000_000

    def now_us(self) -> int:
        return self.lab_us

    def monotonic_us(self) -> int:
        return self.lab_us


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def board(clock: Hands, events: list[Event]) -> FaultBoard:
    log = EventLog(clock, source="engine")
    log.subscribe(events.append)
    return FaultBoard(clock=clock, emit=log.emit, seed=3)


def fired(board: FaultBoard) -> dict[str, int]:
    return {fault["id"]: fault["fired"] for fault in board.view()["faults"]}


def test_a_cards_fault_strikes_its_command_and_its_moment(board: FaultBoard) -> None:
    board.apply(PLAN[1:2])
    struck = [
        (apdu, moment)
        for apdu in range(1, 5)
        for moment in (Point.BEFORE, Point.AFTER)
        if board.strike("card", moment, Facts(apdu=apdu))
    ]
    assert struck == [(3, Point.BEFORE)]


def test_a_collision_strikes_before_the_first_command_only(board: FaultBoard) -> None:
    board.apply(PLAN[4:])
    at = [board.strike("reader", Point.BEFORE, Facts(apdu=apdu)) for apdu in (0, 1, 0, 0)]
    assert [len(struck) for struck in at] == [0, 0, 1, 0]


def test_the_laboratorys_copy_strikes_as_the_board_would(board: FaultBoard, clock: Hands) -> None:
    board.apply(PLAN, seed=8)
    heard: list[Strike] = []
    copy = LinkFaults(clock, heard.append)
    assert copy.follow(board.view(), LABORATORY_LINKS)
    assert not copy.follow(board.view(), LABORATORY_LINKS)
    assert not copy.concern("visa.auth")

    def play(ask) -> list[tuple[str, int]]:
        asked = []
        for apdu in range(1, 30):
            asked += ask("card", Point.AFTER, Facts(apdu=apdu))
            asked += ask("pos.engine", Point.ANSWER)
        return [(strike.fault_id, strike.delay_us) for strike in asked]

    there, here = play(board.strike), play(copy.strike)
    assert there == here
    assert {name for name, _ in here} == {"f3", "f4"}
    assert [strike.fault_id for strike in heard] == [name for name, _ in here]
    delays = [delay_us for name, delay_us in here if name == "f4"]
    assert min(delays) >= 30_000
    assert max(delays) <= 50_000
    assert len(set(delays)) > 1


def test_the_copys_time_line_is_the_boards(board: FaultBoard, clock: Hands) -> None:
    board.apply([{"link": "phone.engine", "effect": "timeout", "from_s": 10, "to_s": 20}])
    clock.lab_us += 12_000_000
    copy = LinkFaults(clock)
    copy.follow(board.view())
    assert copy.strike("phone.engine", Point.REQUEST)
    clock.lab_us += 8_000_000
    assert not copy.strike("phone.engine", Point.REQUEST)


@pytest.mark.parametrize("gone", ["faults", "seed", "revision", "applied_at_us"])
def test_what_is_no_view_arms_nothing(gone: str, board: FaultBoard, clock: Hands) -> None:
    board.apply(PLAN)
    copy = LinkFaults(clock)
    copy.follow(board.view())
    with pytest.raises(BadRequest, match="missing"):
        copy.follow({**board.view(), gone: None})
    assert copy.concern("card")


def test_reports_count_once_and_only_for_the_plan_that_is_on(
    board: FaultBoard, events: list[Event]
) -> None:
    board.apply(PLAN)
    old = board.revision
    report = {"fault": "f3", "revision": old, "link": "card", "effect": "mute"}
    assert board.note_fired("lab-1", report)
    assert not board.note_fired("lab-1", report), "sent twice"
    assert board.note_fired("lab-2", report)
    assert not board.note_fired("lab-3", {**report, "fault": "f1"}), "the engine's own link"
    assert not board.note_fired("lab-4", {**report, "fault": "f9"})
    assert not board.note_fired("lab-5", {**report, "fault": ["f3"]})
    assert not board.note_fired("lab-6", {})
    assert fired(board) == {"f1": 0, "f2": 0, "f3": 2, "f4": 0, "f5": 0}
    board.apply(PLAN)
    assert board.revision > old
    assert not board.note_fired("lab-7", report), "of the plan before"
    assert fired(board)["f3"] == 0
    assert [event.kind for event in events] == ["fault.applied"] * 2


def test_what_is_applied_is_said_with_names_and_revision(
    board: FaultBoard, events: list[Event]
) -> None:
    board.apply(PLAN)
    (said,) = events
    assert said.data == board.view()
    assert [fault["id"] for fault in said.data["faults"]] == ["f1", "f2", "f3", "f4", "f5"]
    assert said.data["revision"] == board.revision
