"""Form bodies with brackets, as the `stripe` clients send them: text in, a tree of text out.

`a=1&b[c]=2&d[0]=3&d[]=4` becomes `{"a": "1", "b": {"c": "2"}, "d": ["3", "4"]}` (WHATWG URL
standard, application/x-www-form-urlencoded). Numbered members are put in order whatever gaps they
leave; one name is not a value and a group at once, nor a list and a group. Refuses what is larger
than any honest request: depth, count, length of a name. Knows no parameter's meaning.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

import orjson

from backend.http.stripe_wire.errors import WireError, bad_parameter

PARAMETERS_MAX = 1_000
DEPTH_MAX = 6
NAME_LENGTH_MAX = 500
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")

Form = dict[str, "Value"]
Value = str | list["Value"] | Form
_Node = dict[str, "str | _Node"]


def parse_form(raw: bytes) -> Form:
    """The tree of a body or of a query.

    Raises:
        WireError: not a form, brackets that do not match, or larger than allowed.
    """
    root: _Node = {}
    pairs = [pair for pair in raw.split(b"&") if pair]
    if len(pairs) > PARAMETERS_MAX:
        raise WireError(f"A request has at most {PARAMETERS_MAX} parameters", keeps=False)
    for pair in pairs:
        name, _, value = pair.partition(b"=")
        _put(root, _text(name, None), value)
    return {name: _tidy(node, name) for name, node in root.items()}


def _text(raw: bytes, name: str | None) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise bad_parameter("parameter_invalid", "Parameters are UTF-8", name) from None


def _put(root: _Node, name: str, raw: bytes) -> None:
    matched = _NAME.fullmatch(name) if len(name) <= NAME_LENGTH_MAX else None
    if matched is None:
        raise bad_parameter(
            "parameter_invalid", "A parameter's name has brackets that do not match", name[:100]
        )
    parts: list[str] = [matched.group(1), *_PART.findall(matched.group(2))]
    if len(parts) > DEPTH_MAX:
        raise bad_parameter("parameter_invalid", "Parameters are nested too deep", name[:100])
    node = root
    for index, part in enumerate(parts):
        key = f"{len(node)}" if part == "" else part
        if index == len(parts) - 1:
            if key in node:
                raise bad_parameter("parameter_invalid", "This parameter is given twice", name)
            node[key] = _text(raw, name)
            break
        below = node.setdefault(key, {})
        if isinstance(below, str):
            raise bad_parameter("parameter_invalid", "A value cannot be a group too", name)
        node = below


def _tidy(node: str | _Node, name: str) -> Value:
    """Groups whose members are all numbered are lists."""
    if isinstance(node, str):
        return node
    numbered = [key for key in node if key.isascii() and key.isdigit()]
    if not numbered:
        return {key: _tidy(below, f"{name}[{key}]") for key, below in node.items()}
    if len(numbered) != len(node) or any(len(key) > 4 for key in numbered):
        raise bad_parameter("parameter_invalid", "A list has numbered members only", name)
    return [_tidy(node[key], f"{name}[{key}]") for key in sorted(numbered, key=int)]


def form_of_json(raw: bytes) -> Form:
    """A JSON object as the tree that a form with the same meaning would be.

    Raises:
        WireError: not a JSON object, or larger than allowed.
    """
    try:
        told = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        raise bad_parameter("parameter_invalid", "The body is a JSON object", None)
    return {name: _of_json(below, 1) for name, below in told.items()}


def _of_json(node: object, depth: int) -> Value:
    if depth >= DEPTH_MAX:
        raise bad_parameter("parameter_invalid", "Parameters are nested too deep", None)
    match node:
        case dict():
            return {name: _of_json(below, depth + 1) for name, below in node.items()}
        case list():
            return [_of_json(each, depth + 1) for each in node]
        case bool():
            return "true" if node else "false"
        case None:
            return ""
        case _:
            return str(node)
