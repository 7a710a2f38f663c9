"""Whole taps in mag-stripe mode as a stranger's script sees them, emulated and over pcscd.

Each test starts an engine and other processes, so none is fast.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.api import verify
from tests.pcsc_stack import PcscStack
from tests.shows.laboratory import tap_lab
from tests.shows.outsiders import Published


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stripe")


@pytest.mark.parametrize(("network", "kernel"), [("mastercard", 2), ("amex", 4)])
def test_a_card_of_the_stripe_age_is_approved(network: str, kernel: int, folder: Path) -> None:
    ran = tap_lab(
        "tap", "--amount", "72.40", "--card", network, "--mag-stripe", "--profile", "instant",
        "--json", data_dir=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["outcome"], document["response_code"]) == ("approved", "00")
    assert (document["kernel"], document["mode"], document["apdu_count"]) == (
        kernel, "mag_stripe", 5,
    )  # fmt: skip
    assert document["atc"] > 0


def test_the_same_cards_pay_by_chip_afterwards(folder: Path) -> None:
    ran = tap_lab(
        "tap", "--amount", "3.00", "--card", "mastercard", "--profile", "instant", "--json",
        data_dir=folder,
    )  # fmt: skip
    document = json.loads(ran.stdout)
    assert (document["outcome"], document["mode"]) == ("approved", "emv")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--card", "visa"), "Visa has no mag-stripe mode"),
        (("--card", "mastercard", "--reader", "pcsc:any"), "at a real reader the card decides"),
    ],
)
def test_where_the_mode_is_none_it_says_so(
    arguments: tuple[str, ...], said: str, folder: Path
) -> None:
    ran = tap_lab("tap", "--amount", "1.00", "--mag-stripe", *arguments, data_dir=folder)
    assert ran.returncode == 2
    assert said in ran.stderr


def at_the_till(stack: PcscStack, folder: Path) -> dict[str, object]:
    """What our till prints, standing at the real reader in the same data folder."""
    done = tap_lab(
        "tap", "--amount", "60.00", "--reader", f"pcsc:{stack.reader_name()}", "--wait", "20",
        "--json", data_dir=folder,
    )  # fmt: skip
    assert done.stdout, done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    return document


def test_a_double_tap_over_the_real_stack(pcsc_stack: PcscStack, tmp_path: Path) -> None:
    options = ("--network", "mastercard", "--mag-stripe")
    with Published(pcsc_stack, tmp_path, *options, "--arm", "never") as card:
        card.in_reader()
        first = at_the_till(pcsc_stack, tmp_path)
        assert (first["outcome"], first["reason"]) == ("try_again", "see_phone")
        assert card.heard("tap", "refused")["event"] == "refused"
        assert card.end() == 0
    with Published(pcsc_stack, tmp_path, *options, "--arm", "once") as card:
        card.in_reader()
        second = at_the_till(pcsc_stack, tmp_path)
        assert (second["outcome"], second["mode"], second["atc"]) == ("approved", "mag_stripe", 1)
        assert card.heard("tap", "refused") == {"event": "tap", "atc": 1, "armed_again": False}
    report = verify(tmp_path)
    assert report["ok"], report
