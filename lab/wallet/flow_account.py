"""Who is signed in on the phone: leaving clears it, coming back loads it anew.

A part of the phone's flow. Leaving ends the session at the engine and takes cards and payments off
the phone's screen and its file; the keys stay in the secure element, disarmed, because the cards
stay in the person's account. Where the engine is out of reach the phone is cleared all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hardware.api import SecureElement
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.wallet.refusals import refusal
from lab.wallet.state import PhoneScreen
from lab.words import Message


class Phone(Protocol):
    """What signing in and out needs to know of the phone that it belongs to."""

    def close(self) -> None:
        """Put away what is open."""

    def forget(self) -> None:
        """Clear cards and payments from memory and file."""

    async def connect(self) -> None:
        """Say who we are and load cards and payments."""


class Account:
    """The person whose phone it is."""

    def __init__(
        self,
        phone: Phone,
        show: Callable[..., None],
        *,
        client: EngineClient,
        element: SecureElement,
    ) -> None:
        """The account of one phone, signed in.

        Args:
            phone: what is cleared and loaded.
            show: changes fields of the phone's state, by name.
            client: the way to the engine.
            element: disarmed when its person leaves.
        """
        self._phone = phone
        self._show = show
        self._client = client
        self._element = element
        self._is_out = False

    @property
    def is_out(self) -> bool:
        """Whether nobody is signed in."""
        return self._is_out

    async def sign_out(self) -> None:
        """End the session and clear the phone."""
        self._is_out = True
        self._element.set_express(None)
        self._phone.close()  # disarms
        self._phone.forget()
        self._show(
            screen=PhoneScreen.SIGNED_OUT,
            selected_id="",
            devices=(),
            banner=None,
            banner_payment_id="",
        )
        try:
            await self._client.sign_out()
        except (EngineUnreachable, EngineRefused):
            self._show(notice=Message("wallet.signed_out.unheard", "waiting"))

    async def sign_in(self) -> None:
        """Begin a session and load what the account holds."""
        self._show(busy=True, notice=None)
        self._client.sign_in()
        self._is_out = False
        try:
            await self._phone.connect()
        except (EngineUnreachable, EngineRefused) as fault:
            self._is_out = True
            self._show(busy=False, screen=PhoneScreen.SIGNED_OUT, notice=refusal(fault))
            return
        self._show(busy=False)
