"""Ways to spoil a good request, and a look at whether anything came of it.

Every field of a good body is spoiled in every way that its type has; what its route's own document
says (OpenAPI) is not needed, because a good body shows the types. Knows no route.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

LONG = 5_000
TOO_LARGE = 70_000
NESTED = 3_000
WRONG = {
    str: (7, 1.5, True, ["x"], {"x": 1}),
    int: ("7", 1.5, True, [7], {"x": 7}),
    bool: ("yes", 2, [True], {"x": 1}),
    dict: ("x", 7, ["x"], True),
    list: ("x", 7, {"x": 1}, True),
}
"""Values of another type than the one that is wanted."""
OUT_OF_RANGE = (-1, 2**63, 2**64, 10**30)
STRANGE = ("", " ", "\x00", "\ud800", "💳", "../../etc", "'; DROP TABLE users; --", "%00")
NO_JSON = (b"{", b"[]", b'"x"', b"7", b"null", b"\xff\xfe", b'{"a":NaN}', b"[" * NESTED)

# What tells of a refusal changes with it, and nothing else does.
TELLING = frozenset({"audit_logs", "sqlite_sequence", "events", "event_numbers"})
BY_ITSELF = frozenset({"exchange_rates"})
"""What the engine looks up when it is time, whoever asks for what."""


def spoiled(body: Mapping[str, Any], required: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Bodies that cannot be right, each with what was done to it."""
    for name, good in body.items():
        for wrong in WRONG[type(good)]:
            yield f"{name} is {wrong!r}", json.dumps({**body, name: wrong}).encode()
        if isinstance(good, str):
            yield f"{name} is too long", json.dumps({**body, name: "x" * LONG}).encode()
        if type(good) is int:
            for number in OUT_OF_RANGE:
                yield f"{name} is {number}", json.dumps({**body, name: number}).encode()
        if name in required:
            rest = {other: value for other, value in body.items() if other != name}
            yield f"{name} is missing", json.dumps(rest).encode()
            yield f"{name} is null", json.dumps({**body, name: None}).encode()
    yield "an unknown field", json.dumps({**body, "isAdmin": True}).encode()
    for words in NO_JSON:
        yield f"the body is {words[:8]!r}", words
    yield "the body is too large", b'{"x":"' + b"y" * TOO_LARGE + b'"}'


def strange(body: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Bodies that may be right, with words that nobody expects."""
    for name, good in body.items():
        if isinstance(good, str):
            for words in STRANGE:
                yield f"{name} is {words!r}", json.dumps({**body, name: words}).encode()


def fingerprints(folder: Path) -> dict[str, str]:
    """A digest of every table of the engine and of the networks but those that tell of refusals."""
    found = {}
    for name in ("engine.db", "networks.db"):
        with closing(sqlite3.connect(f"file:{folder / name}?mode=ro", uri=True)) as database:
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in sorted(tables.fetchall()):
                if table in TELLING | BY_ITSELF:
                    continue
                digest = hashlib.sha256()
                for row in database.execute(f"SELECT * FROM {table}"):  # noqa: S608 - our own
                    digest.update(repr(row).encode())
                found[f"{name}:{table}"] = digest.hexdigest()
    return found
