"""Payments with a card of the vault: typed once, never there.

Theory of operation. An order goes through the one engine that carries taps out: intent committed,
network called, result committed, with the same follow-ups, ledger and key table. What is particular
stands in `_CardSale`: the intent's unit of work takes the sealed record out of the vault and writes
down why; after the commit the vault seals the number for the card's network; the switch carries the
block unread. Where the vault cannot open a record, or the network's key cannot be had, nothing left
this process: the payment is NOT_SENT and the same key may try again. A customer waits before a
browser, not at a till, so the network has longer to answer.

Knows no card number, no SQL and no HTTP.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import orjson

from backend.domain.money import check_amount, is_currency
from backend.networks.issuing import ISSUER_PATIENCE_S
from backend.payments.engine import PaymentEngine
from backend.payments.machine import State
from backend.payments.ports import PaymentRows
from backend.payments.records import Channel, Merchant, Payment
from backend.payments.sale import Begun, Intent
from backend.runtime.errors import (
    BadRequest,
    MessageError,
    NotFound,
    StorageError,
    TransportError,
)
from backend.runtime.events import EventLog
from backend.runtime.store import Store
from backend.switch.answers import AuthorizationRequest, NotSent
from backend.vault.network_blocks import NetworkBlocks, Taken

Tx = TypeVar("Tx")
WEB_DEADLINE_S = ISSUER_PATIENCE_S + 2.0
"""A network that gives its issuer up says 91 itself: that answer is worth waiting for."""
NOT_SEALED = "not_sealed"
PURPOSE = "authorize"
_REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
NetworkKey = Callable[[str], Awaitable[dict[str, str]]]
"""A network's public key (JWK), asked of its token service."""


@dataclass(frozen=True, slots=True)
class CardOrder:
    """What a merchant wants paid with a card of the vault.

    Attributes:
        merchant: who is paid; the account of the key.
        key: idempotency key: the same order under it is carried out once.
        card_id: a card that this merchant keeps.
        amount_minor: above zero, at most twelve digits.
        currency: ISO 4217 letters.
        intent_id: the merchant's own story that this payment is a part of, for events and views.
    """

    merchant: Merchant
    key: str
    card_id: str
    amount_minor: int
    currency: str
    intent_id: str | None = None

    def __post_init__(self) -> None:
        """Judge what can be judged without a store.

        Raises:
            BadRequest: `amount_…`, `currency_unknown`, `intent_invalid`.
        """
        check_amount(self.amount_minor)
        if not is_currency(self.currency):
            raise BadRequest("currency_unknown", "no ISO 4217 currency", field="currency")
        if self.intent_id is not None and _REFERENCE.fullmatch(self.intent_id) is None:
            raise BadRequest("intent_invalid", "1 to 64 of A-Z 0-9 _.:-", field="intent_id")

    @property
    def digest(self) -> bytes:
        """What a second order under the same key must agree with."""
        said = [self.merchant.id, self.card_id, self.amount_minor, self.currency, self.intent_id]
        return hashlib.sha256(orjson.dumps(said)).digest()


@dataclass(frozen=True, slots=True)
class CardPaymentPorts(Generic[Tx]):
    """Everything that card payments take from outside.

    Attributes:
        network_key: asks a network for its public key.
    """

    store: Store[Tx]
    payments: PaymentRows[Tx]
    engine: PaymentEngine[Tx]
    blocks: NetworkBlocks[Tx]
    network_key: NetworkKey
    events: EventLog


