"""The till's flow: amount, card, authorization, result; without Qt.

Runs in the I/O thread. It speaks bytes to a card through the terminal kernel and JSON to the engine
as any till would, and knows nothing of the phone. Whatever the card, the reader or the engine does,
a sale ends in a phase of the table in `machine`, and the amount is kept unless the customer's bank
has given its final word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from backend.api import Clock, EventLog, Scheduler, Stream, identifier
from hardware.api import (
    Authorities,
    CardLink,
    CardLinkError,
    Exchange,
    Reader,
    TapRequest,
    TapResult,
    TerminalConfig,
    TornLog,
    Trace,
    TraceRecorder,
    frames_of,
    run_tap,
)
from lab.amounts import AMOUNT_DIGITS_MAX, currency_of, format_amount
from lab.beliefs import Beliefs
from lab.bus import Bus
from lab.client import PATIENCE_S, EngineClient
from lab.engine_shapes import NfcOrder, PaymentAnswer, PaymentRecord
from lab.errors import EngineRefused, EngineUnreachable
from lab.pos import display, gate, offline
from lab.pos.kept_approvals import KeptApprovals
from lab.pos.kernel_outcomes import card_words, event_of, fault_of, may_be_kept
from lab.pos.machine import KEEPS_AMOUNT, RESTING, PosEvent, advance
from lab.pos.offline_desk import OfflineDesk
from lab.pos.offline_rules import RuleFile
from lab.pos.sale import Sale
from lab.pos.sale_records import (
    PAID,
    order_of,
    ordered_since,
    record_of,
    record_of_copy,
    verdict_of,
)
from lab.pos.state import PosPhase, PosState, Receipt
from lab.pos.tap_told import exchange_told, outcome_told
from lab.pos.till_memory import FINAL, SALES_KEPT, SaleRecord, TillMemory
from lab.words import Message, message

PRESENT_LIMIT_S = 60.0
ASK_AGAIN_S = 1.0


class PosFlow:
    """One till. Commands return at once except `charge`, which is the whole sale."""

    def __init__(  # noqa: PLR0913 -- every port by its name
        self,
        *,
        reader: Reader,
        config: TerminalConfig,
        client: EngineClient,
        clock: Clock,
        scheduler: Scheduler,
        stream: Stream,
        log: EventLog,
        bus: Bus,
        memory: TillMemory,
        traces_dir: Path | None = None,
        kept: KeptApprovals | None = None,
        rules: RuleFile | None = None,
    ) -> None:
        """A till that stands at `reader`.

        Args:
            reader: where cards are presented.
            config: the terminal's own data (EMV).
            client: the way to the engine.
            clock: lab time, and durations.
            scheduler: lab waiting.
            stream: the unpredictable numbers and tap ids.
            log: hears what the till saw.
            bus: shows the till's state.
            memory: sequence number and last payments.
            traces_dir: where conversations are recorded, masked; None records none.
            kept: taps that the engine has not heard of; None keeps none.
            rules: whether and how far taps are taken offline; None never does.
        """
        self._reader = reader
        self._config = config
        self._client = client
        self._clock = clock
        self._scheduler = scheduler
        self._stream = stream
        self._log = log
        self._bus = bus
        self._memory = memory
        self._traces_dir = traces_dir
        self._torn = TornLog(config.torn_records_max, config.torn_lifetime_s)
        self._digits = ""
        self._beliefs = Beliefs(log, "pos", "till.showed")
        self._card_in_field_us: int | None = None
        self._total_us = 0
        self._trace: Trace | None = None
        self._shown_tap_id = ""
        self._held_until_us = 0
        # An engine in trouble did nothing; but a copy that the network made may have come through.
        self._doubtful: dict[str, tuple[NfcOrder, str]] = {}
        self._presenting: asyncio.Task[CardLink] | None = None
        rules = rules or RuleFile(None)
        self._forwarding = offline.Forwarding(
            client, scheduler, self._forwarded, kept,
            clock=clock, rules=rules, changed=self.reader_changed,
        )  # fmt: skip
        self.offline = OfflineDesk(self._forwarding, rules, kept, clock, self.reader_changed)
        self.resume = self._forwarding.resume
        self.on_read: Callable[[str], None] = lambda _tap_id: None
        self.on_sale: Callable[[Sale], None] = lambda _sale: None
        self._state = PosState(
            merchant=config.merchant_name,
            terminal_id=config.terminal_id,
        )
        self._show(PosPhase.IDLE)

    @property
    def state(self) -> PosState:
        """What the till shows."""
        return self._state

    @property
    def amount_minor(self) -> int:
        """The amount typed, in minor units."""
        return int(self._digits or 0)

    @property
    def merchant_id(self) -> str:
        """Whose till it is."""
        return self._config.merchant_id

    def believe(self, authorities: Authorities) -> None:
        """Take these certification authorities' keys, from the next tap on."""
        self._config = replace(self._config, authorities=authorities)

    def reader_changed(self) -> None:
        """The till stands at another reader, or something waits beside it; what was typed stays."""
        self._show(self._state.phase, keep=True)

    # -- keys ---------------------------------------------------------------------------------

    def key(self, digits: str) -> None:
        """A key of the keypad: "0" to "9" or "00"."""
        if self._state.phase not in RESTING:
            return
        if self._state.phase not in KEEPS_AMOUNT or self._state.phase is PosPhase.DECLINED:
            self._digits = ""  # a finished sale: the first key begins the next
        typed = (self._digits + digits).lstrip("0")
        if len(typed) <= AMOUNT_DIGITS_MAX:
            self._digits = typed
        self._amount_changed()

    def backspace(self) -> None:
        """Take the last digit back."""
        if self._state.phase in RESTING:
            self._digits = self._digits[:-1]
            self._amount_changed()

    def clear(self) -> None:
        """Forget the amount."""
        if self._state.phase in RESTING:
            self._digits = ""
            self._amount_changed()

    def set_amount(self, amount_minor: int, currency: str) -> None:
        """Type a whole amount at once."""
        self.clear()
        self.set_currency(currency)
        self._digits = str(amount_minor)
        self._amount_changed()

    def set_currency(self, code: str) -> None:
        """Choose the currency; the digits typed stay and are read with its decimals."""
        if self._state.phase in RESTING:
            self._state = replace(self._state, currency=currency_of(code).code)
            self._show(self._state.phase, keep=True)

    def cancel(self) -> None:
        """Stop waiting for a card, or clear the display. Not while the card is being read."""
        if self._state.phase is PosPhase.PRESENT and self._presenting is not None:
            self._presenting.cancel()
        elif self._state.phase in RESTING:
            self._digits = ""
            self._amount_changed()

    def select_receipt(self, payment_id: str) -> None:
        """Show the receipt of one of the last payments."""
        sale = self._memory.find(payment_id)
        if sale is not None:
            self.print_out(self._receipt(sale))

    def print_out(self, receipt: Receipt) -> None:
        """Put a receipt on the paper."""
        self._state = replace(self._state, receipt=receipt)
        self._bus.publish(self._state)

    def print_refund(self, sale: SaleRecord, amount_minor: int, refund_id: str) -> None:
        """Put a refund's receipt on the paper."""
        self.print_out(
            display.refund_receipt(
                sale,
                amount_minor=amount_minor,
                refund_id=refund_id,
                at_us=self._clock.now_us(),
                merchant=self._config.merchant_name,
                terminal_id=self._config.terminal_id,
            )
        )

    def look_again(self) -> None:
        """Another part of the till changed what it remembers: show it."""
        self._show(self._state.phase, keep=True)

    # -- the sale -----------------------------------------------------------------------------

    async def charge(
        self, *, patience_s: float = PATIENCE_S, wait_s: float = PRESENT_LIMIT_S
    ) -> Sale | None:
        """Take the amount from whichever card comes: the whole attempt, to its end.

        Args:
            patience_s: how long the engine is waited for.
            wait_s: how long a card is waited for.

        Returns:
            How it went; None when there is nothing to charge now, or it was cancelled.
        """
        await self._let_it_be_read()
        if not self.amount_minor or advance(self._state.phase, PosEvent.CHARGE) is None:
            return None
        over = self.offline.refusal(self.amount_minor, self._state.currency)
        tap_id = identifier(self._stream, "tap")
        if self.offline.is_now and over is not None:  # known before anybody taps
            self._go(PosEvent.CHARGE)
            self._go(PosEvent.OUT_OF_REACH, tap_id=tap_id, why=over)
            return self._sale(tap_id, problem=over.key.rpartition(".")[2])
        sequence, key = self._memory.next_attempt()
        self._card_in_field_us, self._total_us = None, 0
        self._shown_tap_id = tap_id
        self._go(PosEvent.CHARGE)
        try:
            self._presenting = asyncio.ensure_future(self._reader.wait_for_card(wait_s))
            link = await self._presenting
        except asyncio.CancelledError:
            self._go(PosEvent.CANCEL)
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            return None
        except CardLinkError as fault:
            return self._no_card(tap_id, fault)
        finally:
            self._presenting = None
        return await self._read_and_pay(link, tap_id, sequence, key, patience_s)

    async def _let_it_be_read(self) -> None:
        """A result stays as long as the configuration holds it (Book A, hold time)."""
        left_us = self._held_until_us - self._clock.monotonic_us()
        if left_us > 0 and self.amount_minor:
            await self._scheduler.sleep(left_us / 1_000_000)

    def _no_card(self, tap_id: str, fault: CardLinkError) -> Sale:
        event, problem = fault_of(fault)
        self._go(event, tap_id=tap_id, why=message(f"pos.why.{problem}", "bad"))
        return self._sale(tap_id, problem=problem)

    async def _read_and_pay(
        self, link: CardLink, tap_id: str, sequence: int, key: str, patience_s: float
    ) -> Sale:
        self._card_in_field_us = self._clock.monotonic_us()
        self._go(PosEvent.CARD_IN_FIELD)
        self._tell(
            "tap.started",
            tap_id,
            "reader",
            {
                "reader": self._reader.name,
                "amount_minor": self.amount_minor,
                "currency": self._state.currency,
            },
        )
        tap = await self._read(link, tap_id, sequence)
        event = event_of(tap)
        if event is PosEvent.APPROVED_OFFLINE:
            return await self._approved_offline(tap, tap_id, key, patience_s)
        if event is not PosEvent.CARD_READ:
            self._go(event, tap_id=tap_id, why=card_words(tap))
            self._keep_trace(tap_id)
            return self._sale(tap_id, tap=tap, problem=tap.reason)
        self._go(PosEvent.CARD_READ, tap_id=tap_id)
        self.on_read(tap_id)
        try:
            sale = await self._authorize(tap, tap_id, key, patience_s)
        finally:
            self._keep_trace(tap_id)
        self.on_sale(sale)
        return sale

    async def _read(self, link: CardLink, tap_id: str, sequence: int) -> TapResult:
        currency = currency_of(self._state.currency)
        request = TapRequest(
            amount_minor=self.amount_minor,
            currency_numeric=currency.numeric,
            exponent=currency.exponent,
            transaction_type=0,
            sequence_number=sequence,
        )
        card = f"{link.atr.hex().upper()} {link.uid.hex().upper()}"
        recorder = TraceRecorder(clock=self._clock, reader=self._reader.url, card=card)

        def heard(exchange: Exchange) -> None:
            recorder.record(exchange)
            self._heard(tap_id, exchange)

        tap = await run_tap(
            link,
            self._config,
            request,
            clock=self._clock,
            stream=self._stream,
            on_exchange=heard,
            torn=self._torn,
        )
        await link.release()
        recorder.say_goodbye(frames_of(link))
        self._trace = recorder.finish(tap.kernel) if may_be_kept(tap) else None
        self._tell("tap.outcome", tap_id, "pos", outcome_told(tap))
        return tap

    def _keep_trace(self, tap_id: str) -> None:
        """Write the conversation down, masked; after the result, which it must not delay."""
        if self._traces_dir is not None and self._trace is not None:
            path = self._traces_dir / f"{tap_id}.apdu"
            path.write_text(self._trace.to_text(), encoding="utf-8")
        self._trace = None

    async def _approved_offline(
        self, tap: TapResult, tap_id: str, key: str, patience_s: float
    ) -> Sale:
        """Card and till have approved: shown at once, told to the engine as soon as it hears."""
        order = order_of(tap, tap_id, self._config, self.amount_minor, self._state.currency)
        self._forwarding.keep(order, key)
        kept = offline.kept_record(order, key, self._clock.now_us(), tap.kernel)
        self._state = replace(self._state, receipt=self._receipt(kept), payment_id=tap_id)
        self._go(PosEvent.APPROVED_OFFLINE, tap_id=tap_id, why=Message("pos.offline.kept", "good"))
        self.on_read(tap_id)
        self._memory.remember(kept)
        self._keep_trace(tap_id)
        answer = await self._forwarding.tell(order, key, patience_s=patience_s)
        sale = self._sale(tap_id, tap=tap, answer=answer, problem=answer.reason if answer else "")
        self.on_sale(sale)
        return sale

    def _forwarded(self, order: NfcOrder, key: str, answer: PaymentAnswer) -> None:
        """The engine has booked an offline approval, or will not."""
        sale = record_of(answer, order, key, self._clock.now_us())
        self._memory.settle(order.tap_id, sale)
        told, known = offline.told_words(order, answer), answer.payment_id != order.tap_id
        payment_id = answer.payment_id if known else ""
        if self._is_shown(order.tap_id):
            self._state = replace(
                self._state, receipt=self._receipt(sale), payment_id=payment_id, detail=told
            )
        if order.stored:
            self._late(order.tap_id, payment_id, told, paid=answer.status == "approved")
        self._show(self._state.phase, keep=True)

    async def _authorize(self, tap: TapResult, tap_id: str, key: str, patience_s: float) -> Sale:
        order = order_of(tap, tap_id, self._config, self.amount_minor, self._state.currency)
        if self.offline.is_now:
            return self._store(tap, order, key)
        try:
            answer = await self._client.pay_nfc(order, key=key, patience_s=patience_s)
        except EngineUnreachable as fault:
            if fault.may_have_left:
                self._go(PosEvent.NO_ANSWER, tap_id=tap_id, why=Message("pos.why.engine_silent"))
                self._scheduler.spawn(self._ask_again(order, key, tap_id), "till asks again")
                return self._sale(tap_id, tap=tap, problem="engine_silent")
            if self.offline.when_down:
                return self._store(tap, order, key)
            self._go(PosEvent.OUT_OF_REACH, tap_id=tap_id, why=Message("pos.why.engine_down"))
            return self._sale(tap_id, tap=tap, problem="engine_unreachable")
        except EngineRefused as refusal:
            if refusal.is_trouble:
                self._doubtful[tap_id] = order, key
                while len(self._doubtful) > SALES_KEPT:
                    del self._doubtful[next(iter(self._doubtful))]
            why = message("pos.why.refused", "bad", code=refusal.code)
            self._go(PosEvent.OUT_OF_REACH, tap_id=tap_id, why=why)
            return self._sale(tap_id, tap=tap, problem=refusal.code)
        self._answered(answer, order, key)
        return self._sale(tap_id, tap=tap, answer=answer, problem=answer.reason)

    def _store(self, tap: TapResult, order: NfcOrder, key: str) -> Sale:
        """Keep the tap for later, if the shop's limits allow that."""
        refusal = self.offline.refusal_of(order)
        if refusal is not None:
            self._go(PosEvent.OUT_OF_REACH, tap_id=order.tap_id, why=refusal)
            return self._sale(order.tap_id, tap=tap, problem=refusal.key.rpartition(".")[2])
        order = replace(order, stored=True)
        self.offline.keep(order, key)
        kept = offline.kept_record(order, key, self._clock.now_us(), tap.kernel)
        self._memory.remember(kept)
        self._state = replace(self._state, receipt=self._receipt(kept), payment_id=order.tap_id)
        self._go(PosEvent.STORED, tap_id=order.tap_id, why=Message("pos.stored.kept", "waiting"))
        return self._sale(order.tap_id, tap=tap)

    async def _ask_again(self, order: NfcOrder, key: str, tap_id: str) -> None:
        """The same key, until the engine answers: it decides whether the first one arrived."""
        while True:
            await self._scheduler.sleep(ASK_AGAIN_S)
            try:
                answer = await self._client.pay_nfc(order, key=key)
            except EngineUnreachable:
                continue
            except EngineRefused as refusal:
                if refusal.is_trouble:
                    continue  # it is in trouble, and says nothing about the first request
                why = message("pos.why.refused", "bad", code=refusal.code)
                self._late(tap_id, "", why, paid=False)
                return
            if answer.status == "pending":
                continue
            sale = record_of(answer, order, key, self._clock.now_us())
            self._memory.remember(sale)
            if self._is_shown(tap_id):
                self._state = replace(
                    self._state, receipt=self._receipt(sale), payment_id=answer.payment_id
                )
            paid = answer.status == "approved"
            detail = Message("pos.late.paid" if paid else "pos.late.not_paid")
            self._late(tap_id, answer.payment_id, detail, paid=paid)
            return

    # -- results ------------------------------------------------------------------------------

    def _answered(self, answer: PaymentAnswer, order: NfcOrder, key: str) -> None:
        event, detail = verdict_of(answer)
        sale = record_of(answer, order, key, self._clock.now_us())
        self._state = replace(
            self._state, receipt=self._receipt(sale), payment_id=answer.payment_id
        )
        self._go(event, tap_id=order.tap_id, why=detail, payment_id=answer.payment_id)
        # Shown first: the engine has it on disk, and this list is only the till's convenience.
        self._memory.remember(sale)
        self._show(self._state.phase, keep=True)

    def resolved(self, record: PaymentRecord) -> None:
        """The engine says how a payment of this till ended, maybe long after the tap."""
        if record.tap_id in self._doubtful and record.told in PAID:
            self._remember_copy(record, *self._doubtful.pop(record.tap_id))
            return
        known = self._memory.find(record.id)
        if known is not None and (changes := ordered_since(known, record)) is not None:
            if changes:
                self._memory.revise(record.id, **changes)
                self.look_again()
            return
        if known is None or known.state == record.state or record.state not in FINAL:
            return
        revised = self._memory.revise(
            record.id,
            state=record.state,
            auth_code=record.auth_code,
            response_code=record.response_code,
            reason=record.reason,
            captured_minor=record.captured_minor,
            refunded_minor=record.refunded_minor,
        )
        assert revised is not None
        receipt = self._state.receipt
        if receipt is not None and receipt.payment_id == record.id:
            self._state = replace(self._state, receipt=self._receipt(revised))
        paid = record.told in PAID
        key = "pos.late.paid" if paid else f"pos.late.{record.state}"
        self._late(record.tap_id, record.id, Message(key), paid=paid)

    def _remember_copy(self, record: PaymentRecord, order: NfcOrder, key: str) -> None:
        """A sale that was taken for failed was paid by another copy of its request."""
        sale = record_of_copy(record, order, key)
        self._memory.remember(sale)
        if self._is_shown(order.tap_id):
            self._state = replace(self._state, receipt=self._receipt(sale), payment_id=record.id)
        self._late(order.tap_id, record.id, Message("pos.late.paid"), paid=True)

    def _late(self, tap_id: str, payment_id: str, detail: Message, *, paid: bool) -> None:
        """The outcome of a sale that was left open: on the display, unless another one is there."""
        event = PosEvent.LATE_APPROVED if paid else PosEvent.LATE_NOT_PAID
        if self._is_shown(tap_id) and advance(self._state.phase, event) is not None:
            self._go(event, tap_id=tap_id, why=detail, payment_id=payment_id)
            return
        phase = PosPhase.APPROVED if paid else PosPhase.DECLINED
        self._beliefs.showed(phase.value, tap_id=tap_id, payment_id=payment_id or None)
        self._show(self._state.phase, keep=True)  # the list of the last payments has it

    def _is_shown(self, tap_id: str) -> bool:
        """Whether the display is about this tap."""
        return bool(tap_id) and tap_id == self._shown_tap_id

    # -- showing ------------------------------------------------------------------------------

    def _amount_changed(self) -> None:
        event = PosEvent.AMOUNT_TYPED if self._digits else PosEvent.AMOUNT_CLEARED
        phase = advance(self._state.phase, event)
        assert phase is not None, "keys act in resting phases only"
        self._state = replace(self._state, payment_id="", receipt=None)
        self._shown_tap_id = ""
        self._show(phase)

    def _go(
        self, event: PosEvent, *, tap_id: str = "", why: Message | None = None, payment_id: str = ""
    ) -> None:
        phase = advance(self._state.phase, event)
        if phase is None:
            return
        self._show(phase, detail=why)
        if not tap_id or phase is PosPhase.AUTHORIZING:
            return
        first = self._card_in_field_us is not None and self._total_us == 0
        if self._card_in_field_us is not None and first:
            self._total_us = self._clock.monotonic_us() - self._card_in_field_us
        self._beliefs.showed(
            phase.value,
            tap_id=tap_id,
            payment_id=payment_id or None,
            also={"total_us": self._total_us} if first else None,
        )
        self._held_until_us = self._clock.monotonic_us() + self._config.ui_hold_ms * 1000

    def _show(self, phase: PosPhase, *, detail: Message | None = None, keep: bool = False) -> None:
        lights, caption = display.lights(phase)
        self._state = replace(
            self._state,
            phase=phase,
            amount_text=format_amount(self.amount_minor, self._state.currency),
            headline=display.headline(phase),
            detail=self._state.detail if keep else detail,
            lights=lights,
            lights_caption=caption,
            tone=display.tone(phase),
            reader_text=gate.standing_at(self._reader, self._config),
            can_charge=bool(self._digits) and phase in KEEPS_AMOUNT,
            can_cancel=phase is PosPhase.PRESENT or (phase in RESTING and bool(self._digits)),
            recent=display.recent(self._memory.sales),
            offline=self.offline.state(),
        )
        self._bus.publish(self._state)

    def _receipt(self, sale: SaleRecord) -> Receipt:
        return display.receipt(sale, self._config.merchant_name, self._config.terminal_id)

    def _sale(
        self,
        tap_id: str,
        *,
        tap: TapResult | None = None,
        answer: PaymentAnswer | None = None,
        problem: str = "",
    ) -> Sale:
        return Sale(
            tap_id=tap_id,
            phase=self._state.phase,
            amount_minor=self.amount_minor,
            currency=self._state.currency,
            tap=tap,
            answer=answer,
            total_us=self._total_us,
            problem=problem,
        )

    def _heard(self, tap_id: str, exchange: Exchange) -> None:
        self._tell("tap.apdu", tap_id, "reader", exchange_told(exchange))

    def _tell(self, kind: str, tap_id: str, actor: str, data: dict[str, object]) -> None:
        self._log.emit(kind, actor=actor, tap_id=tap_id, data=data)
