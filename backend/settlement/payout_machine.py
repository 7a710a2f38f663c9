"""The states of a payout and the one function that moves between them.

A table and a pure function. A payout's money leaves the merchant's balance when it is created and
comes back exactly once, when it is canceled or returned; both are final.
"""

from __future__ import annotations

from enum import Enum

from backend.settlement.records import PayoutState


class PayoutHappening(Enum):
    """What can happen to a payout; the value is the kind of its event."""

    CREATED = "payout.created"
    SENT = "payout.sent"
    PAID = "payout.paid"
    FAILED = "payout.failed"
    CANCELED = "payout.canceled"


TRANSITIONS: dict[tuple[PayoutState | None, PayoutHappening], PayoutState] = {
    (None, PayoutHappening.CREATED): PayoutState.PENDING,
    (PayoutState.PENDING, PayoutHappening.SENT): PayoutState.IN_TRANSIT,
    (PayoutState.PENDING, PayoutHappening.CANCELED): PayoutState.CANCELED,
    (PayoutState.IN_TRANSIT, PayoutHappening.PAID): PayoutState.PAID,
    (PayoutState.IN_TRANSIT, PayoutHappening.FAILED): PayoutState.FAILED,
}
COMES_BACK = frozenset({PayoutHappening.FAILED, PayoutHappening.CANCELED})


def can(state: PayoutState | None, happening: PayoutHappening) -> bool:
    """Whether `happening` is possible in `state`."""
    return (state, happening) in TRANSITIONS


def advance(state: PayoutState | None, happening: PayoutHappening) -> PayoutState:
    """The state after `happening`, which the table must have."""
    assert can(state, happening), f"{happening.value} cannot happen to {state}"
    return TRANSITIONS[state, happening]
