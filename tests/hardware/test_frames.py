"""Frames of a conversation: as the standard has them, masked with their message, and by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import (
    Frame,
    Trace,
    TraceFormatError,
    TraceLine,
    Way,
    carrying_part,
    frame_lines,
    frames_of,
    mask_command,
    mask_response,
    name_frames,
    parse_frame,
    parse_trace,
    selection,
)
from hardware.readers.frames import FrameMemory, mask_frames, shifted

NUMBER = "5555555555554444"
READ = bytes.fromhex("00B2011400")
RECORD = bytes.fromhex(f"70115A08{NUMBER}5F24032912315F340101" + "9000")


def masked(frames: list[Frame], response: bytes = RECORD) -> tuple[Frame, ...]:
    return mask_frames(
        frames,
        command=(READ, mask_command(READ)),
        response=(response, mask_response(response)),
    )


def from_card(data: bytes, *, hidden: bool = False) -> Frame:
    return Frame(10, Way.FROM_CARD, data, hidden=hidden)


@pytest.mark.parametrize("size", [1, 3, 5, 9, 22])
def test_a_number_in_parts_is_masked_in_every_part(size: int) -> None:
    """Each block alone would show digits that no mask of its own could know for a card's."""
    parts = [RECORD[at : at + size] for at in range(0, len(RECORD), size)]
    sent = [
        from_card(bytes([(0x12 if at < len(parts) - 1 else 0x02) | at & 1]) + part)
        for at, part in enumerate(parts)
    ]
    kept = masked(sent)
    assert b"".join(frame.data[1:] for frame in kept) == mask_response(RECORD)
    assert NUMBER not in b"".join(frame.data[1:] for frame in kept).hex()
    assert not any(frame.hidden for frame in kept)
    assert masked(list(kept), mask_response(RECORD)) == kept


def test_a_block_that_came_twice_is_masked_the_same_way_twice() -> None:
    first, second = b"\x12" + RECORD[:10], b"\x03" + RECORD[10:]
    kept = masked([from_card(first), from_card(first), from_card(second), from_card(second)])
    assert kept[0].data == kept[1].data != first
    assert kept[2].data == kept[3].data
    assert not any(frame.hidden for frame in kept)


@pytest.mark.parametrize(
    "data",
    [
        b"\x02" + RECORD[3:],  # another part than the one that is due
        b"\x02" + bytes.fromhex(NUMBER),
        b"\x0a\x00" + bytes.fromhex(NUMBER),  # with a CID: no block that is known here
        b"\x05" + bytes.fromhex(NUMBER),
    ],
)
def test_what_is_no_part_of_a_whole_message_is_not_kept(data: bytes) -> None:
    (kept,) = masked([from_card(data)])
    assert kept.hidden
    assert kept.data == data[:1] + b"\xee" * (len(data) - 1)
    assert name_frames([kept])[0] in {"I(0), not kept", "no valid block"}
    after = masked([from_card(data), from_card(b"\x02" + RECORD)])
    assert not after[1].hidden  # the good one that follows is still known


def test_an_answer_that_never_became_whole_leaves_only_its_length() -> None:
    (kept,) = masked([from_card(b"\x12" + RECORD[:14])], b"")
    assert (kept.hidden, len(kept.data)) == (True, 15)
    assert NUMBER[:8] not in kept.data.hex()


@pytest.mark.parametrize(
    ("uid", "requests"),
    [
        ("08A1B2C3", ["26", "9320", "937008A1B2C3D8"]),
        ("04112233445566", ["26", "9320", "937088041122BF", "9520", "95703344556644"]),
        (
            "04112233445566778899",
            [
                "26",
                "9320",
                "937088041122BF",
                "9520",
                "957088334455AA",
                "9720",
                "977066778899" + "00",
            ],
        ),
    ],
)
def test_a_selection_is_written_as_the_standard_has_it(uid: str, requests: list[str]) -> None:
    """ISO/IEC 14443-3, 6.5.3: cascade levels, with the check byte over each."""
    sent = list(selection(b"\x04\x00", bytes.fromhex(uid), 0x20))
    assert [data.hex().upper() for way, data in sent if way is Way.TO_CARD] == requests
    answers = [data for way, data in sent if way is Way.FROM_CARD]
    assert answers[0] == b"\x04\x00"
    assert [each for each in answers[1:] if len(each) == 1] == [b"\x04"] * (
        len(requests) // 2 - 1
    ) + [b"\x20"]
    names = name_frames(Frame(0, way, data, told=True) for way, data in sent)
    assert names[:6] == ("REQA", "ATQA", "ANTICOLLISION CL1", "UID and check byte", "SELECT CL1",
                         "SAK")  # fmt: skip


