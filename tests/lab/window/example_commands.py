"""Commands that write down what was asked, for the window's tests."""

from __future__ import annotations

from collections.abc import Callable


class Asked:
    """Takes any command and keeps (name, arguments): it is the other side, not a mock of ours."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        def ask(*arguments: object) -> None:
            self.calls.append((name, *arguments))

        return ask
