"""What the till shows of a sale that was made, and the table of what can be done with it.

Immutable values and one pure `advance`; knows no engine and no words' text. Only one order is under
way at a time; one whose answer was lost stays open until it was asked again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.pos.state import IDLE_MESSAGE
from lab.words import Message


class SaleStep(Enum):
    """Where the till stands with a chosen sale."""

    CLOSED = "closed"  # no sale is chosen: the keys are the next sale's
    CHOSEN = "chosen"
    AMOUNT = "amount"  # how much goes back is being typed
    WORKING = "working"  # the engine was asked
    DONE = "done"
    FAILED = "failed"  # refused, or it never left: nothing changed
    OPEN = "open"  # no answer: asked again with the same key, it is done once at most


class SaleEvent(Enum):
    """What can happen."""

    CHOOSE = "choose"
    CHOOSE_OPEN = "choose_open"
    ASK_AMOUNT = "ask_amount"
    ORDER = "order"
    DONE = "done"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    CLOSE = "close"


def _table() -> dict[tuple[SaleStep, SaleEvent], SaleStep]:
    step, event = SaleStep, SaleEvent
    table = {
        (step.CHOSEN, event.ASK_AMOUNT): step.AMOUNT,
        (step.DONE, event.ASK_AMOUNT): step.AMOUNT,
        (step.FAILED, event.ASK_AMOUNT): step.AMOUNT,
        (step.WORKING, event.DONE): step.DONE,
        (step.WORKING, event.REFUSED): step.FAILED,
        (step.WORKING, event.NO_ANSWER): step.OPEN,
    }
    for resting in set(step) - {step.WORKING}:
        table[resting, event.CHOOSE] = step.CHOSEN
        table[resting, event.CHOOSE_OPEN] = step.OPEN
        table[resting, event.ORDER] = step.WORKING
        table[resting, event.CLOSE] = step.CLOSED
    return table


TRANSITIONS = _table()


def advance(step: SaleStep, event: SaleEvent) -> SaleStep | None:
    """The next step, or None when `event` means nothing in `step`."""
    return TRANSITIONS.get((step, event))


@dataclass(frozen=True, slots=True)
class AfterSaleState:
    """Everything that the till shows of a chosen sale.

    Attributes:
        payment_id: the sale; "" for the end of the day.
        title_text: the sale's amount; `back_text` is what went back of it, "" for nothing.
        state: the sale's state, as lists show it.
        orders: what can be ordered now: "capture", "void", "refund".
        display_text: what stands on the display in the amount's place.
        headline: the display's line; `detail` the smaller one below.
        confirm: what the green key does: "refund", "repeat", or "" for nothing.
    """

    step: SaleStep = SaleStep.CLOSED
    payment_id: str = ""
    title_text: str = ""
    back_text: str = ""
    state: str = ""
    orders: tuple[str, ...] = ()
    display_text: str = ""
    headline: Message = IDLE_MESSAGE
    detail: Message | None = None
    confirm: str = ""
