"""Files that a person may hand over: plans, scenarios, traces, dialogues, vectors, saved worlds.

Each reader takes text or bytes of any kind and gives its value or its one typed error; reading what
it wrote gives the same value again.
"""

from __future__ import annotations

import io
import json
import re
import tomllib
import warnings
import zipfile
from contextlib import ExitStack, suppress
from pathlib import Path

import orjson
import tomli_w

from backend.faults.plan import dump_toml, load_toml
from backend.runtime.entropy import Entropy, SeededStream
from backend.runtime.errors import BadRequest
from hardware.api import (
    CardFaultSpec,
    FaultPlanError,
    ReplayLink,
    TraceFormatError,
    VectorFormatError,
    parse_trace,
    read_dialogues,
    vectors,
)
from hardware.runtime.errors import CardRemoved
from lab import world_file
from lab.errors import WrongUse
from lab.scenarios.loader import load_text
from lab.scenarios.writer import to_toml
from tests.fuzz.card_cases import good_answers
from tests.fuzz.generators import misshapen, spoiled
from tests.fuzz.machinery import Case
from tests.hardware.conftest import complete

SCENARIOS = Path(__file__).resolve().parents[2] / "assets" / "scenarios"
VECTORS = Path(__file__).resolve().parents[1] / "data" / "vectors-sample.json"
_NUMBER = re.compile(r"(?<== )[0-9][0-9.]*")
_ODD_NUMBERS = (
    "nan",
    "inf",
    "-inf",
    "1e400",
    "9" * 400,
    "-1",
    "0x7f",
    "1_0",
    "9" * 5_000,
    "0x" + "f" * 5_000,
)
_PLAN = {
    "fault": [
        {"link": "visa.auth", "effect": "latency", "ms": 800, "jitter_ms": 200, "probability": 0.4,
         "from_s": 1.5, "to_s": 60.0},
        {"link": "amex.auth", "effect": "lost_response",
         "when": {"nth": 3, "amount_minor_gte": 5000, "bin": "3799"}},
        {"link": "mastercard.auth", "effect": "slicer", "slice_bytes": 3, "ms": 1},
    ]
}  # fmt: skip
_CARD_FAULTS = (
    {"link": "card", "effect": "pull", "at_apdu": 2, "moment": "before"},
    {"link": "card", "effect": "slow", "ms": 20, "jitter_ms": 5.5, "probability": 0.5},
    {"link": "card", "effect": "wrong_status", "sw": "6F00", "when": {"nth": 3}},
    {"link": "reader", "effect": "unplug", "at_apdu": 1, "from_s": 1, "to_s": 2.5},
)


def plan_case(folder: Path, held: ExitStack) -> Case:
    """Network fault plans as TOML."""

    def case(stream: SeededStream) -> str:
        text = _toml(_PLAN, stream)
        try:
            faults = load_toml(text)
        except BadRequest:
            return "refused"
        assert load_toml(dump_toml(faults)) == faults
        return "read"

    return case


def _toml(document: dict[str, object], stream: SeededStream) -> str:
    """A plan with one thing wrong in its meaning, its numbers or its letters; or none."""
    changed = misshapen(document, stream) if stream.random() < 0.4 else document
    try:
        text = tomli_w.dumps(changed)
    except (TypeError, ValueError, AttributeError):  # None, a lone number: TOML has no such thing
        text = tomli_w.dumps(document)
    chance = stream.random()
    if chance < 0.2 and (numbers := list(_NUMBER.finditer(text))):
        found = stream.choice(numbers)
        return text[: found.start()] + stream.choice(_ODD_NUMBERS) + text[found.end() :]
    if chance < 0.4:
        return spoiled(text.encode(), stream).decode("utf-8", "replace")
    if chance < 0.42:
        return "a = " + "[" * 3_000
    return text


def cardplan_case(folder: Path, held: ExitStack) -> Case:
    """Reader and card faults as tables."""

    def case(stream: SeededStream) -> str:
        table = dict(stream.choice(_CARD_FAULTS))
        if stream.random() < 0.3:
            key = stream.choice(sorted(table))
            number = stream.choice(
                (float("nan"), float("inf"), 10**400, 16**5000, -1, 0, 1.0, True)
            )
            table[key] = number
        elif stream.random() < 0.8:
            table = misshapen(table, stream)
        if not isinstance(table, dict):
            return "refused"  # a table is what TOML and JSON give here
        try:
            spec = CardFaultSpec.from_table(table)
        except FaultPlanError:
            return "refused"
        assert CardFaultSpec.from_table(spec.to_table()) == spec
        tomllib.loads(tomli_w.dumps(spec.to_table()))
        return "read"

    return case


def scenario_case(folder: Path, held: ExitStack) -> Case:
    """Scenario files: the shipped ones, changed; what is read is written and read again."""
    shipped = [path.read_text() for path in sorted(SCENARIOS.glob("*.toml"))]
    bodies = [tomllib.loads(text) for text in shipped]

    def case(stream: SeededStream) -> str:
        at = stream.randint(0, len(shipped) - 1)
        text = shipped[at] if stream.random() < 0.5 else _toml(bodies[at], stream)
        if stream.random() < 0.4:
            text = spoiled(text.encode(), stream).decode("utf-8", "replace")
        try:
            scenario = load_text(text, "fuzz.toml")
        except WrongUse as refused:
            told = str(refused)
        else:
            assert load_text(to_toml(scenario), "again.toml") == scenario
            return "read"
        assert told
        return "refused"

    return case