def test_blocks_go_by_the_standards_names() -> None:
    events = [
        Frame(0, Way.FIELD_ON),
        Frame(0, Way.TO_CARD, bytes.fromhex("E080")),
        Frame(0, Way.FROM_CARD, bytes.fromhex("0578807002")),
        Frame(0, Way.TO_CARD, b"\x13" + READ),
        Frame(0, Way.FROM_CARD, b"\xa3"),
        Frame(0, Way.GARBLED),
        Frame(0, Way.TO_CARD, b"\xb2"),
        Frame(0, Way.FROM_CARD, b"\xf2\x08"),
        Frame(0, Way.SILENCE),
        Frame(0, Way.TO_CARD, b"\xc2"),
        Frame(0, Way.FROM_CARD, b""),
        Frame(0, Way.FIELD_OFF),
    ]
    assert name_frames(events) == (
        "field on", "RATS", "ATS", "I(1), chained", "R(ACK 1)", "a garbled answer", "R(NAK 0)",
        "S(WTX 8)", "no answer", "S(DESELECT)", "no valid block", "field off",
    )  # fmt: skip


EVENTS = st.builds(
    Frame,
    at_us=st.integers(-(10**9), 10**12),
    way=st.sampled_from(Way),
    data=st.binary(max_size=40),
    told=st.booleans(),
    hidden=st.booleans(),
)


@given(st.lists(EVENTS, max_size=8))
def test_whatever_was_heard_reads_back_as_it_was_kept(events: list[Frame]) -> None:
    kept = masked(events)
    line = TraceLine(0, 0, 1, READ.hex().upper(), mask_response(RECORD).hex().upper(), "x", kept)
    once = parse_trace(Trace("sim:", "", "", None, (line,)).to_text())
    assert parse_trace(once.to_text()) == once
    assert len(once.lines[0].frames) == len(events)


@pytest.mark.parametrize(
    "row",
    ["#f ", "#f 0.1 > 00", "#f +0.000001 > 0", "#f +0.000001 x 00", "#f +0.000001 > 00 00",
     "#f +0.000001 >!~ 00", "#f +1.00 > 00"],
)  # fmt: skip
def test_what_is_no_frame_is_refused_with_its_line(row: str) -> None:
    with pytest.raises(TraceFormatError, match="line 7"):
        parse_frame(row, 7)


def test_a_frame_needs_an_exchange_above_it() -> None:
    with pytest.raises(TraceFormatError, match="before the first exchange"):
        parse_trace("# tap-lab trace 1\n#f +0.000001 > 00\n")


def test_a_number_told_as_a_selection_does_not_pass() -> None:
    exchange = "0 +0.000000 0.000001 C 00B2011400 R 9000 x"
    told = f"#f +0.000001 <~ 00{NUMBER}9000"
    read = parse_trace(f"# tap-lab trace 1\n{exchange}\n{told}\n")
    assert read.lines[0].frames[0].hidden
    assert NUMBER not in read.to_text()


def test_frames_are_lines_and_lines_are_frames() -> None:
    frames = (Frame(-1_500_000, Way.TO_CARD, b"\x26", told=True), Frame(7, Way.SILENCE))
    assert frame_lines(frames) == ["#f -1.500000 >~ 26", "#f +0.000007 . -"]
    assert tuple(parse_frame(row, 1) for row in frame_lines(frames)) == frames


def test_a_memory_is_emptied_by_taking_and_counts_back_from_now() -> None:
    memory = FrameMemory()
    memory.add(10.0, Way.TO_CARD, b"\x26")
    memory.add(10.5, Way.SILENCE)
    taken = memory.take(11.0)
    assert [frame.at_us for frame in taken] == [-1_000_000, -500_000]
    assert [frame.at_us for frame in shifted(taken, 1_000_000)] == [0, 500_000]
    assert memory.take(12.0) == ()
    assert frames_of(object()) == ()


def test_the_frames_that_carry_a_command_are_its_last_blocks() -> None:
    long = bytes(range(40))
    before = [(Way.FROM_CARD, b"\x02\x90\x00"), (Way.TO_CARD, b"\xb2")]
    chain = [(Way.TO_CARD, b"\x12" + long[:20]), (Way.FROM_CARD, b"\xa2"),
             (Way.TO_CARD, b"\x03" + long[20:])]  # fmt: skip
    assert carrying_part(before + chain, long) == len(before)
    assert carrying_part(before, b"") == len(before)
    assert carrying_part([], long) == 0
