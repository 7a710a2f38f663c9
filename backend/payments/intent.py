"""What phase 1 of a payment takes into its unit of work, and what a known key answers.

Values and pure functions; knows no store and no network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.payments.idempotency import KeyInFlight, KeyMismatch, Reply
from backend.payments.machine import State
from backend.payments.order import NfcOrder
from backend.payments.records import KeyRecord, KeyState, KnownToken, Merchant, Payment
from backend.switch.answers import NetworkReference

Tx = TypeVar("Tx")
Admit = Callable[[Tx, str], None]
"""What a door settles in the intent's unit of work, told the payment's identifier."""


@dataclass(frozen=True, slots=True)
class Intent(Generic[Tx]):
    """What phase 1 takes into its unit of work.

    Attributes:
        reference: for the network; None for a counter that is certainly used up, which is refused.
    """

    order: NfcOrder
    account: str
    key: str
    request_hash: bytes
    fingerprint: bytes
    payment_id: str
    merchant: Merchant
    reference: NetworkReference | None
    at_us: int
    admit: Admit[Tx] | None = None

    def payment(self, token: KnownToken | None, *, network: str | None) -> Payment:
        """The payment as it begins."""
        order = self.order
        return Payment(
            id=self.payment_id,
            tap_id=order.tap_id,
            account=self.account,
            key=self.key,
            created_at_us=self.at_us,
            updated_at_us=self.at_us,
            version=1,
            state=State.AUTHORIZING,
            network=network,
            token_ref=None if token is None else token.token_ref,
            card_id=None if token is None else token.card_id,
            user_id=None if token is None else token.user_id,
            last4=None if token is None else token.last4,
            atc=order.atc,
            amount_minor=order.amount_minor,
            currency=order.currency,
            merchant=self.merchant,
            terminal_id=order.terminal_id,
            reference=self.reference,
            synthetic=order.synthetic,
            channel=order.channel,
        )


def replay_of(known: KeyRecord, request_hash: bytes) -> Reply | None:
    """What a known key answers; None where nothing left this process and it may be tried again."""
    if known.request_hash != request_hash:
        raise KeyMismatch
    match known.state:
        case KeyState.IN_FLIGHT:
            raise KeyInFlight
        case KeyState.PENDING | KeyState.FINAL:
            return reply_of(known)
        case KeyState.RELEASED:
            return None


def reply_of(known: KeyRecord) -> Reply:
    """The answer that a key has, as a replay."""
    assert known.status is not None, "an answered key has its answer"
    assert known.body is not None, "an answered key has its answer"
    return Reply(known.status, known.body, replayed=True)
