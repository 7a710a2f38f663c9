"""Fault plans as data: what is taken, what is refused and with which word."""

import pytest

from backend.faults.plan import (
    AVAILABLE,
    EFFECTS,
    LINKS,
    Fault,
    When,
    dump_toml,
    load_toml,
    read_faults,
)
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


@pytest.mark.parametrize("effect", sorted(AVAILABLE["visa.auth"]))
def test_every_effect_that_is_built_can_be_written_back(effect: str) -> None:
    numbers = {"ms": 5, "jitter_ms": 1, "kb_s": 3, "slice_bytes": 7, "bytes": 9}
    from backend.faults.plan import PARAMETERS

    body = {"link": "visa.auth", "effect": effect}
    body |= {name: numbers[name] for name in PARAMETERS[effect][0]}
    (fault,) = read_faults([body])
    assert fault.to_json() == body
    assert load_toml(dump_toml([fault])) == [fault]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"link": "diners.auth"}, "link_unknown", "fault[0].link"),
        ({"effect": "gremlin"}, "effect_unknown", "fault[0].effect"),
        ({"effect": "reorder"}, "effect_not_available", "fault[0].effect"),
        ({"effect": "answer_code"}, "effect_not_available", "fault[0].effect"),
        ({"link": "database"}, "effect_not_available", "fault[0].effect"),
        ({"link": "card", "effect": "pull"}, "effect_not_available", "fault[0].effect"),
        ({"when": {"pan_bin": "4242"}}, "effect_not_available", "fault[0].when.pan_bin"),
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
    ],
)
def test_what_is_wrong_is_refused_with_its_place(change: dict, code: str, field: str) -> None:
    body = {"link": "visa.auth", "effect": "latency", "ms": 10, **change}
    with pytest.raises(BadRequest) as refused:
        read_faults([body])
    assert (refused.value.code, refused.value.field) == (code, field)


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
    assert len(EFFECTS) == 24
    assert len(LINKS) == 16


def test_what_another_part_carries_out_can_be_let_in() -> None:
    available = {**AVAILABLE, "webhooks": frozenset({"timeout"})}
    (fault,) = read_faults([{"link": "webhooks", "effect": "timeout"}], available)
    assert fault.link == "webhooks"
