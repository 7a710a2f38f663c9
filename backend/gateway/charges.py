"""A merchant's payments as charges, intents and refunds: found and shown, whoever made them.

Tills' payments and those of typed cards are the same rows of the same engine; here they are looked
up by the wire's identifiers and put together with what the merchant keeps beside them. Changes
nothing but such notes. Knows no SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, Protocol, TypeVar

from backend.gateway.balance_transactions import Books
from backend.gateway.intents import Intents, intent_of
from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.pages import Page
from backend.gateway.ports import GatewayRows
from backend.gateway.records import Refund
from backend.gateway.views.charges import ChargeParts, charge_json, payment_id_of
from backend.gateway.views.intents import intent_json, till_intent_json
from backend.gateway.views.refunds import refund_view
from backend.ledger.journal import Purpose
from backend.payments.ports import PaymentRows
from backend.payments.records import Channel, Payment

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
Json = dict[str, object]


class MerchantPayments(Protocol[Tx_contra]):
    """Lists of a merchant's payments and refunds."""

    def payments(
        self,
        tx: Tx_contra,
        merchant_id: str,
        page: Page,
        *,
        customer_id: str | None = None,
        intent_id: str | None = None,
        till_only: bool = False,
    ) -> list[Payment]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""

    def refunds(
        self, tx: Tx_contra, merchant_id: str, page: Page, payment_id: str | None = None
    ) -> list[Refund]:
        """At most `page.rows`, newest first; oldest first where `page.is_backwards`."""


@dataclass(frozen=True, slots=True)
class ChargePorts(Generic[Tx]):
    """Everything that charges are shown from.

    Attributes:
        is_disputed: whether a payment's cardholder ever disputed it.
    """

    payments: PaymentRows[Tx]
    refunds: GatewayRows[Tx]
    lists: MerchantPayments[Tx]
    objects: Objects[Tx]
    intents: Intents[Tx]
    books: Books[Tx]
    is_disputed: Callable[[Tx, str], bool]


class Charges(Generic[Tx]):
    """Finds and shows a merchant's payments.

    Attributes:
        lists: pages of payments and refunds.
    """

    def __init__(self, ports: ChargePorts[Tx]) -> None:
        self._ports = ports
        self.lists = ports.lists

    def payment(self, tx: Tx, merchant_id: str, identifier: str) -> Payment | None:
        """The payment behind a charge's identifier, or behind a till's intent's."""
        found = self._ports.payments.find_payment(tx, payment_id_of(identifier))
        return found if found is not None and found.merchant.id == merchant_id else None

    def show(self, tx: Tx, payment: Payment) -> Json:
        """A payment as its charge."""
        objects, merchant_id = self._ports.objects, payment.merchant.id
        intent_id = intent_of(payment)
        intent = None if intent_id is None else self._ports.intents.find(tx, merchant_id, intent_id)
        method = None
        if intent is not None:
            method_id = intent.text("payment_method") or intent.text("failed_method") or ""
            method = objects.find(tx, merchant_id, Kind.PAYMENT_METHOD, method_id)
        note_id = "ch_" + payment.id.removeprefix("pay_")
        note = objects.find(tx, merchant_id, Kind.CHARGE, note_id)
        disputed = self._ports.is_disputed(tx, payment.id)
        line = self._ports.books.id_of(tx, payment.id, Purpose.CAPTURE)
        return charge_json(ChargeParts(payment, intent, method, note, disputed, line))

    def find(self, tx: Tx, merchant_id: str, charge_id: str) -> Json | None:
        """A charge by its identifier."""
        payment = self.payment(tx, merchant_id, charge_id)
        return None if payment is None else self.show(tx, payment)

    def show_intent(self, tx: Tx, intent: Kept) -> Json:
        """An intent as it is now."""
        payment = None
        if intent.payment_id is not None:
            payment = self._ports.payments.find_payment(tx, intent.payment_id)
        return intent_json(intent, payment)

    def till_payment(self, tx: Tx, merchant_id: str, intent_id: str) -> Payment | None:
        """The till's or app's payment that is shown as this intent."""
        payment = self.payment(tx, merchant_id, intent_id)
        return None if payment is None or payment.channel is Channel.WEB else payment

    def show_till_intent(self, tx: Tx, payment: Payment) -> Json:
        """A till's payment as an intent."""
        note_id = "ch_" + payment.id.removeprefix("pay_")
        note = self._ports.objects.find(tx, payment.merchant.id, Kind.CHARGE, note_id)
        return till_intent_json(payment, note)

    def find_intent(self, tx: Tx, merchant_id: str, intent_id: str) -> Json | None:
        """An intent by its identifier, whoever's payment it is."""
        kept = self._ports.objects.find(tx, merchant_id, Kind.PAYMENT_INTENT, intent_id)
        if kept is not None:
            return self.show_intent(tx, kept)
        payment = self.till_payment(tx, merchant_id, intent_id)
        return None if payment is None else self.show_till_intent(tx, payment)

    def intents(
        self, tx: Tx, merchant_id: str, page: Page, customer_id: str | None
    ) -> list[tuple[str, Callable[[], Json]]]:
        """A page of intents, each with its identifier and how to show it, in the page's order."""
        kept = self._ports.objects.page(
            tx, merchant_id, Kind.PAYMENT_INTENT, page, customer_id=customer_id
        )
        found: list[tuple[str, Callable[[], Json]]] = [
            (each.id, partial(self.show_intent, tx, each)) for each in kept
        ]
        if customer_id is None:
            for payment in self.lists.payments(tx, merchant_id, page, till_only=True):
                own = "pi_" + payment.id.removeprefix("pay_")
                found.append((own, partial(self.show_till_intent, tx, payment)))
        found.sort(key=lambda each: each[0], reverse=not page.is_backwards)
        return found[: page.rows]

    def refund(self, tx: Tx, merchant_id: str, refund_id: str) -> tuple[Refund, Payment] | None:
        """A refund of this merchant, with its payment."""
        refund = self._ports.refunds.find_refund(tx, refund_id)
        if refund is None:
            return None
        payment = self._ports.payments.find_payment(tx, refund.payment_id)
        assert payment is not None, "a refund is of a payment"
        return (refund, payment) if payment.merchant.id == merchant_id else None

    def show_refund(self, tx: Tx, refund: Refund) -> Json:
        """A refund."""
        payment = self._ports.payments.find_payment(tx, refund.payment_id)
        assert payment is not None, "a refund is of a payment"
        note = self._ports.objects.find(tx, payment.merchant.id, Kind.REFUND, refund.id)
        line = self._ports.books.id_of_refund(tx, payment.id, refund.id)
        return refund_view(refund, payment, note, line)

    def find_refund(self, tx: Tx, merchant_id: str, refund_id: str) -> Json | None:
        """A refund by its identifier."""
        found = self.refund(tx, merchant_id, refund_id)
        return None if found is None else self.show_refund(tx, found[0])
