"""JUnit's XML, which every CI reads: one suite a run, one test case an expectation.

A run that proves nothing because a fault never fired has an error for that fault. Follows the
schema that CI servers share (testsuites, testsuite, testcase, failure, error, properties).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lab.scenarios.result import Result

# XML 1.0, 2.2: what a document may not contain, whatever a scenario is named
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_xml(results: Sequence[Result]) -> bytes:
    """The document."""
    top = Element("testsuites", name="tap-lab scenarios")
    for result in results:
        _suite(top, result)
    for element in top.iter():
        element.attrib = {name: _clean(value) for name, value in element.attrib.items()}
        element.text = _clean(element.text) if element.text else None
    _count(top, list(top))
    indent(top)
    document: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return document


def _suite(top: Element, result: Result) -> None:
    name = f"{result.scenario.name} [{result.world}, seed {result.seed}]"
    suite = SubElement(top, "testsuite", name=name)
    properties = SubElement(suite, "properties")
    for key, value in (
        ("seed", str(result.seed)),
        ("world", result.world),
        ("result", result.verdict.value),
        ("event_log_sha256", result.event_log_sha256 or ""),
        ("not normal", "; ".join(result.deviations)),
    ):
        SubElement(properties, "property", name=key, value=value)
    for fault in result.faults:
        case = _case(suite, result, f"fault {fault.name!r} fired")
        if not fault.fired:
            said = f"{fault.link} {fault.effect} never fired: this run shows nothing"
            SubElement(case, "error", message=said, type="never fired")
    for check in result.checks:
        case = _case(suite, result, check.name)
        if not check.ok:
            said = f"expected {check.expected}, was {check.actual}"
            SubElement(case, "failure", message=said, type="expectation").text = said
    took_s = sum(step.took_us for step in result.steps) / 1e6
    suite.set("time", f"{took_s:.3f}")
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", str(len(suite.findall("testcase/error"))))


def _case(suite: Element, result: Result, name: str) -> Element:
    return SubElement(suite, "testcase", classname=result.scenario.name, name=name, time="0")


def _count(top: Element, suites: list[Element]) -> None:
    for name in ("tests", "failures", "errors"):
        top.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
