"""A trace leaves as a capture that Wireshark's own dissector reads, and as a page."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hardware.api import Frame, Trace, TraceLine, TraceRecorder, Way, to_html, to_pcapng
from hardware.trace.pcapng import crc_a

DPAN = "5555555555554444"


@pytest.fixture
def trace(bench: Any) -> Trace:
    recorder = TraceRecorder(clock=bench.time, reader="sim: <b>", card="3B80800101")
    bench.arm(bench.install("mastercard"))
    result = bench.tap(on_exchange=recorder.record)
    return recorder.finish(result.kernel)


def frames(capture: bytes) -> list[tuple[int, bytes]]:
    """Event and frame of every packet, by the format's own lengths."""
    found, at = [], 0
    while at < len(capture):
        kind, length = struct.unpack_from("<II", capture, at)
        assert length % 4 == 0
        assert struct.unpack_from("<I", capture, at + length - 4) == (length,)
        if kind == 6:
            (size,) = struct.unpack_from("<I", capture, at + 20)
            packet = capture[at + 28 : at + 28 + size]
            version, event, inside = struct.unpack_from(">BBH", packet)
            assert (version, inside) == (0, len(packet) - 4)
            frame = packet[4:]
            if event in {0xFE, 0xFF}:  # with its CRC, which leaves a residue of zero
                assert crc_a(frame) == bytes(2)
                frame = frame[:-2]
            found.append((event, frame))
        at += length
    return found


def test_every_byte_of_the_trace_is_in_the_capture_and_nothing_hidden(trace: Trace) -> None:
    blocks = [frame for _, frame in frames(to_pcapng(trace))][5:-1]
    told = [line for each in trace.lines for line in (each.command, each.response)]
    assert [block[1:].hex().upper() for block in blocks] == told
    assert [block[0] for block in blocks] == [2, 2, 3, 3, 2, 2, 3, 3, 2, 2]
    assert DPAN.encode() not in to_pcapng(trace)
    assert bytes.fromhex(DPAN) not in to_pcapng(trace)


def test_a_long_answer_goes_in_a_chain(trace: Trace) -> None:
    long = "77" * 256 + "9000"
    lines = (TraceLine(0, 0, 1000, "00B2010C00", long, "READ RECORD"), trace.lines[0])
    found = frames(to_pcapng(Trace("sim:", "", "", None, lines)))[5:-1]
    assert [frame[0] for _, frame in found] == [0x02, 0x12, 0xA3, 0x03, 0x02, 0x02]
    assert (found[1][1][1:] + found[3][1][1:]).hex().upper() == long


def test_wiresharks_dissector_reads_the_commands(trace: Trace, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is missing: apt-get install -y --no-install-recommends tshark")
    capture = tmp_path / "tap.pcapng"
    capture.write_bytes(to_pcapng(trace))
    ran = subprocess.run(  # noqa: S603 - found on the path
        [shutil.which("tshark"), "-r", str(capture), "-T", "fields", "-e", "iso14443.inf"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    read = [line.upper() for line in ran.stdout.split()]
    assert read == [text for line in trace.lines for text in (line.command, line.response)]


SELECT = "00A4040007A000000003101000"
HEARD = (
    Frame(-900, Way.FIELD_ON),
    Frame(-500, Way.TO_CARD, b"\x26", told=True),
    Frame(-500, Way.FROM_CARD, b"\x04\x00", told=True),
    Frame(-300, Way.TO_CARD, bytes.fromhex("E080")),
    Frame(-100, Way.FROM_CARD, bytes.fromhex("0578807002")),
    Frame(0, Way.TO_CARD, bytes.fromhex("02" + SELECT)),
    Frame(39_000, Way.SILENCE),
    Frame(39_100, Way.TO_CARD, b"\xb2"),
    Frame(40_000, Way.FROM_CARD, b"\xf2\x01"),
    Frame(40_100, Way.TO_CARD, b"\xf2\x01"),
    Frame(50_000, Way.FROM_CARD, bytes.fromhex("026A82")),
    Frame(51_000, Way.FIELD_OFF),
)


@pytest.fixture
def heard() -> Trace:
    line = TraceLine(0, 0, 50_000, SELECT, "6A82", "SELECT", HEARD)
    return Trace("pn532:x", "", "2026-11-20T14:01:31.250000Z", 3, (line,))


def test_frames_that_were_heard_are_the_capture(heard: Trace) -> None:
    """Silence is no packet; the selection never had a CRC; nothing is rebuilt."""
    capture = to_pcapng(heard)
    assert b"Frames as the reader sent and heard them" in capture
    found = frames(capture)
    assert [frame for _, frame in found] == [
        each.data for each in HEARD if each.way is not Way.SILENCE
    ]
    assert [event for event, _ in found] == [
        0xFC, 0xFA, 0xFB, 0xFE, 0xFF, 0xFE, 0xFE, 0xFF, 0xFE, 0xFF, 0xFD
    ]  # fmt: skip


def test_the_standards_own_crc_examples() -> None:
    """ISO/IEC 14443-3, annex B: 00 00 gives A0 1E, 12 34 gives 26 CF."""
    assert crc_a(bytes(2)).hex() == "a01e"
    assert crc_a(bytes.fromhex("1234")).hex() == "26cf"


def test_wireshark_names_every_block(heard: Trace, tmp_path: Path) -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark is missing: apt-get install -y --no-install-recommends tshark")
    capture = tmp_path / "heard.pcapng"
    capture.write_bytes(to_pcapng(heard))
    ran = subprocess.run(  # noqa: S603 - found on the path
        [shutil.which("tshark"), "-r", str(capture), "-T", "fields", "-e", "_ws.col.Info"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    named = [line.strip() for line in ran.stdout.splitlines()]
    assert [name.split(",")[0] for name in named] == [
        "Field on", "REQA", "ATQA", "RATS", "ATS", "I-block", "R-block", "S-block", "S-block",
        "I-block", "Field off",
    ]  # fmt: skip


def test_the_page_shows_frames_by_name(heard: Trace) -> None:
    page = to_html(heard)
    assert "<summary>12 frames</summary>" in page
    for words in ("RATS", "ATS", "R(NAK 0)", "S(WTX 1)", "no answer", "field off", "-0.50 ms"):
        assert words in page
    assert "<details>" not in to_html(Trace("sim:", "", "", None, heard.lines[:0]))


def test_the_page_stands_alone_and_escapes_what_it_was_told(trace: Trace) -> None:
    page = to_html(trace)
    assert "sim: &lt;b&gt;" in page
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<h2>") == 5
    assert "Application cryptogram" in page
    assert DPAN not in page.replace(" ", "")
