"""Card's and issuer's side of one vector document: each compared with what was published."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.api import check_vector
from backend.networks.chip.vectors import ALGORITHMS
from hardware.api import vectors
from lab.vector_sides import check_both

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "vectors-sample.json").read_text())
OF_ISSUER = [vector for vector in SAMPLE["vectors"] if vector["algorithm"] in ALGORITHMS]
FIELDS = sorted({name for vector in OF_ISSUER for name in vector["inputs"]})


def test_every_published_vector_passes_on_each_side_that_has_it() -> None:
    report = check_both(SAMPLE)
    assert report["passed"] == len(SAMPLE["vectors"])
    assert report["unsupported"] == []
    assert report["issuer_checked"] == len(OF_ISSUER) >= 16
    for result in report["results"]:
        assert ("issuer" in result["sides"]) == (result["algorithm"] in ALGORITHMS)


def test_the_issuer_has_every_cryptogram_version_and_both_answers() -> None:
    named = {name for name in vectors.SUPPORTED if "cvn" in name or name.startswith("arpc")}
    assert named <= ALGORITHMS.keys() <= vectors.SUPPORTED


@pytest.mark.parametrize("vector", OF_ISSUER, ids=[vector["id"] for vector in OF_ISSUER])
def test_the_issuer_notices_what_is_wrong_by_itself(vector: dict[str, Any]) -> None:
    name, inputs, expected = vector["algorithm"], vector["inputs"], vector["expected"]
    assert check_vector(name, inputs, expected) == ""
    seen = {"mk", "kcv", "sk", "mac", "arqc", "arpc"} & expected.keys()
    for field in seen:
        spoiled = ("F" if expected[field][4] != "F" else "0").join(
            (expected[field][:4], expected[field][5:])
        )
        assert field in str(check_vector(name, inputs, {**expected, field: spoiled}))


def test_a_vector_fails_where_one_side_alone_is_wrong() -> None:
    """The card's side produces more than the issuer's: a wrong digit there is the card's alone."""
    document = {"vectors": [deepcopy(OF_ISSUER[0])]}
    document["vectors"][0]["expected"]["mk"] = "00" * 16
    (result,) = check_both(document)["results"]
    assert result["result"] == "failed"
    assert "issuer: mk" in result["detail"]


@settings(max_examples=150)
@given(data=st.data())
def test_whatever_stands_in_a_vector_is_told_and_never_raised(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(OF_ISSUER))
    anything = st.one_of(st.none(), st.text(max_size=8), st.integers(), st.just("00"), st.just(""))
    changes = data.draw(st.dictionaries(st.sampled_from(FIELDS), anything, min_size=1, max_size=3))
    told = check_vector(vector["algorithm"], vector["inputs"] | changes, vector["expected"])
    assert isinstance(told, str)
    report = check_both({"vectors": [{**vector, "inputs": vector["inputs"] | changes}]})
    assert report["passed"] + report["failed"] == 1


@pytest.mark.parametrize(
    ("imk", "pan"),
    [
        ("000102030405060708090A0B0C0D0E0F", "4242424242424242"),
        ("000102030405060708090A0B0C0D0E0F1011121314151617", "4242424242424242424"),
        ("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", "378282246310005"),
    ],
)
def test_option_c_is_aes_of_the_number_and_of_its_inverse(imk: str, pan: str) -> None:
    """No vector is published: the expected key comes from the library's own cipher."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    key, block = bytes.fromhex(imk), bytes.fromhex((pan + "01").zfill(32))
    halves = [
        Cipher(AES(key), CBC(bytes(16))).encryptor().update(each)
        for each in (block, bytes(byte ^ 0xFF for byte in block))
    ]
    expected = b"".join(halves)[: len(key)].hex()
    vector = {
        "id": "c", "algorithm": "icc_mk_option_c",
        "inputs": {"imk": imk, "pan": pan, "psn": "01"}, "expected": {"mk": expected},
    }  # fmt: skip
    (result,) = check_both({"vectors": [vector]})["results"]
    assert (result["result"], result["sides"]) == ("passed", ["card", "issuer"])
    last = f"{int(expected[-1], 16) ^ 1:x}"  # no parity: the last bit counts, too
    vector["expected"] = {"mk": expected[:-1] + last}
    (result,) = check_both({"vectors": [vector]})["results"]
    assert result["detail"].count("mk: expected") == 2


def test_an_issuer_has_no_part_in_what_only_a_till_computes() -> None:
    assert check_vector("oda_icc_cert", {}, {"pan": "1"}) is None
    assert check_vector("sk_emv_common", {"mk": "00" * 16, "atc": "0001"}, {"x": "1"}) != ""
