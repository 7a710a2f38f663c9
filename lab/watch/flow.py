"""The watch's flow: cards of its own, armed on the wrist that unlocked it; without Qt.

Runs in the I/O thread. A second ordinary client of the engine in a session of its own, and the
owner of the watch's secure element: its tokens are not the phone's, and neither are its keys. The
engine out of reach changes nothing about paying. It sees no face: a double press arms it while it
is worn and unlocked. It knows no till and no phone.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from backend.api import Clock, EventLog, Scheduler
from hardware.api import NotArmed, ProvisioningRefused, SecureElement, WristSensor, WristState
from lab.beliefs import Beliefs
from lab.bus import Bus
from lab.client import EngineClient
from lab.clock_text import hour_and_minute
from lab.engine_shapes import CardRecord, PaymentRecord
from lab.errors import EngineRefused, EngineUnreachable
from lab.json_fields import Json, section, text
from lab.wallet import phone_cache
from lab.wallet.bank_message import bank_message
from lab.wallet.card_views import card_views
from lab.wallet.flow_arming import ARMED_S
from lab.wallet.flow_cards import align_default
from lab.wallet.phone_cache import PhoneMemory
from lab.wallet.presence import Presence
from lab.watch.state import WatchScreen, WatchState
from lab.watch.wrist import Wrist
from lab.words import Message

WATCH_ID = "dev_watch"
WATCH_NAME = "Watch"
READ_SHOWN_S = 3.0
TOLD_SHOWN_S = 6.0
_STAYS = frozenset({WatchScreen.READY, WatchScreen.READ})


class WatchFlow:
    """One watch."""

    def __init__(
        self,
        *,
        client: EngineClient,
        element: SecureElement,
        sensor: WristSensor,
        clock: Clock,
        scheduler: Scheduler,
        log: EventLog,
        bus: Bus,
        cache_file: Path,
    ) -> None:
        """A watch with its secure element, lying on the table.

        Args:
            client: the way to the engine, in a session of this watch.
            element: holds tokens and keys; this flow owns it.
            sensor: the element's paired wrist sensor.
            clock: lab time.
            scheduler: lab waiting.
            log: hears what the watch showed.
            bus: shows the watch's state.
            cache_file: what it remembers while offline.
        """
        self._client = client
        self._element = element
        self._sensor = sensor
        self._clock = clock
        self._scheduler = scheduler
        self._log = log
        self._bus = bus
        self._cache_file = cache_file
        self._memory = phone_cache.load(cache_file)
        self._presence = Presence(
            WATCH_ID, kind="watch", name=WATCH_NAME, face_enrolled=False,
            client=client, element=element, log=log,
        )  # fmt: skip
        self._beliefs = Beliefs(log, "watch", "phone.showed")
        self._refreshing = asyncio.Lock()
        self._is_lost = False
        self._armed_until_us = self._read_at_us = 0
        self._state = WatchState(is_there=True, clock_text=hour_and_minute(clock.now_us()))
        self.wrist = Wrist(element, sensor, self._settled)
        self._settled()

    @property
    def state(self) -> WatchState:
        """What the watch shows."""
        return self._state

    @property
    def cards(self) -> tuple[CardRecord, ...]:
        """The cards as last known."""
        return self._memory.cards

    @property
    def armed_token(self) -> str | None:
        """The token that the next reader may have a cryptogram from."""
        return self._element.armed

    def holds(self, token_ref: str) -> bool:
        """Whether a token's keys are in it."""
        return any(token.token_ref == token_ref for token in self._element.tokens())

    # -- engine -------------------------------------------------------------------------------

    async def connect(self) -> None:
        """The engine is up: say who we are and load cards.

        Raises:
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
        """
        await self._presence.show()
        await self.refresh()

    async def refresh(self) -> None:
        """Load the cards; out of reach, show what is remembered.

        Raises:
            EngineRefused: the engine said no.
        """
        async with self._refreshing:  # one at a time: an old answer must not replace a new one
            try:
                listed = await self._client.cards()
                devices = await self._client.devices()
            except (EngineUnreachable, EngineRefused) as fault:
                if isinstance(fault, EngineRefused) and not fault.is_trouble:
                    raise
                self.engine_lost()
                return
            cards = tuple(card for card in listed if card.device_id == WATCH_ID)
            self._keep(cards)
            self._is_lost = any(each.id == WATCH_ID and each.is_lost for each in devices)
            self._settled(offline=False)

    def _keep(self, cards: tuple[CardRecord, ...]) -> None:
        left = {card.id for card in cards}  # a token that was replaced goes with its successor
        gone = {card.token_ref for card in self._memory.cards if card.id not in left}
        self._memory = PhoneMemory(cards)
        phone_cache.store(self._cache_file, self._memory)
        for token_ref in gone:
            self._element.remove(token_ref)
        align_default(self._element, cards)

    def engine_lost(self) -> None:
        """The engine went out of reach: cached cards, marked."""
        self._settled(offline=True)

    async def deliver(self, push: Json) -> None:
        """A message pushed to this watch; handled before it is acknowledged."""
        body = section(push, "body")
        match text(push, "kind"):
            case "provision_token":
                self._install(body)
                await self.refresh()
            case "token_status_change":
                await self.refresh()
                self._disarm_if_stopped()
            case _:  # what a watch has no screen for, the phone shows
                pass

    def _install(self, body: Json) -> None:
        try:
            token = self._element.install(text(body, "payload"))
        except ProvisioningRefused as refused:
            self._log.emit("token.refused", actor="watch", data={"reason": str(refused)})
            self._show(notice=Message("watch.not_installed", "bad"))
            return
        data = {"token_ref": token.token_ref, "network": token.network, "last4": token.last4}
        self._log.emit("token.installed", actor="watch", data=data)

    def _disarm_if_stopped(self) -> None:
        armed = self._element.armed
        active = {card.token_ref for card in self._memory.cards if card.status == "active"}
        if armed is not None and armed not in active:
            self._element.disarm()
            self._show(screen=self.home(), armed_left_s=0)

    # -- paying -------------------------------------------------------------------------------

    def till_asks(self, amount_text: str) -> None:
        """What the till nearby wants. The last sale's message goes."""
        self._show(amount_text=amount_text, told=None, told_payment_id="")

    def double_press(self, card_id: str = "") -> bool:
        """Press the side button twice: ready to pay with the card in front, or that one."""
        if card_id:
            self._show(selected_id=card_id)
        self._show(told=None, told_payment_id="")
        card = self._state.front
        why = self._cannot_pay()
        if why is None and card is not None:
            why = self._armed_with(card.token_ref)
        if why is not None or card is None:
            self._element.disarm()
            self._show(screen=self.home(), notice=why, armed_left_s=0)
            return False
        self._armed_until_us = self._clock.monotonic_us() + int(ARMED_S * 1e6)
        self._show(
            screen=WatchScreen.READY, selected_id=card.id, armed_left_s=int(ARMED_S), notice=None
        )
        self._log.emit("watch.armed", actor="watch", data={"method": "wrist"})
        return True

    def _cannot_pay(self) -> Message | None:
        """Why not, as far as the watch knows by itself."""
        if self._sensor.state is not WristState.UNLOCKED:
            worn = self._sensor.state is WristState.LOCKED
            return Message("watch.locked" if worn else "watch.not_worn", "waiting")
        if self._is_lost:
            return Message("watch.is_lost", "bad")
        card = self._state.front
        if card is None:
            return Message("watch.no_card", "bad")
        if card.status == "pending":
            return Message("watch.not_verified", "waiting")
        if not card.is_here:
            return Message("watch.not_here", "waiting")
        return Message("wallet.needs_refresh", "bad") if card.is_spent else None

    def _armed_with(self, token_ref: str) -> Message | None:
        """Arm; None when it is, else why not."""
        seen = self._sensor.confirm(self._element.challenge())
        if seen is None:
            return Message("watch.locked", "waiting")
        try:
            self._element.arm(seen, token_ref, ARMED_S)
        except NotArmed:  # the engine lists a card whose token has not reached this watch
            return Message("watch.not_here", "waiting")
        return None

    def next_card(self) -> None:
        """Bring the next card forward; a watch that is ready is ready with that one."""
        cards, front = self._state.cards, self._state.front
        if front is None:
            return
        at = next(index for index, card in enumerate(cards) if card.id == front.id)
        after = cards[(at + 1) % len(cards)].id
        if self._state.screen is WatchScreen.READY:
            self.double_press(after)
        else:
            self._show(selected_id=after, notice=None)

    def close(self) -> None:
        """Back to the cards; a watch that was ready is not any more."""
        self._element.disarm()
        self._show(
            screen=self.home(), armed_left_s=0, notice=None, told=None, told_payment_id="",
            selected_id="", amount_text="",
        )  # fmt: skip

    def card_read(self, tap_id: str) -> None:
        """A cryptogram left the watch: tick, which means read and not approved."""
        self._read_at_us = self._clock.monotonic_us()
        self._show(screen=WatchScreen.READ, armed_left_s=0, notice=None)
        self._beliefs.showed("read", tap_id=tap_id)

    def not_read(self, why: Message) -> None:
        """The reader turned away: nothing was charged."""
        self._element.disarm()
        self._show(screen=self.home(), armed_left_s=0, notice=why)

    def notice(self, what: Message) -> None:
        """One line under the card."""
        self._show(notice=what)

    def bank_says(self, record: PaymentRecord, amount_text: str) -> None:
        """The bank's message about a payment with one of this watch's cards, if it is news."""
        if record.card_id not in {card.id for card in self._memory.cards}:
            return
        told = bank_message(record, amount_text, self._beliefs)
        if told is None:
            return
        self._show(told=told, told_payment_id=record.id)
        self._scheduler.spawn(self._told_ends(record.id), "watch message")

    async def _told_ends(self, payment_id: str) -> None:
        await self._scheduler.sleep(TOLD_SHOWN_S)
        if self._state.told_payment_id == payment_id:
            self._show(told=None, told_payment_id="")

    # -- showing ------------------------------------------------------------------------------

    def tick(self, *, is_cut: bool) -> None:
        """Time passes: the clock, the end of arming, the end of the tick."""
        now_us = self._clock.monotonic_us()
        changes: dict[str, object] = {
            "clock_text": hour_and_minute(self._clock.now_us()),
            "is_cut": is_cut,
        }
        match self._state.screen:
            case WatchScreen.READY:
                left_us = self._armed_until_us - now_us
                changes["armed_left_s"] = max(0, -(-left_us // 1_000_000))
                if self._element.armed is None and left_us <= 0:
                    changes |= {"screen": self.home(), "notice": Message("watch.over", "waiting")}
            case WatchScreen.READ if now_us - self._read_at_us > READ_SHOWN_S * 1e6:
                changes |= {"screen": self.home(), "amount_text": ""}
            case _:
                pass
        self._show(**changes)

    def show_in_hand(self, *, in_hand: bool) -> None:
        """Whether it is what is held to the reader."""
        self._show(in_hand=in_hand)

    def home(self) -> WatchScreen:
        """The screen to go back to."""
        if self._is_lost:
            return WatchScreen.LOST
        match self._sensor.state:
            case WristState.OFF:
                return WatchScreen.OFF
            case WristState.LOCKED:
                return WatchScreen.LOCKED
            case WristState.UNLOCKED:
                return WatchScreen.CARDS if self._memory.cards else WatchScreen.EMPTY

    def _settled(self, **changes: object) -> None:
        """Show what changed; a screen that is in use stays while the wrist and the watch allow."""
        unlocked = self._sensor.state is WristState.UNLOCKED and not self._is_lost
        stays = unlocked and self._state.screen in _STAYS
        self._show(screen=self._state.screen if stays else self.home(), **changes)

    def _show(self, **changes: object) -> None:
        self._state = replace(
            self._state,
            cards=card_views(self._memory.cards, self._element),
            is_worn=self._sensor.state is not WristState.OFF,
            **changes,  # type: ignore[arg-type]  # by name
        )
        self._bus.publish(self._state)
