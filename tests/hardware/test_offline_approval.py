"""Approved by card and till alone: when it happens, when it must not, and what is counted.

Card, till and certificates are real; the issuer of the certificates is the tests' own
(`tests.offline_issuer`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hardware.api import (
    ActionCodes,
    CardRemoved,
    Combination,
    KernelOptions,
    Outcome,
    ProvisioningRefused,
    RandomSelection,
    ResponseLimits,
    TapRequest,
    TapResult,
    TerminalConfig,
    UiMessage,
    build_tlv,
    parse_tlv,
)
from tests.hardware.breaking_link import BreakingLink
from tests.offline_issuer import Made, all_authorities

NETWORKS = ("visa", "mastercard", "amex")
APPROVED, ONLINE, DECLINED = Outcome.APPROVED, Outcome.ONLINE_REQUEST, Outcome.DECLINED
ALLOWANCE = {"currency": 840, "singleMinor": 2000, "totalMinor": 5000, "payments": 3}
NOTHING_FOUND = {"visa": "0000000000", "mastercard": "0000000001", "amex": "0000000000"}
"""Kernel 2 notes that this card has no relay resistance; that is no finding against it."""
OFFLINE_ONLY = {"terminal_type": 0x26, "ttq": bytes.fromhex("3A004000")}


def till(own: dict[str, Any] | None = None, **changes: Any) -> TerminalConfig:
    """A till with a floor limit of 25.00."""
    combinations = tuple(
        replace(each, **{"floor_limit_minor": 2500, **changes})
        for each in TerminalConfig().combinations
    )
    config = TerminalConfig(combinations=combinations, authorities=all_authorities())
    return replace(config, **(own or {}))


def install(bench: Any, network: str, allowance: object = ALLOWANCE, session: str = "one") -> str:
    """A token that may approve by itself."""
    reference: str = bench.install(
        network,
        tokenRef=f"tok-{network}-alone",
        sessionId=f"{network}-{session}",
        offline=Made(network).document(),
        allowance=allowance,
        replaces=None if session == "one" else f"tok-{network}-alone",
    )
    return reference


def tap(bench: Any, reference: str, amount_minor: int = 1240, **options: Any) -> TapResult:
    bench.arm(reference)
    currency = options.pop("currency", 840)
    options.setdefault("config", till())
    result: TapResult = bench.tap(request=TapRequest(amount_minor, currency), **options)
    return result


def objects_of(data: bytes) -> dict[int, bytes]:
    return {node.tag: node.value for node in parse_tlv(data)}


@pytest.mark.parametrize("network", NETWORKS)
def test_card_and_till_approve_a_small_payment_alone(bench: Any, network: str) -> None:
    result = tap(bench, install(bench, network))
    assert (result.outcome, result.reason) == (APPROVED, "offline_approved")
    assert (result.cryptogram_type, result.ui.message) == ("TC", UiMessage.APPROVED)
    record = objects_of(result.emv_data)
    assert record[0x9F27] == b"\x40"
    assert record[0x95].hex() == NOTHING_FOUND[network]
    assert record[0x9F26].hex().upper() == result.cryptogram
    assert bytes.fromhex(result.status_information)[0] & 0xA0 == 0xA0


@pytest.mark.parametrize("network", NETWORKS)
def test_a_card_without_an_allowance_asks_its_issuer(bench: Any, network: str) -> None:
    result = tap(bench, install(bench, network, None))
    assert (result.outcome, result.cryptogram_type) == (ONLINE, "ARQC")


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("amount_minor", "currency", "outcome"),
    [(2000, 840, APPROVED), (2001, 840, ONLINE), (1000, 978, ONLINE)],
)
def test_the_allowance_of_one_payment(
    bench: Any, network: str, amount_minor: int, currency: int, outcome: Outcome
) -> None:
    result = tap(bench, install(bench, network), amount_minor, currency=currency)
    assert result.outcome is outcome


@pytest.mark.parametrize("network", NETWORKS)
def test_all_payments_together_end_the_allowance_and_new_keys_begin_it(
    bench: Any, network: str
) -> None:
    reference = install(bench, network)
    outcomes = [tap(bench, reference, 2000).outcome for _ in range(3)]
    assert outcomes == [APPROVED, APPROVED, ONLINE]
    assert tap(bench, reference, 1000).outcome is APPROVED
    assert tap(bench, reference, 1).outcome is ONLINE  # the fourth would be one too many
    bench.element.close()
    bench.element = bench.open()
    bench.sensor = bench.element.face_sensor(passcode="246810")
    assert tap(bench, reference, 1).outcome is ONLINE
    install(bench, network, session="two")
    assert tap(bench, reference, 1).outcome is APPROVED


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("changes", "amount_minor"),
    [
        ({"floor_limit_minor": 1000}, 1240),
        ({"status_check": True}, 100),
        ({"selection": RandomSelection(99, 99)}, 1240),
    ],
)
def test_a_till_that_wants_the_issuer_asked(
    bench: Any, network: str, changes: dict[str, Any], amount_minor: int
) -> None:
    reference = install(bench, network)
    assert tap(bench, reference, amount_minor, config=till(**changes)).outcome is ONLINE
    online_only = till({"terminal_type": 0x21}, **changes)
    assert tap(bench, reference, amount_minor, config=online_only).outcome is ONLINE
    assert bench.element.offline_spent(reference).payments == 0


@pytest.mark.parametrize("network", NETWORKS)
def test_a_till_without_a_line_declines_what_it_cannot_approve(bench: Any, network: str) -> None:
    reference = install(bench, network)
    alone = till(OFFLINE_ONLY)
    assert tap(bench, reference, 1000, config=alone).outcome is APPROVED
    over = tap(bench, reference, 2400, config=alone)
    assert over.outcome is DECLINED
    assert over.reason in {"online_not_possible", "card_declined"}
    assert tap(bench, reference, 0, config=alone).reason == "over_reader_limit"


@pytest.mark.parametrize("network", ["mastercard", "amex"])
def test_a_finding_of_the_default_code_declines_without_a_line(bench: Any, network: str) -> None:
    reference = install(bench, network)
    over_floor = till(OFFLINE_ONLY, floor_limit_minor=500)
    result = tap(bench, reference, config=over_floor)
    assert (result.outcome, result.reason) == (DECLINED, "till_declined")
    relay = NOTHING_FOUND[network][-2:]
    assert objects_of(result.emv_data)[0x95].hex() == f"00000080{relay}"
    lenient = ActionCodes(default=bytes(5))
    # The card's issuer gave no codes: every finding counts for it.
    still = till(OFFLINE_ONLY, floor_limit_minor=500, action_codes=lenient)
    assert tap(bench, reference, config=still).reason == "till_declined"


@pytest.mark.parametrize("network", NETWORKS)
def test_without_the_authority_nothing_is_approved_alone(bench: Any, network: str) -> None:
    reference = install(bench, network)
    stranger = replace(till(), authorities=TerminalConfig().authorities)
    result = tap(bench, reference, config=stranger)
    # Visa's card has approved already; the others are asked for less.
    assert result.outcome is (DECLINED if network == "visa" else ONLINE)


def test_visa_with_a_false_signature_is_declined(bench: Any) -> None:
    reference = install(bench, "visa")
    bench.arm(reference)
    card = Spoiled(bench.element.card())
    result = bench.tap(bench.link(card), config=till())
    assert (result.outcome, result.reason) == (DECLINED, "unauthentic_signature")
    assert result.findings == "0800000000"


class Spoiled:
    """A card whose signature beside GPO's answer is another's."""

    def __init__(self, card: Any) -> None:
        self.card = card

    def transmit(self, command: bytes) -> bytes:
        answer: bytes = self.card.transmit(command)
        if command[1] != 0xA8:
            return answer
        (template,) = parse_tlv(answer[:-2])
        objects = {node.tag: node.value for node in template.children}
        objects[0x9F4B] = bytes(len(objects[0x9F4B]))
        return build_tlv(0x77, [build_tlv(t, v) for t, v in objects.items()]) + answer[-2:]


class Changed(Spoiled):
    """A card with other qualifiers or type of cryptogram in GPO's answer."""

    def __init__(self, card: Any, **values: bytes) -> None:
        super().__init__(card)
        self.values = {int(name[1:], 16): value for name, value in values.items()}

    def transmit(self, command: bytes) -> bytes:
        answer: bytes = self.card.transmit(command)
        if command[1] != 0xA8:
            return answer
        (template,) = parse_tlv(answer[:-2])
        objects = {node.tag: node.value for node in template.children} | self.values
        return build_tlv(0x77, [build_tlv(t, v) for t, v in objects.items()]) + answer[-2:]


