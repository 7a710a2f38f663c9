"""How many requests were answered, by method, door and class of status; no address is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from starlette.types import Message, Scope, Send

DOORS = ("api", "v1", "lab", "shop", "static")
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
OTHER = "other"


class RequestCounts:
    """Counts what leaves the front door."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()

    def counting(self, scope: Scope, send: Send) -> Send:
        """The same `send`, which is counted when its answer begins."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[_named(scope, message["status"])] += 1
            await send(message)

        return counted

    def samples(self) -> Iterable[tuple[str, float]]:
        """Labels and counts, as `/metrics` writes them."""
        return [
            (f'{{method="{method}",door="{door}",status="{status}"}}', count)
            for (method, door, status), count in sorted(self._counts.items())
        ]


def _named(scope: Scope, status: int) -> tuple[str, str, str]:
    """Few labels, whatever a client asks for: names that it makes up are "other"."""
    method, door = scope["method"], scope["path"].split("/", 2)[1]
    return (
        method if method in METHODS else OTHER,
        door if door in DOORS else OTHER,
        f"{status // 100}xx",
    )
