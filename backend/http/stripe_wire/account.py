"""`/v1/account`: the merchant whose key it is."""

from __future__ import annotations

from backend.gateway.views.accounts import account_json
from backend.http.stripe_wire.call import Call, Json, Read, Resource, Route
from backend.storage.database import Transaction


def account_resource() -> Resource:
    """The routes."""
    return Resource((Route("GET", "/v1/account", Read(_retrieve)),))


def _retrieve(call: Call, _tx: Transaction) -> Json:
    call.params().done()
    return account_json(call.merchant)