class CardPayments(Generic[Tx]):
    """Has orders authorized."""

    def __init__(self, ports: CardPaymentPorts[Tx]) -> None:
        self._ports = ports
        self._network_keys: dict[str, Mapping[str, str]] = {}

    async def authorize(self, order: CardOrder) -> Payment:
        """Have an order authorized; asked again under its key, the payment as it stands.

        Returns:
            The payment: APPROVED, DECLINED (with reason and response code), UNKNOWN (it is being
            found out), or NOT_SENT (nothing left; the same key may try again). Later calls may see
            it further on its way.

        Raises:
            NotFound: `card_unknown`: absent, or another merchant's.
            BadRequest: the key cannot be; `KeyMismatch` for a key of another order.
            KeyInFlight: the first order with this key has no answer yet.
            StorageError: the database refused; if the intent was stored already, its outcome is
                unknown and will be cured.
        """
        sale = _CardSale(self, order)
        reply = await self._ports.engine.carry_out(
            sale, account=order.merchant.id, key=order.key, request_hash=order.digest
        )
        payment_id = orjson.loads(reply.body)["transactionId"]
        payment = self._ports.store.read(
            lambda tx: self._ports.payments.find_payment(tx, payment_id)
        )
        assert payment is not None, "payments are never removed"
        if payment.reason == NOT_SEALED:  # the network has another key by now
            self._network_keys.pop(payment.network_name, None)
        return payment

    def take(self, tx: Tx, order: CardOrder, payment_id: str) -> Taken:
        """The order's card, still sealed, and a line in the audit trail."""
        taken = self._ports.blocks.take(tx, order.card_id, purpose=PURPOSE, payment_id=payment_id)
        if taken is None or taken.card.merchant_id != order.merchant.id:
            raise NotFound("card_unknown", "no such card", field="card_id")
        return taken

    async def sealed(self, taken: Taken, payment: Payment) -> str | NotSent:
        """The card as its network alone can read it, for this payment."""
        network = taken.card.network
        try:
            key = self._network_keys.get(network)
            if key is None:
                key = self._network_keys[network] = await self._ports.network_key(network)
        except (TransportError, MessageError, NotFound):
            return NotSent("no_connection")
        try:
            return self._ports.blocks.seal(taken, key, payment.network_reference.rrn)
        except (StorageError, MessageError) as error:
            self._ports.events.emit(
                "vault.refused",
                actor="vault",
                payment_id=payment.id,
                data={"card_id": taken.card.id, "detail": str(error)},
            )
            return NotSent("vault_unavailable")


class _CardSale(Generic[Tx]):
    """One order on its way through the engine."""

    deadline_s = WEB_DEADLINE_S

    def __init__(self, cards: CardPayments[Tx], order: CardOrder) -> None:
        self._cards = cards
        self._order = order
        self._taken: Taken | None = None

    def begin(self, tx: Tx, intent: Intent) -> Begun:
        """The payment; its card is taken out of the vault in the same unit of work."""
        order = self._order
        taken = self._taken = self._cards.take(tx, order, intent.payment_id)
        return Begun(
            Payment(
                id=intent.payment_id,
                tap_id=order.intent_id,
                account=intent.account,
                key=intent.key,
                created_at_us=intent.at_us,
                updated_at_us=intent.at_us,
                version=1,
                state=State.AUTHORIZING,
                network=taken.card.network,
                token_ref=None,
                card_id=order.card_id,
                user_id=None,
                last4=taken.card.last4,
                atc=0,
                amount_minor=order.amount_minor,
                currency=order.currency,
                merchant=order.merchant,
                terminal_id=order.merchant.terminal_id,
                reference=intent.reference,
                synthetic=False,
                channel=Channel.WEB,
            )
        )

    def resume(self, tx: Tx, payment: Payment) -> None:
        """Nothing left this process the last time: the card is taken out once more."""
        self._taken = self._cards.take(tx, self._order, payment.id)

    async def request(self, payment: Payment) -> AuthorizationRequest | NotSent:
        """The card sealed for its network, and nothing else of it but its expiry."""
        taken = self._taken
        assert taken is not None, "taken in the intent's unit of work"
        sealed = await self._cards.sealed(taken, payment)
        if isinstance(sealed, NotSent):
            return sealed
        return AuthorizationRequest(
            payment_id=payment.id,
            tap_id=payment.tap_id,
            network=payment.network_name,
            reference=payment.network_reference,
            token="",
            expiry=taken.card.expiry,
            psn="",
            amount_minor=payment.amount_minor,
            currency=payment.currency,
            merchant_id=payment.merchant.id,
            merchant_name=payment.merchant.name,
            merchant_category=payment.merchant.category,
            terminal_id=payment.terminal_id,
            emv_data=b"",
            sealed_card=sealed,
            is_remote=True,
        )
