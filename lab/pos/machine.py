"""The till's state machine: one table, one pure `advance`.

Knows no reader, no engine and no words. What is not in the table cannot happen: a key pressed at
the wrong moment is not an error, it does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from lab.pos.state import PosPhase


class PosEvent(Enum):
    """What can happen to a sale."""

    AMOUNT_TYPED = "amount_typed"
    AMOUNT_CLEARED = "amount_cleared"
    CHARGE = "charge"
    CANCEL = "cancel"
    CARD_IN_FIELD = "card_in_field"
    CARD_READ = "card_read"
    APPROVED_OFFLINE = "approved_offline"
    APPROVED = "approved"
    STORED = "stored"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    TRY_AGAIN = "try_again"
    OTHER_CARD = "other_card"
    SEE_PHONE = "see_phone"
    TWO_CARDS = "two_cards"
    NOBODY_CAME = "nobody_came"
    OUT_OF_REACH = "out_of_reach"
    LATE_APPROVED = "late_approved"
    LATE_NOT_PAID = "late_not_paid"


RESTING = frozenset(PosPhase) - {PosPhase.PRESENT, PosPhase.READING, PosPhase.AUTHORIZING}
KEEPS_AMOUNT = frozenset(
    {
        PosPhase.AMOUNT,
        PosPhase.TRY_AGAIN,
        PosPhase.OTHER_CARD,
        PosPhase.SEE_PHONE,
        PosPhase.ONE_CARD,
        PosPhase.TIMED_OUT,
        PosPhase.FAILED,
        PosPhase.DECLINED,
    }
)


def _table() -> dict[tuple[PosPhase, PosEvent], PosPhase]:
    phase, event = PosPhase, PosEvent
    table = {
        (phase.PRESENT, event.CANCEL): phase.AMOUNT,
        (phase.PRESENT, event.NOBODY_CAME): phase.TIMED_OUT,
        (phase.PRESENT, event.TWO_CARDS): phase.ONE_CARD,
        (phase.PRESENT, event.TRY_AGAIN): phase.TRY_AGAIN,
        (phase.PRESENT, event.OUT_OF_REACH): phase.FAILED,
        (phase.PRESENT, event.CARD_IN_FIELD): phase.READING,
        (phase.READING, event.CARD_READ): phase.AUTHORIZING,
        (phase.READING, event.APPROVED_OFFLINE): phase.APPROVED,
        (phase.READING, event.DECLINED): phase.DECLINED,
        (phase.READING, event.TRY_AGAIN): phase.TRY_AGAIN,
        (phase.READING, event.OTHER_CARD): phase.OTHER_CARD,
        (phase.READING, event.SEE_PHONE): phase.SEE_PHONE,
        (phase.READING, event.TWO_CARDS): phase.ONE_CARD,
        (phase.READING, event.OUT_OF_REACH): phase.FAILED,
        (phase.AUTHORIZING, event.APPROVED): phase.APPROVED,
        (phase.AUTHORIZING, event.STORED): phase.STORED,
        (phase.AUTHORIZING, event.DECLINED): phase.DECLINED,
        (phase.AUTHORIZING, event.NO_ANSWER): phase.NOT_COMPLETED,
        (phase.AUTHORIZING, event.OUT_OF_REACH): phase.FAILED,
        (phase.STORED, event.LATE_APPROVED): phase.APPROVED,
        (phase.STORED, event.LATE_NOT_PAID): phase.DECLINED,
        (phase.FAILED, event.LATE_APPROVED): phase.APPROVED,
        (phase.NOT_COMPLETED, event.LATE_APPROVED): phase.APPROVED,
        (phase.NOT_COMPLETED, event.LATE_NOT_PAID): phase.DECLINED,
    }
    for resting in RESTING:
        table[resting, event.AMOUNT_TYPED] = phase.AMOUNT
        table[resting, event.AMOUNT_CLEARED] = phase.IDLE
        table[resting, event.CANCEL] = phase.IDLE
    for priced in KEEPS_AMOUNT:
        table[priced, event.CHARGE] = phase.PRESENT
    return table


TRANSITIONS: Mapping[tuple[PosPhase, PosEvent], PosPhase] = _table()


def advance(phase: PosPhase, event: PosEvent) -> PosPhase | None:
    """The next phase, or None when `event` means nothing in `phase`."""
    return TRANSITIONS.get((phase, event))
