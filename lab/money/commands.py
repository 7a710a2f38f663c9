"""What the window asks of the money place, and who answers: calls posted to the I/O thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from lab.money.flow import MoneyFlow
from lab.money.state import Section

Post: TypeAlias = Callable[[Callable[[], Awaitable[object] | None]], None]


class MoneyCommands(Protocol):
    """What a person does in the money place."""

    def look_at_money(self, looking: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Come to the place, or leave it."""

    def show_money(self, section: str) -> None:
        """Turn to a section."""

    def choose_money(self, row_id: str) -> None:
        """Show a row in full."""

    def act_on_money(self, name: str) -> None:
        """Do what a button says."""


class MoneyAdapter:
    """The window's `MoneyCommands`."""

    def __init__(self, flow: MoneyFlow, post: Post) -> None:
        """Post to the I/O thread what concerns `flow`."""
        self._money = flow
        self._post_money = post

    def look_at_money(self, looking: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Come to the place, or leave it."""
        self._post_money(lambda: self._money.set_open(is_open=looking))

    def show_money(self, section: str) -> None:
        """Turn to a section."""
        self._post_money(lambda: self._money.show_section(Section(section)))

    def choose_money(self, row_id: str) -> None:
        """Show a row in full."""
        self._post_money(lambda: self._money.choose(row_id))

    def act_on_money(self, name: str) -> None:
        """Do what a button says."""
        self._post_money(lambda: self._money.act(name))
