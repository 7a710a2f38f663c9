"""The till after the sale: choose one of the last payments, refund, void, capture, close the day.

Runs in the I/O thread and knows no Qt. Every order is in the till's file with its key before it
leaves, and stays there until an answer has come; so a lost answer, a dead engine or a till that was
switched off ends in the same order being asked again, never in a second one. What may be ordered is
the engine's decision: the till only offers what makes sense to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from backend.api import Clock
from lab.amounts import AMOUNT_DIGITS_MAX, format_amount
from lab.bus import Bus
from lab.client import EngineClient
from lab.client_sales import OrderAnswer
from lab.errors import EngineRefused, EngineUnreachable
from lab.pos.after_sale_state import AfterSaleState, SaleEvent, SaleStep, advance
from lab.pos.flow import PosFlow
from lab.pos.machine import RESTING
from lab.pos.state import PosState
from lab.pos.till_memory import OpenOrder, SaleRecord, TillMemory
from lab.words import ENGLISH, Message, message

DAY = "day"


class AfterSale:
    """What a cashier does with sales that were made. Orders return when they are answered."""

    def __init__(
        self, *, pos: PosFlow, client: EngineClient, memory: TillMemory, clock: Clock, bus: Bus
    ) -> None:
        """The same till as `pos`, with its memory.

        Args:
            pos: prints receipts and lists the last payments.
            client: the way to the engine.
            memory: last payments, and orders whose answer has not come.
            clock: lab time, on receipts.
            bus: shows the state; tells when a sale begins, which is more important.
        """
        self._pos = pos
        self._client = client
        self._memory = memory
        self._clock = clock
        self._bus = bus
        self._digits = ""
        self._fresh = False  # the amount offered: the first digit replaces it
        self._overtaken = False
        self._state = AfterSaleState()
        bus.publish(self._state)
        bus.subscribe(self._heard)

    @property
    def state(self) -> AfterSaleState:
        """What the till shows of the chosen sale."""
        return self._state

    @property
    def left_minor(self) -> int:
        """How much of the chosen sale can go back, minor units."""
        sale = self._sale()
        return 0 if sale is None else _left_minor(sale)

    # -- choosing -----------------------------------------------------------------------------

    def choose(self, payment_id: str) -> None:
        """Take one of the last payments; an order about it that is open comes first."""
        if self._pos.state.phase not in RESTING or self._memory.find(payment_id) is None:
            return
        self._show_sale(payment_id)

    def close(self) -> None:
        """Put the sale away; the keys are the next sale's again."""
        if (step := advance(self._state.step, SaleEvent.CLOSE)) is not None:
            self._digits = ""
            self._publish(AfterSaleState(step))

    def ask_refund(self) -> None:
        """Ask how much goes back; everything that is left is offered."""
        sale = self._sale()
        step = advance(self._state.step, SaleEvent.ASK_AMOUNT)
        if step is None or sale is None or "refund" not in self._state.orders:
            return
        self._digits, self._fresh = str(_left_minor(sale)), True
        self._show_amount(step, sale)

    # -- keys ---------------------------------------------------------------------------------

    @property
    def takes_keys(self) -> bool:
        """Whether the till's keys are about this sale now, not about the next one."""
        return self._state.step in {SaleStep.AMOUNT, SaleStep.WORKING}

    def key(self, digits: str) -> None:
        """A key of the keypad."""
        typed = (("" if self._fresh else self._digits) + digits).lstrip("0")
        if len(typed) <= AMOUNT_DIGITS_MAX:
            self._type(typed)

    def backspace(self) -> None:
        """Take the last digit back."""
        self._type(self._digits[:-1])

    def clear(self) -> None:
        """Empty the amount; once more, back to the sale."""
        if self._state.step is SaleStep.AMOUNT and not self._digits:
            self.back()
        else:
            self._type("")

    def back(self) -> None:
        """From the amount to the sale, from the sale to the till."""
        if self._state.step is SaleStep.AMOUNT:
            self._show_sale(self._state.payment_id)
        else:
            self.close()

    async def confirm(self) -> None:
        """The green key: refund what was typed, or ask an open order again."""
        match self._state.confirm:
            case "refund":
                await self.refund(int(self._digits or 0))
            case "repeat":
                known = self._memory.open_order(self._state.payment_id)
                if known is not None:
                    await self._carry_out(known)
            case _:
                return

    def _type(self, digits: str) -> None:
        sale = self._sale()
        if self._state.step is SaleStep.AMOUNT and sale is not None:
            self._digits, self._fresh = digits, False
            self._show_amount(SaleStep.AMOUNT, sale)

    # -- orders -------------------------------------------------------------------------------

    async def capture(self) -> None:
        """Take the chosen sale's money."""
        await self._order("capture", self._state.payment_id)

    async def void(self) -> None:
        """Let the chosen sale go, before its money is taken."""
        await self._order("void", self._state.payment_id)

    async def refund(self, amount_minor: int) -> None:
        """Give so much of the chosen sale back (minor units)."""
        sale = self._sale()
        if sale is None or not 0 < amount_minor <= _left_minor(sale):
            return
        await self._order("refund", sale.payment_id, amount_minor)

    async def close_day(self) -> None:
        """Take the money of every sale of this merchant that waits for it."""
        if self._pos.state.phase in RESTING:
            await self._order(DAY, "")

    async def _order(self, what: str, payment_id: str, amount_minor: int = 0) -> None:
        if advance(self._state.step, SaleEvent.ORDER) is None:
            return
        if what != DAY and (what not in self._state.orders or not payment_id):
            return
        await self._carry_out(self._memory.begin_order(what, payment_id, amount_minor))

    async def _carry_out(self, order: OpenOrder) -> None:
        step = advance(self._state.step, SaleEvent.ORDER)
        if step is None:
            return
        self._overtaken = False
        sale = self._memory.find(order.payment_id)
        shown = AfterSaleState() if sale is None else self._sale_state(sale, step)
        self._publish(
            replace(
                shown,
                step=step,
                orders=(),
                display_text=_amount_text(order, sale),
                headline=Message("sale.working", "waiting"),
            )
        )
        try:
            if order.what == DAY:
                totals = await self._client.capture_all(
                    merchant_id=self._pos.merchant_id, key=order.key
                )
                self._memory.end_order(order)
                self._day_closed(totals.count, totals.totals)
                return
            answer = await self._client.order(
                order.what,
                order.payment_id,
                merchant_id=self._pos.merchant_id,
                key=order.key,
                amount_minor=order.amount_minor or None,
            )
        except EngineUnreachable as fault:
            if fault.may_have_left:
                self._ended(SaleEvent.NO_ANSWER, order, Message("sale.why.engine_silent"))
                return
            self._memory.end_order(order)  # it never left: nothing to ask again
            self._ended(SaleEvent.REFUSED, order, Message("sale.why.engine_down"))
        except EngineRefused as refusal:
            if refusal.is_trouble:
                why = message("sale.why.trouble", code=refusal.code)
                self._ended(SaleEvent.NO_ANSWER, order, why)
                return
            self._memory.end_order(order)
            self._ended(SaleEvent.REFUSED, order, _refusal(refusal.code))
        else:
            self._memory.end_order(order)
            self._answered(order, answer)

    def _answered(self, order: OpenOrder, answer: OrderAnswer) -> None:
        """Write down what changed, print what belongs on paper, and say so."""
        sale, what = self._memory.find(order.payment_id), order.what
        if sale is not None and answer.refund_id:
            back_minor = max(sale.refunded_minor, answer.refunded_minor)
            taken_minor = sale.captured_minor or answer.captured_minor or sale.amount_minor
            sale = self._memory.revise(
                sale.payment_id,
                state="captured",
                captured_minor=taken_minor,
                refunded_minor=back_minor,
            )
            assert sale is not None, "found a moment ago"
            self._pos.print_refund(sale, answer.amount_minor, answer.refund_id)
        elif sale is not None and answer.status == "voided":
            what = "void"  # a refund of what was not captured is one
            sale = self._memory.revise(sale.payment_id, state="voided")
        elif sale is not None:
            changes: dict[str, str | int] = {"captured_minor": answer.amount_minor}
            sale = self._memory.revise(sale.payment_id, state="captured", **changes)
        if sale is not None and not answer.refund_id:
            self._pos.select_receipt(sale.payment_id)
        self._pos.look_again()
        amount = format_amount(answer.amount_minor, answer.currency)
        headline = message(f"sale.done.{what}", "good", amount=amount)
        self._finish(SaleEvent.DONE, order, headline, Message(f"sale.done.{what}.late"), amount)

    def _day_closed(self, count: int, totals: Mapping[str, int]) -> None:
        told = ", ".join(format_amount(minor, code) for code, minor in sorted(totals.items()))
        key = "sale.day.none" if not count else "sale.day.one" if count == 1 else "sale.day.count"
        detail = message(key, count=count, totals=told)
        order = OpenOrder(DAY, "", 0, "")
        self._finish(SaleEvent.DONE, order, Message("sale.done.day", "good"), detail, told)

    def _ended(self, event: SaleEvent, order: OpenOrder, why: Message) -> None:
        is_open = event is SaleEvent.NO_ANSWER
        headline = Message("sale.open", "waiting") if is_open else Message("sale.failed", "bad")
        text = _amount_text(order, self._memory.find(order.payment_id))
        self._finish(event, order, headline, why, text)

    def _finish(
        self,
        event: SaleEvent,
        order: OpenOrder,
        headline: Message,
        detail: Message,
        amount_text: str,
    ) -> None:
        step = advance(self._state.step, event)
        assert step is not None, "an order is under way"
        if self._overtaken:  # a sale has the display; list and receipt tell of the order
            self._publish(AfterSaleState())
            return
        sale = self._memory.find(order.payment_id)
        shown = AfterSaleState(step) if sale is None else self._sale_state(sale, step)
        self._publish(
            replace(
                shown,
                display_text=amount_text,
                headline=headline,
                detail=detail,
                confirm="repeat" if step is SaleStep.OPEN else "",
            )
        )

    # -- showing ------------------------------------------------------------------------------

    def _sale(self) -> SaleRecord | None:
        return self._memory.find(self._state.payment_id)

    def _show_sale(self, payment_id: str) -> None:
        known = self._memory.open_order(payment_id)
        event = SaleEvent.CHOOSE if known is None else SaleEvent.CHOOSE_OPEN
        step = advance(self._state.step, event)
        sale = self._memory.find(payment_id)
        if step is None or sale is None:
            return
        shown = self._sale_state(sale, step)
        if known is not None:
            shown = replace(
                shown,
                display_text=_amount_text(known, sale),
                headline=Message("sale.open", "waiting"),
                detail=Message("sale.why.engine_silent"),
                confirm="repeat",
            )
        self._publish(shown)

    def _sale_state(self, sale: SaleRecord, step: SaleStep) -> AfterSaleState:
        is_open = step is SaleStep.OPEN
        orders = () if is_open else _orders(sale)
        key = "sale.chosen" if orders else "sale.nothing"
        back = format_amount(sale.refunded_minor, sale.currency) if sale.refunded_minor else ""
        return AfterSaleState(
            step=step,
            payment_id=sale.payment_id,
            title_text=format_amount(sale.amount_minor, sale.currency),
            back_text=back,
            state=sale.shown,
            orders=orders,
            display_text=format_amount(sale.amount_minor, sale.currency),
            headline=Message(key),
        )

    def _show_amount(self, step: SaleStep, sale: SaleRecord) -> None:
        amount_minor, most_minor = int(self._digits or 0), _left_minor(sale)
        most = format_amount(most_minor, sale.currency)
        over = amount_minor > most_minor
        text = format_amount(amount_minor, sale.currency)
        detail = message(
            "sale.refund.too_much" if over else "sale.refund.most",
            "bad" if over else "neutral",
            most=most,
        )
        self._publish(
            replace(
                self._sale_state(sale, step),
                display_text=text,
                headline=Message("sale.refund", "neutral"),
                detail=detail,
                confirm="" if over or not amount_minor else "refund",
            )
        )

    def _publish(self, state: AfterSaleState) -> None:
        self._state = state
        self._bus.publish(state)

    def _heard(self, state: object) -> None:
        """A sale begins: it has display and keys. A sale that is looked at may have changed."""
        if not isinstance(state, PosState):
            return
        if state.phase not in RESTING:
            self._overtaken = True
            self.close()
        elif self._state.step is SaleStep.CHOSEN:
            self._show_sale(self._state.payment_id)


def _orders(sale: SaleRecord) -> tuple[str, ...]:
    """What makes sense to ask for; the engine decides."""
    if sale.state == "approved":
        return ("capture", "void")
    if sale.state == "captured" and _left_minor(sale):
        return ("refund",)
    return ()


def _left_minor(sale: SaleRecord) -> int:
    """How much of a sale can go back, minor units."""
    return (sale.captured_minor or sale.amount_minor) - sale.refunded_minor


def _amount_text(order: OpenOrder, sale: SaleRecord | None) -> str:
    if sale is None:
        return ""
    return format_amount(order.amount_minor or sale.amount_minor, sale.currency)


def _refusal(code: str) -> Message:
    key = f"sale.why.{code}"
    if key in ENGLISH:
        return Message(key, "bad")
    return message("sale.why.other", "bad", code=code.replace("_", " "))
