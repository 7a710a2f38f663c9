"""What is particular to one kind of payment, inside the engine's one story.

The engine claims the key, stores the intent, calls, and stores the result, for every kind alike. A
`Sale` says who may pay, how the payment begins, how long the caller waits, and what the network is
asked. A tap is one (`taps`), a card that is not there is another (`gateway.card_payments`). Knows
no SQL, no message and no waiting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from backend.payments.records import Payment
from backend.runtime.events import Event
from backend.switch.answers import AuthorizationRequest, NetworkReference, NotSent

Tx_contra = TypeVar("Tx_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Intent:
    """What phase 1 gives a payment before anybody looks at who pays.

    Attributes:
        account: whose idempotency keys these are.
        request_hash: SHA-256 of the request's body.
        reference: how the network will know the payment for ever.
        at_us: lab time.
    """

    account: str
    key: str
    request_hash: bytes
    payment_id: str
    reference: NetworkReference
    at_us: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment as it begins.

    Attributes:
        refusal: why it ends before anything is sent; None when the network is to be asked.
        told: events that its door wrote in the same unit of work, to be published after it.
    """

    payment: Payment
    refusal: str | None = None
    told: tuple[Event, ...] = ()


class Sale(Protocol[Tx_contra]):
    """One payment's own part of the story."""

    @property
    def deadline_s(self) -> float:
        """How long the caller waits for the network, seconds."""

    def begin(self, tx: Tx_contra, intent: Intent) -> Begun:
        """The payment, in its intent's unit of work; what it raises undoes the intent."""

    def resume(self, tx: Tx_contra, payment: Payment) -> str | None:
        """Why what never left this process may not be sent again; None when it may."""

    async def request(self, payment: Payment) -> AuthorizationRequest | NotSent:
        """What the network is asked, after the intent is durable; `NotSent` when it cannot be."""
