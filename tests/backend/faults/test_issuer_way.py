"""An issuer that is slow, silent or declines by itself, in both worlds; no hold is ever left."""

from pathlib import Path

import pytest

from backend.faults.board import FaultBoard
from backend.faults.catalogue import WITHOUT_ISSUERS
from backend.faults.issuer_way import FaultyIssuerWay
from backend.networks import numbers
from backend.networks.issuing import Decision, IssuedCard
from backend.runtime.clock import LabClock
from backend.runtime.errors import BadRequest
from backend.runtime.events import EventLog
from backend.switch.answers import Answered, NoAnswerYet
from tests.backend.faults.two_worlds import WORLDS, Visa, run
from tests.backend.networks.bench import run_virtual, virtual

CARD = IssuedCard("acc_1", "visa", numbers.test_card("4242424242424242"), "42424242")
worlds = pytest.mark.parametrize("world", WORLDS)


@worlds
def test_an_issuer_declines_with_a_code_and_holds_nothing(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.board.apply(
            [
                {
                    "link": "visa.issuer",
                    "effect": "answer_code",
                    "code": "51",
                    "when": {"pan_bin": "4242", "amount_minor_gte": 500},
                }
            ]
        )
        answers = [await at.pay(amount_minor) for amount_minor in (499, 500)]
        codes = [(answer.response_code, answer.reason) for answer in answers]
        assert codes == [("00", "approved"), ("51", "insufficient_funds")]
        assert (at.held(), at.fired()) == ([499], [1])

    run(world, tmp_path, story)


@worlds
def test_a_slow_issuer_is_an_issuers_hop(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.board.apply([{"link": "visa.issuer", "effect": "latency", "ms": 30}])
        answer = await at.pay()
        assert isinstance(answer, Answered)
        assert answer.approved
        assert answer.hops_us["issuer"] >= 29_000

    run(world, tmp_path, story)


@pytest.mark.parametrize("fault", [{"effect": "timeout"}, {"effect": "latency", "ms": 10_001}])
def test_a_silent_issuer_is_declined_for_by_its_network(fault: dict, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.board.apply([{"link": "visa.issuer", **fault}])
        answer = await at.pay(deadline_s=0.5)
        assert isinstance(answer, NoAnswerYet)
        late = await answer.late
        assert isinstance(late, Answered)
        assert (late.response_code, late.reason) == ("91", "issuer_unavailable")
        assert at.held() == []

    run("memory", tmp_path, story)


def test_a_host_that_stops_does_not_wait_for_its_issuer(tmp_path: Path) -> None:
    async def story(at: Visa) -> None:  # 1 s of real time: what a host gives its work to end
        at.board.apply([{"link": "visa.issuer", "effect": "timeout"}])
        assert isinstance(await at.pay(deadline_s=0.05), NoAnswerYet)
        assert at.fired() == [1]

    run("sockets", tmp_path, story)


def test_only_the_card_that_is_meant_is_struck() -> None:
    async def main() -> None:
        clock, _ = virtual()
        log = EventLog(clock, source="engine")
        board = FaultBoard(clock=clock, emit=log.emit, seed=1)
        board.apply(
            [
                {
                    "link": "visa.issuer",
                    "effect": "answer_code",
                    "code": "N7",
                    "when": {"pan_bin": "42424243"},
                },
                {
                    "link": "visa.issuer",
                    "effect": "answer_code",
                    "code": "05",
                    "when": {"pan_bin": "42424242"},
                },
            ]
        )
        way = FaultyIssuerWay(board)

        async def the_card() -> IssuedCard:
            return CARD

        assert await way.ask("visa", the_card, 1) == Decision("05", "declined")
        assert await way.ask("amex", the_card, 1) is None

    run_virtual(main())


def test_issuers_of_hosts_that_run_apart_are_out_of_reach() -> None:
    clock = LabClock()
    log = EventLog(clock, source="engine")
    board = FaultBoard(clock=clock, emit=log.emit, seed=1, available=WITHOUT_ISSUERS)
    with pytest.raises(BadRequest) as refused:
        board.apply([{"link": "visa.issuer", "effect": "timeout"}])
    assert refused.value.code == "effect_not_available"
    board.apply([{"link": "visa.auth", "effect": "timeout"}])
