"""The bench's presenter: reasons from bytes, two conversations compared, files read and written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from backend.api import Event, LabClock
from hardware.api import Trace, TraceLine, parse_trace, record_exchange
from lab.bench.comparison import compare
from lab.bench.conversation import conversation_of, ended_of, trace_of
from lab.bench.decisions import Ended
from lab.bench.flow import KEPT, BenchFlow
from lab.bench.state import COMMAND, RESPONSE, Conversation
from lab.bench.tree_text import matches, tree_text
from lab.bus import Bus
from lab.console.state import BenchState
from lab.errors import WrongUse
from lab.words import tell

DIALOGUES = Path(__file__).parents[2] / "data" / "dialogues.json"
NUMBER_AND_COUNTER = (
    "Room on its track: unpredictable number and counter: digits 6 to 13 from the track's end"
)
START_US = 1_780_000_000_000_000


def exchanges(name: str) -> list[Any]:
    """The last tap of a dialogue."""
    recorded = json.loads(DIALOGUES.read_text(encoding="utf-8"))
    one = next(each for each in recorded if each["id"] == name)
    apdus = one.get("again", one["apdus"])
    return [
        record_exchange(
            index, bytes.fromhex(pair["c"]), _answer(pair["r"]),
            started_us=START_US + index * 20_000, duration_us=round(pair.get("ms", 5) * 1000),
        )
        for index, pair in enumerate(apdus)
    ]  # fmt: skip


def _answer(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def trace(name: str) -> Trace:
    lines = tuple(
        TraceLine(each.index, each.index * 20_000, each.duration_us, each.masked_command,
                  each.masked_response, each.name)
        for each in exchanges(name)
    )  # fmt: skip
    return Trace("sim:", "", "2026-11-20T14:02:07.000000Z", None, lines)


def shown(name: str, ended: Ended | None = None) -> Conversation:
    return conversation_of(trace(name), name, name, ended=ended)


def reasons(conversation: Conversation) -> list[str]:
    return [tell(each.text) for each in conversation.decisions]


@pytest.mark.inv(62)
@pytest.mark.parametrize(
    ("dialogue", "said", "side", "tag"),
    [
        ("visa-good", "The till insists on asking the bank", COMMAND, "9F66"),
        ("visa-good", "The card says: ask the bank (9F27)", RESPONSE, "9F27"),
        ("visa-good", "No PIN, because the phone had verified its owner", RESPONSE, "9F6C"),
        ("mastercard-good", "The card asks the till for nothing", RESPONSE, ""),
        ("mastercard-good", "The card says: ask the bank (9F27)", RESPONSE, "9F27"),
        ("mastercard-good", "The till wants the bank asked", RESPONSE, ""),
        ("mastercard-declines", "The card declines (9F27)", RESPONSE, "9F27"),
        ("amex-good", "The card wants 2 things to know from the till", RESPONSE, "9F38"),
        (
            "mastercard-stripe-good",
            "It has no chip payment to offer: it is read as a stripe with digits that change",
            RESPONSE,
            "82",
        ),
        (
            "amex-stripe-good",
            "It has no chip payment to offer: it is read as a stripe with digits that change",
            RESPONSE,
            "82",
        ),
        (
            "mastercard-stripe-good",
            "Room on its track: dynamic code: digits 2 to 5 from the track's end",
            RESPONSE,
            "9F65",
        ),
        ("mastercard-stripe-good", NUMBER_AND_COUNTER, RESPONSE, "9F66"),
        ("mastercard-stripe-no-number", "The till throws in a random number: 0", COMMAND, "9F6A"),
        (
            "mastercard-stripe-good",
            "No PIN, because the phone had verified its owner",
            RESPONSE,
            "DF4B",
        ),
        (
            "mastercard-stripe-look-at-phone",
            "No code, because: the owner has to be verified: look at the phone and tap again",
            RESPONSE,
            "DF4B",
        ),
        ("visa-refused", "The card refuses: conditions of use not satisfied (6985)", RESPONSE, ""),
        ("torn-at-select", "No answer came: the card was gone", RESPONSE, ""),
        (
            "torn-then-recovered",
            "The last tap was torn: the card repeats its answer and counts nothing",
            RESPONSE,
            "",
        ),
        (
            "torn-then-anew",
            "The card has nothing to repeat: a new cryptogram is made (6985)",
            RESPONSE,
            "",
        ),
        (
            "relay-near",
            "How near: 6.0 ms; the card says 2.0 to 40.0 ms, and 2.4 on the air",
            RESPONSE,
            "80",
        ),
        (
            "relay-refused",
            "How near: 121.0 ms; the card says 2.0 to 40.0 ms, and 2.4 on the air",
            RESPONSE,
            "80",
        ),
    ],
)
def test_what_the_bytes_show_is_said_and_leads_to_its_object(
    dialogue: str, said: str, side: str, tag: str
) -> None:
    conversation = shown(dialogue)
    (decision,) = [each for each in conversation.decisions if tell(each.text) == said]
    assert (decision.side, decision.tag) == (side, tag)
    if tag:
        assert tag in {node.tag for node in conversation.nodes(decision.index, side)}


def test_the_code_of_a_track_is_said_with_its_counter() -> None:
    (said,) = [each for each in reasons(shown("mastercard-stripe-good")) if "makes a code" in each]
    assert said.startswith("The card makes a code ")
    assert said.endswith(" for its payment number 1; it goes into the track")


@pytest.mark.parametrize("dialogue", ["mastercard-good", "amex-good"])
def test_the_tills_findings_are_read_from_what_it_sent(dialogue: str) -> None:
    (found,) = [said for said in reasons(shown(dialogue)) if said.startswith("The till found")]
    assert "offline data authentication was not performed" in found


def test_every_reason_names_an_object_that_is_there() -> None:
    recorded = json.loads(DIALOGUES.read_text(encoding="utf-8"))
    for each in recorded:
        conversation = shown(each["id"], Ended("declined", "card_declined"))
        for decision in conversation.decisions:
            tags = {node.tag for node in conversation.nodes(decision.index, decision.side)}
            assert not decision.tag or decision.tag in tags, (each["id"], tell(decision.text))


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended("online_request", "online_request"), "So it went online: the bank decides"),
        (Ended("see_phone", "see_phone"), "So it ended: see phone"),
        (Ended("approved", "offline_approved"),
         "So it is approved offline, because nothing speaks against it and the card allows it"),
        (Ended("declined", "till_declined"),
         "So it is declined offline, because of what the till found"),
        (Ended("declined", "cvm_not_satisfied"),
         "So it ended: declined, because cvm not satisfied"),
    ],
)  # fmt: skip
def test_the_last_line_says_how_the_kernel_ended(ended: Ended, said: str) -> None:
    assert reasons(shown("visa-good", ended))[-1] == said


@pytest.mark.parametrize(
    ("dialogue", "key"),
    [
        ("visa-good", "bench.medium.phone"),
        ("amex-good", "bench.medium.phone"),
        ("mastercard-good", "bench.medium.device"),
        ("mastercard-stripe-good", "bench.medium.phone"),
        ("no-directory", "bench.medium.unknown"),
    ],
)
def test_phone_or_plastic_is_said_outright(dialogue: str, key: str) -> None:
    medium = shown(dialogue).medium
    assert medium is not None
    assert medium.key == key


def test_a_card_that_says_nothing_of_a_phone_is_plastic_and_a_token_is_a_token() -> None:
    whole = trace("visa-good")
    last = whole.lines[-1]
    # Plastic: no qualifiers and no requestor, a cryptogram all the same.
    for response, key in (
        ("770B9F2608" + "00" * 8 + "9000", "bench.medium.plastic"),
        ("77149F2608" + "00" * 8 + "9F1906040010030273" + "9000", "bench.medium.token"),
    ):
        line = TraceLine(last.index, 0, 0, last.command, response, last.name)
        card = Trace("", "", "", 3, (*whole.lines[:-1], line))
        medium = conversation_of(card, "x", "x").medium
        assert medium is not None
        assert medium.key == key


def test_a_conversation_keeps_its_masks() -> None:
    conversation = shown("visa-good")
    told = "".join(node.value + node.meaning for nodes in conversation.decoded.values()
                   for node in nodes)  # fmt: skip
    assert "4242424242424242" not in told
    assert "424242EEEEEE4242" in told


def test_two_of_the_same_tap_have_no_difference() -> None:
    same = compare(shown("visa-good"), shown("visa-good"))
    assert all(not pair.asked and not pair.answered for pair in same.pairs)
    assert sum(pair.same for pair in same.pairs) > 20


def test_two_taps_are_aligned_by_command_and_their_bits_compared_in_words() -> None:
    comparison = compare(shown("mastercard-good"), shown("mastercard-declines"))
    assert [pair.name.split()[0] for pair in comparison.pairs] == [
        "SELECT", "SELECT", "GET", "READ", "GENERATE",
    ]  # fmt: skip
    last = comparison.pairs[-1]
    (kind,) = [each for each in last.answered if each.tag == "9F27"]
    assert (kind.left, kind.right, kind.lost, kind.gained) == ("80", "00", ("ARQC",), ("AAC",))


def test_a_command_that_only_one_has_stands_alone() -> None:
    comparison = compare(shown("visa-good"), shown("mastercard-good"))
    alone = [pair for pair in comparison.pairs if pair.left is None or pair.right is None]
    assert {pair.name for pair in alone} >= {"SELECT A0000000031010", "GENERATE AC"}


def test_find_and_copy_see_every_side() -> None:
    conversation = shown("visa-good")
    assert {index for index, _, _ in matches(conversation, "9F66")} == {1, 2}  # wanted, then given
    assert matches(conversation, "  ") == []
    hits = matches(conversation, "A0 00 00 00 03 10 10")
    assert {(index, side) for index, side, _ in hits} >= {(0, 1), (1, 0)}
    text = tree_text(conversation.nodes(2, COMMAND))
    assert "9F66 Terminal transaction qualifiers | 32804000" in text
    assert "- online cryptogram required (byte 2 bit 8)" in text


# -- the flow ---------------------------------------------------------------------------------


class Planned:
    """A scheduler whose tasks run when the test says so; no time passes."""

    def __init__(self) -> None:
        self.tasks: list[Coroutine[Any, Any, None]] = []

    def spawn(self, task: Coroutine[Any, Any, None], _name: str) -> None:
        self.tasks.append(task)

    async def sleep(self, _seconds: float) -> None:
        return

    def run(self) -> None:
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            asyncio.run(task)


@pytest.fixture
def planned() -> Planned:
    return Planned()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def flow(planned: Planned, bus: Bus) -> BenchFlow:
    return BenchFlow(clock=LabClock(), scheduler=planned, bus=bus)  # type: ignore[arg-type]


def events(name: str, tap_id: str, kernel: int = 3) -> list[Event]:
    told = [("tap.started", {"reader": "sim:", "amount_minor": 1240, "currency": "USD"})]
    for each in exchanges(name):
        data = {
            "index": each.index, "name": each.name, "command": each.masked_command,
            "response": each.masked_response, "sw": each.masked_response[-4:],
            "duration_us": each.duration_us,
        }  # fmt: skip
        told.append(("tap.apdu", data))
    outcome = {"outcome": "online_request", "reason": "online_request", "kernel": kernel}
    told.append(("tap.outcome", outcome))
    return [
        Event(seq=k, source="lab", lab_time_us=START_US + k * 20_000, real_time_us=START_US,
              actor="pos", kind=kind, tap_id=tap_id, data=data)
        for k, (kind, data) in enumerate(told)
    ]  # fmt: skip


def tap(flow: BenchFlow, planned: Planned, tap_id: str, name: str = "visa-good") -> None:
    for event in events(name, tap_id):
        flow.heard(event)
    planned.run()


def test_a_taps_events_are_a_trace_again() -> None:
    told = events("visa-good", "tap_1")
    rebuilt = trace_of(told)
    assert rebuilt.kernel == 3
    assert [line.command for line in rebuilt.lines] == [
        line.command for line in trace("visa-good").lines
    ]
    assert [line.since_us for line in rebuilt.lines] == [0, 20_000, 40_000]
    assert ended_of(told) == Ended("online_request", "online_request")
    assert parse_trace(rebuilt.to_text()) == rebuilt


def test_the_bench_follows_taps_until_one_is_chosen(
    flow: BenchFlow, planned: Planned, bus: Bus
) -> None:
    tap(flow, planned, "tap_1")
    tap(flow, planned, "tap_2")
    assert bus.latest(BenchState).shown.id == "tap_2"
    flow.choose("tap_1")
    tap(flow, planned, "tap_3")
    assert bus.latest(BenchState).shown.id == "tap_1"
    assert [listed.id for listed in flow.state.on_offer] == ["tap_3", "tap_2", "tap_1"]
    flow.choose("tap_3")
    tap(flow, planned, "tap_4")
    assert flow.state.shown.id == "tap_4"
    flow.choose("tap_99")
    assert flow.state.shown.id == "tap_4"


@pytest.mark.parametrize("early", [True, False])
def test_a_tap_is_named_by_its_card_whenever_that_is_known(
    flow: BenchFlow, planned: Planned, *, early: bool
) -> None:
    if early:
        flow.name_tap("tap_1", "Visa ·4242")
    tap(flow, planned, "tap_1")
    if not early:
        assert flow.state.shown.title.endswith("$12.40 · Visa")
        flow.name_tap("tap_1", "Visa ·4242")
    assert flow.state.shown.title.endswith(" · $12.40 · Visa ·4242")
    assert flow.state.on_offer[0].title == flow.state.shown.title


def test_two_are_compared_until_one_is_wanted_again(flow: BenchFlow, planned: Planned) -> None:
    tap(flow, planned, "tap_1")
    tap(flow, planned, "tap_2", "mastercard-good")
    flow.compare("tap_1")
    comparison = flow.state.comparison
    assert comparison is not None
    assert (comparison.left.id, comparison.right.id) == ("tap_2", "tap_1")
    flow.choose("tap_1")  # it cannot stand beside itself
    assert flow.state.comparison is None
    flow.compare("tap_2")
    flow.compare("")
    assert flow.state.comparison is None


def test_only_so_many_are_kept(flow: BenchFlow, planned: Planned) -> None:
    for number in range(KEPT + 3):
        tap(flow, planned, f"tap_{number}")
    assert len(flow.state.on_offer) == KEPT
    assert flow.state.on_offer[-1].id == "tap_3"


def test_a_tap_that_never_ends_is_not_kept_for_ever(flow: BenchFlow, planned: Planned) -> None:
    for event in events("visa-good", "tap_1")[:-1]:
        flow.heard(event)
    tap(flow, planned, "tap_2")
    assert [listed.id for listed in flow.state.on_offer] == ["tap_2"]


def test_a_trace_is_read_from_a_file_and_marked_as_one(
    flow: BenchFlow, planned: Planned, tmp_path: Path
) -> None:
    tap(flow, planned, "tap_1")
    path = tmp_path / "theirs.apdu"
    path.write_text(trace("amex-good").to_text(), encoding="utf-8")
    asyncio.run(flow.open_file(path))
    assert flow.state.shown.source == "theirs.apdu"
    assert flow.state.shown.apdus[-1].name == "GENERATE AC"
    tap(flow, planned, "tap_2")
    assert flow.state.shown.source == "theirs.apdu"


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00", b"# tap-lab trace 1\nnonsense\n", b"# tap-lab trace 9\n"]
)
def test_a_file_that_is_no_trace_changes_nothing(
    flow: BenchFlow, planned: Planned, tmp_path: Path, content: bytes
) -> None:
    tap(flow, planned, "tap_1")
    path = tmp_path / "wrong.apdu"
    path.write_bytes(content)
    before = flow.state
    with pytest.raises(WrongUse, match=r"wrong\.apdu"):
        asyncio.run(flow.open_file(path))
    with pytest.raises(WrongUse, match="gone"):
        asyncio.run(flow.open_file(tmp_path / "gone.apdu"))
    assert flow.state == before


@pytest.mark.parametrize("ending", ["json", "html", "pcapng", "apdu"])
def test_what_is_looked_at_is_exported(
    flow: BenchFlow, planned: Planned, tmp_path: Path, ending: str
) -> None:
    said = []
    flow.toast = said.append
    asyncio.run(flow.export(tmp_path / f"early.{ending}"))
    assert [each.key for each in said] == ["bench.nothing_to_export"]
    tap(flow, planned, "tap_1")
    path = tmp_path / f"tap.{ending}"
    asyncio.run(flow.export(path))
    assert path.stat().st_size > 200
    assert said[-1].key == "bench.exported"
    with pytest.raises(WrongUse, match="pcapng"):
        asyncio.run(flow.export(tmp_path / "tap.doc"))


@pytest.mark.parametrize(
    "dialogue", ["visa-good", "visa-with-record", "mastercard-good", "amex-good"]
)
def test_a_masked_trace_is_played_to_our_kernel_as_if_the_card_lay_there(
    flow: BenchFlow, tmp_path: Path, dialogue: str
) -> None:
    path = tmp_path / "theirs.apdu"
    path.write_text(trace(dialogue).to_text(), encoding="utf-8")
    asyncio.run(flow.open_file(path))
    recorded = flow.state.shown
    asyncio.run(flow.replay())
    played = flow.state.shown
    assert played.replayed
    assert reasons(played)[-1] == "So it went online: the bank decides"
    assert [line.name for line in played.apdus] == [line.name for line in recorded.apdus]
    flow.compare(recorded.id)
    asyncio.run(flow.replay())  # again: it takes the place of the first
    assert len(flow.state.on_offer) == 2
    assert flow.state.shown.decisions == played.decisions


def test_a_torn_trace_is_replayed_to_its_end(flow: BenchFlow, tmp_path: Path) -> None:
    path = tmp_path / "torn.apdu"
    path.write_text(trace("torn-at-generate").to_text(), encoding="utf-8")
    asyncio.run(flow.open_file(path))
    asyncio.run(flow.replay())
    assert reasons(flow.state.shown)[-1].startswith("So it ended: try again")


def test_with_nothing_looked_at_nothing_is_replayed(flow: BenchFlow) -> None:
    said = []
    flow.toast = said.append
    asyncio.run(flow.replay())
    assert [each.key for each in said] == ["bench.nothing_to_replay"]
    assert flow.state.on_offer == ()
