"""The reader port: what every reader is, whatever drives it.

A reader waits for a card and gives a link; a link carries command bytes there and answer bytes
back. Nothing above knows whether PC/SC, an NFC controller or the emulation is behind it. Knows no
APDU. Whatever goes wrong on a link is one of the `CardLinkError`s.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Card(Protocol):
    """Something that answers commands: the secure element's card, or a test's."""

    def transmit(self, command: bytes) -> bytes:
        """The answer to one command."""
        ...


@runtime_checkable
class CardLink(Protocol):
    """A conversation with one card in the field."""

    @property
    def atr(self) -> bytes:
        """Answer to reset, as PC/SC builds it for contactless cards."""
        ...

    @property
    def uid(self) -> bytes:
        """The anti-collision identifier; phones give a random one starting 08."""
        ...

    async def transmit(self, command: bytes) -> bytes:
        """Exchange one command.

        Raises:
            CardLinkError: the card or the reader did not answer.
        """
        ...

    async def release(self) -> None:
        """End the conversation and switch the field off."""
        ...


@runtime_checkable
class Reader(Protocol):
    """A reader of any kind, named by URL (`sim:`, `pcsc:NAME`, ...)."""

    @property
    def url(self) -> str:
        """How settings and the command line name it."""
        ...

    @property
    def name(self) -> str:
        """How people name it."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do, such as `apdu`, `frames`, `emulate`: see `models`."""
        ...

    async def wait_for_card(self, timeout_s: float) -> CardLink:
        """A link to the next card in the field.

        Raises:
            NoCard: none came within `timeout_s`.
            CardCollision: more than one came.
            ReaderGone: the reader left.
        """
        ...

    async def close(self) -> None:
        """Let the reader go."""
        ...
