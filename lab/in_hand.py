"""What a person holds to the reader: the phone or the watch, with what their hands do to it.

They play the person and decide nothing: whether it arms is up to the device's secure element.
Knows no till and no reader's field.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from hardware.api import Card, SecureElement, stripe_card
from lab.wallet.flow import WalletFlow
from lab.wallet.state import PhoneScreen
from lab.words import Message

PHONE, WATCH = "phone", "watch"
SHEET_S = 0.45
Spent = Callable[[str, int], None]
Pause = Callable[[float], Awaitable[None]]


class Held(Protocol):
    """A device that can be held to a reader."""

    def walks_through(self, card_id: str) -> bool:
        """At a gate: whether its express card pays without a look; it is shown then."""

    async def arm(self, card_id: str, amount_text: str, reader_text: str, pause: Pause) -> bool:
        """Ask for a card and let its owner be known; whether it is armed now."""

    def present(self, spent: Spent) -> Card:
        """The card that it shows to a reader.

        Args:
            spent: told (token_ref, atc) when a cryptogram leaves.
        """

    def card_read(self, tap_id: str, amount_minor: int, currency: str, merchant: str) -> None:
        """A reader has its cryptogram."""

    def not_read(self, why: Message) -> None:
        """The reader turned away."""

    def notice(self, what: Message) -> None:
        """One line to who carries it."""


class PhoneInHand:
    """The phone."""

    def __init__(
        self, wallet: WalletFlow, element: SecureElement, *, mag_stripe: bool, transit: bool
    ) -> None:
        """The phone in somebody's hand.

        Args:
            wallet: the phone.
            element: the secure element inside it.
            mag_stripe: show the card in mag-stripe mode.
            transit: whether the till is a gate, where the express card needs no look.
        """
        self._wallet = wallet
        self._element = element
        self._mag_stripe = mag_stripe
        self._transit = transit

    def walks_through(self, card_id: str) -> bool:
        """At a gate the card that was chosen for it needs no look; the phone shows it."""
        express = self._element.express if self._transit else None
        card = next((card for card in self._wallet.cards if card.token_ref == express), None)
        if express is None or card is None or card_id not in {"", card.id}:
            return False
        self._wallet.open_card(card.id)
        return True

    async def arm(self, card_id: str, amount_text: str, reader_text: str, pause: Pause) -> bool:
        """Ask for a card on the phone and look at it; whether it is armed now."""
        wallet = self._wallet
        wallet.till_asks(amount_text, reader_text)
        chosen_already = wallet.state.screen is PhoneScreen.HOLD_NEAR and not card_id
        if chosen_already and wallet.armed_token is not None:
            return True
        wallet.double_press()
        if wallet.state.screen is not PhoneScreen.PAY_SHEET:
            return False
        if card_id:
            wallet.choose(card_id)
        await pause(SHEET_S)
        return await wallet.scan_face("success")

    def present(self, spent: Spent) -> Card:
        """The armed card, or the default one."""
        if self._mag_stripe:
            return stripe_card(self._element, on_cryptogram=spent)
        return self._element.card(on_cryptogram=spent)

    def card_read(self, tap_id: str, amount_minor: int, currency: str, merchant: str) -> None:
        """The tick."""
        self._wallet.card_read(tap_id, amount_minor, currency, merchant)

    def not_read(self, why: Message) -> None:
        """Nothing was charged."""
        self._wallet.not_read(why)

    def notice(self, what: Message) -> None:
        """One line under the card."""
        self._wallet.notice(what)
