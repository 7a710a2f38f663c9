"""What a person does with cards and devices that exist: default, suspend, refresh, remove, lost.

A part of the phone's flow. The engine decides; this asks it, says what it answered, and keeps the
secure element in step. It knows no till and no payment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from hardware.api import SecureElement
from lab.client import EngineClient
from lab.engine_shapes import CardRecord
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, text, texts
from lab.wallet.flow_adding import PHONE_ID
from lab.wallet.letters import letter_views
from lab.wallet.refusals import refusal
from lab.wallet.state import PhoneScreen, VerifyForm, WalletState
from lab.words import Message, message

WAITS = {"reactivate": "wallet.reactivate.waits", "refresh": "wallet.refresh.waits"}


class Phone(Protocol):
    """What these actions need to know of the phone that they belong to."""

    @property
    def state(self) -> WalletState:
        """What the phone shows."""

    @property
    def cards(self) -> tuple[CardRecord, ...]:
        """The cards as last known."""

    def home(self) -> PhoneScreen:
        """The screen to go back to."""

    async def refresh(self) -> None:
        """Load cards, payments and devices anew."""


def align_default(element: SecureElement, cards: tuple[CardRecord, ...]) -> None:
    """A device's secure element shows the default card, once that card's token is in it."""
    installed = {token.token_ref for token in element.tokens()}
    default = next((card.token_ref for card in cards if card.is_default), None)
    if default in installed and default != element.default:
        element.set_default(default)


class CardActions:
    """Cards and devices of one phone."""

    def __init__(
        self,
        phone: Phone,
        show: Callable[..., None],
        *,
        client: EngineClient,
        element: SecureElement,
    ) -> None:
        """Actions of one phone.

        Args:
            phone: whose state is read.
            show: changes fields of that state, by name.
            client: the way to the engine.
            element: the phone's tokens.
        """
        self._phone = phone
        self._show = show
        self._client = client
        self._element = element

    async def set_default(self, card_id: str) -> None:
        """Make a card the default one, at the engine and in the secure element."""
        card = self._card(card_id)
        if card is None or not await self._done(self._client.set_default(card_id)):
            return
        await self._phone.refresh()

    def align_default(self) -> None:
        """The secure element shows the default card, once that card's token is in it."""
        align_default(self._element, self._phone.cards)

    async def suspend(self, card_id: str) -> None:
        """Stop a card; a phone that is armed with it disarms."""
        card = self._card(card_id)
        if card is None:
            return
        if self._element.armed == card.token_ref:
            self._element.disarm()
        if await self._done(self._client.suspend(card_id)):
            self._show(notice=Message("wallet.suspended", "waiting"))
            await self._phone.refresh()

    async def reactivate(self, card_id: str) -> None:
        """Let a suspended card pay again."""
        await self._waiting(card_id, self._client.reactivate, "reactivate")

    async def refresh_token(self, card_id: str) -> None:
        """Have the network put a new device account number in the place of this one."""
        await self._waiting(card_id, self._client.refresh_card, "refresh")

    async def remove(self, card_id: str) -> None:
        """Delete a card; its token leaves the secure element with it."""
        card = self._card(card_id)
        if card is None or not await self._done(self._client.remove_card(card_id)):
            return
        self._element.remove(card.token_ref)
        self._show(screen=PhoneScreen.STACK, selected_id="", history=(), verify=VerifyForm())
        await self._phone.refresh()

    def open_devices(self) -> None:
        """Show the person's devices."""
        self._show(screen=PhoneScreen.DEVICES, selected_id="", notice=None)

    async def open_letters(self) -> None:
        """Show what banks and shops wrote; out of reach, what was there before."""
        self._show(screen=PhoneScreen.LETTERS, selected_id="", notice=None)
        try:
            letters = await self._client.letters()
            codes = await self._client.notices()
        except (EngineRefused, EngineUnreachable) as fault:
            self._show(notice=refusal(fault))
            return
        own = tuple(notice for notice in codes if notice.device_id == PHONE_ID)
        self._show(letters=letter_views(letters, own))

    async def lost(self, device_id: str) -> None:
        """A device is lost: every card on it stops, and its sessions end."""
        is_this = device_id == PHONE_ID
        if is_this:
            self._element.disarm()
        if await self._done(self._client.device_lost(device_id)):
            if is_this:
                self._client.forget_session()  # it ended with the device
            await self._phone.refresh()

    async def found(self, device_id: str, *, reactivate_cards: bool) -> None:
        """It is back; its cards stay stopped unless they are let go, too."""
        finding = self._client.device_found(device_id, reactivate_cards=reactivate_cards)
        if not await self._done(finding):
            return
        if self._phone.state.screen is PhoneScreen.LOST:
            self._show(screen=self._phone.home(), notice=Message("wallet.found", "good"))
        await self._phone.refresh()

    def bank_changed(self, body: Json) -> None:
        """The bank, and not the person, did something to a card: say so in its banner."""
        said = self._news_of(body)
        if said is not None:
            self._show(banner=said, banner_payment_id="")

    def _news_of(self, body: Json) -> Message | None:
        last4 = text(body, "last4", "")
        reason, status = text(body, "reason", ""), text(body, "status", "")
        if reason == "card_replaced":
            return message("wallet.bank.card_replaced", "neutral", last4=last4)
        if not reason.startswith("issuer_"):
            return None
        if status == "removed":
            return message("wallet.bank.card_removed", "bad", last4=last4)
        if status == "suspended" and texts(body, "suspendedBy") == ("ISSUER",):
            return message("wallet.bank.card_stopped", "bad", last4=last4)
        return None

    async def _waiting(
        self, card_id: str, ask: Callable[[str], Awaitable[bool]], operation: str
    ) -> None:
        """Ask for something that may have to wait for the network."""
        if self._card(card_id) is None:
            return
        self._show(busy=True, notice=None)
        try:
            done = await ask(card_id)
        except (EngineRefused, EngineUnreachable) as fault:
            self._show(busy=False, notice=refusal(fault))
            return
        self._show(busy=False, notice=None if done else Message(WAITS[operation], "waiting"))
        await self._phone.refresh()

    async def _done(self, asked: Awaitable[None]) -> bool:
        try:
            await asked
        except (EngineRefused, EngineUnreachable) as fault:
            self._show(notice=refusal(fault))
            return False
        return True

    def _card(self, card_id: str) -> CardRecord | None:
        return next((card for card in self._phone.cards if card.id == card_id), None)
