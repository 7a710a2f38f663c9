"""Arming the phone: the side button, the face, the passcode, and the minute that it lasts.

A part of the phone's flow. The secure element decides who may pay; this only asks it and says what
it answered. It knows no engine, no till and no payment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from backend.api import Clock, EventLog, Scheduler
from hardware.api import (
    FaceAssertion,
    FaceSensor,
    NotArmed,
    ScanFailed,
    ScanRefusal,
    SecureElement,
)
from lab.engine_shapes import CardRecord
from lab.wallet.state import PhoneScreen, WalletState
from lab.words import Message, message

ARMED_S = 60.0
SCAN_S = 0.7
SCANS = 3
_SCANS = {"success": "match", "fail": "no_match", "cancel": "cancel"}
_MAY_SCAN = frozenset({PhoneScreen.PAY_SHEET, PhoneScreen.FACE_SCAN})


class Phone(Protocol):
    """What arming needs to know of the phone that it belongs to."""

    @property
    def state(self) -> WalletState:
        """What the phone shows."""

    def chosen(self) -> CardRecord | None:
        """The card that would pay now."""

    def home(self) -> PhoneScreen:
        """The screen to go back to."""


class Arming:
    """From "pay with this" to "hold near the reader", or to why not."""

    def __init__(
        self,
        phone: Phone,
        show: Callable[..., None],
        *,
        element: SecureElement,
        sensor: FaceSensor,
        clock: Clock,
        scheduler: Scheduler,
        log: EventLog,
        pace: float,
    ) -> None:
        """Arming of one phone.

        Args:
            phone: whose state is read.
            show: changes fields of that state, by name.
            element: what is armed.
            sensor: its paired face sensor.
            clock: measures the minute (its monotonic reading).
            scheduler: waits while a face is looked at.
            log: hears that the phone was armed.
            pace: 1 for people, 0 for machines.
        """
        self._phone = phone
        self._show = show
        self._element = element
        self._sensor = sensor
        self._clock = clock
        self._scheduler = scheduler
        self._log = log
        self._pace = pace
        self._armed_until_us = 0

    def double_press(self) -> None:
        """The side button, twice: offer a card to pay with."""
        card = self._phone.chosen()
        if card is None:
            self._show(screen=self._phone.home(), notice=Message("wallet.no_card", "bad"))
            return
        if not card.is_verified:
            self._say_unverified(card)
            return
        why = self._cannot_pay(card)
        if why is not None and why.key == "wallet.not_here":
            self._show(screen=self._phone.home(), notice=why)
            return
        if why is None and card.status == "suspended":
            why = Message("wallet.pay.suspended", "waiting")
        self._offer(card.id, why)  # a spent card: another one can be chosen on the sheet

    def choose_other(self) -> None:
        """Offer another card than the one that was refused."""
        other = self._phone.state.other_card
        if other is None:
            self._show(screen=self._phone.home(), notice=Message("wallet.pay.no_other", "bad"))
            return
        self._offer(other.id, Message("wallet.pay.instead", "neutral"))

    def _offer(self, card_id: str, notice: Message | None) -> None:
        self._element.disarm()
        self._show(
            screen=PhoneScreen.PAY_SHEET,
            selected_id=card_id,
            scan="idle",
            notice=notice,
            banner=None,
            banner_payment_id="",
            armed_left_s=0,
        )

    async def scan_face(self, outcome: str) -> bool:
        """Look at the phone: "success", "fail" or "cancel". True when it is armed now."""
        card = self._phone.chosen()
        if card is None or self._phone.state.screen not in _MAY_SCAN:
            return False
        if not card.is_verified:
            self._say_unverified(card)
            return False
        challenge = self._element.challenge()
        self._show(screen=PhoneScreen.FACE_SCAN, scan="scanning", notice=None)
        if self._pace > 0:
            await self._scheduler.sleep(SCAN_S * self._pace)
        return self._authenticated(self._sensor.scan(challenge, _SCANS[outcome]), card)

    def enter_passcode(self, code: str) -> bool:
        """Type the passcode instead. True when the phone is armed now."""
        card = self._phone.chosen()
        if card is None or self._phone.state.screen is not PhoneScreen.PASSCODE:
            return False
        return self._authenticated(self._sensor.passcode(self._element.challenge(), code), card)

    def set_express(self, card: CardRecord | None) -> None:
        """This card pays at transit gates without a look at its owner; None: no card does."""
        why = None if card is None else self._cannot_pay(card)
        if why is not None:
            self._show(notice=why)
            return
        self._element.set_express(None if card is None else card.token_ref)
        self._log.emit(
            "phone.express", actor="phone", data={"token_ref": card.token_ref if card else None}
        )
        self._show(notice=Message(f"wallet.express.{'off' if card is None else 'on'}", "neutral"))

    def _cannot_pay(self, card: CardRecord) -> Message | None:
        """Why the card's token cannot pay, as far as the phone knows by itself."""
        tokens = {token.token_ref: token for token in self._element.tokens()}
        token = tokens.get(card.token_ref)
        if token is None:
            return Message("wallet.not_here", "bad")
        return Message("wallet.needs_refresh", "bad") if token.is_spent else None

    def _say_unverified(self, card: CardRecord) -> None:
        """Its keys are still with its bank: there is nothing on this phone to pay with."""
        self._show(
            screen=self._phone.home(), notice=Message(f"wallet.cannot_pay.{card.status}", "bad")
        )

    def passing(self) -> dict[str, object]:
        """What the passing of time changes: the countdown, and the end of arming."""
        if self._phone.state.screen is not PhoneScreen.HOLD_NEAR:
            return {}
        left_us = self._armed_until_us - self._clock.monotonic_us()
        changes: dict[str, object] = {"armed_left_s": max(0, -(-left_us // 1_000_000))}
        if self._element.armed is None and left_us <= 0:
            changes |= {"screen": self._phone.home(), "scan": "idle"}
            changes["notice"] = Message("wallet.disarmed", "waiting")
        return changes

    def _authenticated(self, seen: FaceAssertion | ScanFailed, card: CardRecord) -> bool:
        if isinstance(seen, ScanFailed):
            self._refused(seen)
            return False
        why = self._cannot_pay(card)
        if why is not None:  # another card than the one that was offered first
            self._element.disarm()
            self._show(screen=self._phone.home(), scan="idle", notice=why)
            return False
        try:
            self._element.arm(seen, card.token_ref, ARMED_S)
        except NotArmed:  # the engine lists a card whose token has not reached this phone
            why = Message("wallet.add.not_installed", "bad")
            self._show(screen=self._phone.home(), scan="idle", notice=why)
            return False
        self._armed_until_us = self._clock.monotonic_us() + int(ARMED_S * 1e6)
        self._show(
            screen=PhoneScreen.HOLD_NEAR,
            scan="success",
            scans_left=SCANS,
            selected_id=card.id,
            armed_left_s=int(ARMED_S),
            notice=None,
        )
        self._log.emit("phone.armed", actor="phone", data={"method": seen.method})
        return True

    def _refused(self, seen: ScanFailed) -> None:
        match seen.reason:
            case ScanRefusal.CANCELLED:
                self._show(screen=PhoneScreen.PAY_SHEET, scan="idle")
            case ScanRefusal.NO_MATCH:
                self._show(
                    screen=PhoneScreen.FACE_SCAN,
                    scan="failed",
                    scans_left=seen.scans_left,
                    notice=message("wallet.scan_failed", "bad", left=seen.scans_left),
                )
            case ScanRefusal.PASSCODE_WRONG:
                self._show(notice=Message("wallet.passcode_wrong", "bad"))
            case ScanRefusal.PASSCODE_NEEDED:
                self._show(
                    screen=PhoneScreen.PASSCODE,
                    scan="failed",
                    scans_left=0,
                    notice=Message("wallet.passcode_needed", "waiting"),
                )
