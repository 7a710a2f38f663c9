"""Offline data authentication: true cards, false cards, and cards that cannot be checked.

The issuer is the tests' own (`tests.offline_issuer`): it shares no code with card and network, so
certificates and signatures are met from outside. Every false thing ends in a defined outcome.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.networks.chip.certificates import PROFILE, Chain, authority_digest, card_records
from backend.networks.chip.rsa import RsaKey
from hardware.api import (
    NO_AUTHORITIES,
    Authorities,
    AuthorityFormatError,
    CardRemoved,
    Outcome,
    ProvisioningRefused,
    Revoked,
    TapResult,
    TerminalConfig,
    build_tlv,
    parse_tlv,
    read_authorities,
    write_authorities,
)
from hardware.terminal.outcome import ending_of
from hardware.terminal.risk import ActionCodes
from tests.hardware.breaking_link import BreakingLink
from tests.offline_issuer import (
    AUTHORITY,
    CARD,
    ISSUER,
    NUMBERS,
    RIDS,
    STRANGER,
    Certificate,
    Key,
    Made,
    all_authorities,
    authority_key,
)

COMBINED = ("mastercard", "amex")
NETWORKS = ("visa", *COMBINED)
APDUS = {"visa": 7, "mastercard": 7, "amex": 7}
OVER_FLOOR = {"visa": "00", "mastercard": "8001", "amex": "8000"}
"""Last findings: kernel 3 tells the issuer nothing, kernel 2 that no relay was measured."""
NOT_PERFORMED, STATIC_FAILED, MISSING = 0x80, 0x40, 0x20
DYNAMIC_FAILED, COMBINED_FAILED = 0x08, 0x04
FAILED = {"visa": DYNAMIC_FAILED, "mastercard": COMBINED_FAILED, "amex": COMBINED_FAILED}


def till(authorities: Authorities | None = None, **changes: object) -> TerminalConfig:
    """A till that authenticates wherever it can, Visa included."""
    combinations = tuple(
        replace(each, offline_authentication=True, **changes)
        for each in TerminalConfig().combinations
    )
    known = all_authorities() if authorities is None else authorities
    return TerminalConfig(combinations=combinations, authorities=known)


def shown(bench: Any, network: str, made: Made | None = None) -> None:
    """A fresh token with these certificates, armed."""
    document = (made or Made(network)).document()
    reference = f"tok-{network}-signing"
    session = f"session-{network}-signing"
    bench.install(network, tokenRef=reference, sessionId=session, offline=document)
    bench.arm(reference)


def tapped(bench: Any, network: str, made: Made | None = None, **options: Any) -> TapResult:
    shown(bench, network, made)
    result: TapResult = bench.tap(config=options.pop("config", till()), **options)
    return result


def first_finding(result: TapResult) -> int:
    return bytes.fromhex(result.findings)[0]


def objects_of(data: bytes) -> dict[int, bytes]:
    return {node.tag: node.value for node in parse_tlv(data)}


# True cards ----------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_a_card_that_signs_goes_online_with_nothing_found(bench: Any, network: str) -> None:
    result = tapped(bench, network)
    assert (result.outcome, result.reason) == (Outcome.ONLINE_REQUEST, "online_request")
    assert first_finding(result) == 0
    assert result.cryptogram_type == "ARQC"
    assert result.apdu_count == APDUS[network]
    assert all(len(exchange.response) <= 258 for exchange in result.exchanges)
    sent = objects_of(result.emv_data)
    assert sent[0x9F26].hex().upper() == result.cryptogram
    assert {0x9F19, 0x9F24} <= set(sent)
    assert not {0x90, 0x9F46, 0x9F4B} & set(sent)
    assert sent[0x95].hex() == OVER_FLOOR[network].rjust(10, "0")


@pytest.mark.parametrize("network", COMBINED)
def test_the_signature_holds_the_cryptogram_and_what_was_exchanged(
    bench: Any, network: str
) -> None:
    result = tapped(bench, network)
    command, response = result.exchanges[-1].command, result.exchanges[-1].response
    assert command[2] == 0x90
    (template,) = parse_tlv(response[:-2])
    answer = {node.tag: node.value for node in template.children}
    assert 0x9F26 not in answer
    block = pow(int.from_bytes(answer.pop(0x9F4B), "big"), 3, CARD.p * CARD.q).to_bytes(128, "big")
    assert (block[:4].hex(), block[-1]) == ("6a050126", 0xBC)
    assert block[13:14] == answer[0x9F27]
    assert block[14:22].hex().upper() == result.cryptogram
    options = b"" if network == "mastercard" else _options_of(result)
    listed = command[5 : 5 + command[4]]
    covered = options + listed + b"".join(build_tlv(tag, value) for tag, value in answer.items())
    assert block[22:42] == hashlib.sha1(covered, usedforsecurity=False).digest()
    number = bytes.fromhex(result.unpredictable_number)
    assert block[107:127] == hashlib.sha1(block[1:107] + number, usedforsecurity=False).digest()


def _options_of(result: TapResult) -> bytes:
    command = next(each.command for each in result.exchanges if each.command[1] == 0xA8)
    return parse_tlv(command[5 : 5 + command[4]])[0].value


@pytest.mark.parametrize("network", NETWORKS)
def test_no_conversation_keeps_the_certificate_that_holds_the_number(
    bench: Any, network: str
) -> None:
    result = tapped(bench, network)
    kept = "".join(exchange.masked_response for exchange in result.exchanges)
    assert NUMBERS[network] not in kept
    assert "9F468190" + "EE" * 144 in kept


def test_visa_signs_number_amount_currency_and_its_own_qualifiers(bench: Any) -> None:
    result = tapped(bench, "visa")
    (template,) = parse_tlv(result.exchanges[2].response[:-2])
    answer = {node.tag: node.value for node in template.children}
    assert answer[0x94].hex() == "1801030120010100"
    (last,) = parse_tlv(result.exchanges[-1].response[:-2])
    related = next(node.value for node in last.children if node.tag == 0x9F69)
    assert (related[0], related[5:]) == (1, answer[0x9F6C])
    block = pow(int.from_bytes(answer[0x9F4B], "big"), 3, CARD.p * CARD.q).to_bytes(128, "big")
    assert block[:6].hex() == "6a9501030200"
    covered = bytes.fromhex(result.unpredictable_number) + bytes.fromhex("000000001240" + "0840")
    assert (
        block[107:127]
        == hashlib.sha1(block[1:107] + covered + related, usedforsecurity=False).digest()
    )


def test_visa_is_not_asked_unless_the_till_wants_it(bench: Any) -> None:
    result = tapped(bench, "visa", config=TerminalConfig(authorities=all_authorities()))
    assert (result.outcome, result.apdu_count) == (Outcome.ONLINE_REQUEST, 3)
    assert first_finding(result) == NOT_PERFORMED


@pytest.mark.parametrize("network", NETWORKS)
def test_a_token_without_certificates_pays_as_before(bench: Any, network: str) -> None:
    reference = bench.install(network, tokenRef="tok-plain", sessionId="session-plain")
    bench.arm(reference)
    result = bench.tap(config=till())
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert first_finding(result) == NOT_PERFORMED


def test_a_card_that_declines_signs_nothing(bench: Any) -> None:
    # Over the floor limit this till declines, so it asks for an AAC.
    codes = ActionCodes(denial=bytes.fromhex("0000008000"))
    result = tapped(bench, "mastercard", config=till(action_codes=codes))
    assert (result.outcome, result.cryptogram_type) == (Outcome.DECLINED, "AAC")
    assert result.exchanges[-1].command[2] == 0x00
    assert b"\x9f\x4b" not in result.exchanges[-1].response
    assert len(result.cryptogram) == 16


def test_the_installed_key_and_records_survive_a_restart(bench: Any) -> None:
    shown(bench, "mastercard")
    bench.element.close()
    bench.element = bench.open()
    bench.arm("tok-mastercard-signing")
    assert first_finding(bench.tap(config=till())) == 0


# False cards ---------------------------------------------------------------------------------

ISSUER_TAMPERED = {
    "header": ({"header": 0x6B}, "issuer_certificate"),
    "trailer": ({"trailer": 0xBD}, "issuer_certificate"),
    "format": ({"format": 0x04}, "issuer_certificate"),
    "hash": ({"digest": bytes(20)}, "issuer_certificate"),
    "hash algorithm": ({"hash_algorithm": 2}, "issuer_certificate"),
    "key algorithm": ({"key_algorithm": 2}, "issuer_certificate"),
    "exponent length": ({"exponent_length": 3}, "issuer_certificate"),
    "another's": ({"owner": "499999FF"}, "issuer_mismatch"),
    "no issuer": ({"owner": "FFFFFFFF"}, "issuer_mismatch"),
    "expired": ({"expiry": "0126"}, "issuer_expired"),
    "no month": ({"expiry": "1349"}, "issuer_expired"),
    "no date": ({"expiry": "ABCD"}, "issuer_expired"),
    "another key": ({"signer": "authority"}, "issuer_certificate"),
}
CARD_TAMPERED = {
    "header": ({"header": 0x6B}, "card_certificate"),
    "trailer": ({"trailer": 0xBD}, "card_certificate"),
    "format": ({"format": 0x02}, "card_certificate"),
    "hash": ({"digest": bytes(20)}, "card_certificate"),
    "hash algorithm": ({"hash_algorithm": 2}, "card_certificate"),
    "key algorithm": ({"key_algorithm": 2}, "card_certificate"),
    "exponent length": ({"exponent_length": 3}, "card_certificate"),
    "another's": ({"owner": "4111111111111111FFFF"}, "card_mismatch"),
    "expired": ({"expiry": "0126"}, "card_expired"),
    "no month": ({"expiry": "0049"}, "card_expired"),
    "another key": ({"signer": "issuer"}, "card_certificate"),
}


def _certificate(changes: dict[str, Any], length: int) -> Certificate:
    """The tampered one; `another key` is one of the right length that nobody believes."""
    if "signer" in changes:
        changes = {"signer": _stranger(length)}
    return Certificate(**changes)


def _stranger(length: int) -> Key:
    """A key whose modulus has that many bytes; its two numbers need not be primes to be wrong."""
    shift = length * 4 - STRANGER.p.bit_length()
    p, q = STRANGER.p << shift | 1, STRANGER.q << shift | 1
    while (p - 1) % 3 == 0:
        p += 2
    while (q - 1) % 3 == 0:
        q += 2
    assert len(Key(p, q).modulus) == length
    return Key(p, q)


def assert_refused(result: TapResult, network: str, part: str) -> None:
    assert (result.outcome, result.reason) == (Outcome.DECLINED, f"unauthentic_{part}")
    assert first_finding(result) == FAILED[network]
    assert (result.token, result.emv_data) == ("", b"")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("what", ISSUER_TAMPERED)
def test_a_false_issuer_certificate_is_refused(bench: Any, network: str, what: str) -> None:
    changes, part = ISSUER_TAMPERED[what]
    made = Made(network, issuer=_certificate(changes, 176))
    assert_refused(tapped(bench, network, made), network, part)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("what", CARD_TAMPERED)
def test_a_false_card_certificate_is_refused(bench: Any, network: str, what: str) -> None:
    changes, part = CARD_TAMPERED[what]
    made = Made(network, card=_certificate(changes, 144))
    assert_refused(tapped(bench, network, made), network, part)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"signing_key": STRANGER}, "signature"),
        ({"tag_list": "95"}, "tag_list"),
        ({"tag_list": None}, "card_certificate"),
        ({"signs_also": b"more"}, "card_certificate"),
        ({"drop": (0x92,)}, "issuer_certificate"),
        ({"drop": (0x9F48,)}, "card_certificate"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    bench: Any, network: str, changes: dict[str, Any], part: str
) -> None:
    assert_refused(tapped(bench, network, Made(network, **changes)), network, part)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_revoked_issuer_and_an_expired_authority_are_refused(bench: Any, network: str) -> None:
    rid = bytes.fromhex(RIDS[network])
    revoked = frozenset({Revoked(rid, b"\xf1", "000001"), Revoked(rid, b"\xf2", "000002")})
    config = till(Authorities(all_authorities().keys, revoked))
    assert_refused(tapped(bench, network, config=config), network, "issuer_revoked")
    bench.arm(f"tok-{network}-signing")
    config = till(Authorities((authority_key(network, expires="1225"),)))
    assert_refused(bench.tap(config=config), network, "authority_expired")


@pytest.mark.parametrize("network", NETWORKS)
def test_revoking_another_serial_or_network_changes_nothing(bench: Any, network: str) -> None:
    rid = bytes.fromhex(RIDS[network])
    others = frozenset({Revoked(rid, b"\xf1", "000009"), Revoked(b"\xa0" * 5, b"\xf1", "000001")})
    result = tapped(bench, network, config=till(Authorities(all_authorities().keys, others)))
    assert result.outcome is Outcome.ONLINE_REQUEST


@pytest.mark.parametrize("network", NETWORKS)
def test_of_two_authorities_with_one_name_the_one_that_fits_is_taken(
    bench: Any, network: str
) -> None:
    """Laboratories name their keys alike, and a till may believe two of them."""
    other = authority_key(network, modulus=_stranger(176).modulus)
    known = Authorities((other,)).joined(all_authorities())
    result = tapped(bench, network, config=till(known))
    assert (result.outcome, first_finding(result)) == (Outcome.ONLINE_REQUEST, 0)
    bench.arm(f"tok-{network}-signing")
    only_other = bench.tap(config=till(Authorities((other,))))
    assert_refused(only_other, network, "issuer_certificate")


# Cards that cannot be checked ----------------------------------------------------------------


@pytest.mark.parametrize("network", COMBINED)
@pytest.mark.parametrize("drop", [0x8F, 0x90, 0x9F32, 0x9F46, 0x9F47])
def test_missing_data_are_a_finding_under_the_cryptogram(
    bench: Any, network: str, drop: int
) -> None:
    result = tapped(bench, network, Made(network, drop=(drop,)))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert first_finding(result) == MISSING | COMBINED_FAILED
    assert objects_of(result.emv_data)[0x95].hex() == "240000" + OVER_FLOOR[network]
    assert result.exchanges[-1].command[2] == 0x80, "it is not asked to sign"


@pytest.mark.parametrize("network", COMBINED)
@pytest.mark.parametrize("unknown", ["no keys", "index"])
def test_an_unknown_authority_is_a_finding_for_the_action_codes(
    bench: Any, network: str, unknown: str
) -> None:
    made = Made(network, index="F1" if unknown == "no keys" else "F7")
    known = NO_AUTHORITIES if unknown == "no keys" else None
    result = tapped(bench, network, made, config=till(known))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert objects_of(result.emv_data)[0x95].hex() == "040000" + OVER_FLOOR[network]
    bench.arm(f"tok-{network}-signing")
    codes = ActionCodes(denial=bytes([COMBINED_FAILED, 0, 0, 0, 0]))
    strict = bench.tap(config=till(known, action_codes=codes))
    assert (strict.outcome, strict.reason) == (Outcome.DECLINED, "till_declined")


@pytest.mark.parametrize("drop", [0x8F, 0x90, 0x9F32, 0x9F46, 0x9F47])
def test_visa_without_its_certificates_is_declined(bench: Any, drop: int) -> None:
    result = tapped(bench, "visa", Made("visa", drop=(drop,)))
    part = "authority_unknown" if drop == 0x8F else "data_missing"
    assert (result.outcome, result.reason) == (Outcome.DECLINED, f"unauthentic_{part}")
    assert first_finding(result) == MISSING | DYNAMIC_FAILED


def test_visa_of_an_unknown_authority_is_declined(bench: Any) -> None:
    result = tapped(bench, "visa", config=till(NO_AUTHORITIES))
    assert_refused(result, "visa", "authority_unknown")


# Static authentication -----------------------------------------------------------------------


def static_card(signer: Key = ISSUER, *, covered: bytes = b"", drop: int = 0) -> dict[str, object]:
    """An Amex token whose issuer has signed its data once and for all (Book 2, tables 3 and 4)."""
    made = Made("amex", tag_list=None)
    signed, issuer, _card = (parse_tlv(record)[0] for record in made.records())
    data = signed.value + bytes.fromhex("50C0") + covered
    room = len(signer.modulus) - 26
    body = b"\x03\x01\xda\xc0" + b"\xbb" * room
    digest = hashlib.sha1(body + data, usedforsecurity=False).digest()
    signature = signer.sign(b"\x6a" + body + digest + b"\xbc")
    own = {0x93: signature, 0x9F4A: b"\x82"}
    third = b"".join(build_tlv(tag, value) for tag, value in own.items() if tag != drop)
    records = [build_tlv(0x70, each) for each in (signed.value, issuer.value, third)]
    return made.document() | {"profile": "50C0", "records": [each.hex() for each in records]}


def static_tap(bench: Any, document: dict[str, object]) -> TapResult:
    bench.install("amex", tokenRef="tok-static", sessionId="session-static", offline=document)
    bench.arm("tok-static")
    result: TapResult = bench.tap(config=till())
    return result


def test_a_card_whose_data_its_issuer_signed_goes_online(bench: Any) -> None:
    result = static_tap(bench, static_card())
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert "static_authentication" in result.steps
    assert objects_of(result.emv_data)[0x95].hex() == "0000008000"
    assert result.exchanges[-1].command[2] == 0x80


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"covered": b"more"}, "static_signature"),
        ({"signer": _stranger(144)}, "static_signature"),
        ({"drop": 0x9F4A}, "static_signature"),
    ],
)
def test_data_that_the_issuer_did_not_sign_are_refused(
    bench: Any, changes: dict[str, Any], part: str
) -> None:
    result = static_tap(bench, static_card(**changes))
    assert (result.outcome, result.reason) == (Outcome.DECLINED, f"unauthentic_{part}")
    assert first_finding(result) == STATIC_FAILED
    assert [token.atc for token in bench.element.tokens()] == [0, 0], "no counter was spent"


def test_a_missing_static_signature_is_a_finding(bench: Any) -> None:
    result = static_tap(bench, static_card(drop=0x93))
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert first_finding(result) == MISSING | STATIC_FAILED


@pytest.mark.parametrize("network", COMBINED)
def test_a_till_without_the_capability_asks_for_no_signature(bench: Any, network: str) -> None:
    config = replace(till(), capabilities=bytes.fromhex("E02800"))
    result = tapped(bench, network, config=config)
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert first_finding(result) == NOT_PERFORMED
    assert result.exchanges[-1].command[2] == 0x80


# Answers changed on the way ------------------------------------------------------------------


class Between:
    """A card whose answers somebody changes on the way."""

    def __init__(self, card: Any, change: Any) -> None:
        self.card, self.change = card, change

    def transmit(self, command: bytes) -> bytes:
        answer: bytes = self.card.transmit(command)
        if answer[-2:] != b"\x90\x00" or not answer[:-2]:
            return answer
        (template,) = parse_tlv(answer[:-2])
        objects = {node.tag: node.value for node in template.children if not node.constructed}
        changed = self.change(command[1], dict(objects))
        if changed == objects:
            return answer
        return build_tlv(template.tag, [build_tlv(*each) for each in changed.items()]) + b"\x90\x00"


def replaced(bench: Any, network: str, tag: int, value: Any) -> TapResult:
    """A tap in which one object of the card is changed; None takes it out."""

    def change(_instruction: int, objects: dict[int, bytes]) -> dict[int, bytes]:
        if tag in objects:
            fresh = value(objects[tag])
            if fresh is None:
                del objects[tag]
            else:
                objects[tag] = fresh
        return objects

    shown(bench, network)
    result: TapResult = bench.tap(bench.link(Between(bench.element.card(), change)), config=till())
    return result


def flipped(at: int) -> Any:
    return lambda value: value[:at] + bytes([value[at] ^ 0x01]) + value[at + 1 :]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("tag", "at", "part"),
    [
        (0x90, 1, "issuer_certificate"),
        (0x92, 1, "issuer_certificate"),
        (0x9F46, 1, "card_certificate"),
        (0x9F48, 1, "card_certificate"),
        (0x9F07, 1, "card_certificate"),
        (0x5F24, 0, "card_certificate"),
        (0x9F4B, 1, "signature"),
    ],
)
def test_what_is_covered_cannot_be_changed(
    bench: Any, network: str, tag: int, at: int, part: str
) -> None:
    assert_refused(replaced(bench, network, tag, flipped(at)), network, part)


@pytest.mark.parametrize("network", COMBINED)
@pytest.mark.parametrize("tag", [0x9F36, 0x9F10])
def test_a_changed_object_beside_the_cryptogram_is_noticed(
    bench: Any, network: str, tag: int
) -> None:
    assert_refused(replaced(bench, network, tag, flipped(1)), network, "signature")


@pytest.mark.parametrize("network", COMBINED)
def test_a_signature_that_is_left_out_is_refused(bench: Any, network: str) -> None:
    result = replaced(bench, network, 0x9F4B, lambda _value: None)
    assert_refused(result, network, "signature_missing")


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (flipped(0), "related_data"),
        (flipped(1), "signature"),
        (flipped(5), "related_data"),
        (lambda value: value + b"\x00", "signature"),
    ],
)
def test_visa_related_data_cannot_be_changed(bench: Any, value: Any, part: str) -> None:
    assert_refused(replaced(bench, "visa", 0x9F69, value), "visa", part)


def test_visa_qualifiers_in_clear_must_be_those_that_were_signed(bench: Any) -> None:
    result = replaced(bench, "visa", 0x9F6C, lambda _value: b"\x00\x00")
    assert_refused(result, "visa", "related_data")


@pytest.mark.parametrize("network", NETWORKS)
def test_an_old_signature_does_not_do_for_another_payment(bench: Any, network: str) -> None:
    kept: list[bytes] = []

    def change(_instruction: int, objects: dict[int, bytes]) -> dict[int, bytes]:
        if 0x9F4B in objects:
            kept.append(objects[0x9F4B])
            objects[0x9F4B] = kept[0]
        return objects

    shown(bench, network)
    spied = Between(bench.element.card(), change)
    assert bench.tap(bench.link(spied), config=till()).outcome is Outcome.ONLINE_REQUEST
    bench.arm(f"tok-{network}-signing")
    assert_refused(bench.tap(bench.link(spied), config=till()), network, "signature")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("tag", [0x90, 0x9F46, 0x9F4B])
@pytest.mark.parametrize("length", [0, 1, 63, 64, 127])
def test_signatures_of_any_length_have_an_outcome(
    bench: Any, network: str, tag: int, length: int
) -> None:
    result = replaced(bench, network, tag, lambda value: value[:length])
    assert result.outcome in {Outcome.DECLINED, Outcome.ERROR}


class Spoiling:
    """A card one bit of one answer of which is changed on the way."""

    def __init__(self, card: Any, exchange: int, bit: int) -> None:
        self.card, self.exchange, self.bit, self.count = card, exchange, bit, 0

    def transmit(self, command: bytes) -> bytes:
        answer = bytearray(self.card.transmit(command))
        if self.count == self.exchange:
            at = self.bit // 8 % (len(answer) - 2)
            answer[at] ^= 1 << self.bit % 8
        self.count += 1
        return bytes(answer)


@pytest.mark.parametrize("network", COMBINED)
@pytest.mark.parametrize("exchange", [3, 4, 5, 6])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(bit=st.integers(0, 255 * 8))
def test_no_changed_bit_of_what_is_covered_passes_unnoticed(
    bench: Any, network: str, exchange: int, bit: int
) -> None:
    """The issuer's records and the answer to GENERATE AC: over 0.25 s, for many taps."""
    reference = f"tok-{network}-signing"
    if reference not in {token.token_ref for token in bench.element.tokens()}:
        shown(bench, network)
    bench.arm(reference)
    spoiled = Spoiling(bench.element.card(), exchange, bit)
    result = bench.tap(bench.link(spoiled), config=till())
    assert ending_of(result.reason).outcome is result.outcome
    clean = result.outcome is Outcome.ONLINE_REQUEST and first_finding(result) == 0
    assert not clean, (exchange, bit)


