"""What a strict terminal checks of a card: everything published, for every personality and version.

The whole conversation is played with bare commands, as somebody else's terminal would play it, and
everything that came back is measured. The records are those that the network's own issuer makes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.networks.chip.certificates import PROFILE, SIGNED_RECORDS, Chain, card_records
from backend.networks.chip.rsa import RsaKey
from hardware.api import Network, Tlv, describe_tag, parse_tlv
from hardware.card.personality import PERSONALITIES
from hardware.card.versions import VERSIONS
from hardware.emv.dol import build_dol, parse_dol
from hardware.emv.lengths import LENGTHS
from tests.offline_issuer import AUTHORITY, CARD, ISSUER, NUMBERS

PPSE = bytes.fromhex("00A404000E") + b"2PAY.SYS.DDF01" + b"\0"
TERMINAL = {
    0x9F66: bytes.fromhex("33004000"), 0x9F02: bytes(5) + b"\x12", 0x9F03: bytes(6),
    0x9F1A: b"\x08\x40", 0x95: bytes(5), 0x5F2A: b"\x08\x40", 0x9A: b"\x26\x11\x20", 0x9C: b"\0",
    0x9F37: b"\1\2\3\4", 0x9F35: b"\x22", 0x9F34: b"\x01\x00\x02", 0x9F6E: bytes(4),
}  # fmt: skip
TEMPLATES = {0x6F, 0xA5, 0xBF0C, 0x61, 0x70, 0x77}
MANDATORY = {
    "visa": {0x82, 0x57, 0x9F10, 0x9F26, 0x9F36, 0x9F6C},
    "mastercard": {0x82, 0x94, 0x57, 0x5A, 0x5F24, 0x8C, 0x8E},
    "amex": {0x82, 0x94, 0x57, 0x5A, 0x5F24, 0x8C, 0x9F71},
}
EVERY = [
    pytest.param(network.value, number, offline, id=f"{network}-{version.name}-{name}")
    for (network, number), version in VERSIONS.items()
    for offline, name in ((True, "signs"), (False, "plain"))
]


def issued(network: str) -> dict[str, object]:
    """What the network's own issuer puts into a device."""
    authority, issuer, own = (RsaKey((key.p, key.q)) for key in (AUTHORITY, ISSUER, CARD))
    chain = Chain(network, authority, issuer, NUMBERS[network][:6])
    records = card_records(chain, own, NUMBERS[network], "2912", "01", b"\0\0\1")
    return {
        "profile": PROFILE[network],
        "records": [record.hex() for record in records],
        "signedRecords": SIGNED_RECORDS,
        "key": {"p": f"{CARD.p:X}", "q": f"{CARD.q:X}"},
    }


class Reading:
    """One conversation; every answer whole."""

    def __init__(self, bench: Any, network: str, number: int, *, offline: bool, **options: Any):
        bench.element.remove("tok-visa")
        more = {"offline": issued(network)} if offline else {}
        token = bench.install(network, sessionId="strict", cvn=f"{number:02X}", **more)
        bench.arm(token)
        self.card = bench.element.card(**options)
        self.network = network
        self.answers: list[Tlv] = []

    def ask(self, command: bytes) -> Tlv:
        answer = self.card.transmit(command)
        assert answer[-2:].hex() == "9000", (command.hex(), answer.hex())
        assert len(answer) - 2 <= 256
        (template,) = parse_tlv(answer[:-2])
        assert template.tag in {0x6F, 0x70, 0x77}
        self.answers.append(template)
        return template

    def run(self) -> dict[int, bytes]:
        """The whole payment; every data object of GPO's answer, the records and GENERATE AC."""
        (entry,) = [node for node in self.ask(PPSE).walk() if node.tag == 0x61]
        aid = entry.find(0x4F)
        assert aid is not None
        name = aid.value
        chosen = self.ask(bytes([0, 0xA4, 4, 0, len(name)]) + name + b"\0")
        assert next(node for node in chosen.walk() if node.tag == 0x84).value == name
        listed = [node.value for node in chosen.walk() if node.tag == 0x9F38]
        data = build_dol(parse_dol(listed[0]), TERMINAL) if listed else b""
        data = bytes([0x83, len(data)]) + data
        options = self.ask(bytes.fromhex("80A80000") + bytes([len(data)]) + data + b"\0")
        objects: Counter[int] = Counter()
        values: dict[int, bytes] = {}

        def take(template: Tlv) -> None:
            objects.update(node.tag for node in template.children)
            values.update({node.tag: node.value for node in template.children})

        take(options)
        self.records = []
        locator = values.get(0x94, b"")
        assert len(locator) % 4 == 0
        for at in range(0, len(locator), 4):
            file, first, last, signed = locator[at : at + 4]
            assert file & 7 == 0
            assert 1 <= file >> 3 <= 30
            assert 1 <= first <= last
            assert signed <= last - first + 1
            for number in range(first, last + 1):
                record = self.ask(bytes([0, 0xB2, number, file | 4, 0]))
                assert record.tag == 0x70
                self.records.append((record, number - first < signed))
                take(record)
            beyond = self.card.transmit(bytes([0, 0xB2, last + 1, file | 4, 0]))
            assert beyond.hex() == "6a83"
        if 0x8C in values:
            wanted = build_dol(parse_dol(values[0x8C]), TERMINAL)
            control = 0x90 if values[0x82][0] & 1 else 0x80
            command = bytes([0x80, 0xAE, control, 0, len(wanted)]) + wanted + b"\0"
            take(self.ask(command))
        assert {tag for tag, count in objects.items() if count > 1} == set()
        return values


