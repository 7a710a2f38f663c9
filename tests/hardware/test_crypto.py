"""The card's arithmetic against published vectors and against an independent implementation."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardware.crypto import blocks, cryptogram, keys, vectors
from hardware.runtime.errors import VectorFormatError

SAMPLE = Path(__file__).parents[1] / "data" / "vectors-sample.json"
LENGTHS = {
    0x9F02: 6, 0x9F03: 6, 0x9F1A: 2, 0x95: 5, 0x5F2A: 2, 0x9A: 3, 0x9C: 1, 0x9F37: 4, 0x82: 2,
    0x9F36: 2,
}  # fmt: skip


@pytest.fixture
def sample() -> dict[str, Any]:
    return json.loads(SAMPLE.read_text())


def test_every_published_vector_passes(sample: dict[str, Any]) -> None:
    report = vectors.check(sample)
    wrong = [result for result in report["results"] if result["result"] != "passed"]
    assert wrong == []
    assert report["passed"] == len(sample["vectors"])
    assert report["unsupported"] == []


def test_every_algorithm_the_format_names_is_supported(sample: dict[str, Any]) -> None:
    named = set(sample["other_algorithms_and_their_fields"])
    assert named <= vectors.SUPPORTED


def test_a_spoiled_vector_fails(sample: dict[str, Any]) -> None:
    for position, vector in enumerate(sample["vectors"]):
        name, value = next(iter(vector["expected"].items()))
        spoiled = deepcopy(vector)
        # The fifth digit: never a key's parity bit alone.
        at = min(4, len(value) - 1)
        spoiled["expected"][name] = (
            value[:at] + ("1" if value[at] != "1" else "2") + value[at + 1 :]
        )
        if name in {"mk", "sk"}:
            spoiled["expected"][name] = "00" * 16
        report = vectors.check({"vectors": [spoiled]})
        assert report["failed"] == 1, (position, vector["id"])


def test_what_is_not_there_is_unsupported_and_never_passes() -> None:
    strange = {"id": "x", "algorithm": "rot13", "inputs": {}, "expected": {"a": "b"}}
    report = vectors.check({"vectors": [strange]})
    assert (report["passed"], report["failed"], report["unsupported"]) == (0, 0, ["x"])


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"vectors": {}},
        {"vectors": [1]},
        {"vectors": [{"id": "a"}]},
        {"vectors": [{"id": "a", "algorithm": "cvv", "inputs": {}, "expected": {}}]},
    ],
)
def test_another_shape_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(VectorFormatError):
        vectors.check(document)


@pytest.mark.parametrize("algorithm", sorted(vectors.SUPPORTED))
def test_unusable_inputs_fail_and_do_not_break_the_check(algorithm: str) -> None:
    for inputs in ({}, {"imk": "zz", "mk": "00", "k1": "", "key": "11"}):
        vector = {"id": "a", "algorithm": algorithm, "inputs": inputs, "expected": {"x": "1"}}
        assert vectors.check({"vectors": [vector]})["failed"] == 1


def terminal_and_card_values(data: bytes) -> dict[int, bytes]:
    values, at = {}, 0
    for tag, length in LENGTHS.items():
        values[tag], at = data[at : at + length], at + length
    return values


@settings(max_examples=40, deadline=None)
@given(issuer_key=st.binary(min_size=16, max_size=16), data=st.binary(min_size=33, max_size=33))
def test_cvn_10_equals_the_oracle(oracle: Any, issuer_key: bytes, data: bytes) -> None:
    values = terminal_and_card_values(data)
    results = bytes.fromhex("03A00000")
    key = keys.icc_master_key_a(issuer_key, "4242424242424242", "01")
    assert key == oracle.card_key(issuer_key, "4242424242424242", "01")
    expected = oracle.cryptogram(key, data + results, visa_padding=True)
    assert cryptogram.visa_cvn10(key, values, results) == expected


@settings(max_examples=40, deadline=None)
@given(card_key=st.binary(min_size=16, max_size=16), data=st.binary(min_size=33, max_size=33))
def test_cvn_18_equals_the_oracle(oracle: Any, card_key: bytes, data: bytes) -> None:
    values = terminal_and_card_values(data)
    values[0x9F10] = bytes.fromhex("06011203A00000")
    session = oracle.common_session(card_key, values[0x9F36])
    expected = oracle.cryptogram(session, data + values[0x9F10], visa_padding=False)
    assert cryptogram.visa_cvn18(card_key, values) == expected


@pytest.mark.inv(66)
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 32 * 8 - 1))
def test_any_changed_bit_changes_the_cryptogram(bit: int) -> None:
    data = bytes(range(33))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    key = bytes(range(16))
    issuer_data = {0x9F10: bytes.fromhex("06011203A00000")}
    first = cryptogram.visa_cvn18(key, terminal_and_card_values(data) | issuer_data)
    second = cryptogram.visa_cvn18(key, terminal_and_card_values(bytes(changed)) | issuer_data)
    assert first != second


def test_padding_methods_differ_where_data_fill_a_block() -> None:
    assert blocks.pad_zeros(bytes(8)) == bytes(8)
    assert blocks.pad_marked(bytes(8)) == bytes(8) + b"\x80" + bytes(7)
    with pytest.raises(ValueError, match="padding"):
        blocks.retail_mac(bytes(16), b"", 3)


def test_key_parity_is_odd() -> None:
    assert all(byte.bit_count() % 2 for byte in blocks.odd_parity(bytes(range(256))))
