"""Verifying a card: choose where the bank's code goes, read it, type it, hear what came of it.

A part of the phone's flow. The bank decides; this asks it and says what it answered. The code comes
past the wallet, as a text or a call would: here the phone looks into the laboratory's mailbox and
shows the newest notice as the bank's message. What was left half done is taken up again where the
bank says that it stands. It knows no till and no payment.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from backend.api import Clock, Stream, identifier
from lab.client import EngineClient
from lab.engine_shapes import CardRecord
from lab.errors import EngineRefused, EngineUnreachable, NotDone
from lab.verification_shapes import (
    MethodRecord,
    NoticeRecord,
    VerificationRecord,
    methods_of,
)
from lab.wallet.card_number import digits_of
from lab.wallet.state import MethodView, PhoneScreen, VerifyForm, WalletState
from lab.words import Message, message

NOTICES_PAGE = 100
_ENDED = frozenset({"card_not_pending", "card_unknown"})
_Step = Callable[[], Awaitable[VerificationRecord]]


class Phone(Protocol):
    """What verifying needs to know of the phone that it belongs to."""

    @property
    def state(self) -> WalletState:
        """What the phone shows."""

    def home(self) -> PhoneScreen:
        """The screen to go back to."""

    async def refresh(self) -> None:
        """Load the cards again."""

    async def until_installed(self, token_ref: str) -> None:
        """Wait until the card's keys are in the secure element.

        Raises:
            NotDone: they did not arrive.
        """


class Verifying:
    """One card's verification, as the phone shows it."""

    def __init__(
        self,
        phone: Phone,
        show: Callable[..., None],
        *,
        client: EngineClient,
        clock: Clock,
        stream: Stream,
    ) -> None:
        """Verifying on one phone.

        Args:
            phone: whose state is read.
            show: changes fields of that state, by name.
            client: the way to the engine.
            clock: counts down until another code may be asked for.
            stream: idempotency keys.
        """
        self._phone = phone
        self._show = show
        self._client = client
        self._clock = clock
        self._stream = stream
        self._card: CardRecord | None = None
        self._methods: tuple[MethodRecord, ...] = ()
        self._heard_at_us = 0
        self._notice_id = 0

    @property
    def form(self) -> VerifyForm:
        """What is shown of it."""
        return self._phone.state.verify

    def begin(self, card: CardRecord, methods: tuple[MethodRecord, ...]) -> None:
        """The bank wants to be sure of a card that was just added."""
        self._card = card
        self._heard(methods)
        self._show(
            screen=PhoneScreen.VERIFY,
            selected_id=card.id,
            notice=None,
            verify=VerifyForm(methods=_views(methods)),
        )

    async def resume(self, card: CardRecord) -> None:
        """Take up a card that was left half done."""
        self.begin(card, ())
        await self._asked(lambda: self._client.verification(card.id))

    async def choose(self, method: str) -> None:
        """Have a code sent; if one is there that can still be used, go on with that."""
        chosen = self._method(method)
        if chosen is None or self.form.busy:
            return
        if chosen.state == "sent":
            self._enter_code(method)
            await self._read_mail()
            return
        await self._send(method)

    async def resend(self) -> None:
        """Have another code sent; the last one ends."""
        if self.form.step == "code" and self.form.can_resend:
            await self._send(self.form.method)

    def other_method(self) -> None:
        """Back to the choice of methods."""
        if not self.form.busy:
            self._change(step="choose", code_text="", problem=None, methods=_views(self._methods))

    def type_code(self, typed: str) -> None:
        """The field of the code now holds `typed`."""
        if self.form.step == "code" and not self.form.busy:
            digits = digits_of(typed, self.form.code_digits)
            self._change(code_text=digits, problem=None)

    async def submit(self) -> bool:
        """Send the code that was typed. True when the card can pay now."""
        card, form = self._card, self.form
        if card is None or form.step != "code" or not form.can_submit:
            return False
        key = identifier(self._stream, "verify")
        answer = await self._asked(
            lambda: self._client.check_code(card.id, form.method, form.code_text, key=key)
        )
        return answer is not None and answer.status == "success"

    def end(self) -> None:
        """The phone shows something else now."""
        self._card = None
        self._methods = ()

    def passing(self) -> dict[str, object]:
        """What the passing of time changes: the countdowns."""
        if self._phone.state.screen is not PhoneScreen.VERIFY or self.form.step != "code":
            return {}
        return {"verify": self._counted(self.form)}

    async def _send(self, method: str) -> None:
        card = self._card
        if card is None:
            return
        key = identifier(self._stream, "code")
        answer = await self._asked(lambda: self._client.send_code(card.id, method, key=key))
        if answer is not None and answer.status != "success":
            self._enter_code(method)
            await self._read_mail()

    def _enter_code(self, method: str) -> None:
        chosen = self._method(method)
        if chosen is not None:
            form = VerifyForm(
                step="code",
                methods=_views(self._methods),
                method=method,
                destination=chosen.destination,
                code_digits=chosen.code_digits,
            )
            self._show(verify=self._counted(form))

    async def _asked(self, step: _Step) -> VerificationRecord | None:
        """Ask the bank and show what it said; None when it said no or nothing."""
        card = self._card
        if card is None:
            return None
        self._change(busy=True, problem=None)
        try:
            answer = await step()
        except EngineUnreachable:
            self._change(busy=False, problem=Message("wallet.engine_unreachable", "bad"))
            return None
        except EngineRefused as refusal:
            await self._refused(card, refusal)
            return None
        if self._card is not card:
            return None  # the person went on to something else meanwhile
        self._heard(answer.methods)
        if answer.status == "success":
            await self._verified(card)
        else:
            self._change(busy=False, methods=_views(self._methods))
        return answer

    async def _verified(self, card: CardRecord) -> None:
        try:
            await self._phone.until_installed(card.token_ref)
        except NotDone:
            self._change(busy=False, problem=Message("wallet.add.not_installed", "bad"))
            return
        await self._phone.refresh()
        self._show(verify=VerifyForm(step="done"), banner=None, banner_payment_id="")

    async def _refused(self, card: CardRecord, refusal: EngineRefused) -> None:
        if refusal.code == "verification_failed":
            await self._phone.refresh()
            self._show(verify=VerifyForm(step="failed"), banner=None, banner_payment_id="")
            return
        if refusal.code in _ENDED:
            self.end()
            await self._phone.refresh()
            self._show(screen=self._phone.home(), verify=VerifyForm())
            return
        if self._card is not card:
            return
        if refusal.problem.get("methods"):
            self._heard(methods_of(refusal.problem))
        self._change(busy=False, code_text="", methods=_views(self._methods))
        self._show(verify=replace(self._counted(self.form), problem=self._problem(refusal)))
        chosen = self._method(self.form.method)
        if self.form.step == "code" and chosen is not None and chosen.state == "spent":
            self._change(step="choose", problem=Message("wallet.verify.method_spent", "bad"))

    def _problem(self, refusal: EngineRefused) -> Message:
        chosen = self._method(self.form.method)
        match refusal.code:
            case "code_wrong":
                left = 0 if chosen is None else chosen.tries_left
                return message("wallet.verify.code_wrong", "bad", left=left)
            case "code_expired" | "code_not_sent" | "method_spent" | "no_more_codes":
                return Message(f"wallet.verify.{refusal.code}", "bad")
            case "resend_too_early":
                return Message("wallet.verify.resend_too_early", "waiting")
            case _:
                return message("wallet.refused", "bad", why=refusal.detail)

    async def _read_mail(self) -> None:
        """Show the newest notice for this card and method as the bank's message."""
        card, method = self._card, self.form.method
        if card is None:
            return
        newest: NoticeRecord | None = None
        try:
            while page := await self._client.notices(self._notice_id):
                mine = [n for n in page if (n.token_ref, n.method) == (card.token_ref, method)]
                newest = mine[-1] if mine else newest
                self._notice_id = page[-1].id
                if len(page) < NOTICES_PAGE:
                    break
        except (EngineUnreachable, EngineRefused):
            self._change(problem=Message("wallet.verify.no_mail", "waiting"))
            return
        if newest is not None and self._card is card:
            banner = message(f"wallet.notice.{newest.method}", code=newest.code, last4=newest.last4)
            self._show(banner=banner, banner_payment_id="")

    def _heard(self, methods: tuple[MethodRecord, ...]) -> None:
        self._methods = methods
        self._heard_at_us = self._clock.now_us()

    def _method(self, name: str) -> MethodRecord | None:
        return next((method for method in self._methods if method.method == name), None)

    def _counted(self, form: VerifyForm) -> VerifyForm:
        chosen = self._method(form.method)
        if chosen is None:
            return form
        passed_ms = (self._clock.now_us() - self._heard_at_us) // 1_000
        return replace(
            form,
            resend_in_s=_seconds(chosen.resend_in_ms - passed_ms),
            sends_left=chosen.sends_left,
            expires_in_s=_seconds(chosen.expires_in_ms - passed_ms),
        )

    def _change(self, **changes: object) -> None:
        self._show(verify=replace(self.form, **changes))  # type: ignore[arg-type]  # by name


def _views(methods: tuple[MethodRecord, ...]) -> tuple[MethodView, ...]:
    return tuple(MethodView(each.method, each.destination, each.state) for each in methods)


def _seconds(milliseconds: int) -> int:
    """Whole seconds, rounded up: a countdown that shows 0 is over."""
    return max(0, -(-milliseconds // 1_000))
