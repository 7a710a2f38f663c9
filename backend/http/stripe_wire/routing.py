"""Which route answers a path: literal parts first, then parts in braces.

Knows patterns only; two routes that answer the same are a programmer's error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from backend.http.stripe_wire.call import Route

_IDENTIFIER = re.compile(r"[A-Za-z0-9_\-]{1,255}", re.ASCII)


class Routes:
    """The table of all routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._table: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        for route in routes:
            parts = tuple(route.path.strip("/").split("/"))
            same = self._table.setdefault((route.method, len(parts)), [])
            assert parts not in (each for each, _ in same), f"{route.path} is served twice"
            same.append((parts, route))
        for same in self._table.values():
            same.sort(key=lambda each: sum(part.startswith("{") for part in each[0]))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path with what its braces caught; None for a path that is not served."""
        parts = tuple(path.strip("/").split("/"))
        for pattern, route in self._table.get((method, len(parts)), ()):
            ids = _caught(pattern, parts)
            if ids is not None:
                return route, ids
        return None


def _caught(pattern: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    ids: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{"):
            if _IDENTIFIER.fullmatch(part) is None:
                return None
            ids[wanted[1:-1]] = part
        elif wanted != part:
            return None
    return ids
