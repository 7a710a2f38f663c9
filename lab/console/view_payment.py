"""The life of one payment, from the first command to the card to the ledger's zero.

Reads only `PaymentDetail`: the events in order with their distance in time, the sentence of each,
its facts on request, where the time went, and what was booked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QGridLayout, QStackedWidget, QWidget
from typing_extensions import override

from backend.api import Event
from lab.console.charts_waterfall import HopTable, WaterfallBar
from lab.console.state import LedgerLine, PaymentDetail
from lab.design.blocks import (
    Button,
    EmptyState,
    Label,
    Panel,
    Shape,
    column,
    row,
    rule,
    scroll,
    tight,
)
from lab.design.look import BOLD, MEDIUM, Look
from lab.design.names import network_name, state_word
from lab.design.tokens import SPACE_L, SPACE_M, SPACE_S, SPACE_XS, TEXT_CAPTION_PX, TEXT_TITLE_PX
from lab.window.commands import LabCommands
from lab.words import ENGLISH, tell, tr

EVENTS_MAX = 200
FACT_COLUMNS = 3
BESIDE_FROM_PX = 820  # from this width, steps stand beside money and time
NAMED_FACTS = ("mti", "network", "name", "sw", "to", "link", "fault", "outcome", "belief", "status")
BAD_WORDS = ("declined", "failed", "refused", "timeout", "lost", "rejected", "open")
GOOD_WORDS = ("approved", "captured", "completed", "succeeded", "verified", "activated")
WAITING_WORDS = ("unknown", "reversing", "retry", "waiting", "half_open")


def event_kind(event: Event) -> str:
    """Which `Message.kind` an event's dotted verb is."""
    verb = event.kind.rpartition(".")[2]
    if event.kind.startswith("fault."):
        return "ours"
    for kind, found in (("bad", BAD_WORDS), ("waiting", WAITING_WORDS), ("good", GOOD_WORDS)):
        if any(word in verb for word in found):
            return kind
    return "neutral"


def sentence(event: Event) -> str:
    """What happened, as a sentence where the words have one, else the event's own name."""
    key = f"event.{event.kind}"
    if key not in ENGLISH:
        return event.kind.replace(".", ": ").replace("_", " ")
    named = {name: str(event.data.get(name, "")) for name in NAMED_FACTS}
    named["network"] = network_name(named["network"])
    named["belief"] = state_word(named["belief"]).lower()
    named["outcome"] = named["outcome"].replace("_", " ")
    return tr(key, **named)


class StepRow(QFrame):
    """One event; its facts unfold on request and are built only then."""

    def __init__(
        self, look: Look, event: Event, offset_us: int, unfolded: set[str], *, named: bool = True
    ) -> None:
        super().__init__()
        self._unfolded = unfolded
        self.setObjectName(f"step_{event.id}")
        self._look = look
        self._event = event
        self._facts: QWidget | None = None
        self._box = column(look, self, 2)
        line = row(look)
        offset = Label(look, "stepOffset", size_px=TEXT_CAPTION_PX, tone="dim", mono=True)
        offset.setFixedWidth(look.px(80))
        offset.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        offset.say(f"+{offset_us / 1000:,.1f} ms")
        mark = Shape(look, 10)
        mark.show_kind(event_kind(event))
        actor = Label(look, "stepActor", weight=MEDIUM).eliding(look.px(66))
        actor.say(event.actor if named else "")
        actor.setAccessibleName(event.actor)
        text = Label(look, "stepText").eliding()
        text.say(sentence(event))
        line.addWidget(offset)
        line.addWidget(mark)
        line.addWidget(actor)
        line.addWidget(text, 1)
        self._more = Button(look, "stepMore", kind="quiet", icon_name="chevron-down").named(
            tr("payment.step.more")
        )
        self._more.setCheckable(True)
        self._more.setVisible(bool(event.data))
        self._more.toggled.connect(self._unfold)
        line.addWidget(self._more)
        self._box.addLayout(line)
        self._more.setChecked(event.id in unfolded)

    def _unfold(self, on: bool) -> None:  # noqa: FBT001 - a Qt slot
        (self._unfolded.add if on else self._unfolded.discard)(self._event.id)
        if self._facts is None and on:
            self._facts = fact_grid(self._look, _flat(self._event.data))
            self._facts.setContentsMargins(self._look.px(100), 0, 0, self._look.px(SPACE_S))
            self._box.addWidget(self._facts)
        if self._facts is not None:
            self._facts.setVisible(on)


