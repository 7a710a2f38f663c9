"""Approved by card and till alone, from the command line, and booked at the network afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from tests.shows.laboratory import tap_lab

TERMINALS = Path(__file__).resolve().parents[2] / "assets" / "terminals"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("offline")


def tapped(folder: Path, amount: str, network: str, terminal: str) -> dict[str, object]:
    ran = tap_lab(
        "tap", "--amount", amount, "--card", network, "--pocket", "--profile", "instant",
        "--terminal", str(TERMINALS / terminal), "--json", data_dir=folder,
    )  # fmt: skip
    assert ran.returncode in {0, 1}, ran.stderr
    document: dict[str, object] = orjson.loads(ran.stdout)
    return document


@pytest.mark.parametrize(("network", "kernel"), [("visa", 3), ("mastercard", 2), ("amex", 4)])
def test_a_small_payment_needs_no_bank_and_is_booked_all_the_same(
    network: str, kernel: int, folder: Path
) -> None:
    """Over 0.25 s: an engine that starts, three times."""
    small = tapped(folder, "12.40", network, "offline.toml")
    assert (small["outcome"], small["offline"], small["cryptogram"]) == ("approved", True, "TC")
    assert (small["kernel"], small["response_code"]) == (kernel, "00")
    with closing(sqlite3.connect(folder / "networks.db")) as networks:
        row = networks.execute(
            "SELECT response_code, cryptogram_valid FROM host_authorizations"
            " WHERE network = ? AND amount_minor = 1240",
            (network,),
        ).fetchall()
    assert row == [("00", 1)]


def test_above_the_floor_limit_the_bank_is_asked(folder: Path) -> None:
    """Over 0.25 s: an engine that starts."""
    large = tapped(folder, "26.40", "visa", "offline.toml")
    assert (large["outcome"], large["offline"], large["cryptogram"]) == ("approved", False, "ARQC")


def test_without_a_line_what_cannot_be_approved_is_declined(folder: Path) -> None:
    """Over 0.25 s: an engine that starts."""
    strange = tapped(folder, "25.01", "amex", "offline-only.toml")
    assert (strange["outcome"], strange["reason"]) == ("other_card", "over_reader_limit")
