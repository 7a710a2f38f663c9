"""Kernels 2 and 4 in EMV mode: Mastercard and Amex taps, whole, torn and spoiled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hardware.api import (
    CardRemoved,
    Outcome,
    TapRequest,
    TapResult,
    TerminalConfig,
    build_tlv,
    parse_tlv,
)
from hardware.terminal.config import Modes
from hardware.terminal.outcome import ENDINGS, ending_of
from hardware.terminal.risk import ActionCodes
from tests.hardware.breaking_link import BreakingLink

NETWORKS = ("mastercard", "amex")
STEPS = ("ppse", "select", "gpo", "record", "generate")
NO_ODA_OVER_FLOOR = "8000008000"


def noted(network: str, findings: str) -> str:
    """Kernel 2 also notes that a card without relay resistance was not measured."""
    return f"{findings[:-1]}1" if network == "mastercard" else findings


def objects_of(data: bytes) -> dict[int, bytes]:
    return {node.tag: node.value for node in parse_tlv(data)}


class Recorded:
    """A good tap's five answers, to be spoiled."""

    def __init__(self, bench: Any, scripted_card: Any, network: str) -> None:
        self.bench, self.scripted_card, self.network = bench, scripted_card, network
        bench.arm(bench.install(network))
        result = bench.tap()
        assert result.outcome == "online_request"
        self.result = result
        self.network = network
        self.good = dict(zip(STEPS, [e.response for e in result.exchanges], strict=True))
        self.card: Any = None

    def tap(self, **changed: bytes) -> TapResult:
        answers = self.good | changed
        self.card = self.scripted_card(
            {
                bytes.fromhex("00A404000E"): answers["ppse"],
                bytes.fromhex("00A404"): answers["select"],
                bytes.fromhex("80A8"): answers["gpo"],
                bytes.fromhex("00B2"): answers["record"],
                bytes.fromhex("80AE"): answers["generate"],
            }
        )
        result: TapResult = self.bench.tap(self.bench.link(self.card))
        family = result.reason if result.reason in ENDINGS else result.reason.split("_")[0]
        assert result.outcome is ENDINGS[family].outcome
        return result

    def changed(self, step: str, *, drop: tuple[int, ...] = (), **values: bytes) -> bytes:
        """One answer with objects replaced, added or dropped; keys are `t9F27`."""
        (template,) = parse_tlv(self.good[step][:-2])
        objects = {node.tag: node.value for node in template.children}
        objects |= {int(name[1:], 16): value for name, value in values.items()}
        listed = [build_tlv(tag, value) for tag, value in objects.items() if tag not in drop]
        return build_tlv(template.tag, listed) + b"\x90\x00"

    def findings(self, result: TapResult) -> str:
        return objects_of(result.emv_data)[0x95].hex().upper()


@pytest.fixture(params=NETWORKS)
def recorded(request: pytest.FixtureRequest, bench: Any, scripted_card: Any) -> Recorded:
    return Recorded(bench, scripted_card, request.param)


@pytest.fixture
def mastercard(bench: Any, scripted_card: Any) -> Recorded:
    return Recorded(bench, scripted_card, "mastercard")


@pytest.fixture
def amex(bench: Any, scripted_card: Any) -> Recorded:
    return Recorded(bench, scripted_card, "amex")


@pytest.mark.parametrize(("network", "kernel"), [("mastercard", 2), ("amex", 4)])
def test_a_tap_goes_online_in_five_commands(bench: Any, network: str, kernel: int) -> None:
    bench.arm(bench.install(network))
    result = bench.tap()
    assert (result.outcome, result.kernel, result.atc) == (Outcome.ONLINE_REQUEST, kernel, 1)
    assert [e.command[1] for e in result.exchanges] == [0xA4, 0xA4, 0xA8, 0xB2, 0xAE]
    assert result.cryptogram_type == "ARQC"
    assert bench.element.armed is None
    sent = objects_of(result.emv_data)
    assert sent[0x95].hex() == noted(network, NO_ODA_OVER_FLOOR)
    assert sent[0x84].hex().upper() == result.candidates[0]
    assert 0x5A not in sent
    assert 0x57 not in sent


def test_the_mastercard_cryptogram_is_what_an_outsider_computes(bench: Any, oracle: Any) -> None:
    bench.arm(bench.install("mastercard", cvn="14"))
    sent = objects_of(bench.tap().emv_data)
    key = oracle.common_session(bytes.fromhex("11223344556677889900AABBCCDDEEF0"), sent[0x9F36])
    assert sent[0x9F10][:2].hex() == "0114"
    data = b"".join(
        sent[tag]
        for tag in (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)
    )
    covered = data + sent[0x9F10][2:8]
    assert sent[0x9F26] == oracle.cryptogram(key, covered, visa_padding=False)


