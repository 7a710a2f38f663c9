"""A defined outcome for every answer: all status words, all missing, short and doubled objects.

The till talks to recorded answers of one good tap, changed one to three fields at a time. What
must hold: an outcome with a reason from the table, a bounded conversation, no other exception.
"""

from __future__ import annotations

from typing import Any

import pytest

from hardware.api import ENDINGS, TapResult, build_tlv, parse_tlv
from hardware.emv.tlv import Tlv, tag_name

MANDATORY = (0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
STEPS = ("ppse", "select", "gpo", "record")
SELECT_NEXT = "conditions_not_satisfied"
CLASSES = (
    0x6100, 0x6200, 0x6281, 0x6283, 0x6300, 0x63C1, 0x6400, 0x6581, 0x6700, 0x6800, 0x6882,
    0x6900, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986, 0x6A00, 0x6A80, 0x6A81, 0x6A82, 0x6A83,
    0x6A86, 0x6A88, 0x6B00, 0x6C10, 0x6D00, 0x6E00, 0x6F00, 0x9100, 0x9001, 0x9300,
)  # fmt: skip


class Recorded:
    """A good tap's four answers, to be spoiled."""

    def __init__(self, bench: Any, scripted_card: Any) -> None:
        self.bench, self.scripted_card = bench, scripted_card
        bench.arm()
        result = bench.tap(bench.link(bench.element.card(with_records=True)))
        assert result.outcome == "online_request"
        answers = [exchange.response for exchange in result.exchanges]
        self.good = dict(zip(STEPS, answers, strict=True))

    def tap(self, **changed: bytes) -> TapResult:
        answers = self.good | changed
        card = self.scripted_card(
            {
                bytes.fromhex("00A404000E"): answers["ppse"],
                bytes.fromhex("00A404"): answers["select"],
                bytes.fromhex("80A8"): answers["gpo"],
                bytes.fromhex("00B2"): answers["record"],
            }
        )
        result: TapResult = self.bench.tap(self.bench.link(card))
        check_defined(result)
        return result

    def objects(self, step: str = "gpo") -> list[tuple[int, bytes]]:
        (template,) = parse_tlv(self.good[step][:-2])
        return [(node.tag, node.value) for node in template.children]


def check_defined(result: TapResult) -> None:
    family = result.reason if result.reason in ENDINGS else result.reason.split("_")[0]
    assert family in ENDINGS
    assert result.outcome is ENDINGS[family].outcome
    assert result.steps[-1] == "outcome"
    assert result.apdu_count <= 40
    if result.outcome == "online_request":
        assert result.token
        assert result.emv_data
        assert result.cryptogram_type


def template(tag: int, objects: list[tuple[int, bytes]]) -> bytes:
    return build_tlv(tag, [build_tlv(t, v) for t, v in objects]) + b"\x90\x00"


@pytest.fixture
def recorded(bench: Any, scripted_card: Any) -> Recorded:
    return Recorded(bench, scripted_card)


def test_unchanged_answers_go_online(recorded: Recorded) -> None:
    assert recorded.tap().outcome == "online_request"


@pytest.mark.parametrize("sw", CLASSES)
def test_every_status_word_at_every_step(recorded: Recorded, sw: int) -> None:
    status = sw.to_bytes(2, "big")
    assert recorded.tap(ppse=status).reason == "no_ppse"
    assert recorded.tap(select=status).reason == "select_refused"
    gpo = recorded.tap(gpo=status)
    special = {
        0x6984: ("try_another_interface", "switch_interface"),
        0x6985: ("use_another_card", SELECT_NEXT),
        0x6986: ("see_phone", "see_phone"),
    }
    assert (gpo.outcome, gpo.reason) == special.get(sw, ("error", "gpo_refused"))
    assert recorded.tap(record=status).reason == "record_refused"
    for step in STEPS:
        with_data = recorded.good[step][:-2] + status
        assert recorded.tap(**{step: with_data}).outcome != "online_request"


@pytest.mark.parametrize("raw", [b"\x90", b"\x00" * 300, b"\x12\x34", b"\xff\xff"])
@pytest.mark.parametrize("step", STEPS)
def test_answers_that_are_no_response(recorded: Recorded, step: str, raw: bytes) -> None:
    result = recorded.tap(**{step: raw})
    assert (result.outcome, result.reason) == ("error", "answer_malformed")


@pytest.mark.parametrize("step", STEPS)
def test_answers_cut_at_every_byte(recorded: Recorded, step: str) -> None:
    data = recorded.good[step][:-2]
    for kept in range(len(data)):
        result = recorded.tap(**{step: data[:kept] + b"\x90\x00"})
        assert result.outcome in {"error", "use_another_card"}, kept


def test_every_object_missing_short_long_empty_and_doubled(recorded: Recorded) -> None:
    objects = recorded.objects()
    assert {tag for tag, _ in objects} >= set(MANDATORY)
    for position, (tag, value) in enumerate(objects):
        rest = objects[:position] + objects[position + 1 :]
        missing = recorded.tap(gpo=template(0x77, rest))
        if tag in MANDATORY:
            assert missing.reason == f"missing_{tag_name(tag)}"
        doubled = recorded.tap(gpo=template(0x77, [*objects, (tag, value)]))
        assert (doubled.outcome, doubled.reason) == ("error", f"duplicate_{tag_name(tag)}")
        also_in_record = recorded.tap(record=template(0x70, [(tag, value)]))
        assert also_in_record.reason == f"duplicate_{tag_name(tag)}"
        empty = recorded.tap(gpo=template(0x77, [*rest, (tag, b"")]))
        assert empty.reason == (f"bad_{tag_name(tag)}" if tag != 0x94 else "online_request")
        long = recorded.tap(gpo=template(0x77, [*rest, (tag, value + bytes(30))]))
        assert long.outcome == "error"
        if tag not in {0x94, 0x57, 0x9F6E, 0x9F10}:
            short = recorded.tap(gpo=template(0x77, [*rest, (tag, value[:-1])]))
            assert short.reason == f"bad_{tag_name(tag)}"


def replaced(objects: list[tuple[int, bytes]], tag: int, value: bytes) -> bytes:
    return template(0x77, [(t, value if t == tag else v) for t, v in objects])


@pytest.mark.parametrize(
    ("cid", "qualifiers", "outcome", "reason"),
    [
        ("00", "0080", "declined", "card_declined"),
        ("40", "0080", "declined", "offline_not_supported"),
        ("40", "2080", "online_request", "online_request"),
        ("40", "1080", "try_another_interface", "switch_interface"),
        ("80", "0080", "online_request", "online_request"),
        ("C0", "0080", "error", "cryptogram_type_unknown"),
    ],
)
def test_the_cryptograms_type_decides(
    recorded: Recorded, cid: str, qualifiers: str, outcome: str, reason: str
) -> None:
    objects = [
        (tag, {0x9F27: bytes.fromhex(cid), 0x9F6C: bytes.fromhex(qualifiers)}.get(tag, value))
        for tag, value in recorded.objects()
    ]
    result = recorded.tap(gpo=template(0x77, objects))
    assert (result.outcome, result.reason) == (outcome, reason)


def test_without_9f27_the_results_in_9f10_decide(recorded: Recorded) -> None:
    objects = [entry for entry in recorded.objects() if entry[0] != 0x9F27]
    assert recorded.tap(gpo=template(0x77, objects)).cryptogram_type == "ARQC"
    declined = replaced(objects, 0x9F10, bytes.fromhex("06011203800000"))
    assert recorded.tap(gpo=declined).reason == "card_declined"


@pytest.mark.parametrize(
    ("qualifiers", "amount", "reason", "cvm"),
    [
        ("0080", 5000, "online_request", "device"),
        ("0000", 4999, "online_request", "none"),
        ("0000", 5000, "cvm_not_satisfied", "none"),
        ("4000", 5000, "online_request", "signature"),
        ("8000", 5000, "cvm_not_satisfied", "none"),
    ],
)
def test_the_cardholder_is_verified_where_the_amount_asks(
    recorded: Recorded, qualifiers: str, amount: int, reason: str, cvm: str
) -> None:
    from hardware.api import TapRequest

    recorded.bench.request = TapRequest(amount, 840)
    gpo = replaced(recorded.objects(), 0x9F6C, bytes.fromhex(qualifiers))
    result = recorded.tap(gpo=gpo)
    assert (result.reason, result.cvm.value) == (reason, cvm)


@pytest.mark.parametrize(
    "track",
    [
        "4242424242424242D2912201",
        "4242424242424242D29132010",
        "4242424242424242D2900201",
        "42424242424242422912201F",
        "4242424A42424242D2912201",
        "424242D2912201FF",
        "4242424242424242D291",
        "FFFFFFFFFFFFFFFF",
    ],
)
def test_tracks_are_read_or_refused(recorded: Recorded, track: str) -> None:
    value = bytes.fromhex(track + "F" * (len(track) % 2))
    result = recorded.tap(gpo=replaced(recorded.objects(), 0x57, value))
    good = track == "4242424242424242D2912201"
    assert result.reason == ("online_request" if good else "bad_57")


def test_another_number_in_5a_is_noticed(recorded: Recorded) -> None:
    other = (0x5A, bytes.fromhex("5555555555554444"))
    result = recorded.tap(gpo=template(0x77, [*recorded.objects(), other]))
    assert result.reason == "pan_mismatch"


def test_a_card_cannot_replace_what_the_till_said(recorded: Recorded) -> None:
    objects = [*recorded.objects(), (0x9F02, bytes(6)), (0x9F37, bytes(4)), (0x84, b"other")]
    result = recorded.tap(gpo=template(0x77, objects))
    sent = {node.tag: node.value for node in parse_tlv(result.emv_data)}
    assert sent[0x9F02].hex() == "000000001240"
    assert sent[0x9F37].hex().upper() == result.unpredictable_number
    assert sent[0x84] == VISA


@pytest.mark.parametrize(
    "locator",
    ["10", "10010102", "10020100", "10000100", "00010100", "11010100", "F8010100"],
)
def test_locators_that_lead_nowhere_are_refused(recorded: Recorded, locator: str) -> None:
    result = recorded.tap(gpo=replaced(recorded.objects(), 0x94, bytes.fromhex(locator)))
    assert result.reason == "afl_malformed"


def test_a_locator_of_more_records_than_the_till_reads(recorded: Recorded) -> None:
    result = recorded.tap(gpo=replaced(recorded.objects(), 0x94, bytes.fromhex("1001FF00" * 2)))
    assert result.reason == "too_many_records"


def test_format_1_brings_no_cryptogram_and_is_an_error(recorded: Recorded) -> None:
    gpo = build_tlv(0x80, bytes.fromhex("100010010100")) + b"\x90\x00"
    assert recorded.tap(gpo=gpo).reason == "missing_9F36"
    for broken in ("8000", "800110", "8003100010", "7700", "", "70028200", "77007700"):
        result = recorded.tap(gpo=bytes.fromhex(broken) + b"\x90\x00")
        assert result.outcome == "error"
    everything = [entry for entry in recorded.objects() if entry[0] not in {0x82, 0x94}]
    full = recorded.tap(gpo=gpo, record=template(0x70, everything))
    assert full.outcome == "online_request"


@pytest.mark.parametrize(
    ("pdol", "reason"),
    [
        ("", "pdol_without_ttq"),
        ("9F0206", "pdol_without_ttq"),
        ("9F66", "pdol_malformed"),
        ("9F66FF", "pdol_malformed"),
        ("9F66049F37FA", "pdol_malformed"),
        ("9F6604", "online_request"),
        ("9F66049F4E14", "online_request"),
        ("9F66049F37F8", "online_request"),
    ],
)
def test_every_pdol_has_an_outcome(recorded: Recorded, pdol: str, reason: str) -> None:
    (found,) = parse_tlv(recorded.good["select"][:-2])

    def rebuilt(node: Tlv) -> bytes:
        if node.tag == 0x9F38:
            return build_tlv(0x9F38, bytes.fromhex(pdol))
        if node.constructed:
            return build_tlv(node.tag, [rebuilt(child) for child in node.children])
        return build_tlv(node.tag, node.value)

    assert recorded.tap(select=rebuilt(found) + b"\x90\x00").reason == reason


def directory(*entries: list[tuple[int, bytes]]) -> bytes:
    listed = [build_tlv(0x61, [build_tlv(t, v) for t, v in entry]) for entry in entries]
    proprietary = build_tlv(0xA5, build_tlv(0xBF0C, listed))
    return build_tlv(0x6F, [build_tlv(0x84, b"2PAY.SYS.DDF01"), proprietary]) + b"\x90\x00"


VISA = bytes.fromhex("A0000000031010")
ELECTRON = bytes.fromhex("A0000000032010")
MASTERCARD = bytes.fromhex("A0000000041010")


def test_candidates_go_by_priority_then_by_the_cards_order(recorded: Recorded) -> None:
    ppse = directory(
        [(0x4F, MASTERCARD), (0x87, b"\x01")],
        [(0x4F, VISA), (0x87, b"\x00")],
        [(0x4F, ELECTRON), (0x87, b"\x03")],
        [(0x4F, VISA + b"\x01"), (0x87, b"\x03")],
        [(0x4F, b"\xa0\x00")],
        [(0x50, b"no name")],
        [(0x4F, VISA), (0x87, b"\x02"), (0x9F2A, b"\x05")],
        [(0x4F, VISA), (0x87, b"\x02"), (0x9F2A, b"\x80")],
    )
    result = recorded.tap(ppse=ppse)
    assert result.candidates == (
        "A0000000041010",
        "A0000000032010",
        "A000000003101001",
        "A0000000031010",
    )
    # SELECT answers with Visa's name whatever is asked, so the others are passed over.
    assert (result.outcome, result.kernel) == ("online_request", 3)
    assert result.apdu_count == 7


def test_select_next_tries_every_candidate_once(recorded: Recorded) -> None:
    ppse = directory([(0x4F, VISA), (0x87, b"\x01")], [(0x4F, VISA), (0x87, b"\x02")])
    result = recorded.tap(ppse=ppse, gpo=bytes.fromhex("6985"))
    assert (result.reason, result.apdu_count) == (SELECT_NEXT, 5)


@pytest.mark.parametrize(
    "raw",
    ["", "6F00", "7000", "6F10840E325041592E5359532E4444463031", "6F0484023232", "6F02A500"],
)
def test_directories_that_are_none(recorded: Recorded, raw: str) -> None:
    result = recorded.tap(ppse=bytes.fromhex(raw) + b"\x90\x00")
    assert (result.outcome, result.reason) == ("use_another_card", "ppse_malformed")
    empty = recorded.tap(ppse=directory())
    assert (empty.outcome, empty.reason) == ("use_another_card", "no_candidates")
