"""Effects that know ISO 8583, each through the live proxy and through the in-memory link."""

import asyncio
from pathlib import Path

import pytest

from backend.faults.alterations import (
    answer_with,
    with_malformed_field,
    with_wrong_cryptogram,
)
from backend.faults.catalogue import ANSWER_FIELDS
from backend.networks.chip.tlv import read_chip_data
from backend.networks.message import Message, decode, encode
from backend.runtime.errors import MessageError
from backend.switch.answers import Answered, NoAnswerYet, StatusKnown, Unknown
from tests.backend.faults.two_worlds import WORLDS, Visa, run
from tests.backend.networks.bench import payment

CRYPTOGRAM = "9F2608A1A2A3A4A5A6A7A8"
REQUEST = Message(
    "0100",
    {
        "2": "4999990000000004", "3": "000000", "4": "000000001240", "7": "1120183000",
        "11": "000001", "14": "3012", "22": "071", "23": "001", "32": "990001",
        "37": "0" * 12, "41": "T" * 8, "42": "M" * 15, "49": "840",
        "55": "9F3602000195050000000000" + CRYPTOGRAM,
    },
)  # fmt: skip
ANSWER = Message(
    "0110",
    {
        "2": "4999990000000004", "3": "000000", "4": "000000001240", "7": "1120183000",
        "11": "000001", "32": "990001", "37": "0" * 12, "38": "618033", "39": "00",
        "41": "T" * 8, "42": "M" * 15, "48": "rs=approved", "49": "840",
    },
)  # fmt: skip
worlds = pytest.mark.parametrize("world", WORLDS)


@worlds
@pytest.mark.parametrize(
    ("code", "reason"), [("91", "issuer_unavailable"), ("05", "declined"), ("N7", "declined")]
)
def test_an_answer_code_comes_back_and_nothing_reaches_the_network(
    world: str, code: str, reason: str, tmp_path: Path
) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="answer_code", code=code, when={"nth": 1})
        request = payment(at.lab, at.phone)
        answer = await at.switch.authorize(request, channel_deadline_s=5)
        assert isinstance(answer, Answered)
        assert (answer.response_code, answer.approved, answer.reason) == (code, False, reason)
        status = await at.switch.query_status("visa", request.reference, payment_id="p")
        assert isinstance(status, StatusKnown)
        assert (status.found, at.held(), at.fired()) == (False, [], [1])
        again = await at.pay()
        assert isinstance(again, Answered)
        assert again.approved

    run(world, tmp_path, story)


@worlds
def test_a_wrong_cryptogram_is_found_by_the_network(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="wrong_cryptogram", when={"nth": 1})
        answer = await at.pay()
        assert isinstance(answer, Answered)
        assert (answer.response_code, answer.cryptogram_valid) == ("82", False)
        assert (at.held(), at.fired()) == ([], [1])
        assert isinstance(await at.pay(), Answered)
        assert at.held() == [1240]

    run(world, tmp_path, story)


@worlds
@pytest.mark.parametrize("field", [4, 39, 48])
def test_a_malformed_field_makes_the_answer_unreadable_not_undone(
    world: str, field: int, tmp_path: Path
) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="malformed_field", field=field, when={"nth": 1})
        request = payment(at.lab, at.phone)
        answer = await at.switch.authorize(request, channel_deadline_s=5)
        assert answer == Unknown("undecodable")
        assert (at.held(), at.fired()) == ([1240], [1])
        status = await at.switch.query_status("visa", request.reference, payment_id="p")
        assert isinstance(status, StatusKnown)
        assert (status.found, status.response_code) == (True, "00")

    run(world, tmp_path, story)


@pytest.mark.inv(334, 335)
def test_a_late_answer_is_after_the_tills_patience_and_before_the_links(tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="late_answer", ms=29_000)
        answer = await at.pay(deadline_s=0.5)
        assert isinstance(answer, NoAnswerYet)
        late = await answer.late
        assert isinstance(late, Answered)
        assert late.approved
        assert (at.held(), at.fired()) == ([1240], [1])

    run("memory", tmp_path, story)