@pytest.mark.parametrize(
    ("qualifiers", "own", "outcome"),
    [
        ("2080", {}, ONLINE),
        ("2080", OFFLINE_ONLY, DECLINED),
        ("1080", {}, Outcome.TRY_ANOTHER_INTERFACE),
        ("0080", {}, DECLINED),
    ],
)
def test_what_a_visa_card_wants_where_its_signature_does_not_do(
    bench: Any, qualifiers: str, own: dict[str, Any], outcome: Outcome
) -> None:
    bench.arm(install(bench, "visa"))
    # Qualifiers that the signature does not cover make it a false one.
    card = Changed(bench.element.card(), t9F6C=bytes.fromhex(qualifiers), t9F4B=bytes(128))
    assert bench.tap(bench.link(card), config=till(own)).outcome is outcome


@pytest.mark.parametrize("qualifiers", ["0080", "2080"])
def test_an_approval_where_the_till_demanded_the_issuer(bench: Any, qualifiers: str) -> None:
    bench.arm(install(bench, "visa"))
    tc = {"t9F27": b"\x40", "t9F6C": bytes.fromhex(qualifiers)}
    result = bench.tap(
        bench.link(Changed(bench.element.card(), **tc)), config=till(floor_limit_minor=0)
    )
    expected = (ONLINE, "online_request") if qualifiers == "2080" else (
        DECLINED, "offline_not_supported"
    )  # fmt: skip
    assert (result.outcome, result.reason) == expected


