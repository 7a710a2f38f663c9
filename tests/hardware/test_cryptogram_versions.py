"""Every cryptogram version in a whole tap: the card makes it, a kernel takes it, the issuer checks.

Card and issuer share no code; they meet here, in the bytes of DE 55.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.networks import numbers
from backend.networks.card_versions import ORDINARY, TEST_NUMBER_OF_VERSION, version_of
from backend.networks.chip import keys
from backend.networks.chip.arqc import Verdict, check_cryptogram, cryptogram, read_covered_data
from backend.networks.chip.tlv import read_chip_data
from hardware.api import Network, RemoteRequest, explain
from hardware.card.credentials import CRYPTOGRAM_VERSIONS, CardKey
from hardware.card.signing import card_results, sign
from hardware.card.versions import VERSIONS
from hardware.emv.bitfields import CryptogramType

VERSIONS_BY_NAME = [
    pytest.param(network.value, number, id=f"{network}-{version.name}")
    for (network, number), version in VERSIONS.items()
]
ISSUER_KEYS = {"01": bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), "02": bytes(range(16))}
NUMBERS = {
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
}
NOT_COVERED_BY_VISA_17 = {"9F03", "9F1A", "95", "5F2A", "9A", "9C", "82"}


def card_keys(network: str) -> dict[str, object]:
    """What the network would deliver: both keys, derived by the issuer's own code."""
    return {
        name: {
            "mk": keys.master_key(ISSUER_KEYS[index], NUMBERS[network], "01").hex(),
            "dki": index,
        }
        for name, index in (("proximity", "01"), ("remote", "02"))
    }


def tapped(bench: Any, network: str, number: int) -> bytes:
    """DE 55 of one tap."""
    bench.element.remove("tok-visa")
    bench.install(network, sessionId="versions", cvn=f"{number:02X}", keys=card_keys(network))
    bench.arm(f"tok-{network}")
    result = bench.tap()
    assert result.outcome == "online_request", result.reason
    return result.emv_data


def verdict(network: str, objects: dict[str, bytes], issuer_keys: Any = ISSUER_KEYS) -> Verdict:
    return check_cryptogram(read_covered_data(objects), issuer_keys, NUMBERS[network], "01")


@pytest.mark.inv(67, 68, 74)
@pytest.mark.parametrize(("network", "number"), VERSIONS_BY_NAME)
def test_a_whole_tap_is_valid_at_the_issuer(bench: Any, network: str, number: int) -> None:
    objects = read_chip_data(tapped(bench, network, number))
    assert verdict(network, objects) is Verdict.VALID
    name = VERSIONS[Network(network), number].name
    words = explain(0x9F10, objects["9F10"])
    assert f"cryptogram version {name}" in words
    assert "key index 01" in words
    assert any("by the phone itself" in word for word in words)


@pytest.mark.inv(67, 74)
@pytest.mark.parametrize(("network", "number"), VERSIONS_BY_NAME)
def test_nothing_that_is_covered_can_be_changed(bench: Any, network: str, number: int) -> None:
    objects = read_chip_data(tapped(bench, network, number))
    wrong_key = {"01": ISSUER_KEYS["02"], "02": ISSUER_KEYS["01"]}
    assert verdict(network, objects, wrong_key) is Verdict.INVALID
    assert verdict(network, objects, {}) is Verdict.UNKNOWN_KEY
    covered = {"9F02", "9F37", "9F36", "9F03", "9F1A", "95", "5F2A", "9A", "9C", "82", "9F26"}
    if (network, number) == ("visa", 0x11):
        covered -= NOT_COVERED_BY_VISA_17
    for tag in sorted(covered):
        # the last digit of a number stays a digit
        changed = objects[tag][:-1] + bytes([objects[tag][-1] ^ 1])
        assert verdict(network, {**objects, tag: changed}) is Verdict.INVALID, tag


@pytest.mark.parametrize(("network", "number"), VERSIONS_BY_NAME)
def test_the_results_in_the_issuer_data_are_covered(bench: Any, network: str, number: int) -> None:
    objects = read_chip_data(tapped(bench, network, number))
    issuer_data = bytearray(objects["9F10"])
    issuer_data[2 if network == "mastercard" else 4] ^= 0x04
    changed = {**objects, "9F10": bytes(issuer_data)}
    assert verdict(network, changed) is Verdict.INVALID


@pytest.mark.parametrize(("number", "is_covered"), [(0x10, 0), (0x11, 1), (0x14, 0), (0x15, 1)])
def test_only_mastercards_odd_versions_cover_the_counters(
    bench: Any, number: int, is_covered: int
) -> None:
    objects = read_chip_data(tapped(bench, "mastercard", number))
    assert len(objects["9F10"]) == 18
    assert verdict("mastercard", objects) is Verdict.VALID
    spoiled = objects["9F10"][:-1] + b"\xff"
    wanted = Verdict.INVALID if is_covered else Verdict.VALID
    assert verdict("mastercard", {**objects, "9F10": spoiled}) is wanted
    short = verdict("mastercard", {**objects, "9F10": objects["9F10"][:17]})
    assert short is (Verdict.UNKNOWN_VERSION if is_covered else Verdict.VALID)


