"""`expand[]=customer`, `expand[]=data.latest_charge.customer`: identifiers become their objects.

A field can be expanded when it holds an identifier of a kind that a resource shows, so no list of
expandable fields can fall behind. Knows no object's fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backend.http.stripe_wire.call import Json
from backend.http.stripe_wire.errors import WireError, bad_parameter
from backend.http.stripe_wire.forms import Form

PATHS_MAX = 20
DEPTH_MAX = 4  # without the list's own `data`

Look = Callable[[str], Json | None]
"""The object of an identifier, None when it is no object's."""


def take_expansions(form: Form) -> list[str]:
    """Take `expand` out of the parameters.

    Raises:
        WireError: not a list of texts, too many or too deep.
    """
    given = form.pop("expand", [])
    if given == "":
        return []
    paths = given if isinstance(given, list) else [given]
    texts = [path for path in paths if isinstance(path, str) and path]
    if len(texts) != len(paths) or len(texts) > PATHS_MAX:
        raise bad_parameter(
            "parameter_invalid_array", f"expand is a list of at most {PATHS_MAX} paths.", "expand"
        )
    for path in texts:
        if len(path.removeprefix("data.").split(".")) > DEPTH_MAX:
            raise bad_parameter(
                "property_expansion_max_depth", f"expand goes {DEPTH_MAX} levels deep.", "expand"
            )
    return texts


def expanded(body: Json, paths: Sequence[str], look: Look) -> Json:
    """The answer with every path followed.

    Raises:
        WireError: a field that there is not, or that is no identifier.
    """
    for path in paths:
        _follow(body, path.split("."), path, look)
    return body


def _follow(node: object, parts: list[str], path: str, look: Look) -> None:
    if isinstance(node, list):
        for each in node:
            _follow(each, parts, path, look)
        return
    if not isinstance(node, dict) or parts[0] not in node:
        raise _cannot(path)
    name, rest = parts[0], parts[1:]
    below = node[name]
    if isinstance(below, str):
        below = look(below)
        if below is None:
            raise _cannot(path)
        node[name] = below
    elif isinstance(below, list) and all(isinstance(each, str) for each in below):
        below = [look(str(each)) for each in below]
        node[name] = below
    if rest and below is not None:
        _follow(below, rest, path, look)


def _cannot(path: str) -> WireError:
    return bad_parameter(
        "property_expansion_invalid", f"This property cannot be expanded ({path[:100]}).", "expand"
    )
