"""A tap, or a payment in an app, as a sale: a provisioned token pays, each counter once.

The counter (ATC) must lie above the token's watermark, unless the till declares the tap as stored
and forwarded; each (token, ATC) is reserved once. The reservation is never rolled back; it yields
only when the network says that the cryptogram behind it was forged. A token's digits pass through
and are not stored. Knows no SQL and no message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from backend.domain.pan import network_of
from backend.payments.exchange import request_for
from backend.payments.machine import State
from backend.payments.order import NfcOrder
from backend.payments.overruling import TOKEN_NOT_ACTIVE
from backend.payments.ports import PaymentRows, TokenDirectory
from backend.payments.records import KnownToken, Merchant, Payment
from backend.payments.sale import Begun, Intent
from backend.runtime.events import Event
from backend.switch.answers import AuthorizationRequest

Tx = TypeVar("Tx")
Admit = Callable[[Tx, str], tuple[Event, ...]]
"""What a door settles in the intent's unit of work, told the payment's identifier; the events that
it wrote there, to be published with the payment's own."""

CHANNEL_DEADLINE_S = 0.5  # the till hears "not completed" then
STORED_DEADLINE_S = 25.0  # nobody stands at the till and waits; shorter than the link's patience


@dataclass(frozen=True, slots=True)
class TapSale(Generic[Tx]):
    """One tap on its way through the engine.

    Attributes:
        fingerprint: keyed digest of the token's digits.
        admit: what the door has to settle in the intent's own unit of work; what it raises undoes
            the intent. Not asked for a known key.
        is_spent: whether SQL said already that the counter is not above the watermark, which never
            goes down.
    """

    order: NfcOrder
    fingerprint: bytes
    merchant: Merchant
    rows: PaymentRows[Tx]
    tokens: TokenDirectory[Tx]
    admit: Admit[Tx] | None = None
    is_spent: bool = False

    @property
    def deadline_s(self) -> float:
        """How long somebody stands at the till, seconds."""
        return STORED_DEADLINE_S if self.order.store_and_forward else CHANNEL_DEADLINE_S

    def begin(self, tx: Tx, intent: Intent) -> Begun:
        """Judge the token and reserve its counter."""
        told = () if self.admit is None else self.admit(tx, intent.payment_id)
        token = self.tokens.find(tx, self.fingerprint)
        if token is None:
            nobodys = self._payment(intent, None, network_of(self.order.token))
            return Begun(nobodys, "invalid_token", told)
        payment = self._payment(intent, token, token.network)
        refusal = _refusal_of(token)
        if refusal is None and (
            self.is_spent
            or not self.rows.reserve_atc(tx, payment, below_watermark=self.order.store_and_forward)
        ):
            refusal = "atc_replay"
        return Begun(payment, refusal, told)

    def resume(self, tx: Tx, payment: Payment) -> str | None:  # noqa: ARG002 - a port
        """Why the token may not pay any more; its counter is reserved already."""
        token = self.tokens.find(tx, self.fingerprint)
        return "invalid_token" if token is None else _refusal_of(token)

    async def request(self, payment: Payment) -> AuthorizationRequest:
        """Token and chip data, as the till brought them."""
        return request_for(self.order, payment)

    def _payment(self, intent: Intent, token: KnownToken | None, network: str | None) -> Payment:
        order = self.order
        return Payment(
            id=intent.payment_id,
            tap_id=order.tap_id,
            account=intent.account,
            key=intent.key,
            created_at_us=intent.at_us,
            updated_at_us=intent.at_us,
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
            reference=intent.reference,
            synthetic=order.synthetic,
            channel=order.channel,
        )


def _refusal_of(token: KnownToken) -> str | None:
    return None if token.status == "active" else TOKEN_NOT_ACTIVE
