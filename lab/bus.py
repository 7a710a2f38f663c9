"""The way from flows to whoever looks: immutable states, the latest of each kind.

Everything on the bus is published and heard in the I/O thread; a window's subscriber only drops
the value into its ring. Knows no Qt and no kind of state by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

S = TypeVar("S")
Subscriber = Callable[[object], None]


class Bus:
    """Hands each published state to every subscriber and remembers the latest of its type."""

    def __init__(self) -> None:
        self._latest: dict[type[object], object] = {}
        self._subscribers: list[Subscriber] = []

    def publish(self, state: object) -> None:
        """Show a state; one that equals the latest of its type is not repeated."""
        if self._latest.get(type(state)) == state:
            return
        self._latest[type(state)] = state
        for subscriber in tuple(self._subscribers):
            subscriber(state)

    def latest(self, kind: type[S]) -> S | None:
        """The latest state of that type."""
        state = self._latest.get(kind)
        return state if isinstance(state, kind) else None

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hear every state from now on, and the latest ones at once; the answer ends it."""
        self._subscribers.append(subscriber)
        for state in tuple(self._latest.values()):
            subscriber(state)
        return lambda: self._subscribers.remove(subscriber)