def test_the_amex_cryptogram_is_what_an_outsider_computes(bench: Any, oracle: Any) -> None:
    bench.arm(bench.install("amex", cvn="01"))
    sent = objects_of(bench.tap().emv_data)
    assert sent[0x9F10][:3].hex() == "060101"
    data = b"".join(
        sent[tag]
        for tag in (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)
    )
    key = bytes.fromhex("11223344556677889900AABBCCDDEEF0")
    covered = data + sent[0x9F10][3:7]
    assert sent[0x9F26] == oracle.cryptogram(key, covered, visa_padding=True)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("amount", "way", "results"), [(4999, "none", "3f0002"), (5000, "device", "010002")]
)
def test_the_device_verifies_its_owner_from_the_limit_on(
    bench: Any, network: str, amount: int, way: str, results: str
) -> None:
    bench.arm(bench.install(network))
    result = bench.tap(request=TapRequest(amount, 840))
    assert result.cvm.value == way
    assert objects_of(result.emv_data)[0x9F34].hex() == results


@pytest.mark.parametrize("network", NETWORKS)
def test_without_a_face_the_phone_wants_to_be_looked_at(bench: Any, network: str) -> None:
    bench.element.set_default(bench.install(network))
    result = bench.tap()
    assert (result.outcome, result.reason) == (Outcome.SEE_PHONE, "see_phone")
    assert result.apdu_count == 3
    assert [token.atc for token in bench.element.tokens()] == [0, 0]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_torn_anywhere_the_counter_moves_with_the_cryptogram_only(
    bench: Any, network: str, at: int, *, after: bool
) -> None:
    token_ref = bench.install(network)
    bench.arm(token_ref)
    result = bench.tap(BreakingLink(bench.link(), at, CardRemoved("torn"), after=after))
    assert (result.outcome, result.reason, result.apdu_count) == (
        "try_again", "pulled_too_early", at,
    )  # fmt: skip
    spent = at == 5 and after
    assert bench.element.tokens()[-1].atc == int(spent)
    assert (bench.element.armed is None) is spent
    bench.arm(token_ref)
    assert bench.tap().outcome is Outcome.ONLINE_REQUEST


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("sw", ["6700", "6984", "6985", "6986", "6A82", "6D00", "6F00"])
def test_every_refusal_at_every_step_is_defined(recorded: Recorded, step: str, sw: str) -> None:
    result = recorded.tap(**{step: bytes.fromhex(sw)})
    assert result.outcome is not Outcome.ONLINE_REQUEST
    assert ending_of(result.reason)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "answer_malformed"),
        ("9000", "cryptogram_malformed"),
        ("77009000", "missing_9F27"),
        ("70009000", "cryptogram_malformed"),
        ("800B80000100000000000000009000", "missing_9F10"),
        ("800A800001000000000000009000", "cryptogram_malformed"),
    ],
)
def test_answers_to_generate_ac_that_are_none(recorded: Recorded, answer: str, reason: str) -> None:
    result = recorded.tap(generate=bytes.fromhex(answer))
    if not answer:
        assert result.reason == "card_fault"  # the emulated field: nothing is no answer
    else:
        assert result.reason == reason


def test_the_older_answer_format_is_read_too(recorded: Recorded) -> None:
    (template,) = parse_tlv(recorded.good["generate"][:-2])
    objects = {node.tag: node.value for node in template.children}
    value = b"".join(objects[tag] for tag in (0x9F27, 0x9F36, 0x9F26, 0x9F10))
    result = recorded.tap(generate=build_tlv(0x80, value) + b"\x90\x00")
    assert result.outcome is Outcome.ONLINE_REQUEST
    assert result.cryptogram == objects[0x9F26].hex().upper()


@pytest.mark.parametrize(
    ("information", "reason"),
    [
        ("00", "card_declined"),
        ("40", "cryptogram_not_asked_for"),
        ("C0", "cryptogram_type_unknown"),
    ],
)
def test_a_card_gives_what_it_was_asked_for_or_less(
    recorded: Recorded, information: str, reason: str
) -> None:
    spoiled = recorded.changed("generate", t9F27=bytes.fromhex(information))
    assert recorded.tap(generate=spoiled).reason == reason


@pytest.mark.parametrize("tag", [0x57, 0x5A, 0x5F24, 0x8C])
def test_records_without_what_they_must_have(recorded: Recorded, tag: int) -> None:
    result = recorded.tap(record=recorded.changed("record", drop=(tag,)))
    assert (result.outcome, result.reason) == (Outcome.ERROR, f"missing_{tag:02X}")


