"""A trace leaves as a capture that Wireshark's own dissector reads, and as a page."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hardware.api import Trace, TraceLine, TraceRecorder, to_html, to_pcapng

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
            found.append((event, packet[4:]))
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


def test_the_page_stands_alone_and_escapes_what_it_was_told(trace: Trace) -> None:
    page = to_html(trace)
    assert "sim: &lt;b&gt;" in page
    assert "http" not in page
    assert "<script" not in page
    assert page.count("<h2>") == 5
    assert "Application cryptogram" in page
    assert DPAN not in page.replace(" ", "")
