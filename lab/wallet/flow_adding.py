"""Adding a card: the form, what its network offers, the sealed number, the keys that arrive.

A part of the phone's flow. Once a number is whole its network is asked, sealed, what card it is:
product, terms and faces come into the form. The number leaves sealed for its network and is
forgotten at once; which colour the network and the bank answer with is theirs to say. It knows no
till and no payment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from backend.api import Clock, EventLog, Scheduler, Stream, identifier
from hardware.api import ProvisioningRefused, SecureElement
from lab.client import EngineClient
from lab.clock_text import to_datetime
from lab.engine_shapes import CardRecord, TermsRecord
from lab.errors import EngineRefused, EngineUnreachable, NotDone
from lab.json_fields import Json, section, text
from lab.offer_shapes import OfferRecord
from lab.verification_shapes import MethodRecord, methods_of
from lab.wallet.add_card import CardDraft, edit, form_of, is_whole, problems, seal
from lab.wallet.refusals import refusal
from lab.wallet.state import AddCardForm, PhoneScreen, WalletState
from lab.words import Message, message

PHONE_ID = "dev_phone"
DELIVERY_LIMIT_S = 5.0
TERMS_CHANGED = "terms_changed"

DEMO_CARDS = (  # published test numbers; any code and any future date do
    CardDraft("4242424242424242", "1230", "123", terms=True),
    CardDraft("5555555555554444", "1230", "123", terms=True),
    CardDraft("378282246310005", "1230", "1234", terms=True),
)


class Phone(Protocol):
    """What adding needs to know of the phone that it belongs to."""

    @property
    def state(self) -> WalletState:
        """What the phone shows."""

    @property
    def cards(self) -> tuple[CardRecord, ...]:
        """The cards as last known."""

    def settled(self) -> PhoneScreen:
        """The screen after the cards were loaded."""

    async def refresh(self) -> None:
        """Load the cards again."""


class Adding:
    """From an empty form to a card whose keys are in the phone."""

    def __init__(  # noqa: PLR0913 -- every port by its name
        self,
        phone: Phone,
        show: Callable[..., None],
        verify: Callable[[CardRecord, tuple[MethodRecord, ...]], None],
        *,
        client: EngineClient,
        element: SecureElement,
        clock: Clock,
        scheduler: Scheduler,
        stream: Stream,
        log: EventLog,
    ) -> None:
        """Adding on one phone.

        Args:
            phone: whose state is read.
            show: changes fields of that state, by name.
            verify: goes on with a card that its bank wants to check first.
            client: the way to the engine.
            element: takes the keys.
            clock: lab time, for the month of expiry.
            scheduler: waits for the keys.
            stream: idempotency keys.
            log: hears what was installed.
        """
        self._phone = phone
        self._show = show
        self._verify = verify
        self._client = client
        self._element = element
        self._clock = clock
        self._scheduler = scheduler
        self._stream = stream
        self._log = log
        self._draft = CardDraft()
        self._terms: TermsRecord | None = None
        self._offer: OfferRecord | None = None
        self._asked = ""  # the number that its network was asked about last
        self._installed = asyncio.Event()

    def forget(self) -> None:
        """Throw away what was typed."""
        self._draft, self._offer, self._asked = CardDraft(), None, ""

    def begin(self) -> None:
        """Open an empty form; the card's own terms come into it once its number is whole."""
        self.forget()
        self._show(screen=PhoneScreen.ADD_CARD, add=self._form({}, complete=False), notice=None)

    def edit(self, name: str, typed: str) -> None:
        """A field of the form now holds `typed`."""
        if self._phone.state.screen is not PhoneScreen.ADD_CARD or self._phone.state.add.busy:
            return
        self._draft = edit(self._draft, name, typed)
        if self._draft.number != self._asked:
            self._offer, self._asked = None, ""
        if self._offer is None and not self._asked and is_whole(self._draft):
            self._asked = self._draft.number
            self._scheduler.spawn(self._ask(self._draft), "card offer")
        self._show_form()
        self._show(notice=None)

    async def submit(self) -> CardRecord | None:
        """Add the card in the form; None when it has errors, which it then shows."""
        wrong = problems(self._draft, self._month(), final=True)
        if wrong:
            self._show(add=self._form(wrong, complete=False))
            return None
        if self._offer is None:  # nobody accepts what was not there to be read
            self._show_form()
            return None
        self._show(add=replace(self._phone.state.add, busy=True), busy=True)
        try:
            card, methods = await self._add(self._draft, self._offer)
        except (EngineRefused, EngineUnreachable, NotDone) as fault:
            await self._refused(fault)
            return None
        self.forget()  # the number is forgotten here
        self._show(add=AddCardForm(), busy=False, screen=PhoneScreen.STACK, selected_id=card.id)
        if card.status == "pending":
            self._verify(card, methods)
        else:
            self._show(notice=message("wallet.add.ready", "good", last4=card.last4))
        return card

    async def start_with_demo_cards(self) -> None:
        """Add the lab's three cards: Everyday, Travel, Reserve."""
        self._show(busy=True, notice=Message("wallet.demo.adding", "waiting"))
        try:
            known = {(card.network, card.last4) for card in self._phone.cards}
            for draft in DEMO_CARDS:
                if (draft.network, draft.last4) not in known:
                    await self.add(draft)
        except (EngineRefused, EngineUnreachable, NotDone) as fault:
            self._show(busy=False, notice=refusal(fault))
            raise
        self._show(busy=False, notice=None, screen=self._phone.settled())

    async def add(self, draft: CardDraft) -> CardRecord:
        """Seal, send, and wait until the token is in the secure element (a pending card has none).

        Raises:
            EngineRefused, EngineUnreachable: the engine said no, or nothing.
            NotDone: the token did not arrive at the phone.
        """
        return (await self._add(draft))[0]

    async def until_installed(self, token_ref: str) -> None:
        """Wait until a token's keys are in the secure element.

        Raises:
            NotDone: they did not arrive.
        """
        try:
            async with self._scheduler.deadline(DELIVERY_LIMIT_S):
                while token_ref not in {token.token_ref for token in self._element.tokens()}:
                    self._installed.clear()
                    await self._installed.wait()
        except TimeoutError as late:
            raise NotDone("the token did not arrive at the phone") from late

    def install(self, body: Json) -> bool:
        """Keys that the network sent for a card; False when the secure element refuses them."""
        try:
            token = self._element.install(text(body, "payload"))
        except ProvisioningRefused as refused:
            self._log.emit("token.refused", actor="phone", data={"reason": str(refused)})
            self._show(notice=Message("wallet.add.not_installed", "bad"))
            return False
        self._log.emit(
            "token.installed",
            actor="phone",
            data={"token_ref": token.token_ref, "network": token.network, "last4": token.last4},
        )
        self._installed.set()
        return True

    async def _add(
        self, draft: CardDraft, offer: OfferRecord | None = None
    ) -> tuple[CardRecord, tuple[MethodRecord, ...]]:
        """Without an offer the wallet's own terms are accepted, and the first design comes."""
        terms = self._terms or await self._load_terms() if offer is None else offer.terms
        body = {
            "network": draft.network,
            "encryptedPan": await self._sealed(draft),
            "expiry": draft.expiry_text,
            "cvv": draft.cvv,
            "last4": draft.last4,
            "deviceId": PHONE_ID,
            "termsVersion": terms.version,
            **({"design": draft.design} if draft.design else {}),
        }
        key = identifier(self._stream, "add")
        answer = await self._client.add_card(body, key=key)
        card = CardRecord.from_json(section(answer, "card"))
        if card.is_verified:
            await self.until_installed(card.token_ref)
        await self._phone.refresh()
        return card, methods_of(answer)

    async def _load_terms(self) -> TermsRecord:
        self._terms = await self._client.terms()
        return self._terms

    async def _sealed(self, draft: CardDraft) -> str:
        network_key = await self._client.network_key(draft.network)
        return seal(draft, network_key, self._element.public_key())

    async def _ask(self, draft: CardDraft) -> None:
        """Ask the network what card this is; an answer that another number overtook is nothing."""
        try:
            offer = await self._client.card_offer(draft.network, await self._sealed(draft))
        except (EngineRefused, EngineUnreachable) as fault:
            if draft.number == self._asked:
                self._not_offered(fault)
            return
        if draft.number == self._asked:
            self._offer = offer
            if not self._phone.state.add.busy:
                self._show_form()

    def _not_offered(self, fault: EngineRefused | EngineUnreachable) -> None:
        """No card of that network, or no answer: then any edit asks again."""
        if isinstance(fault, EngineRefused) and not fault.is_trouble:
            self._show(add=self._form({"number": refusal(fault)}, complete=False))
            return
        self._asked = ""
        self._show_form()
        self._show(notice=refusal(fault))

    async def _refused(self, fault: Exception) -> None:
        """Say why; terms that have changed meanwhile are read and accepted anew."""
        why, field = refusal(fault), "number"
        if isinstance(fault, EngineRefused) and fault.code == TERMS_CHANGED:
            self._draft, field = replace(self._draft, terms=False), "terms"
            self._offer, self._asked = None, self._draft.number
            await self._ask(self._draft)
        self._show(add=self._form({field: why}, complete=field == "number"), busy=False)

    def _show_form(self) -> None:
        shown = problems(self._draft, self._month(), final=False)
        complete = not problems(self._draft, self._month(), final=True)
        self._show(add=self._form(shown, complete=complete))

    def _form(self, shown: dict[str, Message], *, complete: bool) -> AddCardForm:
        offer = self._offer
        made = form_of(self._draft, shown, complete=complete and offer is not None)
        if offer is None:
            return replace(made, asking=bool(self._asked) and not shown)
        return replace(
            made,
            terms_text=offer.terms.text,
            terms_version=offer.terms.version,
            product=offer.product,
            card_type=offer.card_type,
            designs=tuple((design.id, design.name) for design in offer.designs),
            design=self._draft.design or offer.designs[0].id,
        )

    def _month(self) -> str:
        return to_datetime(self._clock.now_us()).strftime("%y%m")
