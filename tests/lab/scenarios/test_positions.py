"""Every table and key is found on the line where it stands, whatever TOML allows around it."""

from __future__ import annotations

import tomllib

import pytest

from lab.scenarios.positions import Lines

TEXT = '''# a comment with [brackets] and "quotes
name = "one"   # [[step]]
description = """
not = a key
[[step]]
"""
literal = \'\'\'
[x]\'\'\'

[[step]]
do = "tap"
"quoted key" = 1
list = [
  1, # ]
  2,
]
inner.dotted = true
[step.expect]
outcome = "approved"

[[step]]
do = "advance"
path = 'C:\\\\'
[[step.faults]]
link = "a"
[[step.faults]]
link = "b # not a comment"
[table]
key = { a = "}", b = 2 }
last = """ends in a quote\\""""
'''
WHERE = {
    ("name",): 2,
    ("description",): 3,
    ("literal",): 7,
    ("step", 0): 10,
    ("step", 0, "do"): 11,
    ("step", 0, "quoted key"): 12,
    ("step", 0, "list"): 13,
    ("step", 0, "inner", "dotted"): 17,
    ("step", 0, "expect"): 18,
    ("step", 0, "expect", "outcome"): 19,
    ("step", 1): 21,
    ("step", 1, "path"): 23,
    ("step", 1, "faults", 0): 24,
    ("step", 1, "faults", 0, "link"): 25,
    ("step", 1, "faults", 1): 26,
    ("step", 1, "faults", 1, "link"): 27,
    ("table",): 28,
    ("table", "key"): 29,
    ("table", "last"): 30,
}


def test_the_text_of_this_test_is_toml() -> None:
    assert tomllib.loads(TEXT)["step"][1]["faults"][1]["link"] == "b # not a comment"


@pytest.mark.parametrize("path", WHERE)
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...]) -> None:
    assert Lines(TEXT).of(path) == WHERE[path]


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = Lines(TEXT)
    assert lines.of(("step", 1, "amount")) == 21
    assert lines.of(("table", "key", "a")) == 29
    assert lines.of(("nowhere",)) == 1


def test_windows_line_ends_count_once() -> None:
    assert Lines(TEXT.replace("\n", "\r\n")).of(("table", "last")) == 30
