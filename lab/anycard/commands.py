"""What the window asks about any card: plain calls that return nothing, and who answers them.

A part of the window's `LabCommands`; the adapter posts every call to the I/O thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from lab.anycard.desk import AnyCardDesk

Post: TypeAlias = Callable[[Callable[[], Awaitable[object] | None]], None]


class AnyCardCommands(Protocol):
    """What a person does with a card that is no tap."""

    def ask_consent(self) -> None:
        """Ask the stranger whether the card may be read on."""

    def read_on(self) -> None:
        """The owner agreed: read past SELECT."""

    def card_done(self) -> None:
        """Forget the stranger's card."""

    def send_command(self, typed: str) -> None:
        """Send a typed command to the card in the field."""

    def confirm_command(self, typed: str) -> None:
        """Send it although it changes the card."""

    def cancel_command(self) -> None:
        """Do not send what waits to be confirmed."""

    def let_card_go(self) -> None:
        """End the raw box's conversation."""

    def enrol_thing(self, card_id: str) -> None:
        """Bind the next thing on the reader to a card of the wallet."""

    def cancel_enrolling(self) -> None:
        """Wait no longer for a thing."""

    def forget_thing(self, identifier: str) -> None:
        """Take an enrolled thing away."""


class AnyCardAdapter:
    """The window's `AnyCardCommands`."""

    def __init__(self, desk: AnyCardDesk, post: Post) -> None:
        """Post to the I/O thread what concerns `desk`."""
        self._any_card = desk
        self._post_any_card = post

    def ask_consent(self) -> None:
        """Ask the stranger whether the card may be read on."""
        self._post_any_card(self._any_card.stranger.ask)

    def read_on(self) -> None:
        """The owner agreed."""
        self._post_any_card(self._any_card.stranger.read_on)

    def card_done(self) -> None:
        """Forget the stranger's card."""
        self._post_any_card(self._any_card.stranger.done)

    def send_command(self, typed: str) -> None:
        """Send a typed command."""
        self._post_any_card(lambda: self._any_card.raw.send(typed))

    def confirm_command(self, typed: str) -> None:
        """Send it although it changes the card."""
        self._post_any_card(lambda: self._any_card.raw.send(typed, confirmed=True))

    def cancel_command(self) -> None:
        """Do not send what waits to be confirmed."""
        self._post_any_card(self._any_card.raw.cancel)

    def let_card_go(self) -> None:
        """End the raw box's conversation."""
        self._post_any_card(self._any_card.raw.let_go)

    def enrol_thing(self, card_id: str) -> None:
        """Bind the next thing on the reader to a card of the wallet."""
        self._post_any_card(lambda: self._any_card.enrol.enrol(card_id))

    def cancel_enrolling(self) -> None:
        """Wait no longer for a thing."""
        self._post_any_card(self._any_card.enrol.cancel)

    def forget_thing(self, identifier: str) -> None:
        """Take an enrolled thing away."""
        self._post_any_card(lambda: self._any_card.enrol.forget(identifier))
