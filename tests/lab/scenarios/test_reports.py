"""JUnit, the report page and the evidence folder say what the run said, and nothing secret."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest

from lab.errors import SomethingMissing
from lab.scenarios.evidence import slug, write_evidence
from lab.scenarios.junit import to_xml
from lab.scenarios.loader import load_text
from lab.scenarios.playing import play_once
from lab.scenarios.report import to_html
from lab.scenarios.result import Result

NASTY = '<script>alert("x")</script> & "quoted"'
VOID = {"meta", "br"}


@pytest.fixture(scope="module")
def result() -> Result:
    """One run with everything in it: broken, approved, failed, and a nasty name."""
    return play_once(
        load_text(
            f"name = {orjson.dumps(NASTY).decode()}\n"
            """
description = "First.\\n\\nSecond <b>."
[[step]]
name = "lost"
do = "tap"
amount = "24.00"
[[step]]
name = "good"
do = "tap"
amount = "12.40"
[[step]]
do = "advance"
seconds = 31
[[step]]
do = "wait_for"
quiet = true
[[fault]]
name = "answer <lost>"
link = "visa.auth"
effect = "lost_response"
during = "lost"
[[fault]]
name = "never"
link = "amex.auth"
effect = "timeout"
[[expect]]
tap = "good"
bank = "held"
phone = "declined"
[[expect]]
ledger = "balanced"
""",
            "nasty.toml",
        )
    )


class Page(HTMLParser):
    """Reads a page as a browser would: its tags balance, its texts are collected."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.addresses: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_junit_has_one_case_an_expectation_and_one_a_fault(result: Result) -> None:
    top = ET.fromstring(to_xml([result, result]))  # noqa: S314 - our own document
    suites = top.findall("testsuite")
    assert len(suites) == 2
    cases = suites[0].findall("testcase")
    assert len(cases) == len(result.checks) + len(result.faults)
    failures = suites[0].findall("testcase/failure")
    assert [each.get("message") for each in failures] == ["expected declined, was approved"]
    errors = suites[0].findall("testcase/error")
    assert len(errors) == 1
    assert "amex.auth timeout never fired" in (errors[0].get("message") or "")
    assert (top.get("tests"), top.get("failures"), top.get("errors")) == (
        str(2 * len(cases)),
        "2",
        "2",
    )


def test_the_page_stands_alone_and_escapes_what_it_was_told(result: Result) -> None:
    page = Page(to_html([result]))
    assert page.open == []
    assert "script" not in page.tags
    assert page.addresses == []
    assert "url(" not in to_html([result])
    assert '<script>alert("x")</script> &' in page.text


def test_the_page_is_light_dark_and_printable(result: Result) -> None:
    text = to_html([result])
    for needed in ("prefers-color-scheme: dark", "@media print", "color-scheme: light dark"):
        assert needed in text


def test_what_was_not_normal_stands_before_what_was_found(result: Result) -> None:
    text = Page(to_html([result])).text
    assert 0 < text.index("We broke Visa: answer lost") < text.index("What was expected")
    assert "never fired: 'never' (amex.auth timeout)" in text


def test_the_page_tells_the_beliefs_and_the_story(result: Result) -> None:
    text = Page(to_html([result])).text
    for said in ("not completed", "0100 to visa", "visa.auth lost_response fired", "$24.00"):
        assert said in text
    lost, good = result.taps
    assert (lost.till, lost.bank, good.bank) == ("declined", "released", "held")


def test_evidence_holds_everything_with_sums_that_agree(result: Result, tmp_path: Path) -> None:
    folder = write_evidence(tmp_path, result)
    sums = dict(
        reversed(line.split("  ", 1)) for line in (folder / "SHA256SUMS").read_text().splitlines()
    )
    files = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert set(sums) == files - {"SHA256SUMS"}
    for name, digest in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert {"events.jsonl", "ledger.json", "faults.json", "verify.json", "versions.json"} <= files
    assert sum(name.startswith("traces/") for name in files) == 2
    events = [orjson.loads(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]
    assert len(events) == len(result.events) > 20
    assert orjson.loads((folder / "versions.json").read_bytes())["seed"] == result.seed


def test_evidence_can_be_played_again(result: Result, tmp_path: Path) -> None:
    folder = write_evidence(tmp_path, result)
    again = play_once(load_text((folder / "scenario.toml").read_text(), "scenario.toml"))
    assert again.event_log_sha256 == result.event_log_sha256


def test_no_card_number_leaves_the_run(result: Result, tmp_path: Path) -> None:
    folder = write_evidence(tmp_path, result)
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    written += to_xml([result])
    assert b"4242424242424242" not in written
    assert re.search(rb"\b4242[ 0-9]{12,15}\b", written) is None
    assert b"4242" in to_html([result]).encode() or b"4242" in written  # the last four are shown


def test_a_folder_that_cannot_be_written_is_named(result: Result, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SomethingMissing, match="cannot be written"):
        write_evidence(tmp_path / "file", result)


@pytest.mark.parametrize(
    ("name", "made"), [("Visa: silent!", "visa-silent"), ("../..", "scenario"), ("ü", "scenario")]
)
def test_a_name_becomes_a_harmless_folder(name: str, made: str) -> None:
    assert slug(name) == made


def test_every_run_of_many_is_in_the_page(result: Result, played: Callable[..., Result]) -> None:
    other = played('[[step]]\ndo = "tap"\namount = "1"\n[[expect]]\nbank = "held"\n')
    page = Page(to_html([result, other]))
    assert page.tags.count("article") == 2
