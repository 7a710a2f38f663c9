"""The phone's card in a real smart-card stack: programs that are not ours find it and read it.

pcscd, vpcd's driver and the programs are Debian's and PyPI's; only the card is ours. Each test
waits for other people's processes, so none is fast.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from backend.api import verify
from tests.pcsc_stack import PcscStack
from tests.shows.laboratory import tap_lab
from tests.shows.outsiders import (
    Published,
    answers,
    cardpeek,
    emvtool,
    opensc,
    until_card,
)

VISA = bytes.fromhex("A0000000031010")
SELECT_PPSE = "00:A4:04:00:0E:32:50:41:59:2E:53:59:53:2E:44:44:46:30:31:00"
SELECT_PSE = "00:A4:04:00:0E:31:50:41:59:2E:53:59:53:2E:44:44:46:30:31:00"
PSE_RECORD = "00:B2:01:0C:00"
UID = "FF:CA:00:00:00"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("phone")


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


def test_opensc_reads_the_card_as_a_contactless_one(pcsc_stack: PcscStack, folder: Path) -> None:
    with Published(pcsc_stack, folder) as card:
        assert card.in_reader()["protocol"] == "T=1"
        assert "Yes" in opensc("-l")
        assert "3b:80:80:01:01" in opensc("-a")
        uid, listed, contact = answers(opensc("-s", UID, "-s", SELECT_PPSE, "-s", SELECT_PSE))
        assert (len(uid), uid[:1]) == (6, b"\x08")
        assert VISA in listed
        assert contact == bytes.fromhex("6A82")
        assert card.heard("read")["commands"] == 2
        assert card.end() == 0
        until_card(pcsc_stack.reader_name(), present=False)


@pytest.mark.parametrize("protocol", ["--t0", "--t1"])
def test_opensc_finds_the_application_as_contact_readers_do(
    protocol: str, pcsc_stack: PcscStack, folder: Path
) -> None:
    with Published(pcsc_stack, folder, "--pse", protocol) as card:
        card.in_reader()
        directory, record = answers(opensc("-s", SELECT_PSE, "-s", PSE_RECORD))
        assert b"1PAY.SYS.DDF01" in directory
        assert VISA in record


def test_emvtool_lists_and_dumps_the_card(pcsc_stack: PcscStack, folder: Path, tools: Path) -> None:
    with Published(pcsc_stack, folder, "--pse", "--t0", "--arm", "never") as card:
        card.in_reader()
        listed = emvtool(tools, "listapps")
        assert '"Everyday"' in listed
        assert "[A0 00 00 00 03 10 10]" in listed
        dumped = emvtool(tools, "info")
        for found in ("1PAY.SYS.DDF01", "2PAY.SYS.DDF01", "PDOL", "[99 99 01]"):
            assert found in dumped
        assert "not available" not in dumped
        assert "Error" not in dumped


if shutil.which("cardpeek"):  # a whole graphical toolkit comes with it: only where it is anyway

    def test_cardpeek_has_a_cryptogram_from_the_card(
        pcsc_stack: PcscStack, folder: Path, tmp_path: Path
    ) -> None:
        with Published(pcsc_stack, folder, "--pse", "--arm", "always") as card:
            card.in_reader()
            found = cardpeek(tmp_path, pcsc_stack.reader_name())
            assert card.heard("tap", "refused")["event"] == "tap"
        assert "Everyday" in found
        assert '<attr name="id">9F26</attr>' in found


def test_the_card_comes_back_with_the_service(pcsc_stack: PcscStack, folder: Path) -> None:
    with Published(pcsc_stack, folder) as card:
        card.in_reader()
        pcsc_stack.kill()
        card.heard("reader_gone")
        pcsc_stack.start()
        card.in_reader()
        [listed] = answers(opensc("-s", SELECT_PPSE))
        assert VISA in listed


def test_a_slot_with_a_card_in_it_takes_no_other(
    pcsc_stack: PcscStack, folder: Path, tmp_path: Path
) -> None:
    with Published(pcsc_stack, folder) as card:
        card.in_reader()
        with Published(pcsc_stack, tmp_path) as other:
            assert other.process.wait(60) == 3
            assert other.process.stderr is not None
            assert "another card may be in it" in other.process.stderr.read()
        with Published(pcsc_stack, tmp_path, slot=1) as other:
            other.in_reader()
        [listed] = answers(opensc("-s", SELECT_PPSE))
        assert VISA in listed


def tap(stack: PcscStack, folder: Path, amount: str) -> dict[str, object]:
    """What our till prints, standing at the real reader in the same data folder."""
    done = tap_lab(
        "tap", "--amount", amount, "--reader", f"pcsc:{stack.reader_name()}", "--wait", "20",
        "--json", data_dir=folder,
    )  # fmt: skip
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_a_whole_tap_over_the_real_stack_is_approved_once(
    pcsc_stack: PcscStack, tmp_path: Path
) -> None:
    with Published(pcsc_stack, tmp_path, "--arm", "once") as card:
        token_ref = card.in_reader()["token_ref"]
        paid = tap(pcsc_stack, tmp_path, "12.40")
        assert (paid["outcome"], paid["response_code"], paid["kernel"]) == ("approved", "00", 3)
        assert (paid["apdu_count"], paid["atc"], paid["token_ref"]) == (3, 1, token_ref)
        assert card.heard("tap", "refused") == {"event": "tap", "atc": 1, "armed_again": False}
        again = tap(pcsc_stack, tmp_path, "12.40")
        assert (again["outcome"], again["reason"]) == ("try_again", "see_phone")
        assert again["transaction_id"] is None
        assert card.heard("tap", "refused")["event"] == "refused"
        report = verify(tmp_path)
        assert report["ok"], report


def test_taps_in_two_steps_are_decided_by_the_bank_while_others_read(
    pcsc_stack: PcscStack, folder: Path
) -> None:
    """T=0 on both sides; opensc-tool reads between the payments."""
    with Published(pcsc_stack, folder, "--arm", "always", "--t0", "--pse") as card:
        card.in_reader()
        outcomes = []
        for amount in ("7.00", "12.51", "8.00"):
            outcomes.append(tap(pcsc_stack, folder, amount)["outcome"])
            assert card.heard("tap", "refused")["armed_again"] is True
            assert VISA in answers(opensc("-s", SELECT_PPSE))[0]
        assert outcomes == ["approved", "declined", "approved"]
