"""`card read` at readers of every kind: whose card it is, what is sent to it, what is said of it.

The boards are virtual PN532s under nfcpy's own driver, the smart-card service is pcscd; each
command is a process of its own, so none is fast.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import strangers_card
from tests.pcsc_stack import PcscStack
from tests.pn532_bench import Bench, SoftCard
from tests.pn532_chip import Shown
from tests.shows.laboratory import tap_lab

GET_UID = bytes.fromhex("FFCA000000")
STICKER = Shown(bytes.fromhex("4400"), bytes.fromhex("04112233"), 0x00)


@pytest.fixture
def board() -> Iterator[Bench]:
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(1)
    yield made
    made.close()


def card_read(url: str, folder: Path, *options: str, code: int = 0) -> dict[str, object]:
    done = tap_lab(
        "card", "read", "--reader", url, "--wait", "10", *options, "--json", data_dir=folder
    )
    assert done.returncode == code, done.stderr
    assert strangers_card.NUMBER not in done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize("consent", [False, True])
def test_a_strangers_card_at_an_nfc_board(board: Bench, tmp_path: Path, *, consent: bool) -> None:
    card = SoftCard(strangers_card.answer)
    board.put(card)
    options = ("--consent",) if consent else ()
    read = card_read(f"pn532:{board.path()}", tmp_path / "none", *options)
    assert (read["sort"], read["charged"], read["stored"]) == ("payment_card", False, False)
    assert read["cryptograms"] == int(consent)
    assert (read["sak"], read["atqa"], read["ats"]) == ("20", "0400", "0578807002")
    assert read["random_uid"] is True
    asked = {command[1] for command in card.commands}
    assert asked == ({0xA4, 0xA8, 0xB2} if consent else {0xA4})
    assert list(tmp_path.rglob("*.apdu")) == []


def test_a_sticker_at_an_nfc_board_says_its_kind(board: Bench, tmp_path: Path) -> None:
    board.put(SoftCard(strangers_card.answer, STICKER))
    read = card_read(f"pn532:{board.path()}", tmp_path)
    assert (read["sort"], read["uid"], read["sak"]) == ("other", "04112233", "00")
    assert read["kind"]["family"] == "ndef"


def test_a_strangers_card_behind_pcscd_in_words(pcsc_stack: PcscStack, tmp_path: Path) -> None:
    def answer(command: bytes) -> bytes:
        if command == GET_UID:
            return bytes.fromhex("04A1B2C3D4E5F69000")
        return strangers_card.answer(command)

    card = pcsc_stack.insert(answer)
    url = f"pcsc:{pcsc_stack.reader_name()}"
    done = tap_lab("card", "read", "--reader", url, "--wait", "10", data_dir=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Somebody's own card. Not charged. Nothing stored." in done.stdout
    assert "Plastic" in done.stdout
    assert "04…E5F6" in done.stdout
    assert "04A1B2C3D4E5F6" not in done.stdout
    assert "--consent" in done.stderr
    assert 0xA8 not in {command[1] for command in card.commands}


def test_no_card_and_no_reader_are_said(board: Bench, tmp_path: Path) -> None:
    url = f"pn532:{board.path()}"
    empty = tap_lab("card", "read", "--reader", url, "--wait", "0.2", data_dir=tmp_path)
    assert (empty.returncode, empty.stdout) == (1, "")
    assert "lay one on it" in empty.stderr
    board.unplug()
    gone = tap_lab("card", "read", "--reader", url, data_dir=tmp_path)
    assert (gone.returncode, gone.stdout) == (3, "")
    for nonsense in ("0", "-1", "soon", "nan", "inf"):
        wrong = tap_lab("card", "read", "--wait", nonsense, data_dir=tmp_path)
        assert wrong.returncode == 2


def test_the_phone_of_this_folder_in_the_emulated_field(tmp_path: Path) -> None:
    locked = card_read("sim:", tmp_path)
    assert (locked["sort"], locked["stopped"], locked["cryptograms"]) == ("lab_card", "refused", 0)
    read = card_read("sim:", tmp_path, "--arm")
    assert (read["stopped"], read["medium"], read["cryptograms"]) == ("read_whole", "phone", 1)
