"""The choreography of a tap: what a person's hands do between phone (or watch) and till.

`TapFlow` arms the device in hand, asks the till to charge, holds the device into the emulated
reader's field and takes it away again. At a real reader a real person does that: `CounterFlow` only
asks the till to charge. They play the person and decide nothing: the secure element may refuse, the
kernel may refuse, the bank may refuse. Each pause is for the eye and scales with `pace`.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from backend.api import Scheduler
from hardware.api import EmulatedReader
from lab.bus import Bus
from lab.client import PATIENCE_S
from lab.in_hand import PHONE, Held
from lab.pos.flow import PosFlow
from lab.pos.machine import RESTING
from lab.pos.sale import Sale
from lab.pos.state import PosPhase, PosState
from lab.wallet.flow import WalletFlow
from lab.words import Message

ORDINARY_AMOUNT_MINOR = 1240
APPROACH_S = 0.35
AFTER_READ_S = 0.4
_CARD_DONE = frozenset({PosPhase.AUTHORIZING, PosPhase.APPROVED, PosPhase.STORED})
_AT_THE_READER = frozenset({PosPhase.PRESENT, PosPhase.READING})


class Hands(Protocol):
    """Whoever stands between phone and till."""

    @property
    def busy(self) -> bool:
        """Whether the hands are at work."""
        ...

    async def space(self) -> Sale | None:
        """The whole tap with whatever is set: an amount if none is typed, the default card."""
        ...

    async def tap(
        self, amount_minor: int, currency: str, card_id: str = "", *, patience_s: float = PATIENCE_S
    ) -> Sale | None:
        """One whole tap; None when phone or till could not begin."""
        ...

    async def hold(self) -> None:
        """Hold what is in hand to the reader, as it is."""
        ...

    def take(self, device: str) -> bool:
        """Take "phone" or "watch" into the hand; False when there is no such device."""
        ...


class CounterFlow:
    """At a real reader: the till charges, and the person with the card is real too."""

    def __init__(self, wallet: WalletFlow, pos: PosFlow) -> None:
        self._wallet = wallet
        self._pos = pos

    @property
    def busy(self) -> bool:
        """Never: these hands hold nothing."""
        return False

    async def space(self) -> Sale | None:
        """Charge what is typed, or the ordinary amount, and wait for a card."""
        return await self.tap(
            self._pos.amount_minor or ORDINARY_AMOUNT_MINOR, self._pos.state.currency
        )

    async def tap(
        self,
        amount_minor: int,
        currency: str,
        card_id: str = "",  # noqa: ARG002 -- whichever card comes
        *,
        patience_s: float = PATIENCE_S,
    ) -> Sale | None:
        """Charge and wait for whichever card comes; None when the till is at work."""
        if self._pos.state.phase not in RESTING:
            return None
        self._pos.set_amount(amount_minor, currency)
        return await self._pos.charge(patience_s=patience_s)

    def take(self, device: str) -> bool:
        """Whatever lies on the desk."""
        return device == PHONE

    async def hold(self) -> None:
        """The phone on the screen cannot be held to a reader on the desk."""
        self._wallet.notice(Message("wallet.real_reader", "waiting"))


class TapFlow:
    """A pair of hands."""

    def __init__(
        self,
        *,
        held: Held,
        pos: PosFlow,
        reader: EmulatedReader,
        scheduler: Scheduler,
        bus: Bus,
        pace: float = 1.0,
    ) -> None:
        """Hands that hold a device to this reader.

        Args:
            held: what they hold at first; `in_hand` says what they hold now.
            pos: the till whose reader it is.
            reader: the emulated field.
            scheduler: waits between movements.
            bus: where the till's state is seen.
            pace: 1 for people, 0 for machines.
        """
        self.in_hand = held
        self._pos = pos
        self._reader = reader
        self._scheduler = scheduler
        self._bus = bus
        self._pace = pace
        self._busy = False
        self._cryptogram_left = False

    @property
    def busy(self) -> bool:
        """Whether the hands are at work."""
        return self._busy

    async def space(self) -> Sale | None:
        """The whole tap with whatever is set: an amount if none is typed, the default card."""
        if self._busy or self._pos.state.phase in _AT_THE_READER:
            return None
        amount_minor, currency = self._pos.amount_minor, self._pos.state.currency
        return await self.tap(amount_minor or ORDINARY_AMOUNT_MINOR, currency)

    async def tap(
        self, amount_minor: int, currency: str, card_id: str = "", *, patience_s: float = PATIENCE_S
    ) -> Sale | None:
        """One whole tap.

        Returns:
            How the sale went; None when phone or till could not begin.
        """
        if self._busy or self._pos.state.phase not in RESTING:
            return None
        self._busy = True
        try:
            self._pos.set_amount(amount_minor, currency)
            if not self.in_hand.walks_through(card_id) and not await self.arm(card_id):
                return None
            self._pos.set_amount(amount_minor, currency)  # whatever was typed while it armed
            sale = asyncio.ensure_future(self._pos.charge(patience_s=patience_s))
            await self._pause(APPROACH_S)
            await self._hold_until_read(sale)
            return await sale
        finally:
            self._busy = False

    async def hold(self) -> None:
        """Hold it near, as it is: armed or not, and whether or not the till is waiting."""
        if self._busy:
            return
        if self._pos.state.phase is not PosPhase.PRESENT:
            self.in_hand.notice(Message("wallet.no_till_waiting", "waiting"))
            return
        self._busy = True
        try:
            await self._hold_until_read()
        finally:
            self._busy = False

    async def arm(self, card_id: str) -> bool:
        """Ask for a card on the device in hand; whether it is armed now."""
        amount_text = self._pos.state.amount_text
        return await self.in_hand.arm(card_id, amount_text, self._reader.name, self._pause)

    async def _hold_until_read(self, sale: asyncio.Future[Sale | None] | None = None) -> None:
        """Into the field, until the till needs the card no more (or its attempt ended at once)."""
        held, self._cryptogram_left = self.in_hand, False
        done: asyncio.Future[PosState] = asyncio.get_running_loop().create_future()
        seen_at_reader = False

        def watch(state: object) -> None:
            nonlocal seen_at_reader
            if not isinstance(state, PosState) or done.done():
                return
            if state.phase in _AT_THE_READER:
                seen_at_reader = True
            elif seen_at_reader:
                done.set_result(state)

        unsubscribe = self._bus.subscribe(watch)
        self._reader.present(held.present(self._spent))
        try:
            either: set[asyncio.Future[PosState] | asyncio.Future[Sale | None]] = {done}
            if sale is not None:
                either.add(sale)
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            unsubscribe()
            self._reader.withdraw()
        state = self._pos.state
        if state.phase not in _CARD_DONE:
            self._turned_away(held, state)

    def _spent(self, _token_ref: str, _atc: int) -> None:
        self._cryptogram_left = True

    def _turned_away(self, held: Held, state: PosState) -> None:
        """The device knows whether it answered, and says that no money moved."""
        key = "wallet.read_torn" if self._cryptogram_left else "wallet.not_read"
        held.not_read(Message(key, "bad"))
        if state.phase is PosPhase.OTHER_CARD and state.detail is not None:
            held.notice(state.detail)

    async def _pause(self, seconds: float) -> None:
        if self._pace > 0:
            await self._scheduler.sleep(seconds * self._pace)
