"""What the window can ask of the watch: plain calls that return nothing, and where they go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from lab.watch.desk import WatchDesk
from lab.watch.flow import WatchFlow

Work = Callable[[], Awaitable[object] | None]


class WatchPairing(Protocol):
    """What a person does on the phone for the watch."""

    def pair_watch(self) -> None:
        """Put a watch on the table."""

    def add_to_watch(self, card_id: str) -> None:
        """Give the watch a token of its own for one of the phone's cards."""


class WatchCommands(Protocol):
    """What a person does with the watch."""

    def take_in_hand(self, device: str) -> None:
        """Take "phone" or "watch" into the hand: Space and the till mean that one."""

    def watch_on(self) -> None:
        """Put it on."""

    def watch_off(self) -> None:
        """Take it off: it locks."""

    def watch_digit(self, digit: str) -> None:
        """Press a key of its passcode."""

    def watch_erase(self) -> None:
        """Take the last digit back."""

    def watch_press(self) -> None:
        """Press its side button twice."""

    def watch_next(self) -> None:
        """Bring its next card forward."""

    def watch_close(self) -> None:
        """Back to its cards."""

    def watch_hold(self) -> None:
        """Hold it to the reader."""


class PairingAdapter:
    """Posts the phone's calls to where the flows live."""

    def __init__(self, desk: WatchDesk, post: Callable[[Work], None]) -> None:
        self._watch = desk
        self._post_watch = post

    def pair_watch(self) -> None:
        """Put a watch on the table."""
        self._post_watch(self._watch.pair)

    def add_to_watch(self, card_id: str) -> None:
        """Give the watch a card of the phone's."""
        self._post_watch(lambda: self._watch.add_card(card_id))


class WatchAdapter:
    """Posts the watch's calls to where the flows live."""

    def __init__(self, desk: WatchDesk, post: Callable[[Work], None]) -> None:
        self._watch = desk
        self._post_watch = post

    def take_in_hand(self, device: str) -> None:
        """Take "phone" or "watch" into the hand."""
        self._post_watch(lambda: _done(self._watch.take(device)))

    def watch_on(self) -> None:
        """Put it on."""
        self._ask(lambda flow: flow.wrist.put_on())

    def watch_off(self) -> None:
        """Take it off."""
        self._ask(lambda flow: flow.wrist.take_off())

    def watch_digit(self, digit: str) -> None:
        """Press a key of its passcode."""
        self._ask(lambda flow: flow.wrist.type_digit(digit))

    def watch_erase(self) -> None:
        """Take the last digit back."""
        self._ask(lambda flow: flow.wrist.erase_digit())

    def watch_press(self) -> None:
        """Press its side button twice; it is in the hand then."""
        self._post_watch(lambda: _done(self._watch.take("watch")))
        self._ask(lambda flow: _done(flow.double_press()))

    def watch_next(self) -> None:
        """Bring its next card forward."""
        self._ask(lambda flow: flow.next_card())

    def watch_close(self) -> None:
        """Back to its cards."""
        self._ask(lambda flow: flow.close())

    def watch_hold(self) -> None:
        """Hold it to the reader."""
        self._post_watch(self._watch.hold)

    def _ask(self, what: Callable[[WatchFlow], None]) -> None:
        def work() -> None:
            if self._watch.flow is not None:
                what(self._watch.flow)

        self._post_watch(work)


def _done(_result: object) -> None:
    """For a call whose answer the window learns from the next state."""
