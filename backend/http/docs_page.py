"""`/docs`: the engine's routes as one page for people, made here from the OpenAPI document.

The usual pages fetch their scripts from a server on the internet; a laboratory works without one.
So this page has no script at all, and its policy forbids any. Knows OpenAPI 3.1 and nothing of
what a route does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from starlette.responses import Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
METHODS = ("get", "post", "put", "patch", "delete")
NO_TAG = "others"
_REFERENCE = "#/components/schemas/"
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem;text-transform:capitalize}
section{border-top:1px solid #8884;padding:.75rem 0}
h3{font:600 15px ui-monospace,monospace;margin:0}
h3 b{display:inline-block;min-width:4.5rem}
p{margin:.25rem 0;white-space:pre-line}
table{border-collapse:collapse;font-size:14px}
td,th{text-align:left;padding:.15rem 1.5rem .15rem 0;vertical-align:top}
@media (prefers-color-scheme:dark){body{background:#111;color:#eee}a{color:#9cf}}
"""
_HEAD = """<p>Errors are <code>application/problem+json</code> with a stable <code>code</code>.
<code>/lab</code> and a till's payments need <code>Authorization: Bearer</code> with the text of
<code>engine.token</code> in the data folder; the wallet's routes need the session's cookie.
For programs: <a href="/openapi.json">openapi.json</a>.</p>
"""

Json = Mapping[str, object]


def docs_page(document: Json) -> Response:
    """The page for an OpenAPI document."""
    title = escape(str(_part(document, "info").get("title", "")))
    schemas = _part(_part(document, "components"), "schemas")
    groups: dict[str, list[str]] = {}
    for path, method, operation in _operations(document):
        tags = operation.get("tags")
        tag = str(tags[0]) if isinstance(tags, list) and tags else NO_TAG
        groups.setdefault(tag, []).append(_section(path, method, operation, schemas))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(made)}" for tag, made in groups.items())
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_STYLE}</style><h1>{title}</h1>{_HEAD}{body}</html>"
    )
    return Response(
        page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY}
    )


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in _part(document, "paths").items():
        assert isinstance(methods, Mapping), "an OpenAPI path holds its methods"
        for method in METHODS:
            if method in methods:
                yield path, method, methods[method]


def _section(path: str, method: str, operation: Json, schemas: Json) -> str:
    words = escape(str(operation.get("description") or operation.get("summary") or ""))
    rows = "".join(_rows(operation, schemas))
    table = f"<table><tr><th>field<th>where<th>type{rows}</table>" if rows else ""
    head = f"<h3><b>{method.upper()}</b> {escape(path)}</h3>"
    return f"<section>{head}<p>{words}</p>{table}</section>"


def _rows(operation: Json, schemas: Json) -> Iterator[str]:
    parameters = operation.get("parameters")
    for each in parameters if isinstance(parameters, list) else []:
        needed = bool(each.get("required"))
        yield _row(each["name"], each["in"], _type_of(_part(each, "schema")), needed=needed)
    content = _part(_part(operation, "requestBody"), "content")
    schema = _part(_part(content, "application/json"), "schema")
    body = _part(schemas, str(schema.get("$ref", "")).removeprefix(_REFERENCE))
    required = body.get("required")
    for name, field in _part(body, "properties").items():
        assert isinstance(field, Mapping), "a property is a schema"
        needed = isinstance(required, list) and name in required
        yield _row(name, "body", _type_of(field), needed=needed)


def _row(name: object, place: object, kind: str, *, needed: bool) -> str:
    shown = kind if needed else f"{kind}, optional"
    return f"<tr><td><code>{escape(str(name))}</code><td>{escape(str(place))}<td>{escape(shown)}"


def _type_of(schema: Json) -> str:
    choices = schema.get("anyOf")
    if isinstance(choices, list):
        kinds = [_type_of(choice) for choice in choices]
        return " or ".join(kind for kind in kinds if kind != "null")
    if "const" in schema:
        return str(schema["const"]).lower()
    if isinstance(schema.get("enum"), list):
        return " | ".join(str(value) for value in _listed(schema["enum"]))
    return str(schema.get("type", "any"))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _part(body: Json, name: str) -> Json:
    found = body.get(name)
    return found if isinstance(found, Mapping) else {}
