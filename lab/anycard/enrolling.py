"""Enrolling: a transit card, a sticker or a phone becomes the trigger of a wallet card's tap.

What is laid on the till's reader is asked for its identifier and nothing else. When an enrolled
thing comes while the till waits, the phone's card answers in its place: armed as by a look at the
phone, over the phone's own link, paid by the wallet. The thing itself is neither read nor charged.
Without Qt.
"""

from __future__ import annotations

from dataclasses import replace

from backend.api import Clock
from hardware.api import CardHeld, CardLink, CardLinkError, NoCard, PlainTag, is_random
from lab.anycard.account import mask_uid
from lab.anycard.enrolment import Enrolled, EnrolmentStore
from lab.anycard.state import Choosable, EnrolledView, EnrolState
from lab.anycard.till_reader import Arrival, HeldPhone, TillReader
from lab.bus import Bus
from lab.engine_shapes import CardRecord
from lab.errors import NotDone
from lab.pos.display import network_name
from lab.pos.flow import PosFlow
from lab.wallet.flow import WalletFlow
from lab.wallet.state import PhoneScreen, WalletState
from lab.words import Message, message

ENROL_WAIT_S = 30.0


class EnrolFlow:
    """Enrols things, lists them, and lets them trigger."""

    def __init__(
        self,
        *,
        store: EnrolmentStore,
        reader: TillReader,
        phone: HeldPhone,
        wallet: WalletFlow,
        pos: PosFlow,
        clock: Clock,
        bus: Bus,
    ) -> None:
        """List what is remembered.

        Args:
            store: where things are remembered.
            reader: the till's.
            phone: answers in a thing's place.
            wallet: the phone that is armed.
            pos: the till, for its amount and to hear that the card was read.
            clock: lab time.
            bus: shows the state.
        """
        self._store = store
        self._reader = reader
        self._phone = phone
        self._wallet = wallet
        self._pos = pos
        self._clock = clock
        self._bus = bus
        self._triggered = False
        said = message("enrol.damaged", "bad", why=store.damage) if store.damage else None
        self._state = EnrolState(said=said)
        self._tell_before = pos.on_read
        pos.on_read = self._read
        bus.subscribe(self._seen)
        self._show()

    @property
    def state(self) -> EnrolState:
        """What is shown."""
        return self._state

    def reader_changed(self) -> None:
        """The till stands at another reader, which recognizes things or not."""
        self._show()

    # -- enrolling ----------------------------------------------------------------------------

    async def enrol(self, card_id: str) -> None:
        """Bind the next thing on the reader to a card of the wallet."""
        card = next((card for card in self._wallet.cards if card.id == card_id), None)
        if card is None or self._state.listening:
            return
        if not self._reader.recognizes:
            self._show(said=Message("enrol.emulated", "waiting"))
            return
        self._show(listening=True, said=None)
        try:
            uid = await self._next_uid()
            self._remember(uid, card)
        except NoCard:
            self._show(said=Message("enrol.nobody", "waiting"))
        except CardHeld:
            self._show(said=Message("enrol.busy", "waiting"))
        except (CardLinkError, NotDone) as fault:
            self._show(said=message("enrol.failed", "bad", why=fault))
        finally:
            await self._reader.give_back()
            self._show(listening=False)

    async def cancel(self) -> None:
        """Wait no longer for a thing."""
        if self._state.listening:
            await self._reader.give_back()

    def forget(self, identifier: str) -> None:
        """Take a thing away.

        Raises:
            NotDone: the list cannot be written.
        """
        self._store.forget(identifier)
        self._show(said=Message("enrol.forgotten", "good"))

    async def _next_uid(self) -> bytes:
        try:
            return (await self._reader.borrow(ENROL_WAIT_S)).uid
        except PlainTag as tag:
            return tag.uid

    def _remember(self, uid: bytes, card: CardRecord) -> None:
        if not uid:
            self._show(said=Message("enrol.no_identifier", "bad"))
            return
        once = is_random(uid)
        thing = self._store.add(
            uid,
            once=once,
            reader=self._reader.url,
            card_id=card.id,
            card=_name(card),
            at_us=self._clock.now_us(),
        )
        key = "enrol.done.once" if once else "enrol.done"
        self._show(said=message(key, "waiting" if once else "good", thing=thing.thing,
                                card=thing.card))  # fmt: skip

    # -- triggering ---------------------------------------------------------------------------

    async def arrived(self, arrival: Arrival) -> CardLink | None:
        """The phone's link, where an enrolled thing came and the phone could be armed."""
        random_uid = is_random(arrival.uid)
        thing = self._store.find(arrival.uid, random_uid=random_uid, reader=self._reader.url)
        if thing is None:
            return None
        shown = mask_uid(arrival.uid.hex().upper())
        if not await self._armed(thing):
            self._show(said=message("enrol.not_armed", "bad", thing=shown, card=thing.card))
            return None
        if thing.once:
            self._store.forget(thing.id)
        link = await self._phone.wait_for_card(0.0)
        self._triggered = True
        key = "enrol.triggered.once" if thing.once else "enrol.triggered"
        self._show(said=message(key, "good", thing=shown, card=thing.card))
        return link

    async def _armed(self, thing: Enrolled) -> bool:
        wallet = self._wallet
        if thing.card_id not in {card.id for card in wallet.cards}:
            return False
        wallet.till_asks(self._pos.state.amount_text, self._reader.name)
        wallet.choose(thing.card_id)
        wallet.double_press()
        if wallet.state.screen is not PhoneScreen.PAY_SHEET:
            return False
        wallet.choose(thing.card_id)
        return await wallet.scan_face("success")

    def _read(self, tap_id: str) -> None:
        """The till has read a card; where a thing triggered it, the phone shows so."""
        self._tell_before(tap_id)
        triggered, self._triggered = self._triggered, False
        if triggered:
            state = self._pos.state
            self._wallet.card_read(tap_id, self._pos.amount_minor, state.currency, state.merchant)

    # -- showing ------------------------------------------------------------------------------

    def _seen(self, state: object) -> None:
        if isinstance(state, WalletState):
            self._show()

    def _show(self, **changes: object) -> None:
        things = tuple(
            EnrolledView(each.id, each.thing, each.card, each.reader, each.once)
            for each in self._store.things
        )
        cards = tuple(
            Choosable(card.id, _name(card)) for card in self._wallet.cards if card.is_verified
        )
        state = replace(self._state, **changes)  # type: ignore[arg-type]  # by name
        self._state = replace(
            state,
            things=things,
            cards=cards,
            reader=self._reader.name,
            possible=self._reader.recognizes,
        )
        self._bus.publish(self._state)


def _name(card: CardRecord) -> str:
    return f"{network_name(card.network)} ·{card.last4}"
