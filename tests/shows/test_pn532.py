"""The phone's card in a field: two PN532 boards face to face, our card in one, a till at the other.

The boards are virtual, on pseudo-terminals; what drives them is not ours: nfcpy's PN532 driver on
both sides, libnfc's on one. Each test waits for processes of its own, so none is fast.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.api import verify
from hardware.api import name_frames, parse_trace
from tests.pn532_bench import Bench
from tests.shows.laboratory import tap_lab
from tests.shows.outsiders import Served, nfc_list

KERNELS = {"visa": 3, "mastercard": 2, "amex": 4}


@pytest.fixture
def boards() -> Iterator[Bench]:
    """Board 0 reads, board 1 is the card."""
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(2)
    yield made
    made.close()


def tap(boards: Bench, folder: Path, amount: str) -> dict[str, object]:
    """What our till prints, standing at board 0 in the same data folder."""
    done = tap_lab(
        "tap", "--amount", amount, "--reader", f"pn532:{boards.path(0)}", "--wait", "20", "--json",
        data_dir=folder,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("network", KERNELS)
def test_a_whole_tap_between_two_boards_is_approved_once(
    boards: Bench, tmp_path: Path, network: str
) -> None:
    with Served(tmp_path, "--nfc", boards.path(1), "--network", network) as card:
        published = card.heard("published")
        assert (published["nfc"], published["network"]) == (f"pn532:{boards.path(1)}", network)
        assert published["protocol"] == "ISO-DEP"
        assert "atr" not in published
        paid = tap(boards, tmp_path, "12.40")
        assert (paid["outcome"], paid["kernel"]) == ("approved", KERNELS[network])
        assert (paid["atc"], paid["token_ref"]) == (1, published["token_ref"])
        assert card.heard("tap", "refused") == {"event": "tap", "atc": 1, "armed_again": False}
        assert card.heard("read")["commands"] == paid["apdu_count"]
        theirs = parse_trace(Path(str(card.heard("trace")["path"])).read_text())
        ours = parse_trace((tmp_path / "traces" / f"{paid['tap_id']}.apdu").read_text())
        assert [(line.command, line.response) for line in theirs.lines] == [
            (line.command, line.response) for line in ours.lines
        ]
        for trace in (theirs, ours):
            assert name_frames(trace.lines[-1].frames)[-1] == "field off"
            assert not any(frame.hidden for line in trace.lines for frame in line.frames)
        again = tap(boards, tmp_path, "12.40")
        assert (again["outcome"], again["reason"]) == ("try_again", "see_phone")
        assert card.heard("tap", "refused")["event"] == "refused"
        assert card.end() == 0
    assert verify(tmp_path)["ok"]


def test_libnfc_sees_the_card_and_the_till_still_can_pay(boards: Bench, tmp_path: Path) -> None:
    """`nfc-list` of Debian, by a driver that shares no code with ours or with nfcpy's."""
    with Served(tmp_path, "--nfc", f"pn532:{boards.path(1)}", "--arm", "always") as card:
        card.heard("published")
        seen = nfc_list(boards.path(0))
        assert "1 ISO14443A passive target(s) found" in seen
        for line in (
            "ATQA (SENS_RES): 00  04",
            "UID (NFCID3): 08",
            "SAK (SEL_RES): 20",
            "ATS: 78  80  70  00",
            "Frame Waiting Time: 38.66 ms",
        ):
            assert line in seen
        assert tap(boards, tmp_path, "7.00")["outcome"] == "approved"


def test_a_board_that_leaves_and_a_port_without_one_are_named(
    boards: Bench, tmp_path: Path
) -> None:
    with Served(tmp_path, "--nfc", boards.path(1)) as card:
        card.heard("published")
        boards.unplug(1)
        assert "unplugged" in str(card.heard("reader_gone")["detail"])
    boards.unplug(0)
    for arguments in (
        ("tap", "--amount", "1.00", "--reader", f"pn532:{boards.path(0)}"),
        ("card", "serve", "--nfc", boards.path(0)),
    ):
        done = tap_lab(*arguments, data_dir=tmp_path)
        assert (done.returncode, done.stdout) == (3, "")
        assert "not plugged in: plug it in again" in done.stderr
