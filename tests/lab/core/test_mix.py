"""The mix of a load: shares as written, and a clear word about anything else."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from backend.api import Entropy
from lab.errors import WrongUse
from lab.load.mix import Mix, read_mix
from tests.shows.laboratory import tap_lab


def written(folder: Path, text: str) -> Path:
    path = folder / "mix.toml"
    path.write_text(text)
    return path


def test_shares_are_drawn_as_written(tmp_path: Path) -> None:
    mix = read_mix(written(tmp_path, "visa = 70\nmastercard = 20\namex = 10\ndeclined = 25\n"))
    stream = Entropy(7).stream("mix")
    drawn = Counter(mix.network(stream) for _ in range(2_000))
    assert drawn["visa"] == pytest.approx(1_400, abs=80)
    assert drawn["amex"] == pytest.approx(200, abs=50)
    declined = sum(mix.amount_minor(1_230, stream) == 1_251 for _ in range(2_000))
    assert declined == pytest.approx(500, abs=80)


def test_without_networks_they_share_alike(tmp_path: Path) -> None:
    assert read_mix(written(tmp_path, "declined = 1.5\n")) == Mix(declined_percent=1.5)
    only = read_mix(written(tmp_path, "amex = 3\nvisa = 0\n"))
    assert only.shares == (("amex", 3.0),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("discover = 3", "there is no 'discover'"),
        ("visa = -1", "visa is a number from 0"),
        ("visa = true", "visa is a number from 0"),
        ("visa = nan", "visa is a number from 0"),
        ("declined = 101", "declined is a number from 0 to 100"),
        ("visa = 0", "at least one network"),
        ("visa =", "cannot be read as a mix"),
        ("#" * 70_000, "larger than"),
    ],
)
def test_what_is_no_mix_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WrongUse, match=said):
        read_mix(written(tmp_path, text))


def test_a_load_with_a_mix(tmp_path: Path) -> None:
    path = written(tmp_path, "visa = 1\nmastercard = 1\ndeclined = 40\n")
    ran = tap_lab(
        "load", "--rate", "40", "--seconds", "1", "--mix", str(path), "--profile", "instant",
        "--seed", "5", "--json", data_dir=tmp_path / "lab",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert set(document["networks"]) == {"visa", "mastercard"}
    assert sum(each["answered"] for each in document["networks"].values()) == 40
    assert document["declined"] > 5
    assert document["approved"] + document["declined"] == 40
