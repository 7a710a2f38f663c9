"""Where in a TOML text each table and key stands, so that an error can name the line.

The standard library's reader (`tomllib`) checks the text and forgets the lines; this walks the same
text, which is known to be valid, and keeps only those. Follows TOML 1.0 as far as positions need:
headers, dotted and quoted keys, strings of all four kinds, comments, values over several lines.
Keys inside an inline table have the line of that table.
"""

from __future__ import annotations

import re

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


class Lines:
    """The line of every table and key of a valid TOML text."""

    def __init__(self, text: str) -> None:
        """Walk `text` once.

        Args:
            text: TOML that `tomllib` accepts.
        """
        self._text = text.replace("\r\n", "\n")
        self._at: dict[Path, int] = {(): 1}
        self._arrays: dict[Path, int] = {}
        self._walk()

    def of(self, path: Path) -> int:
        """The line of `path`, or of the nearest thing around it; counted from 1."""
        while path not in self._at:
            path = path[:-1]
        return self._at[path]

    def _walk(self) -> None:
        table: Path = ()
        at, line = 0, 1
        while at < len(self._text):
            end = self._statement_end(at)
            statement = self._text[at:end]
            stripped = statement.lstrip()
            if stripped.startswith("["):
                table = self._header(stripped, line)
            elif stripped and not stripped.startswith("#"):
                self._note(self._resolved(table, _keys(stripped)), line)
            line += statement.count("\n")
            at = end

    def _header(self, statement: str, line: int) -> Path:
        """`[a.b]` or `[[a.b]]`: the path of the table that begins."""
        is_array = statement.startswith("[[")
        names = _keys(statement[2:] if is_array else statement[1:])
        if not is_array:
            path = self._resolved((), names)
        else:
            array = (*self._resolved((), names[:-1]), names[-1])
            number = self._arrays[array] = self._arrays.get(array, -1) + 1
            self._note(array, line)
            path = (*array, number)
        self._note(path, line)
        return path

    def _resolved(self, path: Path, names: list[str]) -> Path:
        """A path by names, with the place inside every array of tables that it passes."""
        for name in names:
            path = (*path, name)
            if path in self._arrays:
                path = (*path, self._arrays[path])
        return path

    def _note(self, path: Path, line: int) -> None:
        for length in range(len(path), 0, -1):
            self._at.setdefault(path[:length], line)

    def _statement_end(self, at: int) -> int:
        """The end of the line on which the statement that begins at `at` ends."""
        text, depth = self._text, 0
        opened_header = text[at:].lstrip(" \t").startswith("[")
        while at < len(text):
            char = text[at]
            if char == "\n" and (depth <= 0 or opened_header):
                return at + 1
            if char == "#":
                at = text.find("\n", at)
                if at < 0:
                    return len(text)
                continue
            if char in "\"'":
                at = self._string_end(at)
                continue
            depth += (char in "[{") - (char in "]}")
            at += 1
        return at

    def _string_end(self, at: int) -> int:
        text, quote = self._text, self._text[at]
        if text.startswith(quote * 3, at):
            at += 3
            while not text.startswith(quote * 3, at):
                at += 2 if quote == '"' and text[at] == "\\" else 1
            at += 3
            while at < len(text) and text[at] == quote:  # up to two quotes may end the content
                at += 1
            return at
        at += 1
        while text[at] != quote:
            at += 2 if quote == '"' and text[at] == "\\" else 1
        return at + 1


def _keys(statement: str) -> list[str]:
    """The dotted key at the beginning of a statement."""
    names: list[str] = []
    at = 0
    while (found := _KEY.match(statement, at)) is not None:
        names.append(next(group for group in found.groups() if group is not None))
        at = found.end()
        if not statement.startswith(".", at):
            break
        at += 1
    return names
