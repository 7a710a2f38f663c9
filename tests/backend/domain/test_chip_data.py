"""The flat walk over a till's chip data: what it finds, and what it refuses."""

from __future__ import annotations

import pytest

from backend.domain.chip_data import read_chip_data
from backend.runtime.errors import BadRequest


@pytest.mark.parametrize(
    ("data", "objects"),
    [
        ("", {}),
        ("9f36020001", {0x9F36: b"\x00\x01"}),
        ("00009f3602000100", {0x9F36: b"\x00\x01"}),
        ("5f8101" + "01" + "aa", {0x5F8101: b"\xaa"}),
        ("9f10810107", {0x9F10: b"\x07"}),
        ("77039f3600", {0x77: bytes.fromhex("9f3600")}),
        ("5000", {0x50: b""}),
    ],
)
def test_chip_data_is_a_flat_list_of_objects(data, objects):
    assert read_chip_data(bytes.fromhex(data)) == objects


@pytest.mark.parametrize(
    "data",
    ["9f", "9f36", "9f3602", "9f360200", "5080", "50820001aa", "5081", "9f8181810100", "50005000"],
)
def test_chip_data_that_is_broken_is_refused(data):
    with pytest.raises(BadRequest) as refused:
        read_chip_data(bytes.fromhex(data))
    assert refused.value.code == "emv_data_malformed"
