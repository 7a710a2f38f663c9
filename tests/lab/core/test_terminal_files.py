"""Terminal configuration files: what is read, and every wrong one refused with its line."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hardware.api import Combination, TerminalConfig
from lab.errors import WrongUse
from lab.terminal_files import parse_terminal, read_terminal

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "assets" / "terminals").glob("*.toml"))
VISA = '[[combination]]\naid = "A0000000031010"\nkernel = 3\n'


def visa(text: str) -> Combination:
    return parse_terminal(VISA + text, "till.toml").combinations[0]


def test_an_empty_file_is_the_usual_till() -> None:
    assert parse_terminal("", "till.toml") == TerminalConfig()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_files_are_read(path: Path) -> None:
    assert read_terminal(path).combinations


def test_the_shipped_files_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs" / "terminal-configuration.md").read_text(encoding="utf-8")
    assert {path.stem for path in SHIPPED} == {"offline", "offline-only", "strict"}
    assert re.findall(r"assets/terminals/([a-z-]+)\.toml", text)


def test_defaults_change_the_usual_combinations() -> None:
    config = parse_terminal("[defaults]\nfloor_limit_minor = 2500\n", "till.toml")
    usual = TerminalConfig().combinations
    assert [each.aid for each in config.combinations] == [each.aid for each in usual]
    assert {each.floor_limit_minor for each in config.combinations} == {2500}


def test_a_combination_goes_before_the_defaults() -> None:
    text = (
        '[terminal]\ntype = "26"\nui_hold_ms = 900\n'
        '[defaults]\ncvm_limit_minor = 1000\nzero_amount = "not_allowed"\n'
        "[defaults.limits]\nrecords = 4\n" + VISA + 'cvm_limit_minor = "none"\nttq = "36004000"\n'
        'transaction_type = "20"\n'
        '[combination.action_codes]\nonline = "0000000000"\n'
        "[combination.random_selection]\ntarget_percent = 5\nmax_target_percent = 50\n"
        "[combination.kernel_options]\non_device_limit_minor = 700\non_device_cvm = false\n"
    )
    config = parse_terminal(text, "till.toml")
    assert (config.terminal_type, config.ui_hold_ms, config.offline_only) == (0x26, 900, True)
    (one,) = config.combinations
    assert (one.cvm_limit_minor, one.zero_amount_allowed, one.transaction_type) == (
        None, False, 0x20,
    )  # fmt: skip
    assert one.ttq == bytes.fromhex("36004000")
    assert one.limits.records == 4
    assert one.action_codes.online == bytes(5)
    assert (one.selection.target_percent, one.selection.max_target_percent) == (5, 50)
    assert (one.options.on_device_limit_minor, one.options.on_device_verification) == (700, False)


def test_one_application_may_stand_for_two_types_of_transaction() -> None:
    both = VISA + 'transaction_type = "00"\n' + VISA + 'transaction_type = "20"\n'
    assert len(parse_terminal(both, "till.toml").combinations) == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[defaults]\nflor_limit_minor = 1\n", 2, "did you mean 'floor_limit_minor'"),
        ("[terminall]\n", 1, "did you mean 'terminal'"),
        ('[terminal]\ntype = "2"\n', 2, "type is hex"),
        ('[terminal]\ntype = "2222"\n', 2, "type has 2 bytes; 1 it has"),
        ("[terminal]\ncountry = 1000\n", 2, "country is 1000; it goes from 1 to 999"),
        ("[terminal]\nui_hold_ms = -1\n", 2, "ui_hold_ms is -1"),
        ('[[combination]]\naid = "A000"\nkernel = 3\n', 2, "aid has 2 bytes; 5 to 16 it has"),
        ('[[combination]]\naid = "A0000000031010"\n', 1, "'kernel' is missing"),
        ("[[combination]]\nkernel = 3\n", 1, "'aid' is missing"),
        (VISA + VISA, 5, "stands for what an earlier one does"),
        (VISA + 'transaction_type = "00"\n' + VISA, 6, "stands for what an earlier one does"),
        (VISA + "floor_limit_minor = 1.5\n", 4, "floor_limit_minor is a whole number"),
        (VISA + 'floor_limit_minor = "off"\n', 4, 'minor units, or "none"'),
        (VISA + "floor_limit_minor = -1\n", 4, "it goes from 0"),
        (VISA + 'zero_amount = "maybe"\n', 4, "zero_amount 'maybe' is unknown"),
        (VISA + "status_check = 1\n", 4, "status_check is true or false"),
        (VISA + '[combination.action_codes]\ndenial = "00"\n', 5, "denial has 1 bytes; 5 it has"),
        (VISA + '[combination.action_codes]\nonlin = "00"\n', 5, "did you mean 'online'"),
        (VISA + "[combination.random_selection]\ntarget_percent = 100\n", 5, "from 0 to 99"),
        (
            VISA + "[combination.random_selection]\ntarget_percent = 9\nmax_target_percent = 8\n",
            6,
            "it goes from 9 to 99",
        ),
        (VISA + "[combination.limits]\nrecords = 0\n", 5, "it goes from 1 to 255"),
        (VISA + "[combination.limits]\ndept = 3\n", 5, "did you mean 'depth'"),
        ("combination = 3\n", 1, "combination is written as [[combination]]"),
        ("defaults = 3\n", 1, "defaults is no table"),
        ('[defaults]\naid = "A000000003"\n', 2, "unknown key 'aid'"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(WrongUse, match=re.escape(said)) as refused:
        parse_terminal(text, "till.toml")
    assert f"till.toml:{line}:" in str(refused.value)


def test_a_combination_may_have_one_mode_only() -> None:
    assert visa('modes = "mag_stripe"\n').modes.value == "mag_stripe"
    with pytest.raises(WrongUse, match="modes 'stripe' is unknown"):
        visa('modes = "stripe"\n')


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"x" * 70_000])
def test_files_that_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "till.toml"
    path.write_bytes(content)
    with pytest.raises(WrongUse, match=r"till\.toml"):
        read_terminal(path)
    with pytest.raises(WrongUse, match="cannot be read"):
        read_terminal(tmp_path / "nowhere.toml")


def test_kernel_2s_memory_and_measures_are_the_terminals() -> None:
    text = "[terminal]\ntorn_transactions = 0\ntorn_lifetime_s = 60\n"
    timed = parse_terminal(text + "[terminal.relay]\ngrace_max_100us = 9\n", "till.toml")
    assert (timed.torn_records_max, timed.torn_lifetime_s) == (0, 60)
    assert timed.relay_resistance is not None
    assert timed.relay_resistance.grace_max_100us == 9
    assert parse_terminal("[terminal]\nrelay_resistance = false\n", "x").relay_resistance is None
    with pytest.raises(WrongUse, match="mismatch_percent is 101"):
        parse_terminal("[terminal.relay]\nmismatch_percent = 101\n", "till.toml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Another fault than a refusal fails here."""
    with contextlib.suppress(WrongUse):
        assert parse_terminal(text, "till.toml").combinations
