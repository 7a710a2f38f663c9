"""What other readers asked the published card is written down: masked, one file a session."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.api import LabClock
from hardware.api import (
    Address,
    NfcAddress,
    ReplayLink,
    Trace,
    Way,
    dialogue_of,
    name_frames,
    parse_trace,
)
from lab.published_trace import FRAMES_HELD_MAX, PublishedTrace, TraceKept

NUMBER = "4242424242424242"
SELECT = bytes.fromhex("00A4040007A000000003101000")
READ = bytes.fromhex("00B2010C00")
RECORD = bytes.fromhex(f"700A5A08{NUMBER}" + "9000")
UID, ATR = bytes.fromhex("08010203"), bytes.fromhex("3B80800101")
VPCD = Address("127.0.0.1", 35963)
BOARD = NfcAddress("pn532:/dev/x", "/dev/x", on_port=True)


class Session:
    """A trace that hears what a test says."""

    def __init__(self, folder: Path, where: Address | NfcAddress = VPCD) -> None:
        self.kept: list[TraceKept] = []
        self.clock = LabClock()
        self.trace = PublishedTrace(folder, where, clock=self.clock)
        self.trace.tell = self.kept.append
        self.trace.powered(UID, ATR)

    def frame(self, way: Way, data: bytes = b"") -> None:
        self.trace.heard(self.clock.monotonic_us(), way, data)

    def ask(self, command: bytes, answer: bytes) -> None:
        self.trace.asked(command)
        self.trace.answered(answer)

    def written(self) -> Trace:
        self.trace.over()
        return parse_trace(Path(self.kept[-1].path).read_text())


def test_a_session_is_a_masked_trace_that_plays_as_a_card(tmp_path: Path) -> None:
    session = Session(tmp_path / "traces")
    session.ask(SELECT, b"\x6f\x00\x90\x00")
    session.ask(READ, RECORD)
    written = session.written()
    assert (written.reader, written.card) == ("vpcd:127.0.0.1:35963", "3B80800101 08010203")
    assert [line.name for line in written.lines] == [
        "SELECT A0000000031010",
        "READ RECORD 1 SFI 1",
    ]
    assert NUMBER not in Path(session.kept[0].path).read_text()
    assert not written.has_frames
    played = asyncio.run(ReplayLink(dialogue_of(written)).transmit(READ))
    assert (len(played), played[-2:]) == (len(RECORD), b"\x90\x00")


def test_frames_go_with_the_command_that_they_carry_or_answer(tmp_path: Path) -> None:
    session = Session(tmp_path, BOARD)
    session.frame(Way.TO_CARD, b"\x02" + SELECT)
    session.ask(SELECT, b"\x90\x00")
    session.frame(Way.FROM_CARD, b"\x02\x90\x00")
    session.frame(Way.TO_CARD, b"\xb3")
    session.frame(Way.FROM_CARD, b"\x02\x90\x00")
    session.frame(Way.TO_CARD, b"\x03" + READ)
    session.ask(READ, RECORD)
    session.frame(Way.FROM_CARD, b"\x13" + RECORD[:8])
    session.frame(Way.TO_CARD, b"\xa2")
    session.frame(Way.FROM_CARD, b"\x02" + RECORD[8:])
    session.frame(Way.FIELD_OFF)
    first, second = (name_frames(line.frames) for line in session.written().lines)
    assert first[:2] == ("REQA", "ATQA")
    assert first[-4:] == ("I(0)", "I(0)", "R(NAK 1)", "I(0)")
    assert second == ("I(1)", "I(1), chained", "R(ACK 0)", "I(0)", "field off")
    text = Path(session.kept[0].path).read_text()
    assert NUMBER[:12] not in text
    assert NUMBER[4:] not in text
    assert "08010203" in text


def test_a_session_in_which_nothing_was_asked_leaves_nothing(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.trace.over()
    session.trace.powered(UID, ATR)
    session.frame(Way.SILENCE)
    session.trace.over()
    assert session.kept == []
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_was_never_answered_is_kept_without_an_answer(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.trace.asked(SELECT)
    assert [line.response for line in session.written().lines] == [""]


def test_a_folder_that_cannot_be_written_is_told_and_the_card_goes_on(tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file where the folder should be")
    session = Session(tmp_path / "traces")
    session.ask(SELECT, b"\x90\x00")
    session.trace.over()
    assert [bool(kept.problem) for kept in session.kept] == [True]
    session.trace.powered(UID, ATR)
    session.ask(SELECT, b"\x90\x00")


def test_a_reader_that_babbles_for_ever_fills_no_memory(tmp_path: Path) -> None:
    session = Session(tmp_path, BOARD)
    for _ in range(2 * FRAMES_HELD_MAX):
        session.frame(Way.TO_CARD, b"\xb2")
    session.ask(SELECT, b"\x90\x00")
    assert len(session.written().lines[0].frames) <= FRAMES_HELD_MAX