def test_a_late_answer_is_late_on_a_socket_too(tmp_path: Path) -> None:
    async def story(at: Visa) -> None:  # 0.5 s of real time: no shorter answer counts as late
        at.trouble(effect="late_answer", ms=501)
        answer = await at.pay(deadline_s=0.02)
        assert isinstance(answer, NoAnswerYet)
        late = await answer.late
        assert isinstance(late, Answered)
        assert sum(late.hops_us.values()) >= 500_000

    run("sockets", tmp_path, story)


@worlds
def test_a_reordered_answer_comes_after_the_next(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        assert isinstance(await at.pay(), Answered)
        at.trouble(effect="reorder", when={"amount_minor_gte": 500})
        order: list[int] = []

        async def pay(amount_minor: int) -> None:
            answer = await at.pay(amount_minor)
            assert isinstance(answer, Answered)
            assert answer.approved
            order.append(amount_minor)

        first = asyncio.ensure_future(pay(500))
        await at.struck()
        await asyncio.gather(first, pay(100))
        assert order == [100, 500]
        assert (at.held(), at.fired()) == ([100, 500, 1240], [1])

    run(world, tmp_path, story)


@worlds
def test_a_reordered_answer_that_nothing_follows_comes_after_its_time(
    world: str, tmp_path: Path
) -> None:
    async def story(at: Visa) -> None:
        at.trouble(effect="reorder", ms=30)
        answer = await at.pay()
        assert isinstance(answer, Answered)
        assert sum(answer.hops_us.values()) >= 29_000

    run(world, tmp_path, story)


@worlds
def test_the_same_seed_strikes_the_same_payments(world: str, tmp_path: Path) -> None:
    async def story(at: Visa) -> None:
        async def play() -> list[str]:
            at.board.apply(
                [
                    {
                        "link": "visa.auth",
                        "effect": "answer_code",
                        "code": "91",
                        "probability": 0.4,
                    },
                    {"link": "visa.auth", "effect": "wrong_cryptogram", "probability": 0.4},
                ],
                seed=5,
            )
            answers = [await at.pay() for _ in range(12)]
            return [answer.response_code for answer in answers if isinstance(answer, Answered)]

        first, again = await play(), await play()
        assert first == again
        assert set(first) == {"91", "82", "00"}

    run(world, tmp_path, story)


@pytest.mark.parametrize("field", ANSWER_FIELDS)
def test_one_field_is_made_unreadable_and_named(field: int) -> None:
    raw = encode(ANSWER)
    bad = with_malformed_field(raw, field)
    assert len(bad) == len(raw)
    assert sum(a != b for a, b in zip(raw, bad, strict=True)) == 1
    with pytest.raises(MessageError, match=f"DE {field} "):
        decode(bad)


def test_only_the_cryptogram_is_altered() -> None:
    bad = decode(with_wrong_cryptogram(encode(REQUEST)))
    assert {number for number in bad.fields if bad.fields[number] != REQUEST.fields[number]} == {
        "55"
    }
    before = read_chip_data(bytes.fromhex(REQUEST.fields["55"]))
    after = read_chip_data(bytes.fromhex(bad.fields["55"]))
    assert {tag for tag in after if after[tag] != before[tag]} == {"9F26"}


@pytest.mark.parametrize("chip_data", ["950500000000", "9F3602", "9F2600"])
def test_chip_data_without_a_cryptogram_are_left_alone(chip_data: str) -> None:
    raw = encode(Message("0100", {**REQUEST.fields, "55": chip_data}))
    assert with_wrong_cryptogram(raw) == raw


def test_an_answer_on_the_way_belongs_to_its_request() -> None:
    answer = decode(answer_with(encode(REQUEST), "51"))
    assert answer.exchange == REQUEST.exchange
    assert (answer.kind, answer.fields["39"]) == ("0110", "51")
    assert answer.private() == {"rs": "insufficient_funds"}