@given(percent=st.integers(1, 99), amount=st.integers(0, 10_000))
def test_chance_picks_more_the_nearer_the_floor_limit(percent: int, amount: int) -> None:
    chance = RandomSelection(20, 80, 1000)
    picked = chance.picks(amount, 10_000, percent)
    if picked:
        assert chance.picks(10_000, 10_000, percent)
        assert percent <= 80
    if percent <= 20:
        assert picked
    assert not RandomSelection().picks(amount, 10_000, percent)


def test_chance_is_noted_and_covered_by_the_cryptogram(bench: Any) -> None:
    reference = install(bench, "mastercard")
    result = tap(bench, reference, config=till(selection=RandomSelection(99, 99)))
    assert objects_of(result.emv_data)[0x95].hex() == "0000001001"


@pytest.mark.parametrize(
    ("on_device", "own", "amount_minor", "reason"),
    [
        (None, 1000, 1500, "online_request"),
        (1200, 1000, 1500, "over_reader_limit"),
        (1600, 2000, 1800, "over_device_limit"),
        (1900, 2000, 1800, "online_request"),
    ],
)
def test_kernel_2_has_a_limit_of_its_own_for_devices(
    bench: Any, on_device: int | None, own: int, amount_minor: int, reason: str
) -> None:
    reference = bench.install("mastercard")
    options = KernelOptions(on_device_limit_minor=on_device)
    config = till(reader_limit_minor=own, options=options)
    assert tap(bench, reference, amount_minor, config=config).reason == reason


def test_a_device_whose_word_is_not_taken_has_its_list_read(bench: Any) -> None:
    config = till(options=KernelOptions(on_device_verification=False), cvm_limit_minor=100)
    result = tap(bench, bench.install("mastercard"), config=config)
    assert not result.cdcvm
    assert objects_of(result.emv_data)[0x9F34].hex() == "3f0001"


def test_a_combination_stands_for_its_type_of_transaction(bench: Any) -> None:
    visa = Combination(bytes.fromhex("A0000000031010"), 3, transaction_type=0x20)
    config = TerminalConfig(combinations=(visa,))
    result = bench.tap(config=config)
    assert (result.reason, result.apdu_count) == ("transaction_type_not_configured", 0)
    bench.arm()
    refund = TapRequest(1240, 840, transaction_type=0x20)
    assert bench.tap(config=config, request=refund).outcome is ONLINE


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ResponseLimits(response_bytes=20), "answer_too_long"),
        (ResponseLimits(objects=3), "too_many_objects"),
        (ResponseLimits(records=1), "too_many_records"),
    ],
)
def test_a_card_that_says_more_than_the_till_hears(
    bench: Any, network: str, limits: ResponseLimits, reason: str
) -> None:
    result = tap(bench, install(bench, network), config=till(limits=limits))
    assert result.reason == reason
    assert result.outcome is Outcome.ERROR


