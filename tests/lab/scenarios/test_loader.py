"""A scenario file is refused with its line, the key, and what was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import WrongUse
from lab.resources import scenario_files
from lab.scenarios.loader import FILE_BYTES_MAX, load_file, load_text
from lab.scenarios.model import Accepted, Scenario, Tap, WaitFor, Want
from lab.scenarios.writer import to_toml

TAP = '[[step]]\nname = "t"\ndo = "tap"\namount = "12.40"\n'
EXPECT = '[[expect]]\nledger = "balanced"\n'
FAULT = '[[fault]]\nlink = "visa.auth"\neffect = "timeout"\n'

# text after `name = "x"` (so it begins on line 2) → what the complaint says
WRONG = {
    "not toml": ("step = [", "no TOML"),
    "unknown key on top": (f"sede = 7\n{TAP}{EXPECT}", ("x.toml:2: unknown key 'sede'; did you "
                           "mean 'seed'?")),
    "unknown key of a step": (f'{TAP}currancy = "EUR"\n{EXPECT}', ("x.toml:6: step 1: unknown key "
                              "'currancy'; did you mean 'currency'?")),
    "unknown deed": ('[[step]]\ndo = "tpa"\n', ("x.toml:3: step 1: do 'tpa' is unknown; did you "
                     "mean 'tap'?")),
    "paying in an app, unseen": (
        '[[step]]\ndo = "pay_in_app"\namount = "1"\nbackground = true\n', "no background"
    ),
    "a till's key in an app": ('[[step]]\ndo = "pay_in_app"\namount = "1"\npull_at_apdu = 3\n',
                               "unknown key 'pull_at_apdu'"),
    "a refund of no tap": ('[[step]]\ndo = "refund"\ntap = "t"\n', "tap 't' is unknown"),
    "a refund of a later tap": (f'[[step]]\ndo = "refund"\ntap = "t"\n{TAP}', "tap 't' is unknown"),
    "a refund of nothing": (f'{TAP}[[step]]\ndo = "refund"\ntap = "t"\namount = "0"\n',
                            "more than nothing"),
    "a void of a part": (f'{TAP}[[step]]\ndo = "void"\ntap = "t"\namount = "1"\n{EXPECT}',
                         "unknown key 'amount'"),
    "an unknown end": (f'{TAP}[[step]]\ndo = "void"\ntap = "t"\nends = "maybe"\n',
                       "ends 'maybe' is unknown"),
    "no deed": ('[[step]]\nname = "a"\n', "x.toml:2: step 1: 'do' is missing"),
    "amount as a number": ('[[step]]\ndo = "tap"\namount = 12.40\n', ("x.toml:4: step 1: amount is "
                           "a text in quotes")),
    "amount of nothing": ('[[step]]\ndo = "tap"\namount = "0"\n', "more than nothing"),
    "too many decimals": ('[[step]]\ndo = "tap"\namount = "1.234"\n', ("x.toml:4: step 1: USD has "
                          "2 decimals")),
    "absurd amount": (f'[[step]]\ndo = "tap"\namount = "{"9" * 40}"\n', "more than 12 digits"),
    "no such currency": ('[[step]]\ndo = "tap"\namount = "1"\ncurrency = "USDD"\n', "no ISO 4217"),
    "no such card": (TAP + 'card = "visum"\n', "card 'visum' is unknown; did you mean 'visa'?"),
    "card not there": (TAP + 'card = "amex"\n' + EXPECT, "the phone has no amex card by then"),
    "card there twice": ('[[step]]\ndo = "provision"\ncard = "visa"\n', "the phone has visa"),
    "card removed": ('[[step]]\ndo = "remove_card"\ncard = "visa"\n' + TAP, "no visa card by then"),
    "negative pause": ('[[step]]\ndo = "advance"\nseconds = -1\n', ("x.toml:4: step 1: seconds is "
                       "-1; it goes from 0")),
    "endless pause": ('[[step]]\ndo = "advance"\nseconds = inf\n', "seconds is inf"),
    "no number": ('[[step]]\ndo = "advance"\nseconds = nan\n', "seconds is nan"),
    "same name twice": (TAP + TAP + EXPECT, "x.toml:7: step 2: there is another step named 't'"),
    "waiting for nothing": ('[[step]]\ndo = "wait_for"\n', "wait_for takes one of"),
    "waiting for two things": ('[[step]]\ndo = "wait_for"\nquiet = true\nevent = "x"\n',
                               "wait_for takes one of"),
    "waiting for a tap that nobody began": (TAP + '[[step]]\ndo = "wait_for"\ntap = "t"\n',
                                            "tap 't' is unknown; there are none"),
    "pulled before the first command": (TAP + "pull_at_apdu = 0\n" + EXPECT, "pull_at_apdu is 0"),
    "no steps": (EXPECT, "there is no [[step]]"),
    "nothing expected": (TAP, "there is no [[expect]]"),
    "an empty expectation": (TAP + "[[expect]]\n", "nothing is expected here"),
    "steps as a table": ("[step]\ndo = 'tap'\n", "step is written as [[step]]"),
    "unknown subject": (TAP + '[[expect]]\nbreaker = { visa = "open" }\n', ("x.toml:7: expect 1: "
                        "unknown key 'breaker'; did you mean 'breakers'?")),
    "unknown belief": (TAP + '[[expect]]\ntap = "t"\nbank = "hold"\n', ("x.toml:8: expect 1: bank "
                       "'hold' is unknown; did you mean 'held'?")),
    "unknown tap": (TAP + '[[expect]]\ntap = "tt"\nbank = "held"\n', "tap 'tt' is unknown"),
    "unknown moment": (TAP + '[[expect]]\nafter = "x"\nholds = 1\n', "after 'x' is unknown"),
    "unknown fault": (TAP + FAULT + "[[expect]]\nfired = { silence = 1 }\n", "no fault 'silence'"),
    "unknown account": (TAP + "[[expect]]\nbalances = { USD = { card = 1 } }\n", "no account"),
    "expected of no tap": ('[[step]]\ndo = "kill_engine"\nexpect = { bank = "held" }\n',
                           "bank is about a tap, and this step is none"),
    "bounds the wrong way": (TAP + "[[expect]]\nholds = { at_least = 3, at_most = 1 }\n",
                             "at_least 3 is more than at_most 1"),
    "negative count": (TAP + "[[expect]]\nholds = -1\n", "holds is -1; it goes from 0"),
    "contradiction": (TAP + '[[expect]]\ntap = "t"\nbank = "held"\n[[expect]]\ntap = "t"\n'
                      'bank = "released"\n', ("x.toml:11: expect 2: bank cannot be released when "
                      "another expectation wants held")),
    "contradicting counts": (TAP + "[[expect]]\nholds = 1\n[[expect]]\nholds = { at_least = 2 }\n",
                             "holds cannot be at least 2"),
    "judged before it was": (TAP + '[[step]]\nname = "u"\ndo = "tap"\namount = "1"\n[[expect]]\n'
                             'tap = "u"\nafter = "t"\nbank = "held"\n', "comes before the tap"),
    "unknown link": (TAP + EXPECT + FAULT.replace("visa.auth", "visa.aut"), ("x.toml:9: fault 1: "
                     "there is no link 'visa.aut'; did you mean 'visa.auth'?")),
    "unknown effect": (TAP + EXPECT + FAULT.replace("timeout", "latencey"), ("did you mean "
                       "'latency'?")),
    "effect without its number": (TAP + EXPECT + FAULT.replace("timeout", "latency"),
                                  "latency needs 'ms'"),
    "time line the wrong way": (TAP + EXPECT + FAULT + "from_s = 5\nto_s = 1\n", ("x.toml:12: "
                                "fault 1: to_s is not after from_s")),
    "unknown step of a fault": (TAP + EXPECT + FAULT + 'during = "tt"\n', ("during 'tt' is "
                                "unknown; did you mean 't'?")),
    "two faults of one name": (TAP + EXPECT + FAULT + 'name = "f"\n' + FAULT + 'name = "f"\n',
                               "two faults are named 'f'"),
    "applied without faults": ('[[step]]\ndo = "apply_faults"\n', "apply_faults needs faults"),
    "absurd seed": (f"seed = {2**63}\n{TAP}", "seed is 9223372036854775808"),
    "other world": (f'world = "lunar"\n{TAP}', ("world 'lunar' is unknown; known are live, "
                    "simulated")),
    "too many steps": (TAP.replace('name = "t"\n', "") * 501, "501 times step: 500 are the most"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_with_its_place(case: str) -> None:
    text, said = WRONG[case]
    with pytest.raises(WrongUse) as refused:
        load_text(f'name = "x"\n{text}', "x.toml")
    assert said in str(refused.value)


def test_a_name_is_needed() -> None:
    with pytest.raises(WrongUse, match=r"x\.toml:1: 'name' is missing"):
        load_text(TAP + EXPECT, "x.toml")


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.toml"
    path.write_text("#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(WrongUse, match=f"at most {FILE_BYTES_MAX}"):
        load_file(path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WrongUse, match=r"bad\.toml"):
        load_file(path)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(WrongUse, match="no TOML"):
        load_text(f"name = {'[' * 5_000}", "x.toml")


def test_everything_that_was_left_out_has_a_usual_value(
    scenario_of: Callable[[str], Scenario],
) -> None:
    scenario = scenario_of('[[step]]\ndo = "tap"\namount = "12.40"\n[[expect]]\nbank = "held"\n')
    assert scenario.steps == (Tap("step 1", 1240, "USD", "visa"),)
    assert scenario.cards == ("visa",)
    assert scenario.expectations[0].tap == "step 1"
    assert scenario.expectations[0].wants == (Want("bank", Accepted(words=("held",))),)


def test_a_written_scenario_reads_back_equal(scenario_of: Callable[[str], Scenario]) -> None:
    scenario = scenario_of(
        """
