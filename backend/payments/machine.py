"""The states of a payment and the one function that moves between them.

A table and pure functions; knows no database, no network and no clock. Every change appends an
event that names its happening, so the state is also the fold of the payment's events (`replay`).
The diagram in the README is drawn from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum


class State(Enum):
    """Where a payment stands."""

    AUTHORIZING = "authorizing"  # the intent is stored; a request may be on its way
    APPROVED = "approved"  # the issuer holds the money and the till was told in time
    DECLINED = "declined"  # a final no, from the issuer or from us
    NOT_SENT = "not_sent"  # nothing left this process; the same key may try again
    UNKNOWN = "unknown"  # a request left and nobody here knows what became of it
    REVERSING = "reversing"  # there may be a hold that must go; until the network says so
    REVERSED = "reversed"  # the network acknowledged that no hold is left
    CAPTURED = "captured"  # the merchant took the money that was held, or a part of it


class Happening(Enum):
    """What can happen to a payment; the value is the kind of its event."""

    CREATED = "payment.created"
    APPROVED = "payment.approved"
    DECLINED = "payment.declined"
    NOT_SENT = "payment.not_sent"
    SENT_AGAIN = "payment.sent_again"
    NO_ANSWER = "payment.no_answer"
    APPROVAL_TOO_LATE = "payment.approval_too_late"
    NO_TRACE = "payment.no_trace"
    REVERSED = "payment.reversed"
    CAPTURED = "payment.captured"
    VOIDED = "payment.voided"
    REFUNDED = "payment.refunded"
    REFUND_FAILED = "payment.refund_failed"


TRANSITIONS: dict[tuple[State | None, Happening], State] = {
    (None, Happening.CREATED): State.AUTHORIZING,
    (State.AUTHORIZING, Happening.APPROVED): State.APPROVED,
    (State.AUTHORIZING, Happening.DECLINED): State.DECLINED,
    (State.AUTHORIZING, Happening.NOT_SENT): State.NOT_SENT,
    (State.AUTHORIZING, Happening.NO_ANSWER): State.UNKNOWN,
    (State.NOT_SENT, Happening.SENT_AGAIN): State.AUTHORIZING,
    (State.UNKNOWN, Happening.DECLINED): State.DECLINED,
    (State.UNKNOWN, Happening.APPROVAL_TOO_LATE): State.REVERSING,
    # The network has not seen it, but the request may still be under way: a reversal makes sure.
    (State.UNKNOWN, Happening.NO_TRACE): State.REVERSING,
    (State.UNKNOWN, Happening.REVERSED): State.REVERSED,
    (State.REVERSING, Happening.REVERSED): State.REVERSED,
    # An approval that arrives after the cure was begun or ended is cured again.
    (State.REVERSING, Happening.APPROVAL_TOO_LATE): State.REVERSING,
    (State.REVERSED, Happening.APPROVAL_TOO_LATE): State.REVERSING,
    (State.DECLINED, Happening.APPROVAL_TOO_LATE): State.REVERSING,
    # After the sale: the merchant takes the money, lets it go, or gives it back.
    (State.APPROVED, Happening.CAPTURED): State.CAPTURED,
    (State.APPROVED, Happening.VOIDED): State.REVERSING,
    (State.CAPTURED, Happening.REFUNDED): State.CAPTURED,
    (State.CAPTURED, Happening.REFUND_FAILED): State.CAPTURED,
}

FINAL = frozenset({State.APPROVED, State.DECLINED, State.REVERSED, State.CAPTURED})
UNSETTLED = frozenset({State.AUTHORIZING, State.UNKNOWN, State.REVERSING})
NEEDS_FOLLOW_UP = frozenset({State.UNKNOWN, State.REVERSING})


class IllegalTransition(AssertionError):
    """The program asked for a change that the table does not have."""


def can(state: State | None, happening: Happening) -> bool:
    """Whether `happening` is possible in `state`."""
    return (state, happening) in TRANSITIONS


def advance(state: State | None, happening: Happening) -> State:
    """The state after `happening`.

    Raises:
        IllegalTransition: the table has no such change.
    """
    try:
        return TRANSITIONS[state, happening]
    except KeyError:
        where = "nothing" if state is None else state.value
        raise IllegalTransition(f"{happening.value} cannot happen to {where}") from None


def replay(happenings: Iterable[Happening]) -> State | None:
    """The state as the fold of everything that happened, None for no events.

    Raises:
        IllegalTransition: the story is impossible.
    """
    state: State | None = None
    for happening in happenings:
        state = advance(state, happening)
    return state


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for (before, happening), after in TRANSITIONS.items():
        start = "[*]" if before is None else before.value
        lines.append(f"    {start} --> {after.value}: {happening.value.removeprefix('payment.')}")
    lines += [f"    {state.value} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines) + "\n"
