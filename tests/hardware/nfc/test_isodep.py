"""ISO-DEP, reader against card, over an air that loses, doubles, spoils and delays frames."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterable
from enum import Enum
from itertools import count, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.readers.isodep import FRAME_BYTES, Ats, Block, Kind, cut, frame_bytes, parse_block
from hardware.readers.isodep_initiator import (
    EXTENSIONS_MAX,
    MISTAKES_MAX,
    Act,
    Heard,
    Initiator,
    Trouble,
)
from hardware.readers.isodep_target import Command, Nothing, Over, Reply, Target
from hardware.runtime.errors import CardFault, CardLinkError, CardMute

PHONE_ATS = bytes.fromhex("0578807002")


class Fate(Enum):
    """What the air does to one frame."""

    ARRIVES = "arrives"
    LOST = "lost"
    SPOILED = "spoiled"
    EMPTY = "empty"
    DOUBLED = "doubled"
    LATE = "late"
    OTHER_NUMBER = "other number"


class Air:
    """Two fates a round: of the reader's frame, and of the card's. No fate left: it arrives."""

    def __init__(
        self,
        target: Target,
        answers: dict[bytes, bytes],
        fates: Iterable[Fate] = (),
        extensions: int = 0,
    ) -> None:
        self.target = target
        self.answers = answers
        self.fates = iter(fates)
        self.extensions = extensions
        self.done: list[bytes] = []
        self.frames: list[tuple[bytes, bytes | None]] = []
        self.under_way: deque[bytes] = deque()
        self._asked = 0
        self._pending = b""

    def carry(self, frame: bytes) -> Heard:
        """One round: what the reader hears when it sends this."""
        spoiled = False
        fate = next(self.fates, Fate.ARRIVES)
        for _ in range(
            {Fate.LOST: 0, Fate.SPOILED: 0, Fate.EMPTY: 0, Fate.DOUBLED: 2}.get(fate, 1)
        ):
            sent = _other_number(frame) if fate is Fate.OTHER_NUMBER else frame
            answer = self._card(sent)
            if answer is None:
                continue
            back = next(self.fates, Fate.ARRIVES)
            match back:
                case Fate.LOST:
                    continue
                case Fate.SPOILED:
                    spoiled = True
                    continue
                case Fate.EMPTY:
                    answer = b""
                case Fate.OTHER_NUMBER:
                    answer = _other_number(answer)
                case Fate.LATE:  # heard in place of the answer to the next frame
                    self.under_way.append(answer)
                    self.frames.append((frame, None))
                    return Trouble.SILENCE
            self.under_way.extend([answer] * (2 if back is Fate.DOUBLED else 1))
        heard: Heard = Trouble.GARBLED if spoiled else Trouble.SILENCE
        if self.under_way and not spoiled:
            heard = self.under_way.popleft()
        self.frames.append((frame, heard if isinstance(heard, bytes) else None))
        return heard

    def _card(self, frame: bytes) -> bytes | None:
        match self.target.receive(frame):
            case Reply(answer) | Over(answer):
                return answer
            case Command(apdu):
                self.done.append(apdu)
                self._asked = 0
                self._pending = self.answers.get(apdu, b"\x67\x00")
                return self._think()
            case Nothing():
                granted = frame[:1] == bytes([Kind.EXTENSION.value])
                return self._think() if granted and self.target.thinking else None
        raise AssertionError("every reaction is one of these")

    def _think(self) -> bytes:
        if self._asked < self.extensions:
            self._asked += 1
            return self.target.extend(3)
        return self.target.answer(self._pending)


def _other_number(frame: bytes) -> bytes:
    """The same block under the other number, where it has one."""
    if not frame or frame[0] & 0xC0 == 0xC0:
        return frame
    return bytes([frame[0] ^ 1]) + frame[1:]


def play(act: Act[object], air: Air, waits: list[int] | None = None) -> object:
    """Drive what the reader does until it is done; how long it would have waited each time."""
    rounds = 0
    try:
        outgoing = next(act)
        while True:
            rounds += 1
            assert rounds < 5_000, "everything has a bound"
            if waits is not None:
                waits.append(outgoing.wait_us)
            outgoing = act.send(air.carry(outgoing.frame))
    except StopIteration as finished:
        return finished.value


def message(length: int, seed: int) -> bytes:
    return bytes((seed + 7 * position) & 0xFF for position in range(length))


def conversation(air: Air, frame_code: int = 8) -> Initiator:
    initiator = Initiator(frame_code)
    play(initiator.activate(), air)
    return initiator


@pytest.mark.parametrize("frame_code", range(9))
@pytest.mark.parametrize("length", [0, 1, 12, 13, 14, 61, 62, 253, 254, 300, 2_000])
def test_messages_of_any_length_pass_in_frames_of_any_size(frame_code: int, length: int) -> None:
    ats = bytes([2, frame_code])
    command, answer = message(length, 1), message(length, 9)
    air = Air(Target(ats), {command: answer})
    reader = conversation(air, frame_code)
    assert play(reader.exchange(command), air) == answer
    assert play(reader.exchange(command), air) == answer
    assert air.done == [command, command]
    assert max(len(frame) for frame, _ in air.frames) <= FRAME_BYTES[frame_code] - 2
    assert max(len(heard or b"") for _, heard in air.frames) <= FRAME_BYTES[frame_code] - 2
    assert play(reader.deselect(), air) is True


fates = st.lists(st.sampled_from([Fate.ARRIVES] * 6 + list(Fate)), max_size=60)


@given(
    fates,
    st.integers(0, 8),
    st.integers(0, 6),
    st.lists(st.integers(0, 400), min_size=1, max_size=4),
)
def test_whatever_the_air_does_the_bytes_are_right_or_the_fault_is_named(
    doom: list[Fate], frame_code: int, extensions: int, lengths: list[int]
) -> None:
    commands = [message(length, position) for position, length in enumerate(lengths)]
    answers = {command: message(2 * len(command), 77) for command in commands}
    air = Air(Target(bytes([2, frame_code])), answers, doom, extensions)
    # A frame that comes late or twice can be taken for an answer to what is asked next, and a
    # number can be forged: only the losses of a real field promise the right bytes.
    forged = {Fate.LATE, Fate.DOUBLED, Fate.OTHER_NUMBER} & set(doom)
    received: list[bytes] = []
    with contextlib.suppress(CardMute, CardFault):
        reader = conversation(air, frame_code)
        for command in commands:
            answer = play(reader.exchange(command), air)
            assert isinstance(answer, bytes)
            received += [answer]
    if not forged:
        assert received == [answers[command] for command in commands[: len(received)]]
        assert len(received) <= len(air.done) <= len(received) + 1
        assert air.done == commands[: len(air.done)]


@given(st.lists(st.sampled_from([Fate.LOST, Fate.SPOILED, Fate.EMPTY]), max_size=MISTAKES_MAX))
def test_as_many_losses_as_it_has_patience_for_cost_nothing(doom: list[Fate]) -> None:
    command, answer = message(100, 1), message(100, 2)
    air = Air(Target(bytes([2, 8])), {command: answer})
    reader = conversation(air)
    air.fates = iter(doom)
    assert play(reader.exchange(command), air) == answer
    assert air.done == [command]


@pytest.mark.parametrize("fate", [Fate.DOUBLED, Fate.LATE])
@pytest.mark.parametrize("at", range(8))
def test_a_frame_that_comes_twice_or_late_is_carried_out_once(fate: Fate, at: int) -> None:
    command, other, answer = message(100, 1), message(5, 3), message(100, 2)
    air = Air(Target(bytes([2, 3])), {command: answer, other: b"\x90\x00"})
    reader = conversation(air, 3)
    air.fates = iter([Fate.ARRIVES] * at + [fate])
    assert play(reader.exchange(command), air) == answer
    assert play(reader.exchange(other), air) == b"\x90\x00"
    assert air.done == [command, other]


def test_extensions_are_granted_and_wait_longer() -> None:
    air = Air(Target(PHONE_ATS), {b"\x80\xa8": b"\x90\x00"}, extensions=4)
    reader = conversation(air)
    waits: list[int] = []
    assert play(reader.exchange(b"\x80\xa8"), air, waits) == b"\x90\x00"
    assert waits == [38_665] + [3 * 38_665] * 4


def test_a_card_that_asks_for_time_without_end_is_given_up() -> None:
    air = Air(Target(PHONE_ATS), {b"\x80\xa8": b"\x90\x00"}, extensions=10_000)
    reader = conversation(air)
    with pytest.raises(CardFault, match="without end"):
        play(reader.exchange(b"\x80\xa8"), air)
    assert len(air.frames) == EXTENSIONS_MAX + 2


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        (Trouble.SILENCE, CardMute),
        (Trouble.GARBLED, CardFault),
        (b"", CardFault),
        (b"\x03", CardFault),
        (b"\xf2", CardFault),
        (b"\xf2\x00", CardFault),
        (b"\xf2\x3c", CardFault),
        (b"\xe2", CardFault),
        (b"\x0a\x00\x90\x00", CardFault),
        (b"\xa2", CardFault),
        (b"\xc2", CardFault),
    ],
)
def test_what_is_no_answer_ends_in_a_named_fault(heard: Heard, fault: type[CardLinkError]) -> None:
    tries = feed(Initiator().exchange(b"\x00\xa4"), repeat(heard), fault)
    assert tries == MISTAKES_MAX + 1


def feed(act: Act[object], heard: Iterable[Heard], fault: type[CardLinkError]) -> int:
    """How many answers it takes until the reader gives up with this fault."""
    next(act)
    tries = 0
    try:
        for tries, answer in enumerate(heard, 1):  # noqa: B007 -- counted
            act.send(answer)
    except fault:
        return tries
    raise AssertionError(f"no {fault.__name__} after {tries} answers")


def test_a_card_that_never_hears_a_block_is_given_up() -> None:
    act = Initiator().exchange(b"\x00\xa4")
    assert feed(act, repeat(b"\xa3"), CardFault) == MISTAKES_MAX + 1


def test_an_answer_in_parts_has_an_end() -> None:
    parts = (
        Block(Kind.INFORMATION, number & 1, bytes(253), more=True).to_bytes() for number in count()
    )
    assert feed(Initiator().exchange(b"\x00"), parts, CardFault) == 65_538 // 253 + 1
    assert feed(Initiator().exchange(b"\x00"), repeat(b"\x12"), CardFault) == 1


@pytest.mark.parametrize(
    ("data", "frame_size", "waits_us", "guard_us", "historical"),
    [
        ("01", 32, 4_834, 0, ""),
        ("0200", 16, 4_834, 0, ""),
        ("0208", 256, 4_834, 0, ""),
        ("020C", 256, 4_834, 0, ""),
        ("0578807002", 256, 38_665, 0, ""),
        ("037880", 0, 0, 0, "TB1"),
        ("03207F", 16, 38_665, 0, ""),
        ("0320E1", 16, 4_949_029, 605, ""),
        ("0320F0", 16, 4_834, 0, ""),
        ("06100041424344", 0, 0, 0, "none"),
        ("0510004142", 16, 4_834, 0, "4142"),
        ("", 0, 0, 0, "none"),
        ("0378", 0, 0, 0, "none"),
        ("0270", 0, 0, 0, "TA1"),
    ],
)
def test_an_answer_to_select_is_read_as_far_as_it_goes(
    data: str, frame_size: int, waits_us: int, guard_us: int, historical: str
) -> None:
    if not frame_size:
        with pytest.raises(CardFault, match=historical):
            Ats.parse(bytes.fromhex(data))
        return
    ats = Ats.parse(bytes.fromhex(data))
    assert (ats.frame_bytes, ats.waiting_us, ats.guard_us) == (frame_size, waits_us, guard_us)
    assert ats.historical == bytes.fromhex(historical)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_block_that_writes_itself_back_or_none(frame: bytes) -> None:
    block = parse_block(frame)
    assert block is None or block.to_bytes() == frame


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_a_card_survives_any_frames(frames: list[bytes]) -> None:
    target = Target(PHONE_ATS)
    for frame in frames:
        if isinstance(target.receive(frame), Command):
            assert target.answer(b"\x90\x00")[:1] in {b"\x02", b"\x03"}


def test_a_command_too_long_for_any_card_is_met_with_silence() -> None:
    target = Target(PHONE_ATS)
    reactions = set()
    for number in range(300):
        block = Block(Kind.INFORMATION, number & 1, bytes(253), more=True)
        reactions.add(type(target.receive(block.to_bytes())))
    assert reactions == {Reply, Nothing}


def test_parts_are_as_large_as_frames_allow() -> None:
    assert list(cut(b"", 16)) == [(b"", False)]
    assert [len(part) for part, _ in cut(bytes(40), frame_bytes(0))] == [13, 13, 13, 1]
