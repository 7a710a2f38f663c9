"""Fault plans as data: what is taken, what is refused and with which word."""

import pytest

from backend.faults.catalogue import AVAILABLE, EFFECTS, LINKS, WITHOUT_ISSUERS, terms_of
from backend.faults.plan import Fault, When, dump_toml, load_toml, read_faults
from backend.runtime.errors import BadRequest

PLAN = """
[[fault]]
link = "visa.auth"
effect = "latency"
ms = 800
jitter_ms = 200
probability = 0.4
from_s = 1.5
to_s = 60.0

[[fault]]
link = "amex.auth"
effect = "lost_response"
when = {nth = 3, amount_minor_gte = 5000, bin = "3799"}
"""


def test_a_plan_is_read_and_written_back_equal() -> None:
    faults = load_toml(PLAN)
    assert faults == [
        Fault("visa.auth", "latency", ms=800, jitter_ms=200, probability=0.4, from_s=1.5, to_s=60),
        Fault("amex.auth", "lost_response", when=When(nth=3, amount_minor_gte=5000, bin="3799")),
    ]
    assert load_toml(dump_toml(faults)) == faults
    assert load_toml("") == []


OWN = {
    "ms": 900, "jitter_ms": 1, "kb_s": 3, "slice_bytes": 7, "bytes": 9, "at_apdu": 4,
    "moment": "before", "sw": "6985", "code": "91", "field": 39,
}  # fmt: skip


@pytest.mark.parametrize(
    ("link", "effect"), [(link, each) for link in sorted(LINKS) for each in sorted(AVAILABLE[link])]
)
def test_every_effect_can_be_written_back(link: str, effect: str) -> None:
    terms = terms_of(link, effect)
    body = {"link": link, "effect": effect} | {name: OWN[name] for name in terms.takes}
    (fault,) = read_faults([body])
    assert fault.to_json() == body
    assert load_toml(dump_toml([fault])) == [fault]
    (bare,) = read_faults(
        [{k: v for k, v in body.items() if k in {"link", "effect", *terms.needs}}]
    )
    assert read_faults([bare.to_json()]) == [bare]


