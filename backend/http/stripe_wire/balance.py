"""`/v1/balance` and `/v1/balance_transactions`: a merchant's money, and what moved it."""

from __future__ import annotations

from dataclasses import dataclass

from backend.gateway.balance_transactions import TYPES, Books
from backend.gateway.views.balances import balance_json, balance_transaction_json
from backend.http.stripe_wire.call import Call, Json, Read, Resource, Route
from backend.http.stripe_wire.errors import no_such
from backend.http.stripe_wire.pages import list_json, read_page
from backend.settlement.payouts import Payouts
from backend.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class BalanceRoutes:
    """The routes of balances."""

    books: Books[Transaction]
    payouts: Payouts[Transaction]

    def resource(self) -> Resource:
        """What this module serves."""
        return Resource(
            (
                Route("GET", "/v1/balance", Read(self.balance)),
                Route("GET", "/v1/balance_transactions", Read(self.list)),
                Route("GET", "/v1/balance_transactions/{id}", Read(self.retrieve)),
                Route("GET", "/v1/balance/history", Read(self.list)),
                Route("GET", "/v1/balance/history/{id}", Read(self.retrieve)),
            ),
            {"txn": self.find},
        )

    def balance(self, call: Call, tx: Transaction) -> Json:
        """What is pending and what can be paid out, by currency."""
        call.params().done()
        found = self.payouts.balances(tx, call.merchant.id)
        return balance_json(found, call.merchant.settlement_currency)

    def list(self, call: Call, tx: Transaction) -> Json:
        """What moved the merchant's money, newest first; of one type or source, if named."""
        with call.params() as params:
            page = read_page(params)
            kind = params.choice("type", TYPES)
            currency = params.currency()
            source = params.text("source")
        wanted = {"kind": kind, "currency": currency, "source_id": source}
        filters = {name: value for name, value in wanted.items() if value is not None}
        found = self.books.page(tx, call.merchant.id, page, filters)
        return list_json(call, page, found, balance_transaction_json)

    def retrieve(self, call: Call, tx: Transaction) -> Json:
        """One balance transaction."""
        call.params().done()
        found = self.find(tx, call.merchant.id, call.ids["id"])
        if found is None:
            raise no_such("balance transaction", call.ids["id"])
        return found

    def find(self, tx: Transaction, merchant_id: str, identifier: str) -> Json | None:
        """One balance transaction, for `expand`."""
        line = self.books.find(tx, merchant_id, identifier)
        return None if line is None else balance_transaction_json(line)