def _flat(data: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    """Nested facts as one list of names and texts."""
    made: list[tuple[str, str]] = []
    for name, value in data.items():
        if name == "fields" and not prefix and isinstance(value, Mapping):
            made.extend((f"DE {number}", str(value[number])) for number in _in_order(value))
        elif isinstance(value, Mapping):
            made.extend(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            made.append((prefix + name, ", ".join(str(one) for one in value)))
        else:
            made.append((prefix + name, "-" if value is None else str(value)))
    return made


def _in_order(fields: Mapping[str, object]) -> list[str]:
    """Data elements by number, as ISO 8583 counts them."""
    return sorted(fields, key=lambda number: (not number.isdecimal(), number.zfill(4)))


def fact_grid(look: Look, facts: Sequence[tuple[str, str]], columns: int = 1) -> QWidget:
    """Names and values in pairs; values can be selected and break anywhere."""
    holder = QWidget()
    grid = QGridLayout(holder)
    tight(grid, look.px(SPACE_XS))
    grid.setHorizontalSpacing(look.px(SPACE_M))
    lines = -(-len(facts) // columns)
    for index, (name, value) in enumerate(facts):
        place, line = divmod(index, max(1, lines))
        key = Label(look, "factName", size_px=TEXT_CAPTION_PX, tone="dim")
        key.setAlignment(Qt.AlignmentFlag.AlignTop)
        key.say(name.replace("_", " "))
        text = Label(look, "factValue", size_px=TEXT_CAPTION_PX, mono=True).wrapping()
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.say(breakable(value))
        grid.setColumnStretch(2 * place + 1, 1)
        grid.addWidget(key, line, 2 * place)
        grid.addWidget(text, line, 2 * place + 1)
    return holder


def breakable(value: str) -> str:
    """Long hexadecimal in pairs, so that it can break over lines."""
    longest = 48
    plain = value.replace(" ", "")
    if len(plain) <= longest or any(letter not in "0123456789abcdefABCDEF*•" for letter in plain):
        return value
    return " ".join(plain[index : index + 2] for index in range(0, len(plain), 2))


class LedgerTable(QWidget):
    """Debit and credit with the plain sentence under each, and the line that sums to zero."""

    def __init__(self, look: Look, entries: tuple[LedgerLine, ...], sum_text: str) -> None:
        super().__init__()
        self.setObjectName("ledgerLines")
        grid = QGridLayout(self)
        tight(grid, look.px(SPACE_XS))
        grid.setHorizontalSpacing(look.px(SPACE_L))
        grid.setColumnStretch(0, 1)
        for index, entry in enumerate(entries):
            line = 2 * index
            account = Label(look, f"ledger{index}_account", weight=MEDIUM).eliding()
            account.say(entry.account)
            side = Label(look, f"ledger{index}_side", size_px=TEXT_CAPTION_PX, tone="dim")
            side.say(entry.direction)
            amount = Label(look, f"ledger{index}_amount", tabular=True)
            amount.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            amount.say(entry.amount_text)
            words = Label(
                look, f"ledger{index}_sentence", size_px=TEXT_CAPTION_PX, tone="dim"
            ).wrapping()
            words.say(entry.sentence)
            for place, label in enumerate((account, side, amount)):
                grid.addWidget(label, line, place)
            grid.addWidget(words, line + 1, 0, 1, 3)
        last = 2 * len(entries)
        grid.addWidget(rule(look), last, 0, 1, 3)
        total = Label(look, "ledgerSum", weight=MEDIUM, tabular=True).wrapping()
        total.say(tr("payment.sum", sum=sum_text))
        grid.addWidget(total, last + 1, 0, 1, 3)


class PaymentView(QWidget):
    """The payment place."""

    def __init__(self, look: Look, lab: LabCommands) -> None:
        super().__init__()
        self.setObjectName("paymentPlace")
        self._look = look
        self._detail: PaymentDetail | None = None
        self._pages = QStackedWidget()
        tap = Button(look, "paymentEmptyTap", tr("console.last_tap.action"), kind="plain")
        tap.clicked.connect(lab.space)
        self._pages.addWidget(EmptyState(look, "paymentEmpty", tr("payment.empty"), tap))
        self._pair: QBoxLayout | None = None
        self._unfolded: set[str] = set()
        self._area = scroll(QWidget(), "paymentScroll")
        self._pages.addWidget(self._area)
        column(look, self).addWidget(self._pages)

    def show_detail(self, detail: PaymentDetail | None) -> None:
        """Draw the life of a payment, or say how to get one."""
        if detail == self._detail:
            return
        self._detail = detail
        self._pages.setCurrentIndex(0 if detail is None else 1)
        if detail is None:
            return
        content, at = QWidget(), self._area.verticalScrollBar().value()
        box = column(self._look, content, SPACE_S)
        box.addWidget(self._head(detail))
        self._pair = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        tight(self._pair, self._look.px(SPACE_S))
        self._pair.addWidget(self._steps(detail), 6)
        beside = column(self._look, None, SPACE_S)
        if detail.merchant_saw:
            beside.addWidget(self._merchant_view(detail))
        if detail.entries:
            ledger = Panel(self._look, "paymentLedger", tr("payment.ledger"))
            ledger.body.addWidget(LedgerTable(self._look, detail.entries, detail.sum_text))
            beside.addWidget(ledger)
        if detail.hops:
            beside.addWidget(self._times(detail))
        beside.addStretch(1)
        self._pair.addLayout(beside, 4)
        box.addLayout(self._pair)
        box.addStretch(1)
        self._arrange()
        self._area.setWidget(content)  # whole, so that nothing is seen half built
        self._area.verticalScrollBar().setValue(at)

    def _arrange(self) -> None:
        """Steps beside money and time where there is width, else above them."""
        if self._pair is not None:
            wide = self.width() >= self._look.px(BESIDE_FROM_PX)
            directions = QBoxLayout.Direction
            self._pair.setDirection(directions.LeftToRight if wide else directions.TopToBottom)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _head(self, detail: PaymentDetail) -> Panel:
        look, payment = self._look, detail.row
        panel = Panel(look, "paymentHead")
        line = row(look)
        amount = Label(look, "paymentAmount", size_px=TEXT_TITLE_PX, weight=BOLD, tabular=True)
        amount.say(payment.amount_text)
        mark = Shape(look, 12)
        mark.show_kind(payment.outcome.kind)
        outcome = Label(look, "paymentOutcome", size_px=TEXT_TITLE_PX, weight=MEDIUM).eliding()
        kind = payment.outcome.kind
        outcome.say(tell(payment.outcome), kind if kind != "neutral" else "text")
        when = Label(look, "paymentWhen", tone="dim", tabular=True)
        when.say(f"{payment.time_text} · {payment.card_text}")
        line.addWidget(amount)
        line.addWidget(mark)
        line.addWidget(outcome, 1)
        line.addWidget(when)
        panel.body.addLayout(line)
        beliefs = Label(look, "paymentBeliefs", tone="dim").wrapping()
        beliefs.say(
            tr(
                "payment.beliefs",
                phone=state_word(payment.phone),
                till=state_word(payment.till),
                bank=state_word(payment.bank),
            )
        )
        panel.body.addWidget(beliefs)
        if detail.facts:
            panel.body.addWidget(fact_grid(look, detail.facts, columns=FACT_COLUMNS))
        return panel

    def _merchant_view(self, detail: PaymentDetail) -> Panel:
        panel = Panel(self._look, "paymentMerchantView", tr("payment.merchant_view"))
        words = Label(self._look, "merchantViewWords", size_px=TEXT_CAPTION_PX, tone="dim")
        words.wrapping().say(tr("payment.merchant_view.words"))
        panel.body.addWidget(words)
        panel.body.addWidget(fact_grid(self._look, detail.merchant_saw))
        return panel

    def _times(self, detail: PaymentDetail) -> Panel:
        panel = Panel(self._look, "paymentTimes", tr("payment.times"))
        bar, table = WaterfallBar(self._look), HopTable(self._look)
        total_us = sum(hop.duration_us for hop in detail.hops)
        bar.show_hops(detail.hops, total_us, 0)
        table.show_hops(detail.hops)
        panel.body.addWidget(bar)
        panel.body.addWidget(table)
        return panel

    def _steps(self, detail: PaymentDetail) -> Panel:
        panel = Panel(self._look, "paymentSteps", tr("payment.steps"))
        panel.body.setSpacing(self._look.px(2))
        events = detail.events[:EVENTS_MAX]
        start_us = events[0].real_time_us if events else 0
        actor = ""
        for event in events:
            offset_us = event.real_time_us - start_us
            if actor and event.actor != actor:
                panel.body.addWidget(rule(self._look))
            named, actor = event.actor != actor, event.actor
            panel.body.addWidget(StepRow(self._look, event, offset_us, self._unfolded, named=named))
        if len(detail.events) > EVENTS_MAX:
            rest = Label(self._look, "stepsRest", tone="dim")
            rest.say(tr("payment.steps.rest", count=len(detail.events) - EVENTS_MAX))
            panel.body.addWidget(rest)
        panel.body.addStretch(1)  # what stands beside may be longer
        return panel
