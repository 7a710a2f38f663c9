"""Pictures of the wallet beyond a tap: adding, refusals, a card's later life, lost, signed out.

Part of the picture maker's one session. Everything is undone again, so that what follows finds
three cards that can pay.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from lab.pos.state import PosPhase
from lab.wallet.flow_adding import PHONE_ID
from lab.wallet.state import PhoneScreen
from lab.world import World

TO_BE_VERIFIED = "4000056655665556"
LATER_LIFE = (
    "41-wallet-suspended", "42-wallet-light-theme", "43-wallet-high-contrast", "44-wallet-devices",
    "45-wallet-lost", "46-wallet-signed-out",
)  # fmt: skip
NAMES = ("47-wallet-refused-card", *LATER_LIFE, "48-wallet-other-card")
Io = Callable[[Callable[[], object]], None]
Until = Callable[[Callable[[], bool]], None]
Shot = Callable[[str, Callable[[], object]], None]


class WalletScenes:
    """What a person does with cards, told as the pictures it passes."""

    def __init__(self, world: World, io: Io, until: Until) -> None:
        """Scenes of one session.

        Args:
            world: the laboratory.
            io: calls a flow where flows run.
            until: waits for a state.
        """
        self._world, self._wallet, self._io, self._until = world, world.wallet, io, until

    def later_life(self, shot: Shot, dress: Callable[[str, str], None]) -> None:
        """Suspended in every theme, devices, lost and found, signed out and in.

        Args:
            shot: goes there and takes the picture.
            dress: takes a picture of the same in another theme.
        """
        suspended, light, contrast, devices, lost, signed_out = LATER_LIFE
        shot(suspended, self.suspend)
        dress(light, "light")
        dress(contrast, "high-contrast")
        self._io(partial(self._wallet.actions.reactivate, self._wallet.state.selected_id))
        self._until(lambda: all(card.status == "active" for card in self._wallet.cards))
        shot(devices, self.devices)
        shot(lost, self.lost)
        self._io(partial(self._wallet.actions.found, PHONE_ID, reactivate_cards=True))
        self._until(lambda: all(card.status == "active" for card in self._wallet.cards))
        shot(signed_out, self.sign_out)
        self._io(self._wallet.account.sign_in)
        self._until(lambda: self._wallet.state.screen is PhoneScreen.STACK)

    def refused_card(self) -> None:
        """A card that its bank does not want in a wallet."""
        self._fill("620")
        self._io(partial(self._wallet.edit_add, "terms", "1"))
        self._until(lambda: self._wallet.state.add.can_submit)
        self._io(self._wallet.submit_add)
        self._until(lambda: bool(self._wallet.state.add.errors))

    def half_added(self) -> None:
        """A number that was recognised, a code half typed."""
        self._fill("12")

    def verify(self) -> None:
        """A card whose issuer wants to be sure: its text message is there, half the code typed."""
        wallet = self._wallet
        self._fill("610")
        self._io(partial(wallet.edit_add, "terms", "1"))
        self._until(lambda: wallet.state.add.can_submit)
        self._io(wallet.submit_add)
        self._until(lambda: bool(wallet.state.verify.methods))
        self._io(lambda: wallet.verifying.choose("sms"))
        self._until(lambda: wallet.state.verify.step == "code" and wallet.state.banner is not None)
        code = dict(wallet.state.banner.values)["code"] if wallet.state.banner else ""
        self._io(lambda: wallet.verifying.type_code(code[:3]))
        self._until(lambda: wallet.state.verify.code_text == code[:3])

    def think_better_of_it(self) -> None:
        """Remove what was not verified."""
        for card in [card for card in self._wallet.cards if not card.is_verified]:
            self._io(partial(self._wallet.remove, card.id))
        self._until(lambda: all(card.is_verified for card in self._wallet.cards))
        self._io(self._wallet.close)

    def suspend(self) -> None:
        """The card in front, stopped by its person."""
        card = next(card for card in self._wallet.cards if card.is_default)
        self._io(partial(self._wallet.open_card, card.id))
        self._io(partial(self._wallet.actions.suspend, card.id))
        self._until(lambda: any(card.status == "suspended" for card in self._wallet.cards))

    def devices(self) -> None:
        """The person's devices."""
        self._io(self._wallet.close)
        self._io(self._wallet.actions.open_devices)
        self._until(lambda: self._wallet.state.screen is PhoneScreen.DEVICES)

    def lost(self) -> None:
        """This phone, marked as lost."""
        self._io(partial(self._wallet.actions.lost, PHONE_ID))
        self._until(lambda: self._wallet.state.screen is PhoneScreen.LOST)

    def sign_out(self) -> None:
        """Nobody is signed in."""
        self._io(self._wallet.account.sign_out)
        self._until(lambda: self._wallet.state.screen is PhoneScreen.SIGNED_OUT)

    def other_card(self) -> None:
        """After the bank's no: another card on the sheet."""
        self._until(lambda: self._world.pos.state.phase is PosPhase.DECLINED)
        self._until(lambda: self._wallet.state.banner is not None)
        self._io(self._wallet.choose_other)
        self._until(lambda: self._wallet.state.screen is PhoneScreen.PAY_SHEET)

    def _fill(self, code: str) -> None:
        self._io(self._wallet.begin_add)
        typed = (("number", TO_BE_VERIFIED), ("expiry", "1230"), ("cvv", code))
        for name, text in typed:
            self._io(partial(self._wallet.edit_add, name, text))
        self._until(lambda: self._wallet.state.add.cvv_text == code)
        self._until(lambda: bool(self._wallet.state.add.terms_text))
