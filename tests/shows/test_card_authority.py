"""Who vouches for the laboratory's cards, as other people's programs hear it, and what a till does.

Every test here is over 0.25 s: commands in processes of their own start and share an engine.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
import pytest

from hardware.api import read_authorities
from tests.shows.laboratory import tap_lab

RIDS = {"visa": "A000000003", "mastercard": "A000000004", "amex": "A000000025"}
TAP = ("tap", "--amount", "12.40", "--card", "mastercard", "--profile", "instant", "--json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority")


def told(folder: Path) -> list[dict[str, str]]:
    ran = tap_lab("card", "ca", "--json", data_dir=folder)
    assert ran.returncode == 0, ran.stderr
    return orjson.loads(ran.stdout)["authorities"]


def test_the_public_keys_are_told_and_stay_the_same(folder: Path) -> None:
    keys = told(folder)
    assert {key["network"]: key["rid"] for key in keys} == RIDS
    assert len({key["modulus"] for key in keys}) == len(RIDS)
    for key in keys:
        assert (key["index"], key["exponent"], len(key["modulus"])) == ("F1", "03", 352)
        named = bytes.fromhex(key["rid"] + key["index"] + key["modulus"] + key["exponent"])
        assert key["sha1"] == hashlib.sha1(named, usedforsecurity=False).hexdigest().upper()
    assert told(folder) == keys
    for_tills = tap_lab("card", "ca", "--toml", data_dir=folder)
    read = read_authorities(for_tills.stdout)
    assert [key.modulus.hex().upper() for key in read.keys] == [key["modulus"] for key in keys]
    for_people = tap_lab("card", "ca", data_dir=folder)
    assert all(key["sha1"] in for_people.stdout for key in keys)


@pytest.mark.parametrize("network", ["mastercard", "amex"])
def test_a_new_card_signs_its_first_tap(folder: Path, network: str) -> None:
    ran = tap_lab(*TAP[:4], network, *TAP[5:], data_dir=folder)
    assert ran.returncode == 0, ran.stderr
    document = orjson.loads(ran.stdout)
    trace = (folder / "traces" / f"{document['tap_id']}.apdu").read_text()
    assert " C 80AE9000" in trace
    assert "9F4B8180" in trace


def test_a_till_follows_its_folders_own_store(folder: Path) -> None:
    store = folder / "authorities.toml"
    store.write_text('[[revoked]]\nrid = "A000000004"\nindex = "F1"\nserial = "000001"\n')
    try:
        ran = tap_lab(*TAP, data_dir=folder)
        document = orjson.loads(ran.stdout)
        assert ran.returncode == 1
        assert (document["outcome"], document["reason"]) == (
            "declined", "unauthentic_issuer_revoked",
        )  # fmt: skip
        assert document["transaction_id"] is None
        for bad in ("key = 3", '[[key]]\nrid = "A0"', "\x00", "[" * 9000):
            store.write_text(bad)
            ran = tap_lab(*TAP, data_dir=folder)
            assert ran.returncode == 3, bad[:20]
            assert "authorities.toml" in ran.stderr
            assert "Traceback" not in ran.stderr
    finally:
        store.unlink()
    assert tap_lab(*TAP, data_dir=folder).returncode == 0