def test_the_same_object_in_options_and_record_is_refused(recorded: Recorded) -> None:
    twice = recorded.changed("gpo", t5F34=b"\x01")
    assert recorded.tap(gpo=twice).reason == "duplicate_5F34"


def test_a_till_with_emv_mode_alone_sends_old_cards_elsewhere(mastercard: Recorded) -> None:
    config = mastercard.bench.config
    only = tuple(replace(one, modes=Modes.EMV_ONLY) for one in config.combinations)
    mastercard.bench.config = replace(config, combinations=only)
    result = mastercard.tap(gpo=mastercard.changed("gpo", t82=bytes.fromhex("1200")))
    assert (result.outcome, result.reason) == (
        Outcome.TRY_ANOTHER_INTERFACE, "magstripe_mode_only",
    )  # fmt: skip


def test_the_stripe_record_is_not_read_in_emv_mode(mastercard: Recorded) -> None:
    both = mastercard.changed("gpo", t94=bytes.fromhex("0801010010010100"))
    assert mastercard.tap(gpo=both).apdu_count == 5


@pytest.mark.parametrize(
    ("change", "findings"),
    [
        ({"t5F24": bytes.fromhex("200131")}, "8040008000"),
        ({"t5F25": bytes.fromhex("490101")}, "8020008000"),
        ({"t9F08": bytes.fromhex("0009")}, "8080008000"),
        ({"t9F07": bytes.fromhex("0000")}, "8010008000"),
        ({"t9F07": bytes.fromhex("0100"), "t5F28": bytes.fromhex("0840")}, "8010008000"),
        ({"t9F07": bytes.fromhex("2900"), "t5F28": bytes.fromhex("0840")}, "8000008000"),
        ({"t9F07": bytes.fromhex("2900"), "t5F28": bytes.fromhex("0276")}, "8010008000"),
    ],
)
def test_what_the_till_finds_is_covered_by_the_cryptogram(
    recorded: Recorded, change: dict[str, bytes], findings: str
) -> None:
    result = recorded.tap(record=recorded.changed("record", **change))
    assert result.outcome is Outcome.ONLINE_REQUEST  # the issuer decides
    findings = noted(recorded.network, findings)
    assert recorded.findings(result) == findings
    assert bytes.fromhex(findings) in recorded.card.commands[-1]


def test_an_action_code_lets_the_till_decline(recorded: Recorded) -> None:
    """The issuer's code for an expired card (9F0E): an AAC is asked for."""
    expired = recorded.changed(
        "record", t5F24=bytes.fromhex("200131"), t9F0E=bytes.fromhex("0040000000")
    )
    declined = recorded.changed("generate", t9F27=b"\x00")
    result = recorded.tap(record=expired, generate=declined)
    assert recorded.card.commands[-1][2] == 0x00
    assert (result.outcome, result.cryptogram_type) == (Outcome.DECLINED, "AAC")


def test_the_tills_own_code_does_the_same(recorded: Recorded) -> None:
    codes = ActionCodes(denial=bytes.fromhex("8000000000"))
    combinations = tuple(
        replace(each, action_codes=codes) for each in TerminalConfig().combinations
    )
    recorded.bench.config = TerminalConfig(combinations=combinations)
    recorded.tap(generate=recorded.changed("generate", t9F27=b"\x00"))
    assert recorded.card.commands[-1][2] == 0x00


@pytest.mark.parametrize(
    ("methods", "amount", "way", "results", "findings"),
    [
        ("1F00", 900, "none", "1f0002", "8000008000"),
        ("1E00", 900, "none", "3f0001", "8000808000"),  # below the limit it wants nobody's name
        ("1E00", 9000, "signature", "1e0000", "8000008000"),
        ("42031E031F00", 9000, "signature", "1e0300", "8000108000"),
        ("01001E00", 9000, "none", "3f0001", "8000908000"),  # no second try without its bit
        ("41001E00", 9000, "signature", "1e0000", "8000108000"),
        ("5E081E00", 900, "none", "3f0001", "8000808000"),
        ("2F001F00", 900, "none", "3f0001", "8000c08000"),
        ("1E091F00", 9000, "none", "3f0001", "8000808000"),  # condition about another currency
    ],
)
def test_a_card_without_device_verification_has_its_list_read(
    mastercard: Recorded, methods: str, amount: int, way: str, results: str, findings: str
) -> None:
    mastercard.bench.request = TapRequest(amount, 840)
    plastic = mastercard.changed("gpo", t82=bytes.fromhex("1080"))
    listed = mastercard.changed("record", t8E=bytes(8) + bytes.fromhex(methods))
    result = mastercard.tap(gpo=plastic, record=listed)
    sent = objects_of(result.emv_data)
    findings = noted("mastercard", findings)
    assert (result.cvm.value, sent[0x9F34].hex(), sent[0x95].hex()) == (way, results, findings)


