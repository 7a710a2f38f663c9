"""Every cryptogram version as a stranger's script taps it: card, kernel, engine, network."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from backend.api import TEST_NUMBER_OF_VERSION
from tests.shows.laboratory import tap_lab


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("versions")


@pytest.mark.inv(74)
@pytest.mark.parametrize(("network", "version"), sorted(TEST_NUMBER_OF_VERSION))
def test_a_tap_with_each_version_is_approved(network: str, version: str, folder: Path) -> None:
    """Over 0.25 s: an engine starts, and a card is added."""
    ran = tap_lab(
        "tap", "--amount", "12.40", "--card", network, "--cryptogram", version,
        "--profile", "instant", "--json", data_dir=folder,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    document = orjson.loads(ran.stdout)
    assert (document["outcome"], document["response_code"]) == ("approved", "00")


def test_a_version_of_another_network_is_wrong_use(folder: Path) -> None:
    """Over 0.25 s: an engine starts."""
    ran = tap_lab("tap", "--amount", "1", "--card", "amex", "--cryptogram", "17", data_dir=folder)
    assert ran.returncode == 2
    assert "amex cards speak cryptogram version 01, not 17" in ran.stderr


@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_the_express_card_pays_at_a_gate_and_is_limited_there(network: str, folder: Path) -> None:
    """Over 0.25 s: an engine starts, and the card signs."""
    version = {"visa": "18", "mastercard": "10", "amex": "01"}[network]
    arguments = ["tap", "--card", network, "--cryptogram", version, "--transit", "--json"]
    arguments += ["--profile", "instant", "--amount"]
    ran = tap_lab(*arguments, "2.90", data_dir=folder)
    assert ran.returncode == 0, ran.stderr
    assert orjson.loads(ran.stdout)["outcome"] == "approved"
    ran = tap_lab(*arguments, "72.40", data_dir=folder)
    assert ran.returncode == 1
    assert orjson.loads(ran.stdout)["outcome"] != "approved"
