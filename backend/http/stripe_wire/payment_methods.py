"""`/v1/payment_methods` and `/v1/tokens`: cards under names of the merchant's own."""

from __future__ import annotations

from dataclasses import dataclass

from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.payment_methods import PaymentMethods
from backend.gateway.views.customers import DELETED
from backend.gateway.views.payment_methods import payment_method_json, token_json
from backend.http.stripe_wire.addresses import read_billing
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.cards import card_error_of, read_card, read_card_or_token
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.runtime.errors import BadRequest
from backend.storage.database import Transaction

KINDS = frozenset({"card"})


@dataclass(frozen=True, slots=True)
class Methods:
    """The routes of payment methods and tokens."""

    objects: Objects[Transaction]
    methods: PaymentMethods[Transaction]

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/payment_methods/{id}"
        return Resource(
            (
                Route("POST", "/v1/payment_methods", Write(self.create)),
                Route("GET", "/v1/payment_methods", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("POST", f"{one}/attach", Write(self.attach)),
                Route("POST", f"{one}/detach", Write(self.detach)),
                Route("GET", "/v1/customers/{id}/payment_methods", Read(self.list_of_customer)),
                Route("GET", "/v1/customers/{id}/payment_methods/{method}", Read(self.of_customer)),
                Route("POST", "/v1/tokens", Write(self.create_token)),
                Route("GET", "/v1/tokens/{id}", Read(self.retrieve_token)),
            ),
            {"pm": self.find, "tok": self.find_token},
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """A payment method for a typed card, or for the card behind a token."""
        with call.params() as params:
            params.needed("type", params.choice("type", KINDS))
            method = self.read_new(call, tx, params)
        return Done(payment_method_json(method))

    def read_new(self, call: Call, tx: Transaction, params: Params) -> Kept:
        """The method that `card`, `billing_details` and `metadata` describe.

        Raises:
            WireError, BadRequest: a parameter is missing or the card cannot be.
        """
        billing, metadata = read_billing(params), params.metadata()
        card = read_card_or_token(params)
        if card is None:
            raise params.missing("card")
        try:
            if isinstance(card, str):
                return self.methods.create_from_token(tx, call.merchant.id, card, billing, metadata)
            return self.methods.create(tx, call.merchant.id, card, billing, metadata)
        except BadRequest as error:
            raise card_error_of(error) from None

    def read_named(
        self, call: Call, tx: Transaction, params: Params, customer_id: str | None
    ) -> str | None:
        """The method that `payment_method` names or `payment_method_data` describes.

        Raises:
            WireError, BadRequest: it is not there, or somebody else's.
        """
        method_id, group = params.text("payment_method"), params.group("payment_method_data")
        if group is not None:
            group.needed("type", group.choice("type", KINDS))
            return self.read_new(call, tx, group).id
        if method_id is None:
            return None
        return self.methods.for_payment(tx, call.merchant.id, method_id, customer_id).id

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change billing details or metadata."""
        method = self._get(call, tx)
        fields: dict[str, object] = {}
        with call.params() as params:
            if params.has("billing_details"):
                given = {k: v for k, v in read_billing(params).items() if v is not None}
                before = method.data["billing_details"]
                assert isinstance(before, dict), "billing details are a group"
                fields["billing_details"] = {**before, **given}
            metadata = params.metadata(method.metadata())
        if metadata is not None:
            fields["metadata"] = metadata
        changed, events = self.methods.change(tx, method, fields)
        return Done(payment_method_json(changed), events)

    def attach(self, call: Call, tx: Transaction) -> Done:
        """Make it a customer's."""
        with call.params() as params:
            customer_id = params.needed("customer", params.text("customer"))
        customer = live_customer(self.objects, call, tx, customer_id)
        method = self.methods.get(tx, call.merchant.id, call.ids["id"])
        attached, events = self.methods.attach(tx, method, customer)
        return Done(payment_method_json(attached), events)

    def detach(self, call: Call, tx: Transaction) -> Done:
        """Take it from its customer."""
        call.params().done()
        detached, events = self.methods.detach(tx, self._get(call, tx))
        return Done(payment_method_json(detached), events)

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One payment method."""
        call.params().done()
        return payment_method_json(self._get(call, tx))

    def list(self, call: Call, tx: Transaction) -> Json:
        """A customer's methods, newest first; without a customer all that were ever attached."""
        with call.params() as params:
            params.choice("type", KINDS)
            customer_id = params.text("customer")
            page = read_page(params)
        if customer_id is not None:
            live_customer(self.objects, call, tx, customer_id)
        rows = self.objects.page(
            tx, call.merchant.id, Kind.PAYMENT_METHOD, page,
            state=None if customer_id else "attached", customer_id=customer_id,
        )  # fmt: skip
        return list_json(call, page, rows, payment_method_json)

    def list_of_customer(self, call: Call, tx: Transaction) -> Json:
        """A customer's methods, newest first."""
        customer = live_customer(self.objects, call, tx, call.ids["id"], "id")
        with call.params() as params:
            params.choice("type", KINDS)
            page = read_page(params)
        rows = self.objects.page(
            tx, call.merchant.id, Kind.PAYMENT_METHOD, page, customer_id=customer.id
        )
        return list_json(call, page, rows, payment_method_json)

    def of_customer(self, call: Call, tx: Transaction) -> Json:
        """One of a customer's methods."""
        call.params().done()
        method_id = call.ids["method"]
        kept = self.objects.find(tx, call.merchant.id, Kind.PAYMENT_METHOD, method_id)
        if kept is None or kept.customer_id != call.ids["id"]:
            raise no_such("payment_method", method_id)
        return payment_method_json(kept)

    def create_token(self, call: Call, tx: Transaction) -> Done:
        """A token for a typed card."""
        with call.params() as params:
            entry = params.needed("card", read_card(params))
        try:
            token = self.methods.create_token(tx, call.merchant.id, entry)
        except BadRequest as error:
            raise card_error_of(error) from None
        return Done(token_json(token))

    def retrieve_token(self, call: Call, tx: Transaction) -> Json:
        """One token."""
        call.params().done()
        found = self.find_token(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such("token", call.ids["id"])
        return found

    def find(self, tx: Transaction, merchant_id: str, method_id: str) -> Json | None:
        """One payment method as its object."""
        kept = self.objects.find(tx, merchant_id, Kind.PAYMENT_METHOD, method_id)
        return None if kept is None else payment_method_json(kept)

    def find_token(self, tx: Transaction, merchant_id: str, token_id: str) -> Json | None:
        """One token as its object."""
        kept = self.objects.find(tx, merchant_id, Kind.TOKEN, token_id)
        return None if kept is None else token_json(kept)

    def _get(self, call: Call, tx: Transaction) -> Kept:
        kept = self.objects.find(tx, call.merchant.id, Kind.PAYMENT_METHOD, call.ids["id"])
        if kept is None:
            raise no_such("payment_method", call.ids["id"])
        return kept


def live_customer(
    objects: Objects[Transaction],
    call: Call,
    tx: Transaction,
    customer_id: str,
    param: str = "customer",
) -> Kept:
    """A customer that was not deleted.

    Raises:
        WireError: `resource_missing`.
    """
    kept = objects.find(tx, call.merchant.id, Kind.CUSTOMER, customer_id)
    if kept is None or kept.state == DELETED:
        raise no_such("customer", customer_id, param, 404 if param == "id" else 400)
    return kept