def test_the_layouts_of_the_issuer_data() -> None:
    shapes = {
        (network.value, number): version.issuer_data(
            number, 1, b"\xcc" * results, b"\xdd" * 8
        ).hex()
        for (network, number), version in VERSIONS.items()
        for results in ([6] if network is Network.MASTERCARD else [4])
    }
    assert shapes["visa", 0x0A] == "06010acccccccc"
    assert shapes["visa", 0x11] == "060111cccccccc"
    assert shapes["visa", 0x12] == "060112cccccccc"
    assert shapes["visa", 0x22] == "1f2201cccccccc" + "00" * 25
    assert shapes["mastercard", 0x15] == "0115cccccccccccc" + "0000" + "dd" * 8
    assert shapes["amex", 0x01] == "060101cccccccc"


def test_the_credentials_and_the_table_know_the_same_versions() -> None:
    listed = {(network, number) for network in Network for number in CRYPTOGRAM_VERSIONS[network]}
    assert listed == set(VERSIONS)


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("kind", list(CryptogramType))
@pytest.mark.parametrize("network", list(Network))
def test_the_results_say_what_was_decided_and_who_was_recognised(
    network: Network, kind: CryptogramType, *, verified: bool
) -> None:
    number = min(CRYPTOGRAM_VERSIONS[network])
    values = dict.fromkeys((0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x82), b"\0")
    values[0x9F37] = bytes(4)
    signed = sign(network, CardKey(bytes(16), 1), number, 1, values, kind, verified=verified)
    words = explain(0x9F10, signed[0x9F10])
    assert f"first cryptogram {kind.value}" in words
    said = any("offline PIN verification performed" in word for word in words)
    assert said is verified
    assert card_results(network, kind, verified=verified) in signed[0x9F10]


@pytest.mark.parametrize(("network", "number"), VERSIONS_BY_NAME)
def test_an_in_app_cryptogram_is_made_with_the_remote_key(
    bench: Any, network: str, number: int
) -> None:
    bench.element.remove("tok-visa")
    token_ref = bench.install(
        network, sessionId="versions", cvn=f"{number:02X}", keys=card_keys(network)
    )
    bench.arm(token_ref)
    request = RemoteRequest(1240, 840, 840, "261120", b"\x01\x02\x03\x04")
    made = bench.element.sign_remote(token_ref, request)
    chip = read_covered_data(read_chip_data(made.emv_data))
    assert chip.key_index == "02"
    assert check_cryptogram(chip, ISSUER_KEYS, NUMBERS[network], "01") is Verdict.VALID
    swapped = {"02": ISSUER_KEYS["01"]}
    assert check_cryptogram(chip, swapped, NUMBERS[network], "01") is Verdict.INVALID
    bench.arm(token_ref)
    assert bench.tap().atc == made.atc + 1


def test_each_version_has_a_published_test_card() -> None:
    reached = {
        (network, int(version_of(network, numbers.test_card(number).product), 16))
        for (network, _), number in TEST_NUMBER_OF_VERSION.items()
    }
    assert reached == {(network.value, number) for network, number in VERSIONS}
    for (network, name), number in TEST_NUMBER_OF_VERSION.items():
        assert numbers.is_luhn_valid(number)
        assert numbers.network_of(number) == network
        version = int(version_of(network, numbers.test_card(number).product), 16)
        assert VERSIONS[Network(network), version].name == name
    assert {network: version_of(network, "Standard") for network in ORDINARY} == ORDINARY


@settings(max_examples=40)
@given(
    which=st.sampled_from(sorted(VERSIONS)),
    atc=st.integers(1, 65_535),
    amount=st.integers(0, 10**12 - 1),
    number=st.binary(min_size=4, max_size=4),
    counters=st.binary(min_size=8, max_size=8),
    master=st.binary(min_size=16, max_size=16),
)
def test_card_and_issuer_agree_on_any_data(
    which: tuple[Network, int],
    atc: int,
    amount: int,
    number: bytes,
    counters: bytes,
    master: bytes,
) -> None:
    values = {
        0x9F02: bytes.fromhex(f"{amount:012d}"), 0x9F03: bytes(6), 0x9F1A: b"\x08\x40",
        0x95: bytes(5), 0x5F2A: b"\x08\x40", 0x9A: b"\x26\x11\x20", 0x9C: b"\0", 0x9F37: number,
        0x82: b"\x10\0",
    }  # fmt: skip
    made = sign(
        which[0], CardKey(master, 1), which[1], atc, values, CryptogramType.ARQC, counters=counters
    )
    objects = {f"{tag:02X}": value for tag, value in {**values, **made}.items()}
    assert cryptogram(read_covered_data(objects), master) == made[0x9F26]
