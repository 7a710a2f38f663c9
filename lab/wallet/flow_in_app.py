"""Paying in an app: the sheet that a shop asks for, the look at its owner, what the bank said.

A part of the phone's flow. The secure element signs with the token's remote key, over the number
that the shop's session brought, and only for an owner whom the sensor has just seen; the engine
seals the result for the shop. It knows no till, no envelope and no key. While an order never left
the engine, the same signature is sent again under the same key: it can be paid once only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from backend.api import Clock, EventLog, Scheduler
from hardware.api import (
    FaceAssertion,
    FaceSensor,
    NotArmed,
    RemoteRequest,
    ScanFailed,
    ScanRefusal,
    SecureElement,
)
from lab.amounts import currency_of, format_amount
from lab.beliefs import Beliefs
from lab.client import EngineClient
from lab.clock_text import to_datetime
from lab.engine_shapes import CardRecord, PaymentAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, section, text
from lab.wallet.asked_in_app import Asked
from lab.wallet.flow_arming import ARMED_S, SCAN_S
from lab.wallet.phone_cache import TapLogged
from lab.wallet.presence import Presence
from lab.wallet.refusals import refusal
from lab.wallet.state import InAppSheet, PhoneScreen, WalletState
from lab.words import Message, message

CLOSES_AFTER_S = 1.5
NOT_VERIFIED = "device_not_verified"
COUNTRY_NUMERIC = 840  # of the laboratory's shops
NO_COUNTRY, NO_DAY = 0, "000000"  # signed for a shop that takes a cryptogram and no chip data
_SCANS = {"success": "match", "fail": "no_match", "cancel": "cancel"}
_KINDS = {"approved": "good", "declined": "bad", "pending": "waiting", "not_sent": "waiting"}
_WAITING = frozenset({"offer", "refused", "not_sent"})


class Phone(Protocol):
    """What paying in an app needs to know of the phone that it belongs to."""

    @property
    def state(self) -> WalletState:
        """What the phone shows."""

    @property
    def cards(self) -> tuple[CardRecord, ...]:
        """The cards as last known."""

    def chosen(self) -> CardRecord | None:
        """The card that would pay now."""

    def home(self) -> PhoneScreen:
        """The screen to go back to."""

    def log_payment(self, tap: TapLogged) -> None:
        """Show a payment in the history before its engine does."""

    async def refresh(self) -> None:
        """Load cards and payments again."""


@dataclass(frozen=True, slots=True)
class _Unsent:
    """An order that never left the engine."""

    order: Json = field(repr=False)
    key: str


class InAppPaying:
    """One sheet at a time."""

    def __init__(  # noqa: PLR0913 -- every port by its name
        self,
        phone: Phone,
        show: Callable[..., None],
        presence: Presence,
        *,
        client: EngineClient,
        element: SecureElement,
        sensor: FaceSensor,
        clock: Clock,
        scheduler: Scheduler,
        log: EventLog,
        beliefs: Beliefs,
        pace: float,
    ) -> None:
        """Paying in apps with one phone.

        Args:
            phone: whose state is read.
            show: changes fields of that state, by name.
            presence: proves the phone again where the session does not know it any more.
            client: the way to the engine.
            element: signs.
            sensor: its paired face sensor.
            clock: lab time, for the cryptogram's date and the key's milliseconds.
            scheduler: waits while a face is looked at, and before the sheet closes.
            log: hears what was asked.
            beliefs: what the phone shows of each payment.
            pace: 1 for people, 0 for machines.
        """
        self._phone = phone
        self._show = show
        self._presence = presence
        self._client = client
        self._element = element
        self._sensor = sensor
        self._clock = clock
        self._scheduler = scheduler
        self._log = log
        self._beliefs = beliefs
        self._pace = pace
        self._asked: Asked | None = None
        self._unsent: _Unsent | None = None

    @property
    def is_open(self) -> bool:
        """Whether a shop's sheet is on the phone."""
        return self._asked is not None

    def asked(self, body: Json) -> None:
        """A shop asks; a request that came too late is left aside."""
        asked = Asked.from_json(body)
        if self._clock.now_us() >= asked.expires_at_us:
            return
        self._element.disarm()
        self._asked, self._unsent = asked, None
        card = self._card_for(asked)
        sheet = InAppSheet(
            session_id=asked.session_id,
            merchant=asked.merchant_name,
            lines=asked.lines,
            total_text=format_amount(asked.amount_minor, asked.currency),
            networks=asked.networks,
            notice=None if card else Message("wallet.in_app.no_card", "bad"),
        )
        self._show(
            screen=PhoneScreen.IN_APP,
            in_app=sheet,
            selected_id="" if card is None else card.id,
            scan="idle",
            notice=None,
            banner=None,
            banner_payment_id="",
            armed_left_s=0,
        )
        self._log.emit(
            "phone.in_app", actor="phone", tap_id=asked.session_id, data={"step": "asked"}
        )

    def cancelled(self, body: Json) -> None:
        """The shop took its session back."""
        if self._asked is not None and self._asked.session_id == text(body, "id"):
            self._end(Message("wallet.in_app.shop_cancelled", "waiting"))

    def end(self) -> None:
        """The person puts the sheet away: the shop hears of it, unless something was paid."""
        asked = self._asked
        if asked is None:
            return
        self._asked = self._unsent = None
        if self._phone.state.in_app.step in _WAITING:
            self._scheduler.spawn(self._tell_shop(asked.session_id), "cancel in app")

    async def pay(self, outcome: str) -> bool:
        """Look at the phone ("success", "fail", "cancel") and pay. True when it was approved."""
        if self._unsent is not None and outcome == "success":
            return await self._send(self._unsent)
        if self._asked is None or self._phone.state.in_app.step not in _WAITING:
            return False
        card = self._phone.chosen()
        if card is None or not self._may_pay(card, self._asked):
            self._step("offer", notice=Message("wallet.in_app.no_card", "bad"))
            return False
        challenge = self._element.challenge()
        self._step("scanning", scan="scanning", notice=None)
        if self._pace > 0:
            await self._scheduler.sleep(SCAN_S * self._pace)
        return await self._recognised(self._sensor.scan(challenge, _SCANS[outcome]), card)

    def enter_passcode(self, code: str) -> bool:
        """The passcode instead of a face. True when it was right: the payment goes on."""
        card = self._phone.chosen()
        if self._asked is None or card is None:
            return False
        seen = self._sensor.passcode(self._element.challenge(), code)
        if isinstance(seen, ScanFailed):
            self._show(notice=Message("wallet.passcode_wrong", "bad"))
            return False
        self._show(screen=PhoneScreen.IN_APP, notice=None)
        self._scheduler.spawn(self._recognised(seen, card), "pay in app")
        return True

    # -- steps --------------------------------------------------------------------------------

    async def _recognised(self, seen: FaceAssertion | ScanFailed, card: CardRecord) -> bool:
        asked = self._asked
        if asked is None:  # put away while the phone was being looked at
            return False
        if isinstance(seen, ScanFailed):
            self._not_recognised(seen)
            return False
        try:
            self._element.arm(seen, card.token_ref, ARMED_S)
            unsent = self._signed(asked, card)
        except NotArmed:  # no token of that card here, or its counter is at its end
            self._step("offer", scan="idle", notice=Message("wallet.not_here", "bad"))
            return False
        self._phone.log_payment(
            TapLogged(
                asked.session_id,
                card.id,
                asked.merchant_name,
                asked.amount_minor,
                asked.currency,
                self._clock.now_us(),
            )
        )
        return await self._send(unsent)

    def _signed(self, asked: Asked, card: CardRecord) -> _Unsent:
        """The order with the device's cryptogram; one authentication, one counter.

        Raises:
            NotArmed: the element does not sign.
        """
        made = self._element.sign_remote(
            card.token_ref,
            RemoteRequest(
                amount_minor=asked.amount_minor,
                currency_numeric=currency_of(asked.currency).numeric,
                country_numeric=COUNTRY_NUMERIC if asked.takes_chip_data else NO_COUNTRY,
                date_yymmdd=self._day() if asked.takes_chip_data else NO_DAY,
                unpredictable_number=asked.unpredictable_number,
                reference=asked.session_id,
            ),
        )
        order = {
            "cardId": card.id,
            "sessionId": asked.session_id,
            "merchantId": asked.merchant_id,
            "amount": asked.amount_minor,
            "currency": asked.currency,
            "token": made.token,
            "expiry": made.expiry,
            "cryptogram": made.cryptogram,
            "atc": made.atc,
            "emvData": made.emv_data.hex().upper(),
            "deviceVerification": made.word,
        }
        return _Unsent(order, f"pay-{asked.merchant_id}-{self._clock.now_us() // 1_000}")

    def _day(self) -> str:
        return to_datetime(self._clock.now_us()).strftime("%y%m%d")

    async def _send(self, unsent: _Unsent) -> bool:
        session_id = text(unsent.order, "sessionId")
        self._unsent = None
        self._step("paying", scan="success", notice=None)
        try:
            answer = await self._paid(unsent)
        except (EngineRefused, EngineUnreachable) as fault:
            if isinstance(fault, EngineUnreachable):
                self._unsent = unsent  # the same order under the same key, whatever became of it
            step = "refused" if isinstance(fault, EngineRefused) else "not_sent"
            if isinstance(fault, EngineRefused):  # no payment came of it: the phone's note goes
                await self._phone.refresh()
            self._step(step, scan="idle", notice=refusal(fault))
            return False
        if answer.status == "not_sent":
            self._unsent = unsent
        self._beliefs.showed(answer.status, tap_id=session_id, payment_id=answer.payment_id)
        token_text = await self._token_text(session_id)
        await self._phone.refresh()
        self._told(answer, session_id, token_text)
        return answer.status == "approved"

    async def _paid(self, unsent: _Unsent) -> PaymentAnswer:
        """Send it; a session that does not know its device (any more) is told once."""
        try:
            body = await self._client.pay_in_app(unsent.order, key=unsent.key)
        except EngineRefused as refused:
            if refused.code != NOT_VERIFIED:
                raise
            await self._presence.show()
            body = await self._client.pay_in_app(unsent.order, key=unsent.key)
        return PaymentAnswer.from_json(body)

    def _told(self, answer: PaymentAnswer, session_id: str, token_text: str) -> None:
        if self._asked is None or self._asked.session_id != session_id:
            return  # put away meanwhile; the history knows
        says = message(
            f"wallet.in_app.{answer.status}", _KINDS[answer.status], reason=answer.reason
        )
        step = {"approved": "done", "declined": "refused"}.get(answer.status, answer.status)
        self._step(step, scan="idle", notice=says, token_text=token_text)
        if step == "done":
            self._scheduler.spawn(self._close_later(session_id), "close in app")

    async def _close_later(self, session_id: str) -> None:
        await self._scheduler.sleep(CLOSES_AFTER_S * self._pace)
        if self._asked is not None and self._asked.session_id == session_id:
            self._end(None)

    async def _token_text(self, session_id: str) -> str:
        """What the shop may tell of the token that it opened."""
        try:
            body = await self._client.merchant_session(session_id)
        except (EngineRefused, EngineUnreachable):
            return ""
        if body.get("token") is None:
            return ""
        token = section(body, "token")
        return f"{text(token, 'version')} · {text(token, 'transactionId')[:8]}…"

    async def _tell_shop(self, session_id: str) -> None:
        try:
            await self._client.cancel_merchant_session(session_id)
        except (EngineRefused, EngineUnreachable) as fault:
            data = {"step": "cancel", "reason": str(fault)}
            self._log.emit("phone.in_app", actor="phone", tap_id=session_id, data=data)

    def _not_recognised(self, seen: ScanFailed) -> None:
        match seen.reason:
            case ScanRefusal.PASSCODE_NEEDED:
                self._step("offer", scan="idle", scans_left=0)
                self._show(
                    screen=PhoneScreen.PASSCODE, notice=Message("wallet.passcode_needed", "waiting")
                )
            case ScanRefusal.NO_MATCH:
                left = message("wallet.scan_failed", "bad", left=seen.scans_left)
                self._step("offer", scan="failed", scans_left=seen.scans_left, notice=left)
            case _:
                self._step("offer", scan="idle", notice=None)

    def _step(
        self,
        step: str,
        *,
        notice: Message | None = None,
        token_text: str = "",
        **changes: object,
    ) -> None:
        sheet = replace(self._phone.state.in_app, step=step, notice=notice, token_text=token_text)
        self._show(in_app=sheet, **changes)

    def _end(self, notice: Message | None) -> None:
        self._asked = self._unsent = None
        self._element.disarm()
        self._show(screen=self._phone.home(), in_app=InAppSheet(), scan="idle", notice=notice)

    def _card_for(self, asked: Asked) -> CardRecord | None:
        """The default card if the shop takes it, else the first one that it takes."""
        fitting = [card for card in self._phone.cards if self._may_pay(card, asked)]
        return next((card for card in fitting if card.is_default), fitting[0] if fitting else None)

    @staticmethod
    def _may_pay(card: CardRecord, asked: Asked) -> bool:
        return card.status == "active" and card.network in asked.networks
