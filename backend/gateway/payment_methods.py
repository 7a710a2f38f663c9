"""Payment methods and tokens: a merchant's names for a card of the vault (C55).

A token (`tok_`) is used once; a payment method (`pm_`) is a customer's once it is attached, and of
no use to anybody else. Both point at a card of the vault and carry what everyone may know of it.
The published test names (`pm_card_visa`, `tok_visa`) stand for the published test numbers. Knows no
number beyond these, no SQL and no HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from backend.gateway.objects import Kept, Kind, Objects
from backend.runtime.errors import Conflict
from backend.runtime.events import Event
from backend.vault.cards import CardEntry, StoredCard

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
DETACHED = "detached"
ATTACHED = "attached"
FRESH = "fresh"
USED = "used"
NOBODY: Mapping[str, object] = {"name": None, "email": None, "phone": None, "address": None}
_TEST_YEARS_AHEAD = 8
_TEST_NUMBERS = {
    "visa": "4242424242424242",
    "mastercard": "5555555555554444",
    "amex": "378282246310005",
    "chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "createDispute": "4000000000000259",
    "authenticationRequired": "4000002500003155",
}


class Vault(Protocol[Tx_contra]):
    """Where a card's number goes."""

    def keep(self, tx: Tx_contra, merchant_id: str, entry: CardEntry) -> StoredCard:
        """Keep a card."""


class PaymentMethods(Generic[Tx]):
    """Makes, attaches and finds payment methods inside the caller's unit of work."""

    def __init__(self, objects: Objects[Tx], vault: Vault[Tx]) -> None:
        self._objects = objects
        self._vault = vault

    def create(
        self,
        tx: Tx,
        merchant_id: str,
        entry: CardEntry,
        billing: Mapping[str, object] = NOBODY,
        metadata: Mapping[str, str] | None = None,
    ) -> Kept:
        """A method for a card that was typed.

        Raises:
            BadRequest: `expired_card`, `invalid_expiry_year`.
        """
        data = {**self._card(tx, merchant_id, entry), "billing_details": dict(billing)}
        return self._add_method(tx, merchant_id, {**data, "metadata": dict(metadata or {})})

    def create_token(self, tx: Tx, merchant_id: str, entry: CardEntry) -> Kept:
        """A token for a card that was typed.

        Raises:
            BadRequest: `expired_card`, `invalid_expiry_year`.
        """
        data = self._card(tx, merchant_id, entry)
        token = self._objects.fresh(merchant_id, Kind.TOKEN, FRESH, data)
        self._objects.add(tx, token, None)
        return token

    def create_from_token(
        self,
        tx: Tx,
        merchant_id: str,
        token_id: str,
        billing: Mapping[str, object] = NOBODY,
        metadata: Mapping[str, str] | None = None,
    ) -> Kept:
        """A method for the card behind a token, which is used then.

        Raises:
            NotFound: `resource_missing`.
            Conflict: `token_already_used`.
        """
        more = {"billing_details": dict(billing), "metadata": dict(metadata or {})}
        name = token_id.removeprefix("tok_")
        if name in _TEST_NUMBERS:
            data = self._card(tx, merchant_id, self._test_card(name))
            return self._add_method(tx, merchant_id, {**data, **more})
        token = self._objects.get(tx, merchant_id, Kind.TOKEN, token_id)
        if token.state == USED:
            raise Conflict("token_already_used", "A token is used once.", field="source")
        self._objects.put(tx, replace(token, state=USED), None)
        return self._add_method(tx, merchant_id, {**token.data, **more})

    def get(self, tx: Tx, merchant_id: str, method_id: str) -> Kept:
        """A method of this merchant; a published test name makes a new one.

        Raises:
            NotFound: `resource_missing`.
        """
        name = method_id.removeprefix("pm_card_")
        if name != method_id and name in _TEST_NUMBERS:
            return self.create(tx, merchant_id, self._test_card(name))
        return self._objects.get(tx, merchant_id, Kind.PAYMENT_METHOD, method_id)

    def for_payment(
        self, tx: Tx, merchant_id: str, method_id: str, customer_id: str | None
    ) -> Kept:
        """A method that this customer, or nobody in particular, may pay with.

        Raises:
            NotFound: `resource_missing`.
            Conflict: `payment_method_customer_decline`: it is somebody else's.
        """
        method = self.get(tx, merchant_id, method_id)
        if method.customer_id is not None and method.customer_id != customer_id:
            raise Conflict(
                "payment_method_customer_decline",
                "This payment method belongs to a customer: name that customer.",
                field="payment_method",
            )
        return method

    def attach(self, tx: Tx, method: Kept, customer: Kept) -> tuple[Kept, tuple[Event, ...]]:
        """Make it a customer's; the same again changes nothing.

        Raises:
            Conflict: `payment_method_already_attached`.
        """
        if method.customer_id == customer.id:
            return method, ()
        if method.customer_id is not None:
            raise Conflict(
                "payment_method_already_attached", "This payment method has a customer.",
                field="customer",
            )  # fmt: skip
        attached = replace(method, customer_id=customer.id, state=ATTACHED)
        return self._put(tx, attached, "payment_method.attached")

    def detach(self, tx: Tx, method: Kept) -> tuple[Kept, tuple[Event, ...]]:
        """Take it from its customer.

        Raises:
            Conflict: `payment_method_not_attached`.
        """
        if method.customer_id is None:
            raise Conflict("payment_method_not_attached", "This payment method has no customer.")
        detached = replace(method, customer_id=None, state=DETACHED)
        return self._put(tx, detached, "payment_method.detached")

    def change(
        self, tx: Tx, method: Kept, fields: Mapping[str, object]
    ) -> tuple[Kept, tuple[Event, ...]]:
        """Change what it says besides the card."""
        return self._put(tx, method.with_data(**fields), "payment_method.updated")

    def _put(self, tx: Tx, method: Kept, happened: str) -> tuple[Kept, tuple[Event, ...]]:
        events = self._objects.put(tx, method, happened)
        return replace(method, version=method.version + 1), events

    def _add_method(self, tx: Tx, merchant_id: str, data: Mapping[str, object]) -> Kept:
        method = self._objects.fresh(merchant_id, Kind.PAYMENT_METHOD, DETACHED, data)
        self._objects.add(tx, method, None)
        return method

    def _card(self, tx: Tx, merchant_id: str, entry: CardEntry) -> dict[str, object]:
        card = self._vault.keep(tx, merchant_id, entry)
        facts = {
            "network": card.network,
            "last4": card.last4,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": card.fingerprint,
            "country": card.country,
        }
        checked = None if entry.cvc is None else "unchecked"
        return {"card_id": card.id, "card": facts, "cvc_check": checked}

    def _test_card(self, name: str) -> CardEntry:
        number = _TEST_NUMBERS[name]
        year = self._objects.year() + _TEST_YEARS_AHEAD
        return CardEntry(number, 12, year, "1234" if number.startswith("3") else "123")