@pytest.mark.parametrize("with_records", [False, True])
@pytest.mark.parametrize(("network", "number", "offline"), EVERY)
def test_no_object_twice_none_unknown_each_in_its_length(
    bench: Any, network: str, number: int, *, offline: bool, with_records: bool
) -> None:
    reading = Reading(bench, network, number, offline=offline, with_records=with_records)
    values = reading.run()
    assert MANDATORY[network] <= values.keys()
    for template in reading.answers:
        for node in template.walk():
            assert node.constructed == (node.tag in TEMPLATES), hex(node.tag)
            assert not describe_tag(node.tag).name.startswith("Unknown"), hex(node.tag)
            if not node.constructed:
                assert len(node.value) in LENGTHS[node.tag], (hex(node.tag), node.value.hex())
            tags = [child.tag for child in node.children if child.tag != 0x61]
            assert len(set(tags)) == len(tags), hex(node.tag)


@pytest.mark.parametrize(("network", "number", "offline"), EVERY)
def test_profile_locator_and_signed_records_tell_one_story(
    bench: Any, network: str, number: int, *, offline: bool
) -> None:
    reading = Reading(bench, network, number, offline=offline)
    values = reading.run()
    signed = [record for record, is_signed in reading.records if is_signed]
    signs = values[0x82][0] & (0x20 | 0x01 | 0x40)
    assert bool(signs) is offline
    assert bool(signed) is offline
    assert (0x9F4B in values) is offline
    certificates = {0x8F, 0x90, 0x9F32, 0x9F46, 0x9F47, 0x9F4A}
    assert (certificates <= values.keys()) is offline
    if not offline:
        assert not certificates & values.keys()
        return
    # the only object that may be signed beside the records is the profile (Book 3, 10.3)
    assert values[0x9F4A] == b"\x82"
    assert len(signed) == SIGNED_RECORDS
    covered = {node.tag for record in signed for node in record.children}
    assert {0x5A, 0x5F24, 0x9F07} <= covered
    # the card's certificate does not cover itself, nor what changes from tap to tap
    assert not covered & {0x9F46, 0x9F69, 0x9F71}
    assert values[0x57].hex().upper().startswith(NUMBERS[network])
    assert values[0x5A].hex().upper().rstrip("F") == NUMBERS[network]


@pytest.mark.parametrize("network", list(Network))
def test_a_list_asks_for_what_its_cryptogram_covers(network: Network) -> None:
    personality = PERSONALITIES[network]
    listed = {entry.tag for entry in parse_dol(personality.cdol or personality.pdol)}
    assert {0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37} <= listed
    for (whose, _), version in VERSIONS.items():
        if whose is network and version.pdol is not None:
            short = {entry.tag for entry in parse_dol(version.pdol)}
            assert {0x9F02, 0x9F37, 0x5F2A, 0x9F66} == short


UNKNOWN = [
    ("00CA9F3600", "6d00"),
    ("80CA9F1700", "6d00"),
    ("0020008008241234FFFFFFFFFF", "6d00"),
    ("00B0000000", "6d00"),
    ("FFCA000000", "6d00"),
    ("0084000008", "6d00"),
    ("80A4040007A000000003101000", "6e00"),
    ("00A8000002830000", "6e00"),
    ("80B2010C00", "6e00"),
    ("00AE800000", "6e00"),
    ("00A4", "6700"),
    ("", "6700"),
    ("00A4040107A000000003101000", "6a86"),
]


@pytest.mark.parametrize(
    ("command", "status"), [(c, s) for c, s in UNKNOWN if s[:2] in {"6d", "6e"}]
)
@pytest.mark.parametrize("network", list(Network))
def test_a_command_that_is_unknown_changes_nothing(
    bench: Any, network: Network, command: str, status: str
) -> None:
    """Asked between any two commands of a payment, the payment goes on."""
    number = min(n for whose, n in VERSIONS if whose is network)
    reading = Reading(bench, network.value, number, offline=True)
    inside = reading.card
    unknown = bytes.fromhex(command)

    class Disturbed:
        def transmit(self, wanted: bytes) -> bytes:
            assert inside.transmit(unknown).hex() == status
            return inside.transmit(wanted)

    reading.card = Disturbed()
    assert 0x9F36 in reading.run()
    assert bench.element.tokens()[-1].atc == 1


def test_a_selection_of_another_kind_changes_nothing(bench: Any) -> None:
    reading = Reading(bench, "visa", 0x12, offline=True)
    inside = reading.card

    class Disturbed:
        def transmit(self, wanted: bytes) -> bytes:
            assert inside.transmit(bytes.fromhex("00A40100023F0000")).hex() == "6a86"
            return inside.transmit(wanted)

    reading.card = Disturbed()
    assert 0x9F36 in reading.run()


@pytest.mark.parametrize(("command", "status"), UNKNOWN)
def test_an_idle_card_answers_plainly(bench: Any, command: str, status: str) -> None:
    assert bench.element.card().transmit(bytes.fromhex(command)).hex() == status


def test_any_command_gets_a_status_word_and_spends_nothing(bench: Any) -> None:
    card = bench.element.card()

    @settings(max_examples=200)
    @given(head=st.binary(min_size=2, max_size=2), rest=st.binary(max_size=12))
    def check(head: bytes, rest: bytes) -> None:
        answer = card.transmit(head + rest)
        assert len(answer) >= 2
        assert answer[-2] in {0x90, *range(0x61, 0x70)}
        assert bench.element.tokens()[0].atc == 0

    check()
