"""`/v1/customers`: made, shown, changed, deleted, listed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.gateway.objects import Kept, Kind, Objects
from backend.gateway.views.customers import DELETED, customer_json
from backend.http.stripe_wire.addresses import read_address, read_shipping
from backend.http.stripe_wire.call import Call, Done, Json, Read, Resource, Route, Write
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.http.stripe_wire.params import Params
from backend.storage.database import Transaction

LIVE = "live"
NAME_LENGTH_MAX = 256
EMAIL_LENGTH_MAX = 512
PHONE_LENGTH_MAX = 20
DESCRIPTION_LENGTH_MAX = 350


@dataclass(frozen=True, slots=True)
class Customers:
    """The routes of customers."""

    objects: Objects[Transaction]

    def resource(self) -> Resource:
        """What this module serves."""
        one = "/v1/customers/{id}"
        return Resource(
            (
                Route("POST", "/v1/customers", Write(self.create)),
                Route("GET", "/v1/customers", Read(self.list)),
                Route("GET", one, Read(self.retrieve)),
                Route("POST", one, Write(self.update)),
                Route("DELETE", one, Write(self.delete)),
            ),
            {"cus": self.find},
        )

    def create(self, call: Call, tx: Transaction) -> Done:
        """A new customer."""
        fields: dict[str, object] = {}
        with call.params() as params:
            _read(params, fields)
            fields["metadata"] = params.metadata() or {}
        kept = self.objects.fresh(call.merchant.id, Kind.CUSTOMER, LIVE, fields)
        return Done(customer_json(kept), self.objects.add(tx, kept, "customer.created"))

    def update(self, call: Call, tx: Transaction) -> Done:
        """Change what is given."""
        kept = self._live(call, tx)
        fields: dict[str, object] = {}
        with call.params() as params:
            _read(params, fields)
            metadata = params.metadata(kept.metadata())
        changed = kept.with_data(**fields)
        if metadata is not None:
            changed = changed.with_data(metadata=metadata)
        return Done(customer_json(changed), self.objects.put(tx, changed, "customer.updated"))

    def delete(self, call: Call, tx: Transaction) -> Done:
        """Let a customer go; payments stay, what was known of the person does not."""
        call.params().done()
        kept = self._live(call, tx)
        gone = replace(kept, state=DELETED, data={})
        return Done(customer_json(gone), self.objects.put(tx, gone, "customer.deleted"))

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One customer, or that it was deleted."""
        call.params().done()
        found = self.find(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such("customer", call.ids["id"])
        return found

    def list(self, call: Call, tx: Transaction) -> Json:
        """Customers, newest first."""
        with call.params() as params:
            page = read_page(params)
            email = params.text("email", length_max=EMAIL_LENGTH_MAX)
        rows = self.objects.page(tx, call.merchant.id, Kind.CUSTOMER, page, state=LIVE, email=email)
        return list_json(call, page, rows, customer_json)

    def find(self, tx: Transaction, merchant_id: str, customer_id: str) -> Json | None:
        """One customer as its object."""
        kept = self.objects.find(tx, merchant_id, Kind.CUSTOMER, customer_id)
        return None if kept is None else customer_json(kept)

    def _live(self, call: Call, tx: Transaction) -> Kept:
        kept = self.objects.find(tx, call.merchant.id, Kind.CUSTOMER, call.ids["id"])
        if kept is None or kept.state == DELETED:
            raise no_such("customer", call.ids["id"])
        return kept


def _read(params: Params, fields: dict[str, object]) -> None:
    params.into(fields, "name", length_max=NAME_LENGTH_MAX)
    params.into(fields, "email", length_max=EMAIL_LENGTH_MAX)
    params.into(fields, "phone", length_max=PHONE_LENGTH_MAX)
    params.into(fields, "description", length_max=DESCRIPTION_LENGTH_MAX)
    if params.has("address"):
        fields["address"] = read_address(params)
    if params.has("shipping"):
        fields["shipping"] = read_shipping(params)
