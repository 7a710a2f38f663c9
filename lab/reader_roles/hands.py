"""Whose hands stand between phone and till: ours at the emulated reader, a person's at a real one.

Where a controller is the phone (role phone), the phone on the screen still has to be armed and the
radio does the rest: Space arms it and asks the till to charge, so the whole tap between two readers
on a desk is one key. The tick on the phone means that its own card left a cryptogram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.client import PATIENCE_S
from lab.in_hand import PHONE
from lab.pos.machine import RESTING
from lab.tap import ORDINARY_AMOUNT_MINOR, CounterFlow, TapFlow
from lab.words import message

if TYPE_CHECKING:
    from lab.in_hand import Held
    from lab.pos.flow import PosFlow
    from lab.pos.sale import Sale
    from lab.reader_roles.flow import RolesFlow
    from lab.wallet.flow import WalletFlow


class EitherHands:
    """The hands that fit where the till stands now."""

    def __init__(
        self,
        at_field: TapFlow,
        at_counter: CounterFlow,
        wallet: WalletFlow,
        pos: PosFlow,
        roles: RolesFlow,
    ) -> None:
        """Hands for one phone and one till.

        Args:
            at_field: those at the emulated reader.
            at_counter: those at a real one.
            wallet: the phone.
            pos: the till.
            roles: where the till stands, and where the phone's card is.
        """
        self._at_field = at_field
        self._at_counter = at_counter
        self._wallet = wallet
        self._pos = pos
        self._roles = roles
        self._spent = False
        self._devices: dict[str, Held] = {PHONE: at_field.in_hand}
        roles.spent = self._card_spent
        pos.on_read = self._till_read

    @property
    def busy(self) -> bool:
        """Whether our hands are at work."""
        return self._at_field.busy

    async def space(self) -> Sale | None:
        """The whole tap with whatever is set."""
        if self._roles.at_field:
            return await self._at_field.space()
        amount_minor = self._pos.amount_minor or ORDINARY_AMOUNT_MINOR
        return await self.tap(amount_minor, self._pos.state.currency)

    async def tap(
        self, amount_minor: int, currency: str, card_id: str = "", *, patience_s: float = PATIENCE_S
    ) -> Sale | None:
        """One whole tap; None when phone or till could not begin."""
        if self._roles.at_field:
            return await self._at_field.tap(amount_minor, currency, card_id, patience_s=patience_s)
        if self._pos.state.phase not in RESTING:
            return None
        if self._roles.phone_at:
            self._pos.set_amount(amount_minor, currency)
            self.take(PHONE)  # it is the phone's card that the controller plays
            if not await self._at_field.arm(card_id):
                return None
        return await self._at_counter.tap(amount_minor, currency, card_id, patience_s=patience_s)

    def gives(self, device: str, held: Held) -> None:
        """From now on this device can be taken into the hand."""
        self._devices[device] = held

    def take(self, device: str) -> bool:
        """Take "phone" or "watch" into the hand; not while a tap is under way."""
        held = self._devices.get(device)
        if held is None or self.busy:
            return False
        self._at_field.in_hand = held
        return True

    async def hold(self) -> None:
        """Hold the device in hand near: on the screen, or the controller that plays it."""
        if self._roles.at_field:
            await self._at_field.hold()
        elif self._roles.phone_at:
            self._wallet.notice(
                message("wallet.held_elsewhere", "waiting", name=self._roles.phone_at)
            )
        else:
            await self._at_counter.hold()

    def _card_spent(self) -> None:
        """The published card left a cryptogram: with our till, or with somebody else's."""
        self._spent = True
        if self._pos.state.phase in RESTING:
            self._spent = False
            self._wallet.not_read(message("wallet.read_elsewhere", "waiting"))

    def _till_read(self, tap_id: str) -> None:
        mine = self._roles.at_field or self._spent
        self._spent = False
        if mine:
            state = self._pos.state
            held = self._at_field.in_hand if self._roles.at_field else self._devices[PHONE]
            held.card_read(tap_id, self._pos.amount_minor, state.currency, state.merchant)
