"""The phone's flow: cards, adding one, arming by face, what the bank says; without Qt.

Runs in the I/O thread. The wallet is an ordinary client of the engine and the owner of the secure
element; it never sees a device account number or a key. It knows no till: `tap` holds the phone to
a reader. While the engine is out of reach it shows what it remembers and still arms: the secure
element needs nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backend.api import Clock, EventLog, Scheduler, Stream
from hardware.api import FaceSensor, SecureElement
from lab.beliefs import Beliefs
from lab.bus import Bus
from lab.client import EngineClient
from lab.clock_text import hour_and_minute
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, section, text
from lab.wallet import phone_cache
from lab.wallet.add_card import CardDraft
from lab.wallet.bank_message import bank_message
from lab.wallet.card_views import OnWatch, card_views, device_views, history_rows, on_watch
from lab.wallet.flow_account import Account
from lab.wallet.flow_adding import PHONE_ID, Adding
from lab.wallet.flow_arming import Arming
from lab.wallet.flow_cards import CardActions
from lab.wallet.flow_in_app import InAppPaying
from lab.wallet.flow_verify import Verifying
from lab.wallet.phone_cache import PhoneMemory, TapLogged
from lab.wallet.presence import Presence
from lab.wallet.state import (
    GIVES_WAY,
    SHOWS_CHOSEN,
    AddCardForm,
    InAppSheet,
    PhoneScreen,
    VerifyForm,
    WalletState,
)
from lab.words import Message, message

PHONE_NAME = "Phone"
READ_SHOWN_S = 3.0
BANNER_SHOWN_S = 6.0


class WalletFlow:
    """One phone."""

    def __init__(  # noqa: PLR0913 -- every port by its name
        self,
        *,
        client: EngineClient,
        element: SecureElement,
        sensor: FaceSensor,
        clock: Clock,
        scheduler: Scheduler,
        stream: Stream,
        log: EventLog,
        bus: Bus,
        cache_file: Path,
        pace: float = 1.0,
    ) -> None:
        """A phone with its secure element.

        Args:
            client: the way to the engine.
            element: holds tokens and keys; this flow owns it.
            sensor: the element's paired face sensor.
            clock: lab time.
            scheduler: lab waiting.
            stream: idempotency keys.
            log: hears what the phone showed.
            bus: shows the phone's state.
            cache_file: what the phone remembers while offline.
            pace: how long screens wait for the eye: 1 live, 0 not at all.
        """
        self._client = client
        self._element = element
        self._clock = clock
        self._scheduler = scheduler
        self._stream = stream
        self._log = log
        self._bus = bus
        self._cache_file = cache_file
        self._memory = phone_cache.load(cache_file)
        self._refreshing = asyncio.Lock()
        self._loaded = False
        self._is_lost = False
        self._on_watch: OnWatch = None
        self._beliefs = Beliefs(log, "phone", "phone.showed")
        self._arming = Arming(
            self,
            self._show,
            element=element,
            sensor=sensor,
            clock=clock,
            scheduler=scheduler,
            log=log,
            pace=pace,
        )
        self.actions = CardActions(self, self._show, client=client, element=element)
        self.verifying = Verifying(self, self._show, client=client, clock=clock, stream=stream)
        self._adding = Adding(
            self,
            self._show,
            self.verifying.begin,
            client=client,
            element=element,
            clock=clock,
            scheduler=scheduler,
            stream=stream,
            log=log,
        )
        self.account = Account(self, self._show, client=client, element=element)
        self._presence = Presence(
            PHONE_ID, kind="phone", name=PHONE_NAME, face_enrolled=True,
            client=client, element=element, log=log,
        )  # fmt: skip
        self._in_app = InAppPaying(
            self,
            self._show,
            self._presence,
            client=client,
            element=element,
            sensor=sensor,
            clock=clock,
            scheduler=scheduler,
            log=log,
            beliefs=self._beliefs,
            pace=pace,
        )
        self._read_at_us = 0
        self.on_open_payment: Callable[[str], None] = lambda _payment_id: None
        self._state = WalletState(
            clock_text=hour_and_minute(clock.now_us()), offline=bool(self._memory.cards)
        )
        self._show(screen=self.home())

    @property
    def state(self) -> WalletState:
        """What the phone shows."""
        return self._state

    @property
    def cards(self) -> tuple[CardRecord, ...]:
        """The cards as last known."""
        return self._memory.cards

    @property
    def armed_token(self) -> str | None:
        """The token that the next reader may have a cryptogram from."""
        return self._element.armed

    # -- engine -------------------------------------------------------------------------------

    async def connect(self) -> None:
        """The engine is up: say who we are and load cards and payments."""
        if self.account.is_out:
            return
        await self._presence.show()
        await self.refresh()

    async def refresh(self) -> None:
        """Load cards and the last payments; out of reach, show what is remembered."""
        if self.account.is_out:
            return
        async with self._refreshing:  # one at a time: an old answer must not replace a new one
            await self._refresh()

    async def _refresh(self) -> None:
        try:
            listed = await self._client.cards()
            payments = await self._client.transactions()
            devices = await self._client.devices()
        except (EngineUnreachable, EngineRefused) as fault:
            if isinstance(fault, EngineRefused) and not fault.is_trouble:
                raise
            self.engine_lost()
            return
        if self.account.is_out:
            return  # signed out while the answers were on their way
        # A person's other devices (a watch, synthetic ones) have cards that are not this phone's.
        cards = tuple(card for card in listed if card.device_id == PHONE_ID)
        left = {card.id for card in cards}  # a token that was replaced goes with its successor
        gone = {card.token_ref for card in self._memory.cards if card.id not in left}
        self._memory = PhoneMemory(cards, payments[: phone_cache.PAYMENTS_KEPT])
        phone_cache.store(self._cache_file, self._memory)
        self._loaded = True
        for token_ref in gone:
            self._element.remove(token_ref)
        self.actions.align_default()
        self._on_watch = on_watch(devices, listed)
        shown = device_views(devices, listed, PHONE_ID)
        self._is_lost = any(device.is_this and device.is_lost for device in shown)
        self._show(offline=False, devices=shown, screen=self.settled())

    def engine_lost(self) -> None:
        """The engine went out of reach: cached cards, marked."""
        self._show(offline=True, screen=self.settled())

    async def deliver(self, push: Json) -> None:
        """A message pushed to this phone; handled before it is acknowledged.

        Raises:
            EngineUnreachable: nobody is signed in; it comes again with the next connection.
        """
        if self.account.is_out:
            raise EngineUnreachable("nobody is signed in on this phone")
        body = section(push, "body")
        match text(push, "kind"):
            case "provision_token":
                if self._adding.install(body):
                    self.actions.align_default()
                if text(body, "replaces", ""):  # the list still names the old token
                    await self.refresh()
            case "token_status_change":
                self.actions.bank_changed(body)
                await self.refresh()
            case "payment_request":
                self._in_app.asked(body)
            case "payment_cancelled":
                self._in_app.cancelled(body)
            case _:
                self._show(notice=message("wallet.bank_message", text=text(body, "text", "")))

    # -- adding a card ------------------------------------------------------------------------

    def begin_add(self) -> None:
        """Open an empty form."""
        self._adding.begin()

    def edit_add(self, name: str, typed: str) -> None:
        """A field of the form now holds `typed`."""
        self._adding.edit(name, typed)

    async def submit_add(self) -> CardRecord | None:
        """Add the card in the form; None when it has errors, which it then shows."""
        return await self._adding.submit()

    async def start_with_demo_cards(self) -> None:
        """Add the lab's three cards: Everyday, Travel, Reserve."""
        await self._adding.start_with_demo_cards()

    async def add(self, draft: CardDraft) -> CardRecord:
        """Add a card without the form.

        Raises:
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
            NotDone: the token did not arrive at the phone.
        """
        return await self._adding.add(draft)

    async def until_installed(self, token_ref: str) -> None:
        """Wait until a token's keys are in the secure element.

        Raises:
            NotDone: they did not arrive.
        """
        await self._adding.until_installed(token_ref)

    # -- looking at cards ---------------------------------------------------------------------

    def open_card(self, card_id: str) -> None:
        """Bring a card forward with its history; a pending one goes on being verified."""
        card = self._card(card_id)
        if card is None:
            return
        if card.status == "pending" and not self._state.offline:
            self._scheduler.spawn(self.verifying.resume(card), "verification")
            return
        self._show(screen=PhoneScreen.CARD_DETAIL, selected_id=card_id, notice=None)

    def close(self) -> None:
        """Back to the stack; an armed phone disarms."""
        self._element.disarm()
        self._adding.forget()
        if self._state.screen is PhoneScreen.VERIFY:
            self._show(banner=None)
        self.verifying.end()
        self._in_app.end()
        self._show(
            screen=self.home(),
            in_app=InAppSheet(),
            add=AddCardForm(),
            verify=VerifyForm(),
            history=(),
            notice=None,
            scan="idle",
            armed_left_s=0,
        )

    def set_express(self, card_id: str, *, chosen: bool) -> None:
        """Let a card pay at transit gates without its owner being recognised, or none."""
        card = self._card(card_id)
        if card is not None and card.is_verified:
            self._arming.set_express(card if chosen else None)

    async def remove(self, card_id: str) -> None:
        """Delete a card, verified or not."""
        await self.actions.remove(card_id)
        if self._card(card_id) is None:
            self.verifying.end()

    def dismiss_banner(self) -> None:
        """Put the bank's message away."""
        self._show(banner=None, banner_payment_id="")

    # -- arming -------------------------------------------------------------------------------

    def double_press(self) -> None:
        """The side button, twice: offer a card to pay with."""
        if not self.account.is_out:
            self._arming.double_press()

    def choose_other(self) -> None:
        """Offer another card than the one that was refused."""
        self._arming.choose_other()

    def choose(self, card_id: str) -> None:
        """Choose another card on the pay sheet."""
        if self._card(card_id) is not None:
            self._show(selected_id=card_id)

    async def scan_face(self, outcome: str) -> bool:
        """Look at the phone: "success", "fail" or "cancel". True when it is armed now."""
        if self._in_app.is_open:
            return await self._in_app.pay(outcome)
        return await self._arming.scan_face(outcome)

    def enter_passcode(self, code: str) -> bool:
        """Type the passcode instead. True when the phone is armed now."""
        if self._in_app.is_open:
            return self._in_app.enter_passcode(code)
        return self._arming.enter_passcode(code)

    def tick(self) -> None:
        """Time passes: the status line's clock, the end of arming, the end of the tick."""
        changes: dict[str, object] = {"clock_text": hour_and_minute(self._clock.now_us())}
        changes |= self._arming.passing() | self.verifying.passing()
        read_us = self._clock.monotonic_us() - self._read_at_us
        if self._state.screen is PhoneScreen.READ and read_us > READ_SHOWN_S * 1e6:
            changes["screen"] = self.home()
        self._show(**changes)

    # -- the tap, and after it ------------------------------------------------------------------

    def till_asks(self, amount_text: str, reader_text: str) -> None:
        """What the till nearby wants, for the pay sheet. The last sale's banner goes."""
        self._show(
            amount_text=amount_text, reader_text=reader_text, banner=None, banner_payment_id=""
        )

    def card_read(self, tap_id: str, amount_minor: int, currency: str, merchant_name: str) -> None:
        """A cryptogram left the phone: tick, which means read and not approved.

        The phone logs it as pending by itself; the engine's history takes its place.
        """
        card = self.chosen()
        if card is not None:
            now_us = self._clock.now_us()
            self.log_payment(
                TapLogged(tap_id, card.id, merchant_name, amount_minor, currency, now_us)
            )
        self._read_at_us = self._clock.monotonic_us()
        self._show(screen=PhoneScreen.READ, armed_left_s=0, scan="idle")
        self._beliefs.showed("read", tap_id=tap_id)

    def forget(self) -> None:
        """Clear cards and payments from memory and file."""
        self._memory, self._loaded, self._is_lost = PhoneMemory(), False, False
        self._on_watch = None
        phone_cache.forget(self._cache_file)

    def log_payment(self, tap: TapLogged) -> None:
        """Show a payment in the history before its engine does."""
        self._memory = self._memory.with_tap(tap)
        self._scheduler.spawn(self._store_memory(), "phone log")

    async def _store_memory(self) -> None:
        phone_cache.store(self._cache_file, self._memory)

    def not_read(self, why: Message) -> None:
        """The reader turned away: nothing was charged. The authentication is over."""
        self._element.disarm()
        self._show(screen=self.home(), armed_left_s=0, scan="idle", notice=why)

    def notice(self, what: Message) -> None:
        """One line under the card."""
        self._show(notice=what)

    def bank_says(self, record: PaymentRecord, amount_text: str) -> None:
        """The bank's message about a payment with one of this phone's cards, if it is news."""
        if record.card_id not in {card.id for card in self._memory.cards}:
            return
        banner = bank_message(record, amount_text, self._beliefs)
        if banner is None:
            return
        self._memory = self._memory.with_answer(record)
        self._show(banner=banner, banner_payment_id=record.id)
        self._scheduler.spawn(self._banner_ends(record.id), "banner")

    async def _banner_ends(self, payment_id: str) -> None:
        await self._scheduler.sleep(BANNER_SHOWN_S)
        if self._state.banner_payment_id == payment_id:
            self.dismiss_banner()

    # -- showing ------------------------------------------------------------------------------

    def chosen(self) -> CardRecord | None:
        """The card that would pay now: the one brought forward, else the default one."""
        cards = self._memory.cards
        first = next((card for card in cards if card.is_verified), cards[0] if cards else None)
        default = next((card for card in cards if card.is_default), first)
        forward = self._card(self._state.selected_id)
        return forward if forward is not None and self._state.screen in SHOWS_CHOSEN else default

    def _card(self, card_id: str) -> CardRecord | None:
        return next((card for card in self._memory.cards if card.id == card_id), None)

    def home(self) -> PhoneScreen:
        """The screen to go back to."""
        if self.account.is_out:
            return PhoneScreen.SIGNED_OUT
        if self._is_lost:
            return PhoneScreen.LOST
        if self._memory.cards:
            return PhoneScreen.STACK
        return PhoneScreen.FIRST_START if self._loaded else PhoneScreen.STARTING

    def settled(self) -> PhoneScreen:
        """The screen after a refresh: only the ones without cards give way."""
        gives_way = self._is_lost or self._state.screen in GIVES_WAY
        return self.home() if gives_way else self._state.screen

    def _show(self, **changes: object) -> None:
        cards = card_views(self._memory.cards, self._element, self._on_watch)
        self._state = replace(self._state, cards=cards, **changes)  # type: ignore[arg-type]  # by name
        if self._state.screen is PhoneScreen.CARD_DETAIL:  # payments come while one looks
            card = self._card(self._state.selected_id)
            rows = history_rows(self._memory.payments, card) if card is not None else ()
            self._state = replace(self._state, history=rows)
        self._bus.publish(self._state)
