"""The issuer's chip arithmetic against published vectors and an implementation that is not ours."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.networks.chip import keys
from backend.networks.chip.arqc import (
    MINIMUM_DATA,
    Verdict,
    check_cryptogram,
    cryptogram,
    read_covered_data,
)
from backend.networks.chip.tlv import read_chip_data
from backend.runtime.errors import MessageError
from tests.backend.networks.bench import oracle_cvn_18

VECTORS = json.loads(Path("tests/data/vectors-sample.json").read_text())["vectors"]
ISSUER_DATA = {  # where a vector gives the card verification results only
    "visa_cvn10": "06010A{cvr}",
    "mastercard_cvn10hex": "0110{cvr}",
    "mastercard_cvn14hex": "0114{cvr}",
    "mastercard_cvn15hex": "0115{cvr}0000{counters}",
}


def of(*names: str) -> list[object]:
    found = [vector for vector in VECTORS if vector["algorithm"] in names]
    assert found
    return [pytest.param(v["inputs"], v["expected"], id=v["id"]) for v in found]


def without_parity(key: str) -> bytes:
    return bytes(byte & 0xFE for byte in bytes.fromhex(key))


@pytest.mark.parametrize(("given_", "expected"), of("icc_mk_option_a"))
def test_master_key_option_a(given_: dict, expected: dict) -> None:
    made = keys.master_key_option_a(bytes.fromhex(given_["imk"]), given_["pan"], given_["psn"])
    assert made.hex().upper() == expected["mk"]


@pytest.mark.parametrize(("given_", "expected"), of("icc_mk_option_b"))
def test_master_key_option_b(given_: dict, expected: dict) -> None:
    made = keys.master_key(bytes.fromhex(given_["imk"]), given_["pan"], given_["psn"])
    assert made.hex().upper() == expected["mk"]


@pytest.mark.parametrize(("given_", "expected"), of("sk_emv_common"))
def test_common_session_key(given_: dict, expected: dict) -> None:
    made = keys.common_session_key(bytes.fromhex(given_["mk"]), bytes.fromhex(given_["atc"]))
    assert without_parity(made.hex()) == without_parity(expected["sk"])


@pytest.mark.parametrize(("given_", "expected"), of("sk_mastercard_skd"))
def test_mastercard_session_key(given_: dict, expected: dict) -> None:
    made = keys.mastercard_session_key(*(bytes.fromhex(given_[n]) for n in ("mk", "atc", "un")))
    assert without_parity(made.hex()) == without_parity(expected["sk"])


@pytest.mark.parametrize(("given_", "expected"), of("mac_iso9797_alg3"))
def test_mac(given_: dict, expected: dict) -> None:
    key = bytes.fromhex(given_["k1"] + given_["k2"])
    made = keys.mac(key, bytes.fromhex(given_["data"]), bit_padding=given_["padding"] == 2)
    assert made.hex().upper() == expected["mac"]


@pytest.mark.parametrize(
    ("given_", "expected"),
    of(
        "visa_cvn10",
        "visa_cvn17_derived",
        "visa_cvn18",
        "mastercard_cvn10hex",
        "mastercard_cvn14hex",
        "mastercard_cvn15hex",
        "amex_cvn01_derived",
    ),
)
@pytest.mark.inv(74)
def test_cryptogram_of_each_version(
    given_: dict, expected: dict, request: pytest.FixtureRequest
) -> None:
    tags = {n.removeprefix("tag_"): v for n, v in given_.items() if n.startswith("tag_")}
    name = request.node.callspec.id.rsplit("-", 1)[0]
    for tag, length in MINIMUM_DATA.items():
        tags.setdefault(tag, "00" * length)  # what a short version does not cover
    tags.setdefault("9F10", ISSUER_DATA.get(name, "").format(**given_))
    tags["9F26"] = expected["arqc"]
    chip = read_covered_data({tag: bytes.fromhex(value) for tag, value in tags.items()})
    issuer = bytes.fromhex(given_["imk"])
    own = {chip.key_index: issuer}
    assert check_cryptogram(chip, own, given_["pan"], given_["psn"]) is Verdict.VALID
    other = {chip.key_index: bytes([issuer[0] ^ 0x10]) + issuer[1:]}
    assert check_cryptogram(chip, other, given_["pan"], given_["psn"]) is Verdict.INVALID
    assert check_cryptogram(chip, {}, given_["pan"], given_["psn"]) is Verdict.UNKNOWN_KEY


def covered(cryptogram_hex: str = "00" * 8, **changes: str) -> dict[str, bytes]:
    tags = {
        "9F02": "000000001240",
        "9F03": "000000000000",
        "9F1A": "0840",
        "95": "0000000000",
        "5F2A": "0840",
        "9A": "261120",
        "9C": "00",
        "9F37": "0BADF00D",
        "82": "2000",
        "9F36": "0042",
        "9F10": "06011203A00000",
        "9F26": cryptogram_hex,
    }
    return {tag: bytes.fromhex(value) for tag, value in {**tags, **changes}.items()}


@given(
    card_key=st.binary(min_size=16, max_size=16),
    atc=st.integers(0, 65_535),
    amount=st.integers(0, 10**12 - 1),
)
@settings(max_examples=30)
def test_cvn_18_agrees_with_an_implementation_that_is_not_ours(
    card_key: bytes, atc: int, amount: int
) -> None:
    tags = covered(**{"9F36": f"{atc:04X}", "9F02": f"{amount:012d}"})
    order = ("9F02", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "9F37", "82", "9F36", "9F10")
    data = b"".join(tags[tag] for tag in order)
    expected = oracle_cvn_18(card_key, atc, data)
    assert cryptogram(read_covered_data(tags), card_key) == expected


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"9F10": "06011403A00000"}, Verdict.UNKNOWN_VERSION),
        ({"9F10": ""}, Verdict.UNKNOWN_VERSION),
        ({"9F27": "40"}, Verdict.NOT_ARQC),
        ({"9F10": "06031203A00000"}, Verdict.UNKNOWN_KEY),
        ({"9F27": "80"}, Verdict.INVALID),
    ],
)
def test_what_cannot_be_checked_is_named(changes: dict, verdict: Verdict) -> None:
    chip = read_covered_data(covered(**changes))
    assert check_cryptogram(chip, {"01": bytes(16)}, "4242424242424242", "01") is verdict


@pytest.mark.parametrize(
    ("tag", "value"), [("9F36", "00"), ("9F26", "00"), ("9F02", "00000000124A"), ("5F2A", "0A40")]
)
def test_covered_data_is_measured(tag: str, value: str) -> None:
    with pytest.raises(MessageError, match=tag):
        read_covered_data(covered(**{tag: value}))


def test_missing_covered_data_is_named() -> None:
    tags = covered()
    del tags["9F37"]
    with pytest.raises(MessageError, match="9F37"):
        read_covered_data(tags)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("9F", "cut short"),
        ("9F36", "no length"),
        ("9F3602", "cut short"),
        ("9F36020001" + "9F36020001", "twice"),
        ("9F368300000100", "unusable length"),
        ("9F3680", "unusable length"),
        ("9F81818101", "too long"),
    ],
)
def test_broken_chip_data_is_refused_with_its_place(data: str, text: str) -> None:
    with pytest.raises(MessageError, match=text):
        read_chip_data(bytes.fromhex(data))


def test_long_lengths_and_padding_are_read() -> None:
    data = bytes.fromhex("00") + b"\x9f\x10\x81\x80" + bytes(128) + bytes.fromhex("0095020001")
    assert read_chip_data(data) == {"9F10": bytes(128), "95": b"\x00\x01"}


@given(st.binary(max_size=80))
@settings(max_examples=200)
def test_any_bytes_are_chip_data_or_a_message_error(data: bytes) -> None:
    try:
        objects = read_chip_data(data)
    except MessageError:
        return
    assert sum(len(value) for value in objects.values()) <= len(data)
