"""The gateway's rows as values: refunds, and advices that a network has yet to take note of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from backend.switch.answers import NetworkReference


class RefundState(Enum):
    """Where a refund stands."""

    PENDING = "pending"  # booked here; the network has not taken note yet
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the network refused it: booked back


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back to a card.

    Attributes:
        id: "re_…".
        fee_returned_minor: how much of the fee goes back with it.
        reason: the merchant's words, if any.
        failure: why the network refused, when it did.
    """

    id: str
    payment_id: str
    amount_minor: int
    fee_returned_minor: int
    reason: str | None
    state: RefundState
    created_at_us: int
    completed_at_us: int | None = None
    failure: str | None = None


class AdviceKind(Enum):
    """What a network is told after a sale."""

    COMPLETION = "completion"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Advice:
    """Something that a network has to be told until it takes note (ISO 8583 0220).

    Attributes:
        id: 0 before it is stored.
        refund_id: which refund, or which lost dispute ("dp_…"); None for a completion.
        own: its own reference, the same on every repeat.
        tries: how often it was told and not answered.
    """

    id: int
    payment_id: str
    kind: AdviceKind
    refund_id: str | None
    amount_minor: int
    own: NetworkReference
    due_at_us: int
    tries: int = 0
