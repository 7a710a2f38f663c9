"""The states of a payment intent and the one function that moves between them.

A table and pure functions, with the wire's own words for states and for what happened (the kind of
the event). A payment has a table of its own (`payments.machine`); `happening_of` says what a change
of the payment is to its intent. Knows no database and no network.
"""

from __future__ import annotations

from enum import Enum

from backend.payments import machine
from backend.runtime.errors import Conflict


class IntentState(Enum):
    """Where an intent stands."""

    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"  # the cardholder has to prove who they are
    PROCESSING = "processing"  # a request is on its way, or nobody knows what became of it
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"


class Happening(Enum):
    """What can happen to an intent; the value is the kind of its event."""

    CREATED = "payment_intent.created"
    CREATED_WITH_METHOD = "payment_intent.created_with_method"
    METHOD_GIVEN = "payment_intent.method_given"
    METHOD_TAKEN = "payment_intent.method_taken"
    CONFIRMED = "payment_intent.confirmed"
    ACTION_REQUIRED = "payment_intent.requires_action"
    UNKNOWN = "payment_intent.processing"
    APPROVED = "payment_intent.approved"  # to be captured at once
    HELD = "payment_intent.amount_capturable_updated"  # to be captured when the merchant says so
    FAILED = "payment_intent.payment_failed"
    CAPTURED = "payment_intent.succeeded"
    CANCELED = "payment_intent.canceled"


_S, _H = IntentState, Happening

TRANSITIONS: dict[tuple[IntentState | None, Happening], IntentState] = {
    (None, _H.CREATED): _S.REQUIRES_PAYMENT_METHOD,
    (None, _H.CREATED_WITH_METHOD): _S.REQUIRES_CONFIRMATION,
    (_S.REQUIRES_PAYMENT_METHOD, _H.METHOD_GIVEN): _S.REQUIRES_CONFIRMATION,
    (_S.REQUIRES_CONFIRMATION, _H.METHOD_TAKEN): _S.REQUIRES_PAYMENT_METHOD,
    (_S.REQUIRES_CONFIRMATION, _H.CONFIRMED): _S.PROCESSING,
    (_S.REQUIRES_CONFIRMATION, _H.ACTION_REQUIRED): _S.REQUIRES_ACTION,
    (_S.REQUIRES_ACTION, _H.CONFIRMED): _S.PROCESSING,
    (_S.REQUIRES_ACTION, _H.FAILED): _S.REQUIRES_PAYMENT_METHOD,
    (_S.PROCESSING, _H.UNKNOWN): _S.PROCESSING,
    (_S.PROCESSING, _H.APPROVED): _S.REQUIRES_CAPTURE,
    (_S.PROCESSING, _H.HELD): _S.REQUIRES_CAPTURE,
    (_S.PROCESSING, _H.FAILED): _S.REQUIRES_PAYMENT_METHOD,
    (_S.REQUIRES_CAPTURE, _H.CAPTURED): _S.SUCCEEDED,
    (_S.REQUIRES_PAYMENT_METHOD, _H.CANCELED): _S.CANCELED,
    (_S.REQUIRES_CONFIRMATION, _H.CANCELED): _S.CANCELED,
    (_S.REQUIRES_ACTION, _H.CANCELED): _S.CANCELED,
    (_S.REQUIRES_CAPTURE, _H.CANCELED): _S.CANCELED,
}

OPEN = frozenset({_S.REQUIRES_PAYMENT_METHOD, _S.REQUIRES_CONFIRMATION, _S.REQUIRES_ACTION})


class UnexpectedState(Conflict):
    """The intent is in a state that forbids what is asked."""

    def __init__(self, state: IntentState | None, what: str) -> None:
        where = "new" if state is None else state.value
        super().__init__(
            "payment_intent_unexpected_state",
            f"This PaymentIntent cannot be {what}: its status is {where}.",
        )


def can(state: IntentState | None, happening: Happening) -> bool:
    """Whether `happening` is possible in `state`."""
    return (state, happening) in TRANSITIONS


def advance(state: IntentState | None, happening: Happening) -> IntentState:
    """The state after `happening`.

    Raises:
        UnexpectedState: the table has no such change.
    """
    try:
        return TRANSITIONS[state, happening]
    except KeyError:
        raise UnexpectedState(state, happening.value.rpartition(".")[2]) from None


def happening_of(happened: machine.Happening, *, captures_at_once: bool) -> Happening | None:
    """What a change of the payment is to its intent; None for what the intent does not hear."""
    match happened:
        case machine.Happening.APPROVED:
            return Happening.APPROVED if captures_at_once else Happening.HELD
        case machine.Happening.NO_ANSWER:
            return Happening.UNKNOWN
        case machine.Happening.CAPTURED:
            return Happening.CAPTURED
        case machine.Happening.VOIDED:
            return Happening.CANCELED
        case (
            machine.Happening.DECLINED
            | machine.Happening.NOT_SENT
            | machine.Happening.APPROVAL_TOO_LATE
            | machine.Happening.NO_TRACE
            | machine.Happening.REVERSED
        ):
            return Happening.FAILED  # nobody pays, whatever becomes of the cure
        case _:
            return None


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2"]
    for (before, happening), after in TRANSITIONS.items():
        start = "[*]" if before is None else before.value
        lines.append(f"    {start} --> {after.value}: {happening.value.rpartition('.')[2]}")
    lines += [f"    {state.value} --> [*]" for state in (_S.SUCCEEDED, _S.CANCELED)]
    return "\n".join(lines) + "\n"