def test_templates_inside_templates_end_somewhere(bench: Any, scripted_card: Any) -> None:
    bench.arm()
    good = bench.tap().exchanges
    nested = build_tlv(0x9F36, b"\x00\x01")
    for _ in range(9):
        nested = build_tlv(0x70, nested)
    answers = {
        bytes.fromhex("00A404000E"): good[0].response,
        bytes.fromhex("00A404"): good[1].response,
        bytes.fromhex("80A8"): build_tlv(0x77, nested) + b"\x90\x00",
    }
    assert bench.tap(bench.link(scripted_card(answers))).reason == "answer_too_deep"


@pytest.mark.parametrize(
    "allowance",
    [
        [],
        {**ALLOWANCE, "currency": 0},
        {**ALLOWANCE, "payments": 256},
        {**ALLOWANCE, "singleMinor": True},
        {"currency": 840},
    ],
)
def test_an_allowance_that_is_none_is_not_installed(bench: Any, allowance: object) -> None:
    with pytest.raises(ProvisioningRefused, match="allowance"):
        install(bench, "visa", allowance)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("when", ["before the card", "after the card"])
def test_torn_anywhere_nothing_is_approved_and_the_card_counts_what_it_made(
    bench: Any, network: str, when: str
) -> None:
    """Over 0.25 s: each of up to eight exchanges torn, and a whole tap after each."""
    after = when == "after the card"
    reference = install(bench, network, {**ALLOWANCE, "payments": 200, "totalMinor": 999_999})
    whole = tap(bench, reference).apdu_count
    made = bench.element.offline_spent(reference).payments
    assert made == 1
    for at in range(1, whole + 1):
        bench.arm(reference)
        link = BreakingLink(bench.link(), at, CardRemoved("pulled"), after=after)
        torn = bench.tap(link, config=till(), request=TapRequest(1240, 840))
        assert torn.outcome is Outcome.TRY_AGAIN
        assert torn.emv_data == b""
        bench.element.disarm()
        again = tap(bench, reference)
        assert again.outcome is APPROVED
        # An approval that was torn away is lost to the till and spent for the card.
        spent = bench.element.offline_spent(reference)
        assert spent.payments == again.atc
        assert spent.total_minor == 1240 * spent.payments


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_a_card_answers_at_any_step_the_outcome_is_defined(bench: Any, data: Any) -> None:
    network = data.draw(st.sampled_from(NETWORKS))
    at = data.draw(st.integers(0, 7))
    answer = data.draw(
        st.one_of(
            st.binary(max_size=80),
            st.binary(max_size=60).map(lambda body: body + b"\x90\x00"),
            st.binary(max_size=60).map(lambda b: build_tlv(0x77, b) + b"\x90\x00"),
            st.binary(max_size=60).map(lambda b: build_tlv(0x70, b) + b"\x90\x00"),
        )
    )
    reference = f"tok-{network}-alone"
    if all(token.token_ref != reference for token in bench.element.tokens()):
        install(bench, network)
    bench.arm(reference)
    card = Answering(bench.element.card(), at, answer)
    own = data.draw(st.sampled_from([{}, OFFLINE_ONLY]))
    result = bench.tap(bench.link(card), config=till(own))
    assert isinstance(result.outcome, Outcome)
    if result.outcome is APPROVED:
        assert result.cryptogram_type == "TC"
    bench.element.disarm()


class Answering:
    """A card that gives another answer once."""

    def __init__(self, card: Any, at: int, answer: bytes) -> None:
        self.card, self.at, self.answer, self.count = card, at, answer, 0

    def transmit(self, command: bytes) -> bytes:
        self.count += 1
        real: bytes = self.card.transmit(command)
        return self.answer if self.count == self.at + 1 else real