def trace_case(folder: Path, held: ExitStack) -> Case:
    """Recorded conversations as `.apdu` text, read and turned into JSON."""
    lines = ["# tap-lab trace 1", "# reader: sim:", "# card: 3B80800101 08A1B2C3",
             "# date: 2026-11-20T14:01:31.250000Z", "# kernel: 3"]  # fmt: skip
    answers = good_answers(folder)[0]
    commands = ("00A404000E325041592E5359532E444446303100", "00A4040007A000000003101000",
                "80A8000002830000", "00B2011400")  # fmt: skip
    for number, (command, answer) in enumerate(zip(commands, answers.values(), strict=True)):
        since = f"+0.{number:06d} 0.013000"
        lines.append(f"{number} {since} C {command} R {answer.hex().upper()} NAME")
        half = len(answer) // 2
        lines += [
            "#f -0.000500 ^ -", "#f -0.000300 >~ 937008A1B2C3D8", "#f -0.000200 > E080",
            "#f -0.000100 < 0578807002", f"#f +0.000010 > {2 + number % 2:02X}{command}",
            f"#f +0.004000 < {0x12 + number % 2:02X}{answer[:half].hex().upper()}",
            "#f +0.004100 . -", "#f +0.004200 > B2",
            f"#f +0.005000 < {0x12 + number % 2:02X}{answer[:half].hex().upper()}",
            f"#f +0.006000 < {3 - number % 2:02X}{answer[half:].hex().upper()}",
            "#f +0.007000 <! 02EEEEEE",
        ]  # fmt: skip
    whole = "\n".join(lines) + "\n"

    def case(stream: SeededStream) -> str:
        raw = whole.encode()
        for _ in range(stream.randint(0, 2)):
            raw = spoiled(raw, stream)
        try:
            trace = parse_trace(raw.decode("utf-8", "replace"))
        except TraceFormatError:
            return "refused"
        orjson.dumps(trace.to_json())
        assert parse_trace(trace.to_text()) == trace
        return "read"

    return case


def dialogues_case(folder: Path, held: ExitStack) -> Case:
    """Recorded dialogues as JSON, and the link that answers from them."""
    answers = good_answers(folder)[0]
    command = bytes.fromhex("00A404000E325041592E5359532E444446303100")
    good = [
        {
            "id": "one",
            "apdus": [{"c": command.hex(), "r": each.hex()} for each in answers.values()],
        },
        {"id": "two", "apdus": [{"c": "", "r": "9000"}, {"c": "00B2011400", "r": "zz"}]},
    ]

    def case(stream: SeededStream) -> str:
        document = good
        for _ in range(stream.randint(0, 3)):
            document = misshapen(document, stream)
        try:
            dialogues = read_dialogues(document)
        except TraceFormatError:
            return "refused"
        for dialogue in dialogues:
            link = ReplayLink(dialogue)
            for sent in (command, command, b"\x00\xb2\x01\x14\x00"):
                with suppress(CardRemoved):
                    assert len(complete(link.transmit(sent))) >= 2
        return "read"

    return case


def vectors_case(folder: Path, held: ExitStack) -> Case:
    """Vector documents: a result for each vector, or one typed error for the document."""
    good = json.loads(VECTORS.read_text())["vectors"]

    def case(stream: SeededStream) -> str:
        document: object = {"vectors": [stream.choice(good)]}
        for _ in range(stream.randint(0, 3)):
            document = misshapen(document, stream)
        if not isinstance(document, dict):
            return "refused"  # the command line has seen to it that it is an object
        try:
            report = vectors.check(document)
        except VectorFormatError:
            return "refused"
        orjson.dumps(report)
        return "passed" if report["passed"] else "failed"

    return case


def world_case(folder: Path, held: ExitStack) -> Case:
    """Saved worlds as archives: unpacked inside the folder, or refused as wrong use."""
    snapshot, target = folder / "snapshot", folder / "whole.taplab"
    snapshot.mkdir()
    data = folder / "data"
    data.mkdir()
    for name in world_file.DATABASES:
        (snapshot / name).write_bytes(b"SQLite format 3\x00" + bytes(600))
    (snapshot / world_file.MANIFEST).write_text("{}")
    elements = folder / "elements"
    elements.mkdir()
    for name in (world_file.SECURE_ELEMENT, world_file.WATCH_ELEMENT):
        (elements / name).write_bytes(bytes(range(256)) * 4)
    for name in ("vault.json", "world.json", "phone.json"):
        (data / name).write_text('{"seed": 7, "positions": {}}')
    world_file.pack(
        target,
        data,
        snapshot,
        elements,
        saved_at_us=1_795_000_000_000_000,
        entropy=Entropy(7),
    )
    whole = target.read_bytes()
    source = folder / "spoiled.taplab"

    def case(stream: SeededStream) -> str:
        raw = whole
        for _ in range(stream.randint(0, 2)):
            raw = spoiled(raw, stream)
        if stream.random() < 0.3:
            raw = _repacked(whole, stream)
        source.write_bytes(raw)
        try:
            with world_file.unpacked(source, data) as (place, manifest):
                assert place.parent == data
                assert manifest["format"] == world_file.FORMAT
        except WrongUse:
            return "refused"
        return "read"

    return case


def _repacked(whole: bytes, stream: SeededStream) -> bytes:
    """A sound archive whose names, manifest or contents are wrong."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
        for kept in old.namelist():
            name, body = kept, old.read(kept)
            if stream.random() < 0.2:
                name = stream.choice(
                    ("../escaped", "/absolute", "x" * 300, name + "/", "vault.key")
                )
            if name == world_file.MANIFEST and stream.random() < 0.5:
                body = orjson.dumps(misshapen(orjson.loads(body), stream))
            elif stream.random() < 0.1:
                body = spoiled(body, stream)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # one name twice is what an attacker writes
                new.writestr(name, body)
    return out.getvalue()
