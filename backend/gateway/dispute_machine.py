"""The states of a dispute and the one function that moves between them.

A table and pure functions. Every change appends an event whose kind is its happening, so the state
is also the fold of the dispute's events. How a dispute was lost (evidence not convincing, deadline
gone by, given up) is a fact of it, not a state. Knows no money, no network and no clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class DisputeState(Enum):
    """Where a dispute stands; the words of the wire."""

    NEEDS_RESPONSE = "needs_response"  # the amount and the fee are held; evidence may be handed in
    UNDER_REVIEW = "under_review"  # the network has the evidence and decides
    WON = "won"  # the money is the merchant's again, or never was in question
    LOST = "lost"  # the money is the cardholder's


class DisputeHappening(Enum):
    """What can happen to a dispute; the value is the kind of its event."""

    OPENED = "dispute.opened"
    SHIFTED = "dispute.shifted"  # the cardholder was authenticated: the issuer bears it
    UPDATED = "dispute.updated"
    SUBMITTED = "dispute.submitted"
    WON = "dispute.won"
    LOST = "dispute.lost"


DISPUTE_TRANSITIONS: dict[tuple[DisputeState | None, DisputeHappening], DisputeState] = {
    (None, DisputeHappening.OPENED): DisputeState.NEEDS_RESPONSE,
    (None, DisputeHappening.SHIFTED): DisputeState.WON,
    (DisputeState.NEEDS_RESPONSE, DisputeHappening.UPDATED): DisputeState.NEEDS_RESPONSE,
    (DisputeState.NEEDS_RESPONSE, DisputeHappening.SUBMITTED): DisputeState.UNDER_REVIEW,
    (DisputeState.NEEDS_RESPONSE, DisputeHappening.LOST): DisputeState.LOST,
    (DisputeState.UNDER_REVIEW, DisputeHappening.WON): DisputeState.WON,
    (DisputeState.UNDER_REVIEW, DisputeHappening.LOST): DisputeState.LOST,
}

HELD = frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.UNDER_REVIEW})
"""While a dispute is in one of these, the ledger holds its amount and its fee."""
CLOSED = frozenset({DisputeState.WON, DisputeState.LOST})


class IllegalDisputeTransition(AssertionError):
    """The program asked for a change that the table does not have."""


def can(state: DisputeState | None, happening: DisputeHappening) -> bool:
    """Whether `happening` is possible in `state`."""
    return (state, happening) in DISPUTE_TRANSITIONS


def advance(state: DisputeState | None, happening: DisputeHappening) -> DisputeState:
    """The state after `happening`.

    Raises:
        IllegalDisputeTransition: the table has no such change.
    """
    try:
        return DISPUTE_TRANSITIONS[state, happening]
    except KeyError:
        where = "nothing" if state is None else state.value
        raise IllegalDisputeTransition(f"{happening.value} cannot happen to {where}") from None


def replay(happenings: Iterable[DisputeHappening]) -> DisputeState | None:
    """The state as the fold of everything that happened, None for no events.

    Raises:
        IllegalDisputeTransition: the story is impossible.
    """
    state: DisputeState | None = None
    for happening in happenings:
        state = advance(state, happening)
    return state
