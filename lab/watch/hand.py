"""The watch as something that is held to a reader. Decides nothing."""

from __future__ import annotations

from hardware.api import Card, SecureElement
from lab.in_hand import SHEET_S, Pause, Spent
from lab.watch.flow import WatchFlow
from lab.watch.state import WatchScreen
from lab.words import Message


class WatchInHand:
    """The watch on an arm that is stretched out."""

    def __init__(self, flow: WatchFlow, element: SecureElement) -> None:
        self._flow = flow
        self._element = element

    def walks_through(self, card_id: str) -> bool:  # noqa: ARG002 -- whichever card
        """Never: a watch has no express card here."""
        return False

    async def arm(
        self,
        card_id: str,
        amount_text: str,
        reader_text: str,  # noqa: ARG002 -- a small face says less
        pause: Pause,
    ) -> bool:
        """Press the side button twice, with that card; whether it is armed now."""
        flow = self._flow
        flow.till_asks(amount_text)
        ready = flow.state.screen is WatchScreen.READY and flow.armed_token is not None
        if not (ready and not card_id):
            ready = flow.double_press(card_id)
        if ready:
            await pause(SHEET_S)
        return ready

    def present(self, spent: Spent) -> Card:
        """The armed card, or the default one."""
        return self._element.card(on_cryptogram=spent)

    def card_read(self, tap_id: str, amount_minor: int, currency: str, merchant: str) -> None:  # noqa: ARG002 -- the bank's message says the rest
        """The tick."""
        self._flow.card_read(tap_id)

    def not_read(self, why: Message) -> None:
        """Nothing was charged."""
        self._flow.not_read(why)

    def notice(self, what: Message) -> None:
        """One line on its face."""
        self._flow.notice(what)
