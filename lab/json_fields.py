"""Fields of JSON documents, read with their type checked.

What arrives from a file or a socket is data that others wrote: a missing field or a wrong type is
a `ValueError` that names the field, never an attribute error three calls later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Json = Mapping[str, object]


def as_object(value: object, what: str = "document") -> Json:
    """The value as a JSON object.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"{what} is no JSON object")  # noqa: TRY004 -- one kind of fault for callers
    return value


def objects(body: Json, name: str) -> tuple[Json, ...]:
    """A list of objects; empty when the field is missing or null."""
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{name} is no list")  # noqa: TRY004 -- as above
    return tuple(as_object(item, name) for item in value)


def texts(body: Json, name: str) -> tuple[str, ...]:
    """A list of strings; empty when the field is missing or null."""
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ValueError(f"{name} is no list of texts")
    return tuple(value)


def text(body: Json, name: str, default: str | None = None) -> str:
    """A string.

    Raises:
        ValueError: missing (without default) or no string.
    """
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise ValueError(f"{name} is no text: {value!r}")  # noqa: TRY004 -- as above
    return value


def text_or_none(body: Json, name: str) -> str | None:
    """A string, or None when missing or null."""
    return None if body.get(name) is None else text(body, name)


def whole(body: Json, name: str, default: int | None = None) -> int:
    """An integer.

    Raises:
        ValueError: missing (without default) or no integer.
    """
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} is no whole number: {value!r}")  # noqa: TRY004 -- as above
    return value


def whole_or_none(body: Json, name: str) -> int | None:
    """An integer, or None when missing or null."""
    return None if body.get(name) is None else whole(body, name)


def number(body: Json, name: str, default: float | None = None) -> float:
    """A number.

    Raises:
        ValueError: missing (without default) or no number.
    """
    value = body.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"{name} is no number: {value!r}")  # noqa: TRY004 -- as above
    return float(value)


def number_or_none(body: Json, name: str) -> float | None:
    """A number, or None when missing or null."""
    return None if body.get(name) is None else number(body, name)


def flag(body: Json, name: str, *, default: bool = False) -> bool:
    """A truth value; `default` when missing or null."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise ValueError(f"{name} is neither true nor false: {value!r}")  # noqa: TRY004 -- as above
    return value


def section(body: Json, name: str) -> Json:
    """A nested object; empty when missing or null."""
    value = body.get(name)
    return {} if value is None else as_object(value, name)