def test_every_link_is_carried_out_but_issuers_that_run_apart() -> None:
    assert [link for link in sorted(LINKS) if not AVAILABLE[link]] == []
    apart = [link for link in sorted(LINKS) if not WITHOUT_ISSUERS[link]]
    assert apart == ["amex.issuer", "mastercard.issuer", "visa.issuer"]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"link": "diners.auth"}, "link_unknown", "fault[0].link"),
        ({"effect": "gremlin"}, "effect_unknown", "fault[0].effect"),
        ({"effect": "pull"}, "effect_not_available", "fault[0].effect"),
        ({"link": "database", "effect": "corrupt"}, "effect_not_available", "fault[0].effect"),
        ({"when": {"pan_bin": "4242"}}, "condition_not_available", "fault[0].when.pan_bin"),
        ({"when": {"nth": None}}, "bad_value", "fault[0].when.nth"),
        ({"ms": -1}, "bad_value", "fault[0].ms"),
        ({"ms": True}, "bad_value", "fault[0].ms"),
        ({"ms": 1.5}, "bad_value", "fault[0].ms"),
        ({"probability": 1.1}, "bad_value", "fault[0].probability"),
        ({"probability": "often"}, "bad_value", "fault[0].probability"),
        ({"kb_s": 5}, "unknown_key", "fault[0].kb_s"),
        ({"when": {"nth": 0}}, "bad_value", "fault[0].when.nth"),
        ({"when": {"bin": 4761}}, "bad_value", "fault[0].when.bin"),
        ({"when": {"moon": "full"}}, "unknown_key", "fault[0].when.moon"),
        ({"when": []}, "bad_fault", "fault[0].when"),
        ({"from_s": 5, "to_s": 5}, "bad_value", "fault[0].to_s"),
        ({"to_s": 10**400}, "bad_value", "fault[0].to_s"),
        ({"link": 16**5000}, "link_unknown", "fault[0].link"),
        ({"ms": 16**5000}, "bad_value", "fault[0].ms"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(change: dict, code: str, field: str) -> None:
    body = {"link": "visa.auth", "effect": "latency", "ms": 10, **change}
    with pytest.raises(BadRequest) as refused:
        read_faults([body])
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("body", "code", "field", "says"),
    [
        ({"link": "card", "effect": "pull", "at_apdu": 0}, "bad_value", "at_apdu", "1 to 1000"),
        ({"link": "card", "effect": "pull", "at_apdu": 1001}, "bad_value", "at_apdu", "1 to 1000"),
        ({"link": "card", "effect": "mute", "moment": "during"}, "bad_value", "moment", "before"),
        ({"link": "card", "effect": "mute", "sw": "6F00"}, "unknown_key", "sw", "at_apdu"),
        ({"link": "card", "effect": "wrong_status", "sw": "7F00"}, "bad_value", "sw", "hex"),
        ({"link": "card", "effect": "wrong_status", "sw": "900"}, "bad_value", "sw", "four"),
        ({"link": "card", "effect": "slow"}, "missing_key", "ms", "needs 'ms'"),
        ({"link": "card", "effect": "slow", "ms": 0}, "bad_value", "ms", "1 to 600000"),
        ({"link": "card", "effect": "collision", "at_apdu": 1}, "unknown_key", "at_apdu", "takes"),
        ({"link": "reader", "effect": "pull"}, "effect_not_available", "effect", "unplug"),
        ({"link": "card", "effect": "unplug"}, "effect_not_available", "effect", "short_data"),
        ({"link": "card", "effect": "pull", "when": {"bin": "49"}},
         "condition_not_available", "when.bin", "only nth"),
        ({"link": "card", "effect": "pull", "when": "before"}, "bad_fault", "when", "nth = 3"),
        ({"link": "visa.auth", "effect": "answer_code"}, "missing_key", "code", "'code'"),
        ({"link": "visa.auth", "effect": "answer_code", "code": "00"}, "bad_value", "code", "00"),
        ({"link": "visa.auth", "effect": "answer_code", "code": 51}, "bad_value", "code", "DE 39"),
        ({"link": "visa.issuer", "effect": "answer_code", "code": "5"}, "bad_value", "code", "two"),
        ({"link": "visa.auth", "effect": "late_answer", "ms": 500}, "bad_value", "ms", "501"),
        ({"link": "visa.auth", "effect": "late_answer", "ms": 30_000}, "bad_value", "ms", "29999"),
        ({"link": "visa.auth", "effect": "malformed_field", "field": 55},
         "bad_value", "field", "39"),
        ({"link": "visa.auth", "effect": "malformed_field", "field": True},
         "bad_value", "field", "2"),
        ({"link": "visa.issuer", "effect": "timeout", "when": {"bin": "4"}},
         "condition_not_available", "when.bin", "pan_bin"),
        ({"link": "visa.issuer", "effect": "timeout", "when": {"pan_bin": "4x"}},
         "bad_value", "when.pan_bin", "digits"),
        ({"link": "visa.tsp", "effect": "latency", "ms": 1, "when": {"amount_minor_gte": 1}},
         "condition_not_available", "when.amount_minor_gte", "only nth"),
        ({"link": "cache", "effect": "duplicate"}, "effect_not_available", "effect", "corrupt"),
        ({"link": "database", "effect": "limit_data"}, "missing_key", "bytes", "'bytes'"),
    ],
)  # fmt: skip
def test_each_link_says_what_it_takes(body: dict, code: str, field: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read_faults([body])
    assert (refused.value.code, refused.value.field) == (code, f"fault[0].{field}")
    assert says in refused.value.detail


def test_a_needed_number_is_asked_for() -> None:
    with pytest.raises(BadRequest) as refused:
        read_faults([{"link": "visa.auth", "effect": "latency"}])
    assert (refused.value.code, refused.value.field) == ("missing_key", "fault[0].ms")


@pytest.mark.parametrize(
    "text",
    ["[[fault", "fault = 3", "fault = [1]", f"fault = {'9' * 5000}", f"fault = {'[' * 5000}"],
    ids=["cut", "number", "numbers", "huge", "deep"],
)
def test_a_file_that_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        load_toml(text)


def test_a_plan_has_a_limit() -> None:
    with pytest.raises(BadRequest, match="at most 64"):
        read_faults([{}] * 65)


def test_every_promised_name_is_known() -> None:
    assert {"visa.tsp", "amex.issuer", "phone.engine", "pos.engine", "reader", "card"} <= LINKS
    assert {"slicer", "half_open", "malformed_field", "collision", "reorder"} <= EFFECTS
    assert len(EFFECTS) == 25
    assert len(LINKS) == 17


def test_what_another_part_carries_out_can_be_let_in() -> None:
    fault = {"link": "visa.issuer", "effect": "timeout"}
    with pytest.raises(BadRequest):
        read_faults([fault], WITHOUT_ISSUERS)
    (let_in,) = read_faults([fault], AVAILABLE)
    assert let_in.link == "visa.issuer"
