"""Reading one table of a scenario file: every key checked, every complaint with its line.

A complaint names the file, the line, the table and the key, and what was probably meant. Knows no
key by itself: the loader says which there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from lab.errors import WrongUse
from lab.scenarios.positions import Lines, Path

TEXT_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Source:
    """The file that is being read."""

    name: str
    lines: Lines

    def wrong(self, path: Path, what: str) -> NoReturn:
        """Refuse the file.

        Raises:
            WrongUse: always.
        """
        raise WrongUse(f"{self.name}:{self.lines.of(path)}: {what}")


def meant(word: str, known: Iterable[str]) -> str:
    """The end of a complaint about an unknown word: what was meant, or what there is."""
    listed = sorted(known)
    close = difflib.get_close_matches(word, listed, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known are " + ", ".join(listed) if listed else "there are none"


class Fields:
    """One table, read key by key; `done` refuses what was not asked for."""

    def __init__(self, source: Source, body: object, path: Path, title: str) -> None:
        """Begin to read.

        Args:
            source: the file.
            body: what stands where a table should.
            path: where that is.
            title: how complaints call it: "step 3".

        Raises:
            WrongUse: it is no table.
        """
        self.source = source
        self.path = path
        self.title = title
        if not isinstance(body, Mapping):
            source.wrong(path, f"{title} is no table")
        self.body: Mapping[str, object] = body
        self._known: set[str] = set()

    def wrong(self, key: str, what: str) -> NoReturn:
        """Complain about a key (or, with "", about the whole table).

        Raises:
            WrongUse: always.
        """
        path = (*self.path, key) if key else self.path
        about = f"{self.title}: " if self.title else ""
        self.source.wrong(path, f"{about}{what}")

    def has(self, key: str) -> bool:
        """Whether the key is there; it counts as known."""
        self._known.add(key)
        return key in self.body

    def raw(self, key: str) -> object:
        """Whatever stands there, None when nothing does."""
        return self.body[key] if self.has(key) else None

    def text(self, key: str, default: str | None = None, *, max_length: int = TEXT_MAX) -> str:
        """A text.

        Raises:
            WrongUse: missing without a default, no text, or too long.
        """
        value = self._needed(key, default)
        if not isinstance(value, str):
            self.wrong(key, f"{key} is a text in quotes, not {_shown(value)}")
        if len(value) > max_length:
            self.wrong(key, f"{key} has {len(value)} characters, {max_length} are the most")
        return value

    def choice(self, key: str, known: Iterable[str], default: str | None = None) -> str:
        """One of some words.

        Raises:
            WrongUse: it is another.
        """
        value = self.text(key, default)
        listed = list(known)
        if value not in listed:
            self.wrong(key, f"{key} {value!r} is unknown; {meant(value, listed)}")
        return value

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        """A number within bounds.

        Raises:
            WrongUse: it is none, or outside.
        """
        value = self._needed(key, default)
        return self.bounded(key, value, low, high)

    def bounded(self, key: str, value: object, low: float, high: float) -> float:
        """`value` as a number within bounds; `key` is what a complaint is about."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(key, f"{key} is a number, not {_shown(value)}")
        if not low <= value <= high:
            self.wrong(key, f"{key} is {_shown(value)}; it goes from {low:g} to {high:g}")
        return value

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within bounds.

        Raises:
            WrongUse: it is none, or outside.
        """
        value = self._needed(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(key, f"{key} is a whole number, not {_shown(value)}")
        if not low <= value <= high:
            self.wrong(key, f"{key} is {_shown(value)}; it goes from {low} to {high}")
        return value

    def flag(self, key: str, *, default: bool = False) -> bool:
        """True or false.

        Raises:
            WrongUse: neither.
        """
        value = self._needed(key, default)
        if not isinstance(value, bool):
            self.wrong(key, f"{key} is true or false, not {_shown(value)}")
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A text or a list of texts.

        Raises:
            WrongUse: something else.
        """
        value = self._needed(key, default)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list | tuple) or not all(isinstance(v, str) for v in listed):
            self.wrong(key, f"{key} is a text or a list of texts, not {_shown(value)}")
        return tuple(listed)

    def choices(
        self, key: str, known: Iterable[str], default: tuple[str, ...] | None = None
    ) -> tuple[str, ...]:
        """Some of some words, each once.

        Raises:
            WrongUse: another, or one twice.
        """
        listed = list(known)
        values = self.texts(key, default)
        for value in values:
            if value not in listed:
                self.wrong(key, f"{key} {value!r} is unknown; {meant(value, listed)}")
            if values.count(value) > 1:
                self.wrong(key, f"{key} names {value!r} twice")
        return values

    def table(self, key: str, title: str) -> Fields:
        """A table inside.

        Raises:
            WrongUse: it is none.
        """
        return Fields(self.source, self.raw(key), (*self.path, key), title)

    def tables(self, key: str, most: int, title: Callable[[int], str]) -> list[Fields]:
        """An array of tables (`[[key]]`); empty when there is none.

        Raises:
            WrongUse: it is something else, or has too many.
        """
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(key, f"{key} is written as [[{key}]]")
        if len(value) > most:
            self.wrong(key, f"{len(value)} times {key}: {most} are the most")
        return [
            Fields(self.source, body, (*self.path, key, place), title(place + 1))
            for place, body in enumerate(value)
        ]

    def names(self) -> tuple[str, ...]:
        """Every key of the table; all count as known."""
        self._known.update(self.body)
        return tuple(self.body)

    def done(self) -> None:
        """Refuse keys that were not asked for.

        Raises:
            WrongUse: there is one.
        """
        for key in self.body:
            if key not in self._known:
                self.wrong(key, f"unknown key {key!r}; {meant(key, self._known)}")

    def missing(self, key: str, such_as: str = "") -> NoReturn:
        """Complain that a key is not there, or about the one that was probably meant to be it.

        Raises:
            WrongUse: always.
        """
        others = [name for name in self.body if name not in self._known]
        for name in difflib.get_close_matches(key, others, n=1, cutoff=0.6):
            self.wrong(name, f"unknown key {name!r}; did you mean {key!r}?")
        self.wrong("", f"{key!r} is missing{such_as}")

    def _needed(self, key: str, default: object) -> object:
        if self.has(key):
            return self.body[key]
        if default is None:
            self.missing(key)
        return default


def _shown(value: object) -> str:
    try:
        shown = repr(value)
    except ValueError:  # Python does not print a number of any length
        return "beyond all measure"
    return shown if len(shown) <= 60 else shown[:57] + "…"