def test_conditions_about_amounts_hold_in_the_cards_own_currency(mastercard: Recorded) -> None:
    mastercard.bench.request = TapRequest(9000, 840)
    plastic = mastercard.changed("gpo", t82=bytes.fromhex("1080"))
    limits = (10_000).to_bytes(4, "big") + (20_000).to_bytes(4, "big")
    listed = mastercard.changed(
        "record", t8E=limits + bytes.fromhex("1E061F00"), t9F42=bytes.fromhex("0840")
    )
    result = mastercard.tap(gpo=plastic, record=listed)
    assert objects_of(result.emv_data)[0x9F34].hex() == "1e0600"


@pytest.mark.parametrize("methods", ["00" * 9, "00" * 8 + "1F001F"])
def test_a_list_of_methods_that_is_none(mastercard: Recorded, methods: str) -> None:
    plastic = mastercard.changed("gpo", t82=bytes.fromhex("1080"))
    spoiled = mastercard.changed("record", t8E=bytes.fromhex(methods))
    assert mastercard.tap(gpo=plastic, record=spoiled).reason == "bad_8E"


@pytest.mark.parametrize(
    ("mobile", "outcome", "findings"),
    [
        ("010302", Outcome.ONLINE_REQUEST, "8000008000"),
        ("010301", Outcome.ONLINE_REQUEST, "8000808000"),
        ("010303", Outcome.ONLINE_REQUEST, "8000808000"),
        ("3F0000", Outcome.SEE_PHONE, None),
    ],
)
def test_what_an_amex_phone_says_of_its_owner(
    amex: Recorded, mobile: str, outcome: Outcome, findings: str | None
) -> None:
    amex.bench.request = TapRequest(9000, 840)
    result = amex.tap(record=amex.changed("record", t9F71=bytes.fromhex(mobile)))
    assert result.outcome is outcome
    if findings is not None:
        assert amex.findings(result) == findings


def test_amex_is_told_what_the_reader_can_do(amex: Recorded) -> None:
    asked = amex.result.exchanges[2].command
    assert asked[5:].hex() == "83052298a0000300"
    amex.bench.request = TapRequest(5000, 840)
    amex.tap()
    assert amex.card.commands[2][5:].hex() == "83052298a0400300"


@pytest.mark.parametrize("p1", ["10", "C0", "01", "FF"])
def test_a_card_refuses_to_make_what_there_is_not(bench: Any, p1: str) -> None:
    bench.arm(bench.install("mastercard"))
    card = bench.element.card()
    for command in ("00A404000E325041592E5359532E4444463031", "00A4040007A0000000041010"):
        assert card.transmit(bytes.fromhex(command))[-2:] == b"\x90\x00"
    early = bytes.fromhex("80AE8000") + bytes([33]) + bytes(33)
    assert card.transmit(early).hex() == "6985"  # no options given yet
    assert card.transmit(bytes.fromhex("80A80000028300"))[-2:] == b"\x90\x00"
    wrong = bytes.fromhex(f"80AE{p1}00") + bytes([33]) + bytes(33)
    assert card.transmit(wrong).hex() == "6a86"
    assert card.transmit(bytes.fromhex("80AE800002") + bytes(2)).hex() == "6700"
    assert bench.element.armed == "tok-mastercard"
    first = card.transmit(early)
    assert first[-2:] == b"\x90\x00"
    assert card.transmit(early).hex() == "6985"  # one cryptogram a conversation


def test_hundreds_of_mutated_taps_end_in_a_defined_outcome(recorded: Recorded, stream: Any) -> None:
    outcomes = set()
    for _ in range(300):
        step = STEPS[stream.randint(0, len(STEPS) - 1)]
        good = recorded.good[step]
        at = stream.randint(0, len(good) - 1)
        kinds = (
            good[:at] + bytes([good[at] ^ 1 << stream.randint(0, 7)]) + good[at + 1 :],
            good[:at] + good[at + 1 :],
            good[:at] + stream.bytes(stream.randint(1, 12)) + good[at:],
            good[:at],
        )
        spoiled = kinds[stream.randint(0, len(kinds) - 1)]
        if len(spoiled) >= 2:
            outcomes.add(recorded.tap(**{step: spoiled}).outcome)
    assert {Outcome.ONLINE_REQUEST, Outcome.ERROR, Outcome.USE_ANOTHER_CARD} <= outcomes