# Torn taps -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "at"),
    [(network, at) for network, count in APDUS.items() for at in range(1, count + 1)],
)
@pytest.mark.parametrize("after", [False, True])
def test_torn_anywhere_the_next_tap_goes_through(
    bench: Any, network: str, at: int, *, after: bool
) -> None:
    shown(bench, network)
    result = bench.tap(
        BreakingLink(bench.link(), at, CardRemoved("torn"), after=after), config=till()
    )
    assert (result.outcome, result.reason, result.apdu_count) == (
        "try_again", "pulled_too_early", at,
    )  # fmt: skip
    spends_at = 3 if network == "visa" else APDUS[network]
    spent = at > spends_at or (at == spends_at and after)
    assert bench.element.tokens()[-1].atc == int(spent)
    bench.arm(f"tok-{network}-signing")
    assert bench.tap(config=till()).outcome is Outcome.ONLINE_REQUEST


# What is installed and what is believed ------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"profile": "13"}, "profile"),
        ({"profile": "zz"}, "profile"),
        ({"records": []}, "records"),
        ({"records": ["7003"]}, "records"),
        ({"records": ["70068F01F18F01F1"]}, "records"),
        ({"records": ["70038F01F1", "70038F01F1"]}, "records"),
        ({"signedRecords": 4}, "signedRecords"),
        ({"signedRecords": True}, "signedRecords"),
        ({"key": {"p": "03", "q": "05"}}, "key"),
        ({"key": {"p": f"{CARD.p:X}", "q": f"{CARD.p:X}"}}, "key"),
        ({"key": None}, "key"),
    ],
)
def test_data_that_no_card_can_use_are_not_installed(
    bench: Any, changes: dict[str, object], named: str
) -> None:
    with pytest.raises(ProvisioningRefused, match=named):
        bench.install("mastercard", offline=Made("mastercard").document() | changes)
    assert [token.network for token in bench.element.tokens()] == ["visa"]