cards = ["visa", "amex"]
description = '''two
lines with "quotes" and \\ '''
[[step]]
name = "a \\"quoted\\" tap"
do = "tap"
amount = "1240"
currency = "JPY"
background = true
expect = { outcome = ["approved", "declined"] }
[[step]]
do = "wait_for"
tap = "a \\"quoted\\" tap"
within_s = 5
[[step]]
do = "wait_for"
breakers = { visa = "open" }
[[step]]
do = "wait_for"
event = "message.sent"
[[step]]
do = "apply_faults"
faults = [{ link = "visa.auth", effect = "latency", ms = 5, when = { nth = 2 } }]
[[step]]
do = "reset_faults"
[[step]]
do = "suspend"
card = "amex"
[[step]]
do = "remove_card"
card = "amex"
[[step]]
do = "provision"
card = "mastercard"
[[step]]
do = "force_breaker"
network = "visa"
state = "auto"
[[step]]
do = "kill_engine"
[[fault]]
name = "a, b"
link = "amex.auth"
effect = "timeout"
from_s = 1.5
to_s = 2.5
during = ["step 2", "step 3"]
[[expect]]
fired = { "a, b" = { at_least = 1 }, "step 5: fault 1" = 0 }
balances = { JPY = { customer-card = -5 } }
payments = { approved = { at_least = 1, at_most = 2 } }
[[expect]]
latency_ms = { total = 500 }
"""
    )
    assert load_text(to_toml(scenario), "again.toml") == scenario


@pytest.mark.parametrize("path", scenario_files(), ids=lambda path: path.stem)
def test_a_shipped_scenario_reads_back_equal(path: Path) -> None:
    scenario = load_file(path)
    again = load_text(to_toml(scenario), path.name)
    assert set(again.expectations) == set(scenario.expectations)
    assert (again.steps, again.faults, again.name) == (
        scenario.steps,
        scenario.faults,
        scenario.name,
    )


def test_waiting_has_an_end(scenario_of: Callable[[str], Scenario]) -> None:
    scenario = scenario_of('[[step]]\ndo = "wait_for"\nquiet = true\n[[expect]]\nholds = 0\n')
    (step,) = scenario.steps
    assert isinstance(step, WaitFor)
    assert step.within_s == 60.0