def test_the_key_store_is_read_back_as_it_was_written() -> None:
    keys = all_authorities().keys
    text = write_authorities(keys)
    text += '\n[[revoked]]\nrid = "A000000004"\nindex = "F1"\nserial = "0000ab"\n'
    revoked = frozenset({Revoked(bytes.fromhex("A000000004"), b"\xf1", "0000AB")})
    assert read_authorities(text) == Authorities(keys, revoked)
    assert read_authorities("") == NO_AUTHORITIES


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[key]]", "[[key", "no TOML"),
        ("[[key]]", "[[keys]]", "unknown table 'keys'"),
        ("[[key]]", "[key]", "not a list"),
        ('index = "F1"', 'index = "F1F1"', "key\\[0\\].index"),
        ('index = "F1"', 'index = "Z"', "not hex"),
        ('index = "F1"', "index = 241", "no text"),
        ('index = "F1"', 'index = "F2"', "check sum"),
        ('exponent = "03"', 'exponent = "05"', "neither 3 nor 65537"),
        ('expires = "1249"', 'expires = "1349"', "MMYY"),
        ('expires = "1249"', 'expires = "1249"\nname = "x"', "unknown field 'name'"),
    ],
)
def test_a_key_store_with_a_wrong_field_is_refused_by_name(old: str, new: str, said: str) -> None:
    text = write_authorities((authority_key("visa"),))
    assert old in text
    with pytest.raises(AuthorityFormatError, match=said):
        read_authorities(text.replace(old, new))


def test_the_same_key_twice_is_refused() -> None:
    text = write_authorities((authority_key("visa"), authority_key("visa")))
    with pytest.raises(AuthorityFormatError, match="twice"):
        read_authorities(text)


# The network's own certificates --------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_card_and_till_agree_with_what_the_network_issues(bench: Any, network: str) -> None:
    """The backend's code and ours share nothing: certificates are where they meet."""
    chain = Chain(
        network,
        *(RsaKey((key.p, key.q)) for key in (AUTHORITY, ISSUER)),
        issuer_digits=NUMBERS[network][:6],
    )
    own = RsaKey((CARD.p, CARD.q))
    records = card_records(chain, own, NUMBERS[network], "2912", "01", b"\x00\x00\x07")
    document = Made(network).document() | {
        "profile": PROFILE[network],
        "records": [record.hex() for record in records],
    }
    bench.install(network, tokenRef="tok-issued", sessionId="session-issued", offline=document)
    bench.arm("tok-issued")
    result = bench.tap(config=till())
    assert (result.reason, first_finding(result)) == ("online_request", 0)
    digest = authority_digest(network, RsaKey((AUTHORITY.p, AUTHORITY.q)))
    assert digest == authority_key(network).digest
